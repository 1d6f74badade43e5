/* SPDX-License-Identifier: MIT */
/* A command followed: what is its own, its signals, its end, and what is said then. */
#include "cli/follow.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/number.h"
#include "cli/message.h"
#include "cli/service.h"
#include "cli/signals.h"
#include "kernel/feature.h"

enum {
	/* Records of what others did before, at most: on a machine that never rests the
	   queue never gets empty. */
	DISCARD_MAX = 1 << 18,
};

/* ---- whose is it? ---- */

/*
 * Every descendant is below us: we adopt it when its parent ends, so that this holds for
 * a daemon whose parents nobody had time to look at.
 */
static int is_descendant(const struct cli_follow *f, const struct ft_process *p)
{
	const struct ft_session *s = f->what->session;

	return s->tracker_ops->is_below(s->tracker, p, s->self);
}

/* One of the candidates is enough, also of those that are not listed. */
static int is_of_descendant(const struct cli_follow *f, const struct ft_event *ev)
{
	int r = ev->process ? is_descendant(f, ev->process) : -ENODATA;

	for (size_t i = 0; i < ev->candidates_count && r <= 0; i++) {
		int of_this = is_descendant(f, ev->candidates[i]);
		if (of_this != 0)
			r = of_this;
	}
	return r;
}

/* Another pid namespace's have none, a failing filesystem and mounts neither. */
static bool is_told(struct cli_follow *f, const struct ft_event *ev)
{
	int r;

	if (ev->pid <= 0)
		return false;
	if (ev->pid == f->spawn.pid && !f->spawn.reaped)
		return true;
	if (cli_children_has(&f->spawn.others, ev->pid))
		return false;
	r = is_of_descendant(f, ev);
	f->undecided += r < 0;
	return r > 0;
}

/* Our child between fork and exec. Its name says nothing: the command may take the same.
 */
static bool is_before_exec(const struct cli_follow *f, const struct ft_process *p)
{
	return p->pid == f->head.pid && p->id != 0 && p->id <= f->last_before_exec;
}

/* All that it does is to open the command, as for any other that is executed: that is the
 * command's. */
static void hide_child(struct cli_follow *f, struct ft_event *ev)
{
	size_t n = 0;

	if (ev->pid != f->head.pid)
		return;
	for (size_t i = 0; i < ev->candidates_count && n < CLI_CANDIDATES_MAX; i++)
		if (!is_before_exec(f, ev->candidates[i]))
			f->candidates[n++] = ev->candidates[i];
	if (n < ev->candidates_count) {
		ev->candidates = f->candidates;
		ev->candidates_count = n;
		if (n < 2)
			ev->process = n == 1 ? f->candidates[0] : NULL;
		if (n == 1 && !ev->may_be_another) {
			ev->certainty = FT_CERTAINTY_EXACT;
			ev->candidates_count = 0;
		}
	}
	if (ev->process && is_before_exec(f, ev->process))
		ev->process = NULL;
	if (!ev->process && ev->candidates_count == 0)
		ev->certainty = FT_CERTAINTY_NONE;
}

static void note_lost(struct cli_follow *f, const struct ft_event *ev)
{
	f->head.lost[ev->where] = true;
	f->head.lost_count[ev->where] += ev->has_count ? ev->count : 0;
}

static bool take(struct cli_loop *l, struct ft_event *ev)
{
	struct cli_follow *f = l->data;

	if (ev->kind != FT_KIND_EVENT) {
		note_lost(f, ev);
		return f->prints;
	}
	if (!is_told(f, ev))
		return false;
	hide_child(f, ev);
	f->head.events++;
	f->head.uncertain += ev->certainty != FT_CERTAINTY_EXACT;
	if (f->summary)
		ft_summary_add(&f->sets, ev);
	ev->mask &= f->wanted;
	return f->prints && ev->mask != 0;
}

/* ---- signals, and the end ---- */

/* The terminal stopped the command, and would have stopped us: the shell waits for it. */
static void stop_too(struct cli_follow *f)
{
	signal(SIGTSTP, SIG_DFL);
	raise(SIGTSTP);
	signal(SIGTSTP, SIG_IGN);
	cli_spawn_continue(&f->spawn);
}

