/* SPDX-License-Identifier: MIT */
/* fantail watch: events as they happen. */
#include "cli/watch.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/number.h"
#include "cli/loop.h"
#include "cli/message.h"
#include "cli/readers.h"
#include "cli/service.h"
#include "cli/signals.h"
#include "cli/values.h"
#include "cli/watch-options.h"

enum {
	OPT_ALL = CLI_OPTION_OWN,
	OPT_FOR,
	OPT_COUNT,
	OPT_READY_FD,
};

struct watch {
	struct cli_watch what;
	int64_t for_ns; /* 0: no end */
	uint64_t count; /* 0: no end */
	int ready_fd;	/* -1: none */
};

static const struct cli_option own_options[] = {
	{.name = "all",
	 .help = "every real filesystem, those mounted later too",
	 .group = CLI_GROUP_WATCH,
	 .id = OPT_ALL},
	{.name = "for",
	 .metavar = "DURATION",
	 .help = "stop after 250ms, 30s, 1h30m",
	 .group = CLI_GROUP_RUN,
	 .id = OPT_FOR},
	{.name = "count",
	 .metavar = "N",
	 .help = "stop after N events",
	 .group = CLI_GROUP_RUN,
	 .id = OPT_COUNT},
	{.name = "ready-fd",
	 .metavar = "N",
	 .help = "a newline on descriptor N once events are seen",
	 .group = CLI_GROUP_RUN,
	 .id = OPT_READY_FD},
};

static const struct cli_options watch_options = {.list = own_options,
						 .count = FT_ARRAY_SIZE(own_options),
						 .more = &cli_watch_options};

static int parse_option(struct watch *w, const struct cli_word *word)
{
	switch (word->option->id) {
	case OPT_ALL:
		w->what.all = true;
		return 0;
	case OPT_FOR:
		return cli_take_duration(word, &w->for_ns);
	case OPT_COUNT:
		return cli_take_number(word, 1, UINT64_MAX, &w->count);
	case OPT_READY_FD:
		return cli_take_fd(word, &w->ready_fd);
	default:
		return cli_watch_take(&w->what, word);
	}
}

/* 1: help was printed. */
static int parse(struct watch *w, const struct cli_command *c, int argc, char **argv)
{
	struct cli_parser p = {.command = c, .argc = argc, .argv = argv};
	struct cli_word word;
	int r;

	while ((r = cli_next(&p, &word)) > 0) {
		if (word.option && word.option->id == CLI_OPTION_HELP) {
			cli_print_help(c, true);
			return 1;
		}
		r = word.option ? parse_option(w, &word)
				: cli_watch_add_path(&w->what, word.value);
		if (r < 0)
			return r;
	}
	if (r == 0)
		r = cli_watch_check(&w->what);
	cli_output_look_at_terminal(&w->what.output);
	return r;
}

static void handle_signal(struct cli_loop *l, const struct signalfd_siginfo *info)
{
	if (info->ssi_signo == SIGCONT) {
		l->session->was_stopped = true;
		return;
	}
	/* Without a file it means what it always did: the terminal has gone. */
	if (info->ssi_signo == SIGHUP && l->config->file) {
		cli_loop_reopen(l);
		return;
	}
	cli_signals_release();
	cli_loop_stop(l);
}

static void summarize(const struct cli_loop *l)
{
	double seconds = (double)(ft_boot_ns() - l->began_ns) / FT_NSEC_PER_SEC;
	char lost[64] = "nothing lost";

	if (l->dropped > 0)
		snprintf(lost, sizeof(lost),
			 "%" PRIu64 " not printed, the output was too slow", l->dropped);
	else if (l->lost)
		snprintf(lost, sizeof(lost), "some were lost");
	cli_error("%" PRIu64 " event%s in %.1f s, %s", l->told, l->told == 1 ? "" : "s",
		  seconds, lost);
}

static int start(struct cli_loop *l, struct watch *w)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGCONT, 0};
	int r;

	r = cli_watch_add_targets(&w->what);
	if (r == 0)
		r = cli_loop_open_signals(l, signals);
	if (r == 0)
		r = cli_loop_open_output(l);
	if (r < 0)
		return r;
	ft_session_ignore_file(l->session, ft_output_fd(l->output));
	cli_ignore_readers(l->session, ft_output_fd(l->output));
	return cli_loop_start(l);
}

static int watch(struct watch *w)
{
	static const struct cli_loop_ops ops = {.signal = handle_signal};
	struct cli_loop l = {.session = w->what.session,
			     .config = &w->what.output.config,
			     .ops = &ops,
			     .signals = -1,
			     .count = w->count};
	int r;

	cli_loop_raise_nofile();
	r = start(&l, w);
	if (r < 0) {
		r = r == -EINVAL && !l.output ? CLI_USAGE : CLI_FAILED;
		cli_loop_close(&l);
		return r;
	}
	l.end_ns = w->for_ns > 0 ? l.began_ns + w->for_ns : 0;
	cli_tell_ready(w->ready_fd);
	cli_notify("READY=1");
	cli_loop_run(&l);
	if (cli_loop_close(&l) < 0)
		return CLI_FAILED;
	summarize(&l);
	return l.lost || l.dropped > 0 ? CLI_INCOMPLETE : CLI_DONE;
}

static int run_watch(const struct cli_command *c, int argc, char **argv)
{
	struct watch w = {.ready_fd = -1};
	int r = cli_watch_init(&w.what, STDOUT_FILENO);

	if (r == 0)
		r = parse(&w, c, argc, argv);
	if (r == 0)
		r = watch(&w);
	else
		r = r == 1 ? CLI_DONE : r == -EINVAL ? CLI_USAGE : CLI_FAILED;
	cli_watch_fini(&w.what);
	return r;
}

const struct cli_command cli_watch_command = {
	.name = "watch",
	.synopsis = "[OPTIONS] [PATH...]",
	.summary = "what happens to files below PATH (default: .)",
	.options = &watch_options,
	.run = run_watch,
};
