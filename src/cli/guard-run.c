/* SPDX-License-Identifier: MIT */
/*
 * fantail guard: asks and answers. Everything is loaded, locked in memory and running
 * before the first mark; from then on this thread tells, and never holds up the one that
 * decides.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/number.h"
#include "cli/guardian.h"
#include "cli/loop.h"
#include "cli/message.h"
#include "cli/service.h"
#include "cli/signals.h"
#include "kernel/abi.h"
#include "kernel/group.h"

enum {
	FLUSH_MSEC = 100,
	TICK_MSEC = 250, /* of what has no descriptor: news, heartbeats, retired rules */
	TELL_BURST = 4096,
	PRIORITY = -10,
};

/* ---- telling ---- */

/* Neither a full disk nor a reader that was ended is a reason to guard nothing: whoever
 * could end it could end the guard. */
static void fail_output(struct guardian *g, int error)
{
	if (!g->is_mute)
		cli_error("output: %s: nothing more is printed, what is guarded stays so",
			  strerror(-error));
	g->is_mute = true;
}

static void put(struct guardian *g, struct ft_event *ev)
{
	int r = g->is_mute ? 1 : ft_output_put(g->output, ev);

	if (r < 0)
		fail_output(g, r);
	g->lost = g->lost || r != 0 || ev->kind == FT_KIND_LOST;
	if (r == 0 && ev->kind == FT_KIND_EVENT)
		g->printed++;
}

static void put_lost(struct guardian *g, enum ft_lost_where where, uint64_t count)
{
	struct ft_event lost = {.kind = FT_KIND_LOST,
				.time_ns = ft_now_ns(),
				.where = where,
				.count = count,
				.has_count = true};

	if (count > 0)
		put(g, &lost);
}

static bool has_all(const struct guardian *g)
{
	return g->options->count > 0 && g->printed >= g->options->count;
}

/* True: there may be more. */
static bool tell_decisions(struct guardian *g)
{
	struct ft_decider *d = &g->decider;

	for (int i = 0; i < TELL_BURST && g->error == 0 && !has_all(g); i++) {
		struct ft_told *told = ft_telling_take(&d->telling);

		if (!told)
			return false;
		guard_rules_tell_replaced(g->rules, &told->event);
		put(g, &told->event);
		ft_telling_release(&d->telling);
	}
	return g->error == 0 && !has_all(g);
}

static void tell_lease(struct guardian *g)
{
	if (!atomic_load(&g->decider.met_lease) || g->told_lease)
		return;
	g->told_lease = true;
	cli_error(
		"denied without being asked about: files on which somebody holds a lease "
		"(F_SETLEASE of fcntl(2)), which the kernel does not open for a guard");
}

static void tell(struct guardian *g)
{
	struct ft_decider *d = &g->decider;
	eventfd_t count;

	(void)eventfd_read(d->telling.wake, &count);
	if (tell_decisions(g))
		(void)eventfd_write(d->telling.wake, 1);
	put_lost(g, FT_LOST_BUFFER, ft_telling_take_dropped(&d->telling));
	tell_lease(g);
	put_lost(g, FT_LOST_DESCRIPTOR, atomic_exchange(&d->lost_descriptors, 0));
}

static void tell_killed(struct guardian *g)
{
	struct ft_event gap = {.kind = FT_KIND_GAP,
			       .time_ns = ft_now_ns(),
			       .from_ns = guard_state_killed_ns(g),
			       .to_ns = ft_now_ns(),
			       .reason = "killed"};

	if (gap.from_ns > 0)
		put(g, &gap);
}

static void flush(struct guardian *g)
{
	int r = g->is_mute ? 0 : ft_output_flush(g->output);

	if (r < 0)
		fail_output(g, r);
}

/* ---- the end ---- */

/* Nobody asks any more; what was asked is answered. */
static void stop(struct guardian *g)
{
	if (g->stopping)
		return;
	g->stopping = true;
	cli_notify("STOPPING=1");
}