static void handle_child(struct cli_follow *f)
{
	cli_spawn_collect(&f->spawn);
	if (f->spawn.stopped)
		stop_too(f);
	if (f->spawn.ended && !f->wait && f->loop.error == 0)
		cli_loop_stop(&f->loop);
}

static void handle_signal(struct cli_loop *l, const struct signalfd_siginfo *info)
{
	struct cli_follow *f = l->data;
	int signo = (int)info->ssi_signo;

	if (signo == SIGCHLD) {
		handle_child(f);
	} else if (signo == SIGHUP && l->config->file && info->ssi_code != SI_KERNEL) {
		cli_loop_reopen(l);
	} else if (!f->spawn.ended) {
		/* From the terminal the command has it, too: the two are one job. */
		if (info->ssi_code != SI_KERNEL)
			kill(f->spawn.pid, signo);
	} else if (signo != SIGUSR1 && signo != SIGUSR2) {
		cli_signals_release();
		f->left = true;
		if (l->error == 0)
			cli_loop_stop(l);
	}
}

static void idle(struct cli_loop *l)
{
	struct cli_follow *f = l->data;

	if (!f->spawn.ended || l->stopping)
		return;
	/* All that it did has been told. */
	cli_spawn_reap(&f->spawn);
	if (!cli_spawn_has_descendants(&f->spawn))
		cli_loop_stop(l);
}

/* Nothing more can be told, but the command goes on. */
static void wait_blindly(struct cli_follow *f)
{
	f->loop.from = f->what->session = ft_session_free(f->what->session);
	while (!f->spawn.ended)
		cli_loop_wait_signal(&f->loop);
	cli_spawn_reap(&f->spawn);
	while (f->wait && !f->left && cli_spawn_has_descendants(&f->spawn))
		cli_loop_wait_signal(&f->loop);
}

/* ---- what is said at the end ---- */

static void tell_undecided(struct cli_follow *f)
{
	const struct ft_event lost = {.kind = FT_KIND_LOST,
				      .time_ns = ft_now_ns(),
				      .where = FT_LOST_PROCESS,
				      .has_count = true,
				      .count = f->undecided};

	if (f->undecided == 0)
		return;
	note_lost(f, &lost);
	if (f->prints && ft_output_put(f->loop.output, &lost) < 0)
		f->loop.error = -EIO;
}

/* What it mounted there has no mark. */
static void note_away(struct cli_follow *f)
{
	struct ft_session *s = f->what->session;

	f->was_away = s && s->tracker_ops->was_away &&
		      s->tracker_ops->was_away(s->tracker, s->self);
	if (f->was_away)
		f->head.lost[FT_LOST_KERNEL] = true;
}

static bool is_complete(const struct cli_follow *f)
{
	for (size_t i = 0; i < FT_ARRAY_SIZE(f->head.lost); i++)
		if (f->head.lost[i])
			return false;
	return f->loop.error == 0 && f->sets.unplaced == 0 &&
	       !ft_summary_is_cut(&f->sets);
}

/* Whoever may write to its directory can take the file away, or put another in its place.
 */
static bool is_output_taken(const struct cli_follow *f)
{
	const char *name = f->what->output.config.file;
	struct stat own, found;

	if (!name || !f->loop.output || fstat(ft_output_fd(f->loop.output), &own) < 0)
		return false;
	if (stat(name, &found) == 0 && found.st_dev == own.st_dev &&
	    found.st_ino == own.st_ino)
		return false;
	cli_error("%s: was removed or replaced: what was written is not there", name);
	return true;
}

static void fill_head(struct cli_follow *f)
{
	struct ft_summary_head *h = &f->head;
	uint64_t dropped = f->loop.output ? ft_output_dropped(f->loop.output) : 0;

	h->status = f->spawn.status;
	h->signal = f->spawn.signal;
	h->ended_ns = ft_now_ns();
	h->no_args = f->what->output.config.no_args;
	if (dropped > 0) {
		h->lost[FT_LOST_OUTPUT] = true;
		h->lost_count[FT_LOST_OUTPUT] = dropped;
	}
	if (is_output_taken(f))
		h->lost[FT_LOST_OUTPUT] = true;
	h->complete = is_complete(f);
}

