/* SPDX-License-Identifier: MIT */
/* Readiness and watchdog. */
#include "cli/service.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/number.h"

void cli_tell_ready(int fd)
{
	if (fd < 0)
		return;
	/* Whoever waited may have gone. */
	(void)ft_file_write(fd, "\n", 1);
	close(fd);
}

/* 0, or -1: no service manager asks for it. */
static int manager_address(struct sockaddr_un *ret, socklen_t *ret_len)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path ? strlen(path) : 0;

	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (len < 2 || len >= sizeof(ret->sun_path) || (path[0] != '/' && path[0] != '@'))
		return -1;
	memcpy(ret->sun_path, path, len);
	if (path[0] == '@')
		ret->sun_path[0] = '\0';
	*ret_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	return 0;
}

static void notify(const char *state, void *control, size_t control_len)
{
	struct iovec part = {(void *)state, strlen(state)};
	_cleanup_close_ int fd = -1;
	struct sockaddr_un addr;
	struct msghdr m = {.msg_name = &addr,
			   .msg_iov = &part,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = control_len};

	if (manager_address(&addr, &m.msg_namelen) < 0)
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		(void)sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void cli_notify(const char *state)
{
	notify(state, NULL, 0);
}

void cli_notify_fd(const char *state, int fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {.header = {.cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS,
				.cmsg_len = CMSG_LEN(sizeof(int))}};

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	notify(state, &control, sizeof(control));
}

int64_t cli_watchdog_ns(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	uint64_t n, owner;

	if (!usec || ft_number_parse(usec, INT64_MAX / FT_NSEC_PER_USEC, &n) < 0)
		return 0;
	if (pid &&
	    (ft_number_parse(pid, INT32_MAX, &owner) < 0 || (pid_t)owner != getpid()))
		return 0;
	/* Twice as often as asked. */
	return (int64_t)n * FT_NSEC_PER_USEC / 2;
}