static void stop_unconfirmed(struct guardian *g)
{
	cli_error("not confirmed: nothing is guarded any more");
	g->error = -ETIMEDOUT;
	stop(g);
}

/* ---- what comes in ---- */

static void reload(struct guardian *g)
{
	int r = g->options->output.config.file ? ft_output_reopen(g->output) : 0;

	if (r < 0)
		cli_error("%s: cannot be reopened: %s", g->options->output.config.file,
			  strerror(-r));
	guard_rules_reload(g);
	guard_store_put(g);
}

static void handle_signal(struct guardian *g, uint32_t number)
{
	switch (number) {
	case SIGHUP:
		reload(g);
		break;
	case SIGUSR1:
		guard_rules_print_counts(g);
		break;
	default:
		cli_signals_release();
		stop(g);
	}
}

static void handle_signals(struct guardian *g)
{
	struct signalfd_siginfo info;

	while (read(g->signals, &info, sizeof(info)) == sizeof(info))
		handle_signal(g, info.ssi_signo);
}

static int confirm_fd(const struct guardian *g)
{
	if (g->confirm_ns == 0 || g->is_confirmed)
		return -1;
	return g->options->confirm_fd >= 0 ? g->options->confirm_fd : STDIN_FILENO;
}

/* Enter on a terminal is a line; its end alone confirms nothing. */
static void handle_confirmation(struct guardian *g)
{
	char c;
	ssize_t n = read(confirm_fd(g), &c, 1);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		stop_unconfirmed(g);
		return;
	}
	g->is_confirmed = true;
	cli_error("confirmed");
}

static void handle_changes(struct guardian *g)
{
	struct ft_changes *c = &g->rules->changes;
	int r = ft_changes_pump(c);

	if (r < 0)
		cli_error(
			"%s: changes are not followed any more, and no verdict is kept, "
			"until the policy is loaded anew",
			ft_session_error(c->session));
	guard_rules_tell_bounds(g->rules);
}

/* ---- the loop ---- */

static void tick(struct guardian *g)
{
	int64_t now = ft_boot_ns();

	if (g->confirm_ns > 0 && !g->is_confirmed && now >= g->confirm_ns)
		stop_unconfirmed(g);
	if (atomic_load(&g->must_stop) || (g->end_ns > 0 && now >= g->end_ns))
		stop(g);
	if (now - g->flushed_ns > FLUSH_MSEC * FT_NSEC_PER_MSEC) {
		flush(g);
		g->flushed_ns = now;
	}
	if (atomic_load(&g->decider.error) < 0 && g->error == 0) {
		g->error = atomic_load(&g->decider.error);
		cli_error("requests cannot be read: %s", strerror(-g->error));
	}
	guard_state_beat(g);
	guard_rules_tell_news(g);
	guard_rules_sweep(g);
}

static int msec_until_due(const struct guardian *g)
{
	int64_t now = ft_boot_ns(), due = now + TICK_MSEC * FT_NSEC_PER_MSEC;

	if (g->end_ns > 0 && g->end_ns < due)
		due = g->end_ns;
	if (g->confirm_ns > 0 && !g->is_confirmed && g->confirm_ns < due)
		due = g->confirm_ns;
	return due <= now ? 0 : (int)((due - now) / FT_NSEC_PER_MSEC + 1);
}

