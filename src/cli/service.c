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

void cli_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = -1;
	size_t len = path ? strlen(path) : 0;

	if (len < 2 || len >= sizeof(addr.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(addr.sun_path, path, len);
	if (path[0] == '@')
		addr.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT,
		     (struct sockaddr *)&addr,
		     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
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
