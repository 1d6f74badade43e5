/* SPDX-License-Identifier: MIT */
/* fantail watch: events as they happen. */
#include "cli/watch.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/number.h"
#include "cli/message.h"
#include "cli/readers.h"
#include "cli/service.h"
#include "cli/watch-options.h"

enum {
	FLUSH_MSEC = 100,
	/* Records between two looks at the clock and the signals while the queue never
	   gets empty. */
	BURST = 1024,
	/* For the writer, between two looks at the kernel's queue. */
	WAIT_MSEC = 5,
	/* Room for descriptors of FD groups and the listings of directories. */
	NOFILE_WANTED = 1 << 16,
};

struct loop {
	struct cli_watch *watch;
	struct ft_output *output;
	int signals;
	bool stopping; /* no more than what was queued */
	int error;     /* of the output or the session: nothing more can be told */
	uint64_t told; /* event records */
	bool lost;
	int64_t began_ns;
	int64_t end_ns; /* 0: none */
	int64_t flushed_ns;
	int64_t watchdog_ns;
	int64_t watchdog_due_ns;
};

static void raise_nofile(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= NOFILE_WANTED)
		return;
	limit.rlim_cur = limit.rlim_max < NOFILE_WANTED ? limit.rlim_max : NOFILE_WANTED;
	/* Less room is found out, and told, when it runs out. */
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void notice(void *data, const char *text)
{
	cli_error("%s", text);
}

static void put(struct loop *l, const struct ft_event *ev)
{
	int r = ft_output_put(l->output, ev);

	if (r < 0) {
		l->error = r;
		return;
	}
	l->lost = l->lost || r > 0 || ev->kind != FT_KIND_EVENT;
	if (r == 0 && ev->kind == FT_KIND_EVENT)
		l->told++;
}

static bool has_all(const struct loop *l)
{
	return l->watch->count > 0 && l->told >= l->watch->count;
}

static void flush(struct loop *l, int64_t now)
{
	int r = ft_output_flush(l->output);

	if (r < 0)
		l->error = r;
	l->flushed_ns = now;
}

/*
 * The writer is behind. What comes is read all the same, for a long queue in the kernel
 * slows everyone who writes; it waits here as long as there is room, and only then has
 * the output to take it or to drop it.
 */
static bool must_wait(struct loop *l)
{
	int r;

	if (!ft_output_is_behind(l->output))
		return false;
	r = ft_session_drain(l->watch->session);
	if (r != 0)
		return false;
	ft_output_wait(l->output, WAIT_MSEC);
	return true;
}

/* Tells what is there. True: there may be more. */
static bool pump(struct loop *l)
{
	struct ft_event *ev;
	int r = 0;

	if (must_wait(l))
		return true;
	for (int i = 0; i < BURST && l->error == 0 && !has_all(l); i++) {
		r = ft_session_next(l->watch->session, &ev);
		if (r == 0)
			return false;
		if (r == FT_SESSION_MORE)
			return true;
		if (r < 0) {
			cli_error("%s", ft_session_error(l->watch->session));
			l->error = r;
			return false;
		}
		put(l, ev);
	}
	return l->error == 0 && !has_all(l);
}

static void stop(struct loop *l)
{
	if (l->stopping)
		return;
	l->stopping = true;
	ft_session_stop(l->watch->session);
	cli_notify("STOPPING=1");
}

/* From now on another one ends the program at once. */
static void release_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void handle_signals(struct loop *l)
{
	struct signalfd_siginfo info;
	int r;

	while (read(l->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCONT) {
			l->watch->session->was_stopped = true;
			continue;
		}
		/* Without a file it means what it always did: the terminal has gone. */
		if (info.ssi_signo != SIGHUP || !l->watch->output.file) {
			release_signals();
			stop(l);
			continue;
		}
		r = ft_output_reopen(l->output);
		if (r < 0)
			cli_error("%s: cannot be reopened: %s", l->watch->output.file,
				  strerror(-r));
		ft_session_ignore_file(l->watch->session, ft_output_fd(l->output));
	}
}

static int open_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCONT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	/* A reader that has gone is an error of write, told as such. */
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

/* Milliseconds until something is due; -1: nothing is. */
static int next_due(const struct loop *l, int64_t now)
{
	int64_t due = l->end_ns;

	if (l->watchdog_ns > 0 && (due == 0 || l->watchdog_due_ns < due))
		due = l->watchdog_due_ns;
	if (due == 0)
		return -1;
	if (due <= now)
		return 0;
	due = (due - now + FT_NSEC_PER_MSEC - 1) / FT_NSEC_PER_MSEC;
	return due < INT32_MAX ? (int)due : INT32_MAX;
}

static void tick(struct loop *l, int64_t now)
{
	if (l->watchdog_ns > 0 && now >= l->watchdog_due_ns) {
		cli_notify("WATCHDOG=1");
		l->watchdog_due_ns = now + l->watchdog_ns;
	}
	if (l->end_ns > 0 && now >= l->end_ns)
		stop(l);
}

