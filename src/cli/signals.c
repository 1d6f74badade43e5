/* SPDX-License-Identifier: MIT */
/* Signals as something to read. */
#include "cli/signals.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>

#include "cli/message.h"

int cli_signals_open(const int *signals)
{
	sigset_t set;
	int fd = -1;

	sigemptyset(&set);
	for (; *signals; signals++)
		sigaddset(&set, *signals);
	/* A reader that has gone is an error of write, told as such. */
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == 0)
		fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd >= 0)
		return fd;
	fd = -errno;
	cli_error("signals: %s", strerror(-fd));
	return fd;
}

static void fill_ends(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
}

bool cli_signals_has_end(void)
{
	sigset_t set;

	return sigpending(&set) == 0 &&
	       (sigismember(&set, SIGINT) > 0 || sigismember(&set, SIGTERM) > 0);
}

bool cli_signals_take_end(void)
{
	const struct timespec at_once = {0};
	sigset_t set;

	fill_ends(&set);
	return sigtimedwait(&set, NULL, &at_once) > 0;
}

void cli_signals_release(void)
{
	sigset_t set;

	fill_ends(&set);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}
