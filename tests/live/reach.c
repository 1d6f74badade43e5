/* SPDX-License-Identifier: MIT */
/*
 * Ways to reach a file: reach WAY PATH [ARGUMENT]. Prints what it has read and exits with
 * 0, or with the errno that it failed with; 125: this machine does not have the way. "--"
 * as first argument: the program that an attempt executes.
 */
#include "reach.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ia32.h"

int reach_absent(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(REACH_ABSENT);
}

/* ---- opening ---- */

int reach_plain(struct request *q)
{
	return reach_result(open(q->path, O_RDONLY));
}

static int for_writing(struct request *q)
{
	return reach_result(open(q->path, O_RDWR));
}

static int created(struct request *q)
{
	return reach_result(open(q->path, O_RDWR | O_CREAT, 0600));
}

static int truncated(struct request *q)
{
	return reach_result(open(q->path, O_RDWR | O_TRUNC));
}

/* From the directory that is the argument. */
static int resolved(struct request *q, uint64_t resolve)
{
	struct open_how how = {.flags = O_RDONLY, .resolve = resolve};
	int dir = open(q->argument, O_PATH | O_DIRECTORY);

	return reach_result(syscall(SYS_openat2, dir, q->path, &how, sizeof(how)));
}

static int beneath(struct request *q)
{
	return resolved(q, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

static int in_root(struct request *q)
{
	return resolved(q, RESOLVE_IN_ROOT | RESOLVE_NO_XDEV);
}

/* Its name is looked up before, so that it is there. */
static int cached(struct request *q)
{
	struct stat st;
	int dir = open(q->argument, O_PATH | O_DIRECTORY);

	(void)fstatat(dir, q->path, &st, 0);
	close(dir);
	return resolved(q, RESOLVE_CACHED);
}

static int reopened(struct request *q)
{
	int fd = open(q->path, O_PATH);
	char link[32];

	if (fd < 0)
		return -errno;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return reach_result(open(link, O_RDONLY));
}

static int by_handle(struct request *q)
{
	struct {
		struct file_handle h;
		unsigned char bytes[MAX_HANDLE_SZ];
	} handle = {.h.handle_bytes = MAX_HANDLE_SZ};
	int id, dir = open(q->argument, O_RDONLY | O_DIRECTORY);

	if (dir < 0 || name_to_handle_at(AT_FDCWD, q->path, &handle.h, &id, 0) < 0)
		return reach_absent("name_to_handle_at");
	return reach_result(open_by_handle_at(dir, &handle.h, O_RDONLY));
}

/* The argument is cloned, and attached nowhere. */
static int by_detached_mount(struct request *q)
{
	enum { OPEN_TREE_CLONED = 1 };
	int tree = (int)syscall(SYS_open_tree, AT_FDCWD, q->argument,
				OPEN_TREE_CLONED | O_CLOEXEC);

	if (tree < 0)
		return reach_absent("open_tree");
	return reach_result(openat(tree, q->path, O_RDONLY));
}

static int as_tmpfile_link(struct request *q)
{
	int fd = open(q->argument, O_TMPFILE | O_RDWR, 0600);
	char link[32];

	if (fd < 0)
		return reach_absent("O_TMPFILE");
	if (write(fd, "secret", 6) != 6)
		return -errno;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (linkat(AT_FDCWD, link, AT_FDCWD, q->path, AT_SYMLINK_FOLLOW) < 0)
		return -errno;
	return reach_result(open(q->path, O_RDONLY));
}

/* ---- by the system calls of 32-bit programs ---- */

static int as_ia32(struct request *q)
{
	int r = ia32_open(q->path);

	if (r != -ENOSYS)
		return r;
	errno = ENOSYS;
	return reach_absent("32-bit system calls");
}

/* ---- as somebody else ---- */

static void *run_as(void *data)
{
	struct request *q = data;
	long uid = atol(q->argument);

	/* The bare system call: of this thread alone. */
	if (syscall(SYS_setresuid, uid, uid, uid) < 0)
		q->result = -errno;
	else
		q->result = reach_plain(q);
	return NULL;
}

static int as_thread(struct request *q)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run_as, q) != 0)
		return reach_absent("thread");
	pthread_join(thread, NULL);
	return q->result;
}

static int as_fsuid(struct request *q)
{
	setfsuid((uid_t)atol(q->argument));
	return reach_plain(q);
}

/* ---- a long way down ---- */

enum { DEPTH = 30, NAME = 200 };

void reach_descend(const char *directory)
{
	char name[NAME + 1];

	memset(name, 'd', NAME);
	name[NAME] = '\0';
	if (chdir(directory) < 0)
		reach_absent("chdir");
	for (int i = 0; i < DEPTH; i++)
		if ((mkdir(name, 0755) < 0 && errno != EEXIST) || chdir(name) < 0)
			reach_absent("mkdir");
}

static int deep(struct request *q)
{
	reach_descend(q->argument);
	if (rename(q->path, "file") < 0)
		return reach_absent("rename");
	return reach_result(open("file", O_RDONLY));
}

/* ---- */

static const struct way {
	const char *name;
	int (*reach)(struct request *q);
} ways[] = {
	{"open", reach_plain},
	{"write", for_writing},
	{"create", created},
	{"trunc", truncated},
	{"beneath", beneath},
	{"in-root", in_root},
	{"cached", cached},
	{"reopen", reopened},
	{"handle", by_handle},
	{"detached", by_detached_mount},
	{"tmpfile", as_tmpfile_link},
	{"uring", reach_uring},
	{"uring-worker", reach_uring_worker},
	{"uring-poll", reach_uring_poll},
	{"thread", as_thread},
	{"fsuid", as_fsuid},
	{"forged-exe", reach_forged_exe},
	{"ia32", as_ia32},
	{"exec", reach_exec},
	{"exec-fd", reach_exec_fd},
	{"exec-link", reach_exec_link},
	{"exec-memory", reach_exec_memory},
	{"exec-unnamed", reach_exec_unnamed},
	{"exec-here", reach_exec_here},
	{"exec-deep", reach_exec_deep},
	{"deep", deep},
	{"race", reach_race},
};

static int reach(struct request *q, const char *name)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (strcmp(ways[i].name, name) == 0)
			return ways[i].reach(q);
	fprintf(stderr, "%s: no such way\n", name);
	exit(REACH_ABSENT);
}

int main(int argc, char **argv)
{
	struct request q = {.path = argc > 2 ? argv[2] : "",
			    .argument = argc > 3 ? argv[3] : ""};
	char buffer[4096];
	ssize_t n;
	int fd;

	if (argc < 2 || strcmp(argv[1], "--") == 0) {
		puts("executed");
		return 0;
	}
	fd = reach(&q, argv[1]);
	if (fd < 0)
		return -fd;
	n = read(fd, buffer, sizeof(buffer));
	if (n < 0)
		return errno;
	return fwrite(buffer, 1, (size_t)n, stdout) == (size_t)n ? 0 : EIO;
}
