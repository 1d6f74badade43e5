/* SPDX-License-Identifier: MIT */
/*
 * A session inside an epoll loop that has other things to do: a timer that says how many
 * files were created, and standard input, whose end stops it.
 */
#include <errno.h>
#include <fantail.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct counter {
	struct fantail *session;
	int epoll;
	int timer;
	uint64_t created;
	uint64_t lost; /* records of which nothing is known */
};

/* Until there are none: only then does the descriptor become readable for the next one.
 */
static int take_events(struct counter *c)
{
	struct fantail_event *ev;
	int r;

	while ((r = fantail_next(c->session, &ev)) > 0) {
		if (fantail_event_kind(ev) == FANTAIL_KIND_EVENT)
			c->created++;
		else
			c->lost++;
	}
	if (r < 0)
		(void)fprintf(stderr, "epoll-loop: %s\n", fantail_error(c->session));
	return r;
}

static int report(const struct counter *c, const char *when)
{
	int n = printf("%s: %" PRIu64 " created%s\n", when, c->created,
		       c->lost > 0 ? ", and some that were not seen" : "");

	if (n >= 0 && fflush(stdout) == 0)
		return 0;
	perror("epoll-loop: standard output");
	return -1;
}

static int take_timer(struct counter *c)
{
	uint64_t expirations;

	if (read(c->timer, &expirations, sizeof(expirations)) < 0)
		return errno == EAGAIN ? 0 : -1;
	return report(c, "so far");
}

/* 1: at its end. */
static int take_input(void)
{
	char ignored[4096];
	ssize_t n = read(STDIN_FILENO, ignored, sizeof(ignored));

	if (n < 0)
		perror("epoll-loop: standard input");
	return n < 0 ? -1 : n == 0;
}

static int take(struct counter *c, int fd)
{
	if (fd == c->timer)
		return take_timer(c);
	return fd == STDIN_FILENO ? take_input() : take_events(c);
}

static int loop(struct counter *c)
{
	struct epoll_event ready;
	int r = 0;

	while (r == 0) {
		int n = epoll_wait(c->epoll, &ready, 1, -1);

		if (n < 0 && errno != EINTR) {
			perror("epoll-loop: epoll_wait");
			return -1;
		}
		if (n > 0)
			r = take(c, ready.data.fd);
	}
	if (r < 0)
		return r;
	/* What happened until now is still queued. */
	if (fantail_stop(c->session) < 0) {
		(void)fprintf(stderr, "epoll-loop: %s\n", fantail_error(c->session));
		return -1;
	}
	r = take_events(c);
	return r < 0 ? r : report(c, "in all");
}

static int start_session(struct counter *c, const char *path)
{
	int r = fantail_new(&c->session, FANTAIL_NO_PROCESS);

	if (r == 0)
		r = fantail_set_events(c->session, FANTAIL_CREATE);
	if (r == 0)
		r = fantail_add_path(c->session, path, FANTAIL_TREE, 0);
	if (r == 0)
		r = fantail_start(c->session);
	if (r < 0)
		(void)fprintf(stderr, "epoll-loop: %s\n", fantail_error(c->session));
	return r;
}

static int start_loop(struct counter *c)
{
	const struct itimerspec every_second = {{1, 0}, {1, 0}};
	int fds[3];

	c->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	c->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (c->timer < 0 || c->epoll < 0 ||
	    timerfd_settime(c->timer, 0, &every_second, NULL) < 0) {
		perror("epoll-loop");
		return -1;
	}
	fds[0] = fantail_fd(c->session);
	fds[1] = c->timer;
	fds[2] = STDIN_FILENO;
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		struct epoll_event ev = {.events = EPOLLIN, .data.fd = fds[i]};

		if (epoll_ctl(c->epoll, EPOLL_CTL_ADD, fds[i], &ev) < 0) {
			perror(fds[i] == STDIN_FILENO ? "epoll-loop: standard input"
						      : "epoll-loop: epoll_ctl");
			return -1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct counter c = {.epoll = -1, .timer = -1};
	int r;

	if (argc != 2) {
		(void)fputs("usage: epoll-loop PATH\n", stderr);
		return 2;
	}
	r = start_session(&c, argv[1]);
	if (r == 0)
		r = start_loop(&c);
	if (r == 0) {
		(void)fputs("watching\n", stderr);
		r = loop(&c);
	}
	if (c.epoll >= 0)
		(void)close(c.epoll);
	if (c.timer >= 0)
		(void)close(c.timer);
	(void)fantail_free(c.session);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
