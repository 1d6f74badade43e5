/* SPDX-License-Identifier: MIT */
/* pull-reader: pulls events through the library and counts them, with their processes or
 * without. */
#include <err.h>
#include <errno.h>
#include <fantail.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>

struct counts {
	unsigned long long records, named, lost;
};

static struct fantail *open_session(const char *path, unsigned int flags)
{
	struct fantail *f = NULL;
	if (fantail_new(&f, flags) < 0)
		errx(1, "fantail_new");
	if (fantail_set_events(f, FANTAIL_OPEN | FANTAIL_CREATE) < 0 ||
	    fantail_add_path(f, path, FANTAIL_TREE, 0) < 0 || fantail_start(f) < 0)
		errx(1, "%s", fantail_error(f));
	return f;
}

static void drain(struct fantail *f, struct counts *counts)
{
	struct fantail_event *ev;
	int r;
	while ((r = fantail_next(f, &ev)) != 0) {
		if (r < 0)
			errx(1, "%s", fantail_error(f));
		if (r != 1)
			continue;
		if (fantail_event_kind(ev) == FANTAIL_KIND_LOST) {
			counts->lost++;
			continue;
		}
		counts->records++;
		counts->named += fantail_event_certainty(ev) == FANTAIL_CERTAINTY_EXACT;
	}
}

static int open_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (fd < 0)
		err(1, "signalfd");
	return fd;
}

int main(int argc, char **argv)
{
	if (argc != 3 ||
	    (strcmp(argv[1], "process") != 0 && strcmp(argv[1], "no-process") != 0))
		errx(2, "usage: pull-reader process|no-process PATH");
	bool is_named = !strcmp(argv[1], "process");
	struct fantail *f = open_session(argv[2], is_named ? 0 : FANTAIL_NO_PROCESS);
	struct pollfd fds[] = {
		{.fd = fantail_fd(f), .events = POLLIN},
		{.fd = open_signals(), .events = POLLIN},
	};
	struct counts counts = {0};
	printf("ready\n");
	fflush(stdout);
	while (!fds[1].revents) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			err(1, "poll");
		drain(f, &counts);
	}
	printf("records %llu named %llu lost %llu\n", counts.records, counts.named,
	       counts.lost);
	fantail_free(f);
	return 0;
}