static bool is_pipe(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
}

static void wait_for_more(struct loop *l)
{
	struct pollfd fds[] = {
		{.fd = l->watch->session->epoll, .events = POLLIN},
		{.fd = l->signals, .events = POLLIN},
		/* A pipe whose reader goes while nothing happens: then nothing more can
		   be told. */
		{.fd = !l->watch->output.file && is_pipe(STDOUT_FILENO) ? STDOUT_FILENO
									: -1},
	};

	if (poll(fds, FT_ARRAY_SIZE(fds), next_due(l, ft_boot_ns())) < 0)
		return;
	if (fds[2].revents & POLLERR)
		l->error = -EPIPE;
}

static void run(struct loop *l)
{
	bool more;

	while (l->error == 0) {
		int64_t now;

		handle_signals(l);
		more = pump(l);
		now = ft_boot_ns();
		if (!more || now - l->flushed_ns > FLUSH_MSEC * FT_NSEC_PER_MSEC)
			flush(l, now);
		tick(l, now);
		if (has_all(l) || (l->stopping && !more))
			return;
		if (!more && !l->stopping)
			wait_for_more(l);
	}
}

static void summarize(const struct loop *l, uint64_t dropped)
{
	double seconds = (double)(ft_boot_ns() - l->began_ns) / FT_NSEC_PER_SEC;
	char lost[64] = "nothing lost";

	if (dropped > 0)
		snprintf(lost, sizeof(lost),
			 "%" PRIu64 " not printed, the output was too slow", dropped);
	else if (l->lost)
		snprintf(lost, sizeof(lost), "some were lost");
	cli_error("%" PRIu64 " event%s in %.1f s, %s", l->told, l->told == 1 ? "" : "s",
		  seconds, lost);
}

static int finish(struct loop *l)
{
	uint64_t dropped;
	int error = 0;

	dropped = ft_output_dropped(l->output);
	l->output = ft_output_close(l->output, &error);
	if (error == 0)
		error = l->error;
	if (error == -EPIPE)
		cli_error("output: the reader has gone");
	else if (error < 0)
		cli_error("%s: %s",
			  l->watch->output.file ? l->watch->output.file : "output",
			  strerror(-error));
	if (error < 0)
		return CLI_FAILED;
	summarize(l, dropped);
	return l->lost || dropped > 0 ? CLI_INCOMPLETE : CLI_DONE;
}

/* The option that names columns. */
static const char *output_option(const struct ft_output_config *c)
{
	if (c->format == FT_FORMAT_TEMPLATE)
		return "--format: ";
	return c->columns ? "--columns: " : "";
}

static int start(struct loop *l)
{
	_cleanup_free_ char *why = NULL;
	struct ft_session *s = l->watch->session;
	int r;

	s->notice = notice;
	r = cli_watch_add_paths(l->watch);
	if (r < 0)
		return r;
	l->signals = open_signals();
	if (l->signals < 0)
		return l->signals;
	r = ft_output_open(&l->output, &l->watch->output, &why);
	if (r < 0) {
		cli_error("%s%s", r == -EINVAL ? output_option(&l->watch->output) : "",
			  why ? why : strerror(-r));
		return r;
	}
	ft_session_ignore_file(s, ft_output_fd(l->output));
	cli_ignore_readers(s, ft_output_fd(l->output));
	r = ft_session_start(s);
	if (r < 0)
		cli_error("%s", ft_session_error(s));
	return r;
}

static int watch(struct cli_watch *w)
{
	struct loop l = {.watch = w, .signals = -1};
	int r;

	raise_nofile();
	r = start(&l);
	if (r < 0) {
		ft_output_close(l.output, NULL);
		return r == -EINVAL && !l.output ? CLI_USAGE : CLI_FAILED;
	}
	l.began_ns = l.flushed_ns = ft_boot_ns();
	l.end_ns = w->for_ns > 0 ? l.began_ns + w->for_ns : 0;
	l.watchdog_ns = cli_watchdog_ns();
	cli_tell_ready(w->ready_fd);
	cli_notify("READY=1");
	run(&l);
	r = finish(&l);
	close(l.signals);
	return r;
}

static int run_watch(const struct cli_command *c, int argc, char **argv)
{
	struct cli_watch w;
	int r = cli_watch_parse(&w, c, argc, argv);

	if (r == 0)
		r = watch(&w);
	else
		r = r == 1 ? CLI_DONE : r == -EINVAL ? CLI_USAGE : CLI_FAILED;
	cli_watch_fini(&w);
	return r;
}

const struct cli_command cli_watch_command = {
	.name = "watch",
	.synopsis = "[OPTIONS] [PATH...]",
	.summary = "what happens to files below PATH (default: .)",
	.options = &cli_watch_options,
	.run = run_watch,
};