/* JSON: the last line of the output says whether it is all. */
static int put_json(struct cli_follow *f)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes line = {0};
	int e = ft_summary_put_json(&line, f->summary ? &f->sets : NULL, &f->head);

	if (e < 0)
		return e;
	return ft_output_put_line(f->loop.output, ft_bytes_span(&line));
}

static int print_text(const struct cli_follow *f)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes text = {0};
	int e = ft_summary_put_text(&text, &f->sets, &f->head);

	return e < 0 ? e : ft_file_write(STDERR_FILENO, text.data, text.len);
}

static void put_reason(struct ft_bytes *out, bool is, uint64_t count, const char *text)
{
	if (!is)
		return;
	ft_bytes_put_str(out, ", ");
	if (count > 0)
		ft_bytes_printf(out, "%" PRIu64 " ", count);
	ft_bytes_put_str(out, text);
}

static void tell(const struct cli_follow *f)
{
	const char *const losses[] = {
		[FT_LOST_KERNEL] =
			f->was_away
				? "without what was mounted in another mount namespace"
				: "lost by the kernel, or not marked in time",
		[FT_LOST_BUFFER] = "lost for want of memory",
		[FT_LOST_OUTPUT] = "not in the output, which was too slow or taken away",
		[FT_LOST_PROCESS] = "by processes that could not be followed",
		[FT_LOST_DESCRIPTOR] = "lost for want of descriptors",
		[FT_LOST_JOURNAL] = "lost by the journal",
	};
	_cleanup_(ft_bytes_fini) struct ft_bytes text = {0};
	const struct ft_summary_head *h = &f->head;

	for (size_t i = 0; i < FT_ARRAY_SIZE(losses); i++)
		put_reason(&text, h->lost[i], h->lost_count[i], losses[i]);
	put_reason(&text, f->sets.unplaced > 0, f->sets.unplaced,
		   "at a path that is not known");
	put_reason(&text, f->sets.dropped > 0, f->sets.dropped,
		   "too many for the summary");
	put_reason(&text, f->loop.error < 0, 0, "the output failed");
	put_reason(&text, h->complete, 0, "nothing lost");
	put_reason(&text, h->running, 0,
		   f->wait ? "descendants go on unseen"
			   : "descendants go on unseen (--wait waits for them)");
	cli_error("%" PRIu64 " event%s in %.1f s%s", h->events, h->events == 1 ? "" : "s",
		  (double)(h->ended_ns - h->began_ns) / FT_NSEC_PER_SEC,
		  ft_bytes_cstr(&text));
}

static void finish(struct cli_follow *f)
{
	bool is_json = f->what->output.config.format == FT_FORMAT_JSON;
	int e = 0;

	cli_spawn_reap(&f->spawn);
	f->head.running = cli_spawn_has_descendants(&f->spawn);
	f->failed = cli_spawn_has_failed(&f->spawn, f->argv[0]);
	if (f->failed)
		return;
	if (f->loop.error == 0)
		tell_undecided(f);
	note_away(f);
	fill_head(f);
	if (is_json && f->loop.error == 0)
		e = put_json(f);
	if (f->summary && !is_json)
		e = print_text(f);
	if (e < 0)
		cli_error("summary: %s", strerror(-e));
}

/* ---- the beginning ---- */

/* What others did before the command began. */
static int discard(struct cli_follow *f)
{
	struct ft_event *ev;
	int e = 1;

	for (int i = 0; i < DISCARD_MAX && e > 0; i++)
		e = ft_session_next(f->what->session, &ev);
	if (e < 0)
		cli_error("%s", ft_session_error(f->what->session));
	return e < 0 ? e : 0;
}

/* The child waits, and has been seen as it is: what comes later is the command. */
static void note_child(struct cli_follow *f)
{
	struct ft_session *s = f->what->session;
	const struct ft_question q = {.pid = f->spawn.pid};
	struct ft_attribution a = {0};
	int64_t now = ft_boot_ns();

	s->tracker_ops->begin(s->tracker, now, now);
	s->tracker_ops->find(s->tracker, &q, &a);
	f->last_before_exec = a.process ? a.process->id : 0;
	for (size_t i = 0; i < a.candidates_count; i++) {
		if (a.candidates[i]->id > f->last_before_exec)
			f->last_before_exec = a.candidates[i]->id;
	}
}

