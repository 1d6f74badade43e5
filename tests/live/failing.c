/* SPDX-License-Identifier: MIT */
/*
 * Inside of another program: memory that runs out. $FAILING names a file with two
 * numbers: how many allocations there still are (below 0: any number), and how many there
 * were. Whoever else maps the file may set them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

struct state {
	_Atomic int left;
	_Atomic int done;
};

static struct state *state;

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("FAILING");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *map = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map != MAP_FAILED)
		state = map;
	close(fd);
}

static int is_there(void)
{
	if (!state)
		return 1;
	atomic_fetch_add(&state->done, 1);
	if (atomic_load(&state->left) < 0 || atomic_fetch_sub(&state->left, 1) > 0)
		return 1;
	atomic_store(&state->left, 0);
	errno = ENOMEM;
	return 0;
}

#pragma GCC visibility push(default)

void *malloc(size_t size)
{
	return is_there() ? __libc_malloc(size) : NULL;
}

void *calloc(size_t count, size_t size)
{
	return is_there() ? __libc_calloc(count, size) : NULL;
}

void *realloc(void *old, size_t size)
{
	return is_there() ? __libc_realloc(old, size) : NULL;
}