static void wait_for_more(struct guardian *g)
{
	enum { SIGNALS, TELLING, CHANGES, CONFIRM, SUCCESSOR, COUNT };
	struct pollfd fds[COUNT] = {
		[SIGNALS] = {.fd = g->signals, .events = POLLIN},
		[TELLING] = {.fd = g->decider.telling.wake, .events = POLLIN},
		[CHANGES] = {.fd = ft_changes_fd(&g->rules->changes), .events = POLLIN},
		[CONFIRM] = {.fd = confirm_fd(g), .events = POLLIN},
		[SUCCESSOR] = {.fd = g->listen_fd, .events = POLLIN},
	};
	/* What was begun is followed to its end. */
	bool busy = ft_changes_is_due(&g->rules->changes);

	if (poll(fds, COUNT, busy ? 0 : msec_until_due(g)) < 0)
		return;
	if (busy || fds[CHANGES].revents)
		handle_changes(g);
	if (fds[TELLING].revents)
		tell(g);
	if (fds[CONFIRM].revents)
		handle_confirmation(g);
	if (fds[SIGNALS].revents)
		handle_signals(g);
	if (fds[SUCCESSOR].revents && !g->stopping)
		guard_handover_accept(g);
}

static void run(struct guardian *g)
{
	while (!g->stopping && g->error == 0) {
		wait_for_more(g);
		tick(g);
		if (has_all(g))
			stop(g);
	}
}

/* ---- the beginning ---- */

/* Room for every request that may be read, and for all else. */
static int raise_descriptors(struct guardian *g)
{
	struct rlimit limit;

	cli_loop_raise_nofile();
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	g->config.requests = GUARD_REQUESTS;
	g->config.tells_all = g->options->log_all;
	if (limit.rlim_cur >= GUARD_REQUESTS + GUARD_DESCRIPTORS)
		return 0;
	cli_error("RLIMIT_NOFILE is %llu: a guard needs %d descriptors, or requests are "
		  "denied for want of them",
		  (unsigned long long)limit.rlim_cur, GUARD_REQUESTS + GUARD_DESCRIPTORS);
	return -EMFILE;
}

static int open_output(struct guardian *g)
{
	struct ft_output_config config = g->options->output.config;
	_cleanup_free_ char *why = NULL;
	int r;

	config.decisions = true;
	r = ft_output_open(&g->output, &config, &why);
	if (r < 0)
		cli_error("%s", why ? why : strerror(-r));
	return r;
}

/* What this kernel does not know is left out, and told where it matters. */
static int open_group(struct guardian *g)
{
	bool pre = guard_rules_need_pre_content(g->rules);
	unsigned int flags = (pre ? FT_INIT_CLASS_PRE_CONTENT : FT_INIT_CLASS_CONTENT) |
			     FT_INIT_UNLIMITED_QUEUE | FT_INIT_UNLIMITED_MARKS;
	unsigned int audit = guard_rules_need_audit(g->rules) ? FT_INIT_ENABLE_AUDIT : 0;
	/* Opening a FIFO must not wait for its writer. */
	unsigned int event_flags = O_RDONLY | O_LARGEFILE | O_CLOEXEC | O_NONBLOCK;
	int fd = ft_group_open(flags | audit | FT_INIT_REPORT_FD_ERROR,
			       event_flags | O_NOATIME);

	if (fd == -EINVAL)
		fd = ft_group_open(flags | audit, event_flags);
	if (fd < 0 && audit) {
		audit = 0;
		cli_error("'audit' has no effect: %s",
			  fd == -EPERM ? "CAP_AUDIT_WRITE is needed"
				       : "the kernel takes no audit records");
		fd = ft_group_open(flags, event_flags);
	}
	if (fd < 0)
		cli_error("fanotify: cannot ask for permission: %s", strerror(-fd));
	g->is_pre_content = pre;
	g->has_audit = audit != 0;
	return fd;
}

/* At the first name that is looked up much is read and loaded: not while files are asked
 * for, and where memory is short the C library would end the process. */
static void load_names(void)
{
	(void)getpwuid(0);
	(void)getgrgid(0);
}

