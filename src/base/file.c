/* SPDX-License-Identifier: MIT */
/* Small files read whole, descriptors written whole. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { CHUNK = 8192, LEAST_LINK = 256 };

static ssize_t read_again(int fd, void *data, size_t n)
{
	ssize_t r;

	do {
		r = read(fd, data, n);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

/* Files of /proc have no size beforehand and may be told in pieces: only a read of 0 is
 * their end. */
int ft_file_read_fd(int fd, size_t max, struct ft_bytes *out)
{
	char chunk[CHUNK];
	size_t before = out->len;

	for (;;) {
		ssize_t n = read_again(fd, chunk, sizeof(chunk));
		if (n < 0) {
			out->len = before;
			return (int)n;
		}
		if (n == 0)
			return out->failed;
		size_t left = max - (out->len - before);
		ft_bytes_put(out, chunk, (size_t)n < left ? (size_t)n : left);
		if (out->failed)
			return out->failed;
		if ((size_t)n > left)
			return -EFBIG;
	}
}

int ft_file_read(int dirfd, const char *path, size_t max, struct ft_bytes *out)
{
	_cleanup_close_ int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? -errno : ft_file_read_fd(fd, max, out);
}

/* The length of a link is not known before: a full buffer may be a cut one. */
int ft_file_readlink(int dirfd, const char *path, struct ft_bytes *out)
{
	ft_bytes_clear(out);
	for (size_t room = LEAST_LINK;; room *= 2) {
		int r = ft_bytes_reserve(out, room);
		if (r < 0)
			return r;
		ssize_t n = readlinkat(dirfd, path, out->data, room);
		if (n < 0)
			return -errno;
		if ((size_t)n < room) {
			out->len = n;
			ft_bytes_cstr(out);
			return 0;
		}
	}
}

static int wait_writable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	return poll(&p, 1, -1) < 0 && errno != EINTR ? -errno : 0;
}

/* Whoever shares the descriptor may have made it non-blocking: waits then. */
int ft_file_write(int fd, const void *data, size_t n)
{
	const char *p = data;

	while (n > 0) {
		ssize_t r = write(fd, p, n);
		if (r < 0 && errno == EAGAIN) {
			int w = wait_writable(fd);
			if (w < 0)
				return w;
			continue;
		}
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		p += r;
		n -= r;
	}
	return 0;
}

int ft_file_open_dir(int dirfd, const char *path)
{
	int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Not in every libc. */
static int open_resolving(int dir, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = {
		.flags = (uint64_t)(O_PATH | O_NOFOLLOW | O_CLOEXEC | flags),
		.resolve = resolve | RESOLVE_NO_SYMLINKS};
	long fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

int ft_file_open_cached(int dirfd, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC),
			       .resolve = RESOLVE_CACHED | resolve};
	long fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

int ft_file_open_below(int root, const char *path)
{
	return open_resolving(root, path, 0, RESOLVE_IN_ROOT);
}

enum { WITHIN = RESOLVE_BENEATH | RESOLVE_NO_XDEV };

/* So many components as one call takes. *path moves behind them; *dir becomes theirs,
 * which is owned: *owned is the same. */
static int enter_part(int *dir, int *owned, const char **path)
{
	char part[PATH_MAX];
	char *slash;
	int fd;

	memcpy(part, *path, sizeof(part) - 1);
	part[sizeof(part) - 1] = '\0';
	slash = strrchr(part, '/');
	if (!slash || slash == part)
		return -ENAMETOOLONG;
	*slash = '\0';
	fd = open_resolving(*dir, part, O_DIRECTORY, WITHIN);
	if (fd < 0)
		return fd;
	ft_cleanup_close(owned);
	*dir = *owned = fd;
	*path += slash - part + 1;
	*path += strspn(*path, "/");
	return 0;
}

int ft_file_open_within(int root, const char *path)
{
	_cleanup_close_ int owned = -1;
	int dir = root, r = 0;

	while (r == 0 && strlen(path) >= PATH_MAX)
		r = enter_part(&dir, &owned, &path);
	return r < 0 ? r : open_resolving(dir, *path ? path : ".", 0, WITHIN);
}

int ft_file_open_path(int dirfd, const char *path)
{
	int fd = openat(dirfd, path, O_PATH | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}
