/* SPDX-License-Identifier: MIT */
/* Signals as something to read. */
#include "cli/signals.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/message.h"

enum { STACK_SIZE = 64 * 1024, LOOKS = 10, LOOK_MSEC = 100 };

static void fill_ending(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
}

/* Seen at every look: another one may have come in between. */
static bool is_left(struct pollfd *p)
{
	for (int i = 0; i < LOOKS; i++) {
		if (poll(p, 1, 0) <= 0)
			return false;
		(void)poll(NULL, 0, LOOK_MSEC);
	}
	return true;
}

/*
 * Who reads the signals may hang, by a filesystem whose server does not answer any more.
 * One that was left for so long it gets as a signal of its own, should it come back; the
 * next one is for this thread, and ends the program.
 */
static void *stand_by(void *data)
{
	int fd = (int)(intptr_t)data;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	struct signalfd_siginfo info;

	do {
		(void)poll(&p, 1, -1);
	} while (!is_left(&p) || read(fd, &info, sizeof(info)) != sizeof(info));
	(void)tgkill(getpid(), getpid(), (int)info.ssi_signo);
	close(fd);
	cli_signals_release();
	for (;;)
		pause();
	return NULL;
}

static int start_standing_by(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t set;
	int fd, r;

	fill_ending(&set);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	pthread_attr_init(&attr);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	/* A guard keeps all of it in memory. */
	(void)pthread_attr_setstacksize(&attr, STACK_SIZE);
	r = pthread_create(&thread, &attr, stand_by, (void *)(intptr_t)fd);
	pthread_attr_destroy(&attr);
	if (r != 0)
		close(fd);
	return -r;
}

int cli_signals_open(const int *signals)
{
	sigset_t set;
	int fd = -1, r;

	sigemptyset(&set);
	for (; *signals; signals++)
		sigaddset(&set, *signals);
	/* A reader that has gone is an error of write, told as such. */
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == 0)
		fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	r = fd < 0 ? -errno : start_standing_by();
	if (r == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	cli_error("signals: %s", strerror(-r));
	return r;
}

void cli_signals_release(void)
{
	sigset_t set;

	fill_ending(&set);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}
