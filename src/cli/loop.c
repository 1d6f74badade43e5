/* SPDX-License-Identifier: MIT */
/* The loop of commands that watch. */
#include "cli/loop.h"

#include <errno.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/number.h"
#include "cli/message.h"
#include "cli/service.h"
#include "cli/signals.h"

enum {
	FLUSH_MSEC = 100,
	/* Records between two looks at the clock and the signals while the queue never
	   gets empty. */
	BURST = 1024,
	/* For the writer, between two looks at the kernel's queue. */
	WAIT_MSEC = 5,
	/* Between two looks where little comes at a time. */
	REST_MSEC = 5,
	NOFILE_WANTED = 1 << 16,
};

void cli_loop_raise_nofile(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= NOFILE_WANTED)
		return;
	limit.rlim_cur = limit.rlim_max < NOFILE_WANTED ? limit.rlim_max : NOFILE_WANTED;
	/* Less room is found out, and told, when it runs out. */
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void put(struct cli_loop *l, struct ft_event *ev)
{
	int r;

	l->lost = l->lost || ev->kind != FT_KIND_EVENT;
	if ((l->ops->take && !l->ops->take(l, ev)) || !l->output)
		return;
	r = ft_output_put(l->output, ev);
	if (r < 0) {
		l->error = r;
		return;
	}
	l->lost = l->lost || r > 0;
	if (r == 0 && ev->kind == FT_KIND_EVENT)
		l->told++;
}

static bool has_all(const struct cli_loop *l)
{
	return l->count > 0 && l->told >= l->count;
}

static void flush(struct cli_loop *l, int64_t now)
{
	int r = l->output ? ft_output_flush(l->output) : 0;

	if (r < 0)
		l->error = r;
	l->flushed_ns = now;
}

/*
 * The writer is behind. What comes is read all the same, for a long queue in the kernel
 * slows everyone who writes; it waits here as long as there is room, and only then has
 * the output to take it or to drop it.
 */
static bool must_wait(struct cli_loop *l)
{
	int r;

	if (!l->output || !ft_output_is_behind(l->output))
		return false;
	r = l->source->drain(l->from);
	if (r != 0)
		return false;
	ft_output_wait(l->output, WAIT_MSEC);
	return true;
}

/* Tells what is there. True: there may be more. */
static bool pump(struct cli_loop *l)
{
	struct ft_event *ev;
	int r = 0;

	if (must_wait(l))
		return true;
	for (int i = 0; i < BURST && l->error == 0 && !has_all(l); i++) {
		r = l->source->next(l->from, &ev);
		if (r == 0)
			return false;
		if (r == FT_SESSION_MORE)
			return true;
		if (r < 0) {
			l->error = r;
			return false;
		}
		put(l, ev);
	}
	return l->error == 0 && !has_all(l);
}

void cli_loop_stop(struct cli_loop *l)
{
	if (l->stopping)
		return;
	l->stopping = true;
	l->source->stop(l->from);
	cli_notify("STOPPING=1");
}

void cli_loop_reopen(struct cli_loop *l)
{
	int r = l->output ? ft_output_reopen(l->output) : 0;

	if (r < 0)
		cli_error("%s: cannot be reopened: %s", l->config->file, strerror(-r));
	if (l->output && l->source->ignore_file)
		l->source->ignore_file(l->from, ft_output_fd(l->output));
}

static void handle_signals(struct cli_loop *l)
{
	struct signalfd_siginfo info;

	while (read(l->signals, &info, sizeof(info)) == sizeof(info))
		l->ops->signal(l, &info);
}

int cli_loop_open_signals(struct cli_loop *l, const int *signals)
{
	int fd = cli_signals_open(signals);

	l->signals = fd < 0 ? -1 : fd;
	return fd < 0 ? fd : 0;
}

/* Milliseconds until something is due; -1: nothing is. */
static int next_due(const struct cli_loop *l, int64_t now)
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