static int start(struct guardian *g)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, 0};
	int r = guard_safety_check_privilege(), group;

	/* Everybody may be waiting for it, or for the one that it takes over from;
	 * without the privilege it is as all others. */
	(void)setpriority(PRIO_PROCESS, 0, PRIORITY);
	load_names();
	if (r == 0)
		r = raise_descriptors(g);
	if (r == 0)
		r = guard_state_open(g);
	if (r == 0)
		r = guard_safety_lock_memory();
	if (r == 0)
		r = g->signals = cli_signals_open(signals);
	if (r >= 0)
		r = open_output(g);
	if (r == 0)
		r = guard_rules_open(g, &g->rules);
	if (r == 0)
		r = guard_threads_prepare(g);
	if (r < 0)
		return r;
	group = guard_store_take(g);
	if (group < 0)
		group = g->options->take_over ? guard_handover_take(g) : open_group(g);
	if (group < 0)
		return group;
	r = guard_threads_start(g, group);
	if (r == 0)
		r = guard_rules_mark(g, g->rules);
	if (r == 0)
		r = guard_handover_finish(g);
	if (r == 0)
		r = guard_state_take(g);
	return r == 0 ? guard_handover_listen(g) : r;
}

/* From here on requests are answered. What changed meanwhile is followed first. */
static void begin(struct guardian *g)
{
	int64_t now = ft_boot_ns();

	while (ft_changes_pump(&g->rules->changes) > 0)
		;
	g->flushed_ns = now;
	g->end_ns = g->options->for_ns > 0 ? now + g->options->for_ns : 0;
	if (g->options->confirm_ns > 0) {
		g->confirm_ns = now + g->options->confirm_ns;
		cli_error("guarding: confirm within %.10g s, or it ends%s",
			  (double)g->options->confirm_ns / FT_NSEC_PER_SEC,
			  g->options->confirm_fd >= 0 ? "" : " (press Enter)");
	}
	tell_killed(g);
	guard_state_begin(g);
	guard_store_put(g);
	cli_tell_ready(g->options->ready_fd);
	cli_notify("READY=1");
}

/* The marks go first, so that nobody asks any more; then what was asked is answered. */
static void end(struct guardian *g)
{
	if (g->has_decider) {
		/* Not what another guard has, or has still. */
		if (!g->handed_over && g->predecessor_fd < 0)
			ft_group_flush(g->decider.group, FT_MARK_FILESYSTEM);
		guard_store_remove(g);
		guard_threads_stop(g);
		/* Its place is free, as the other one waits for. */
		if (g->handed_over)
			guard_handover_close(g);
		while (tell_decisions(g))
			;
		tell(g);
	}
	if (g->rules && g->has_decider)
		guard_rules_print_counts(g);
}

static void close_rules(struct guardian *g)
{
	if (g->has_decider)
		ft_decider_fini(&g->decider);
	g->rules = guard_rules_close(g->rules);
	while (g->retired) {
		struct guard_rules *next = g->retired->next;

		guard_rules_close(g->retired);
		g->retired = next;
	}
}

static int close_all(struct guardian *g)
{
	int error = 0;

	g->output = g->output ? ft_output_close(g->output, &error) : NULL;
	if (error < 0 && !g->is_mute)
		cli_error("%s: %s",
			  g->options->output.config.file ? g->options->output.config.file
							 : "output",
			  strerror(-error));
	if (!g->pool)
		close_rules(g);
	if (g->signals >= 0)
		close(g->signals);
	guard_handover_close(g);
	return error;
}

int cli_guard_run(struct cli_guard *options)
{
	struct guardian g = {.options = options,
			     .signals = -1,
			     .state_fd = -1,
			     .listen_fd = -1,
			     .successor_fd = -1,
			     .predecessor_fd = -1};
	int r = start(&g), status;

	if (r >= 0) {
		begin(&g);
		run(&g);
	}
	end(&g);
	status = g.lost ? CLI_INCOMPLETE : CLI_DONE;
	if (close_all(&g) < 0 || r < 0 || g.error < 0 || g.is_mute)
		status = CLI_FAILED;
	/* A scan goes on in what this function would take away. */
	if (g.pool)
		_exit(status);
	return status;
}
