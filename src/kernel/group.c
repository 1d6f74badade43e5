/* SPDX-License-Identifier: MIT */
/* Groups and marks. */
#include "kernel/group.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include "kernel/abi.h"

int ft_group_open(unsigned int flags, unsigned int event_f_flags)
{
	int fd = fanotify_init(flags | FT_INIT_CLOEXEC | FT_INIT_NONBLOCK, event_f_flags);

	return fd < 0 ? -errno : fd;
}

int ft_group_mark(int group, unsigned int flags, uint64_t mask, int dirfd,
		  const char *path)
{
	return fanotify_mark(group, flags, mask, dirfd, path) < 0 ? -errno : 0;
}

int ft_group_flush(int group, unsigned int type)
{
	return fanotify_mark(group, FT_MARK_FLUSH | type, 0, AT_FDCWD, NULL) < 0 ? -errno
										 : 0;
}

ssize_t ft_group_read(int group, void *buffer, size_t n)
{
	ssize_t r;

	do {
		r = read(group, buffer, n);
	} while (r < 0 && errno == EINTR);
	if (r < 0)
		return errno == EAGAIN ? 0 : -errno;
	return r;
}

int ft_group_answer(int group, int fd, uint32_t response)
{
	struct ft_abi_response answer = {.fd = fd, .response = response};
	ssize_t n;
	int r;

	do {
		n = write(group, &answer, sizeof(answer));
	} while (n < 0 && errno == EINTR);
	r = n < 0 ? -errno : 0;
	close(fd);
	return r;
}
