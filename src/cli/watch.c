/* SPDX-License-Identifier: MIT */
/* fantail watch: events as they happen. */
#include "cli/watch.h"

#include <errno.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/message.h"
#include "cli/readers.h"
#include "cli/stream.h"
#include "cli/watch-options.h"

enum { OPT_ALL = CLI_OPTION_OWN };

struct watch {
	struct cli_watch what;
	struct cli_stream stream;
};

static const struct cli_option own_options[] = {
	{.name = "all",
	 .help = "every real filesystem, those mounted later too",
	 .group = CLI_GROUP_WATCH,
	 .id = OPT_ALL},
};

static const struct cli_options stream_options = {.list = cli_stream_options,
						  .count = CLI_STREAM_OPTIONS,
						  .more = &cli_watch_options};
static const struct cli_options watch_options = {.list = own_options,
						 .count = FT_ARRAY_SIZE(own_options),
						 .more = &stream_options};

static int parse_option(struct watch *w, const struct cli_word *word)
{
	int r;

	if (word->option->id == OPT_ALL) {
		w->what.all = true;
		return 0;
	}
	r = cli_stream_take(&w->stream, word);
	return r > 0 ? cli_watch_take(&w->what, word) : r;
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

static int prepare(struct cli_stream *s)
{
	int fd = ft_output_fd(s->loop.output);

	ft_session_ignore_file(s->loop.from, fd);
	cli_ignore_readers(s->loop.from, fd);
	return 0;
}

static int watch(struct watch *w)
{
	static const struct cli_loop_ops ops = {.signal = cli_stream_signal};
	int r;

	w->stream.prepare = prepare;
	w->stream.loop = (struct cli_loop){.source = &cli_session_source,
					   .from = w->what.session,
					   .config = &w->what.output.config,
					   .ops = &ops};
	cli_loop_raise_nofile();
	r = cli_watch_add_targets(&w->what);
	if (r < 0)
		return r == -EINVAL ? CLI_USAGE : CLI_FAILED;
	return cli_stream_run(&w->stream);
}

static int run_watch(const struct cli_command *c, int argc, char **argv)
{
	struct watch w = {.stream.ready_fd = -1};
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