static int add_root(struct cli_follow *f)
{
	struct ft_session *s = f->what->session;
	int e = ft_session_add_root(s, s->self);

	if (e < 0)
		cli_error("%s", ft_session_error(s));
	return e;
}

/* Nothing is printed in it, but what is wrong with it is told as ever. */
static int check_format(const struct ft_output_config *config)
{
	_cleanup_free_ char *why = NULL;
	struct ft_format *format = NULL;
	int e = ft_format_new(&format, config, &why);

	if (e < 0)
		cli_error("%s", why ? why : strerror(-e));
	ft_format_free(format);
	return e;
}

static int open_loop(struct cli_follow *f)
{
	static const int signals[] = {SIGINT,  SIGTERM, SIGHUP,	 SIGQUIT,
				      SIGUSR1, SIGUSR2, SIGCHLD, 0};
	struct cli_loop *l = &f->loop;
	int e;

	/* Stopping is the command's to decide, see stop_too(). */
	signal(SIGTSTP, SIG_IGN);
	signal(SIGTTOU, SIG_IGN);
	e = cli_loop_open_signals(l, signals);
	if (e < 0)
		return e;
	if (f->prints || l->config->format == FT_FORMAT_JSON)
		e = cli_loop_open_output(l);
	else
		e = check_format(l->config);
	if (e == 0 && l->config->file)
		ft_session_ignore_file(f->what->session, ft_output_fd(l->output));
	return e;
}

static int check_privilege(void)
{
	if (ft_feature_probe(FT_FEATURE_UNLIMITED) > 0)
		return 0;
	cli_error("run: needs CAP_SYS_ADMIN: the kernel does not tell others which "
		  "process did what (see fantail(1), USE WITHOUT ROOT)");
	return -EPERM;
}

/* The command waits while everything is made ready. */
static int start(struct cli_follow *f)
{
	int e;

	e = check_privilege();
	if (e == 0 && f->user_name)
		e = cli_user_find(&f->user, f->user_name);
	if (e == 0)
		e = cli_spawn_start(&f->spawn, f->argv, &f->user);
	if (e < 0)
		return e;
	f->head.pid = f->spawn.pid;
	cli_loop_raise_nofile();
	e = open_loop(f);
	if (e == 0)
		e = cli_watch_add_targets(f->what);
	if (e == 0)
		e = cli_loop_start(&f->loop);
	if (e == 0)
		e = add_root(f);
	if (e == 0)
		e = discard(f);
	if (e == 0)
		note_child(f);
	return e;
}

static void put_command(struct cli_follow *f, struct ft_bytes *out)
{
	for (char **arg = f->argv; *arg; arg++)
		ft_bytes_put(out, *arg, strlen(*arg) + 1);
	f->head.command = ft_bytes_span(out);
}

int cli_follow(struct cli_follow *f)
{
	static const struct cli_loop_ops ops = {
		.take = take, .signal = handle_signal, .idle = idle};
	_cleanup_(ft_bytes_fini) struct ft_bytes command = {0};

	f->spawn = (struct cli_spawn){.release = -1, .report = -1};
	f->wanted = f->what->events ? f->what->events : FT_MASK_DEFAULT;
	f->prints = !f->summary || f->what->output.config.file;
	f->loop = (struct cli_loop){.source = &cli_session_source,
				    .from = f->what->session,
				    .config = &f->what->output.config,
				    .ops = &ops,
				    .data = f,
				    .signals = -1};
	put_command(f, &command);
	if (start(f) < 0) {
		cli_spawn_abort(&f->spawn);
		cli_loop_close(&f->loop);
		cli_spawn_fini(&f->spawn);
		return CLI_SPAWN_FAILED;
	}
	f->head.began_ns = ft_now_ns();
	cli_notify("READY=1");
	cli_spawn_release(&f->spawn);
	cli_loop_run(&f->loop);
	if (f->loop.error < 0)
		wait_blindly(f);
	finish(f);
	if (cli_loop_close(&f->loop) < 0)
		f->head.complete = false;
	if (!f->failed)
		tell(f);
	cli_spawn_fini(&f->spawn);
	return f->spawn.status;
}

void cli_follow_fini(struct cli_follow *f)
{
	cli_user_fini(&f->user);
	ft_summary_fini(&f->sets);
}
