/* SPDX-License-Identifier: MIT */
/* Records out of a session. */
#include "cli/loop.h"
#include "cli/message.h"

static void notice(void *data, const char *text)
{
	cli_error("%s", text);
}

static int tell(struct ft_session *s, int r)
{
	if (r < 0)
		cli_error("%s", ft_session_error(s));
	return r;
}

static int start(void *from)
{
	struct ft_session *s = from;

	s->notice = notice;
	return tell(s, ft_session_start(s));
}

static int get_fd(void *from)
{
	return ((struct ft_session *)from)->epoll;
}

static int next(void *from, struct ft_event **ret)
{
	return tell(from, ft_session_next(from, ret));
}

static bool may_wait(void *from)
{
	return ft_session_may_wait(from);
}

static int drain(void *from)
{
	return ft_session_drain(from);
}

static void stop(void *from)
{
	ft_session_stop(from);
}

static void ignore_file(void *from, int fd)
{
	ft_session_ignore_file(from, fd);
}

const struct cli_source cli_session_source = {
	.start = start,
	.fd = get_fd,
	.next = next,
	.may_wait = may_wait,
	.drain = drain,
	.stop = stop,
	.ignore_file = ignore_file,
};
