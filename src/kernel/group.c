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

static int write_answer(int group, const void *answer, size_t size)
{
	ssize_t n;

	do {
		n = write(group, answer, size);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int ft_group_respond(int group, int fd, uint32_t response, uint32_t audit_rule)
{
	const struct ft_abi_response_audit answer = {
		.response = {.fd = fd, .response = response | FT_RESPONSE_INFO},
		.type = FT_RESPONSE_INFO_AUDIT_RULE,
		.len = sizeof(answer) - sizeof(answer.response),
		.rule = audit_rule,
		.subject_trust = FT_RESPONSE_TRUST_UNKNOWN,
		.object_trust = FT_RESPONSE_TRUST_UNKNOWN,
	};
	const struct ft_abi_response plain = {.fd = fd, .response = response};

	if ((response & FT_RESPONSE_AUDIT) && audit_rule > 0)
		return write_answer(group, &answer, sizeof(answer));
	return write_answer(group, &plain, sizeof(plain));
}

int ft_group_answer(int group, int fd, uint32_t response)
{
	int r = ft_group_respond(group, fd, response, 0);

	close(fd);
	return r;
}
