/* SPDX-License-Identifier: MIT */
/* fantail run: what a command and its descendants do. */
#include "cli/run.h"

#include <errno.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/follow.h"
#include "cli/message.h"

enum {
	OPT_IN = CLI_OPTION_OWN,
	OPT_WAIT,
	OPT_USER,
	OPT_SUMMARY,
};

struct run {
	struct cli_watch what;
	struct cli_follow follow;
};

static const struct cli_option own_options[] = {
	{.name = "in",
	 .metavar = "PATH",
	 .help = "only what is done below PATH; may be repeated",
	 .group = CLI_GROUP_WATCH,
	 .id = OPT_IN},
	{.name = "wait",
	 .help = "until the last descendant ends, daemons too",
	 .group = CLI_GROUP_RUN,
	 .id = OPT_WAIT},
	{.name = "user",
	 .metavar = "NAME",
	 .help = "run COMMAND as this user",
	 .group = CLI_GROUP_RUN,
	 .id = OPT_USER},
	{.name = "summary",
	 .help = "files read, written... at the end; events to -o alone",
	 .group = CLI_GROUP_RUN,
	 .id = OPT_SUMMARY},
};

static const struct cli_options run_options = {.list = own_options,
					       .count = FT_ARRAY_SIZE(own_options),
					       .more = &cli_watch_options};

static int parse_option(struct run *r, const struct cli_word *word)
{
	switch (word->option->id) {
	case OPT_IN:
		return cli_watch_add_path(&r->what, word->value);
	case OPT_WAIT:
		r->follow.wait = true;
		return 0;
	case OPT_USER:
		r->follow.user_name = word->value;
		return 0;
	case OPT_SUMMARY:
		r->follow.summary = true;
		return 0;
	default:
		return cli_watch_take(&r->what, word);
	}
}

static int check(struct run *r)
{
	struct cli_watch *w = &r->what;

	if (!r->follow.argv) {
		cli_error("run: which command? (fantail run [OPTIONS] -- COMMAND "
			  "[ARG...])");
		return -EINVAL;
	}
	if (w->paths_count == 0 && (w->scope != FT_SCOPE_TREE || w->one_filesystem)) {
		cli_error("--scope and --one-file-system need --in PATH");
		return -EINVAL;
	}
	w->all = w->paths_count == 0;
	cli_output_look_at_terminal(&w->output);
	if (r->follow.summary)
		return ft_session_set_events(w->session, w->events | FT_SUMMARY_MASK);
	return 0;
}

/* 1: help was printed. */
static int parse(struct run *r, const struct cli_command *c, int argc, char **argv)
{
	struct cli_parser p = {
		.command = c, .argc = argc, .argv = argv, .stop_at_argument = true};
	struct cli_word word;
	int e;

	while ((e = cli_next(&p, &word)) > 0) {
		if (!word.option) {
			r->follow.argv = argv + p.at - 1;
			break;
		}
		if (word.option->id == CLI_OPTION_HELP) {
			cli_print_help(c, true);
			return 1;
		}
		e = parse_option(r, &word);
		if (e < 0)
			return e;
	}
	if (e == 0)
		e = cli_watch_check(&r->what);
	return e < 0 ? e : check(r);
}

static int run_run(const struct cli_command *c, int argc, char **argv)
{
	struct run r = {.follow.what = &r.what};
	int e = cli_watch_init(&r.what, STDERR_FILENO);

	if (e == 0)
		e = parse(&r, c, argc, argv);
	if (e == 0)
		e = cli_follow(&r.follow);
	else
		e = e == 1 ? CLI_DONE : CLI_SPAWN_FAILED;
	cli_follow_fini(&r.follow);
	cli_watch_fini(&r.what);
	return e;
}

const struct cli_command cli_run_command = {
	.name = "run",
	.synopsis = "[OPTIONS] -- COMMAND [ARG...]",
	.summary = "what COMMAND and its descendants do",
	.options = &run_options,
	.run = run_run,
};