static void tick(struct cli_loop *l, int64_t now)
{
	if (l->watchdog_ns > 0 && now >= l->watchdog_due_ns) {
		cli_notify("WATCHDOG=1");
		l->watchdog_due_ns = now + l->watchdog_ns;
	}
	if (l->end_ns > 0 && now >= l->end_ns)
		cli_loop_stop(l);
}

static bool is_pipe(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
}

/* A pipe whose reader goes while nothing happens: then nothing more can be told. */
static int watched_pipe(const struct cli_loop *l)
{
	return l->output && !l->config->file && is_pipe(l->config->fd) ? l->config->fd
								       : -1;
}

/*
 * Where one event follows the other, as those of a build do, looking at each as it comes
 * costs more than all the rest, and those who make them pay for it. So when there was
 * little, the next ones are left for a moment; a long queue would slow them, too.
 */
static bool may_rest(const struct cli_loop *l)
{
	if (l->source->may_wait && !l->source->may_wait(l->from))
		return false;
	return ft_boot_ns() - l->woke_ns < FT_NSEC_PER_MSEC;
}

/* As next_due(). An error of what is being written is met at the next flush. */
static int next_look(const struct cli_loop *l, int64_t now)
{
	int due = next_due(l, now);

	if (!l->output || ft_output_is_settled(l->output))
		return due;
	return due < 0 || due > FLUSH_MSEC ? FLUSH_MSEC : due;
}

static void wait_for_more(struct cli_loop *l)
{
	struct pollfd fds[] = {
		{.fd = l->signals, .events = POLLIN},
		{.fd = watched_pipe(l)},
		{.fd = l->source->fd(l->from), .events = POLLIN},
	};
	int r = 0;

	if (may_rest(l))
		r = poll(fds, 2, REST_MSEC);
	if (r == 0)
		r = poll(fds, FT_ARRAY_SIZE(fds), next_look(l, ft_boot_ns()));
	l->woke_ns = ft_boot_ns();
	if (r > 0 && fds[1].revents & POLLERR)
		l->error = -EPIPE;
}

void cli_loop_wait_signal(struct cli_loop *l)
{
	struct pollfd fd = {.fd = l->signals, .events = POLLIN};

	if (poll(&fd, 1, -1) > 0)
		handle_signals(l);
}

void cli_loop_run(struct cli_loop *l)
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
		if (!more && l->ops->idle)
			l->ops->idle(l);
		if (!more && !l->stopping)
			wait_for_more(l);
	}
}

/* The option that names columns. */
static const char *output_option(const struct ft_output_config *c)
{
	if (c->format == FT_FORMAT_TEMPLATE)
		return "--format: ";
	return c->columns ? "--columns: " : "";
}

int cli_loop_open_output(struct cli_loop *l)
{
	_cleanup_free_ char *why = NULL;
	int r = ft_output_open(&l->output, l->config, &why);

	if (r < 0)
		cli_error("%s%s", r == -EINVAL ? output_option(l->config) : "",
			  why ? why : strerror(-r));
	return r;
}

int cli_loop_start(struct cli_loop *l)
{
	int r;

	r = l->source->start(l->from);
	l->began_ns = l->flushed_ns = ft_boot_ns();
	l->watchdog_ns = cli_watchdog_ns();
	return r;
}

static void tell_error(const struct cli_loop *l, int error)
{
	if (error == -EPIPE)
		cli_error("output: the reader has gone");
	else
		cli_error("%s: %s", l->config->file ? l->config->file : "output",
			  strerror(-error));
}

int cli_loop_close(struct cli_loop *l)
{
	int error = 0;

	if (l->output)
		l->dropped = ft_output_dropped(l->output);
	l->output = ft_output_close(l->output, &error);
	if (error == 0)
		error = l->error;
	if (error < 0)
		tell_error(l, error);
	if (l->signals >= 0)
		close(l->signals);
	l->signals = -1;
	return error;
}
