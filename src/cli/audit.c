/* SPDX-License-Identifier: MIT */
/* fantail audit: who listens, as it begins and ends. */
#include "cli/audit.h"

#include <errno.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/near.h"
#include "cli/message.h"
#include "cli/stream.h"
#include "cli/watch-options.h"
#include "inspect/calls.h"

enum {
	OPT_EVENTS = CLI_OPTION_OWN,
	OPT_ALERT,
	OPT_COMPAT,
	ALL_KINDS = (1 << FT_CALL_COUNT) - 1,
};

#define TEXT_COLUMNS  "time,process,call,path"
#define ALERT_COLUMNS TEXT_COLUMNS ",alert"
#define CSV_COLUMNS                                                                      \
	"time,seq,events,call,ret,error,alert,path,path_source,pid,certainty,comm,exe,"  \
	"args,uid,user,gid,ppid,start,cgroup,container,count,where"

struct audit {
	struct cli_watch what; /* its session holds the filters, and is not started */
	struct cli_stream stream;
	struct ft_calls_config config;
	struct ft_calls *calls;
};

static const struct cli_option own_options[] = {
	{.name = "events",
	 .letter = 'e',
	 .metavar = "LIST",
	 .help = "calls, or groups fanotify inotify dnotify all",
	 .group = CLI_GROUP_EVENTS,
	 .id = OPT_EVENTS},
	{.name = "alert",
	 .help = "only what is unusual",
	 .group = CLI_GROUP_EVENTS,
	 .id = OPT_ALERT},
	{.name = "compat",
	 .help = "32-bit callers, too; slows every system call",
	 .group = CLI_GROUP_EVENTS,
	 .id = OPT_COMPAT},
};

static const struct cli_options stream_options = {.list = cli_stream_options,
						  .count = CLI_STREAM_OPTIONS,
						  .more = &cli_result_options};
static const struct cli_options audit_options = {.list = own_options,
						 .count = FT_ARRAY_SIZE(own_options),
						 .more = &stream_options};

/* ---- options ---- */

struct guess {
	struct ft_span word;
	size_t distance;
	const char *name; /* NULL: none is near */
};

static void try_name(struct guess *g, const char *name)
{
	size_t distance = ft_near_distance(g->word, ft_span_of(name));

	if (distance >= g->distance)
		return;
	g->distance = distance;
	g->name = name;
}

static const char *near_call(struct ft_span word)
{
	struct guess g = {.word = word, .distance = SIZE_MAX};

	for (unsigned int i = 0; i < FT_CALL_COUNT; i++) {
		const struct ft_call_info *info = ft_call_info((enum ft_call_kind)i);

		try_name(&g, info->name);
		try_name(&g, info->family);
	}
	return g.name;
}

static int parse_events(struct audit *a, const char *list)
{
	struct ft_span bad = {0};
	unsigned int kinds;
	const char *near;

	if (ft_call_parse(list, &kinds, &bad) == 0) {
		a->config.kinds |= kinds;
		return 0;
	}
	near = near_call(bad);
	cli_error("--events %s: '%.*s' is no call%s%s (see fantail-audit(1), CALLS)",
		  list, (int)bad.len, bad.data ? bad.data : "", near ? ", near it: " : "",
		  near ? near : "");
	return -EINVAL;
}

static int parse_option(struct audit *a, const struct cli_word *word)
{
	int r;

	switch (word->option->id) {
	case OPT_EVENTS:
		return parse_events(a, word->value);
	case OPT_ALERT:
		a->config.alerts_only = true;
		return 0;
	case OPT_COMPAT:
		a->config.compat = true;
		return 0;
	default:
		r = cli_stream_take(&a->stream, word);
		return r > 0 ? cli_watch_take(&a->what, word) : r;
	}
}

static int refuse_argument(const char *argument)
{
	cli_error("%s: audit takes no PATH, it sees the calls of the whole machine; to "
		  "show a part of them: --path",
		  argument);
	return -EINVAL;
}

/* Other columns than those of files, where none were asked for. */
static void choose_columns(struct ft_output_config *c, bool alerts_only)
{
	if (c->columns)
		return;
	if (c->format == FT_FORMAT_TEXT)
		c->columns = alerts_only ? ALERT_COLUMNS : TEXT_COLUMNS;
	else if (c->format == FT_FORMAT_CSV)
		c->columns = CSV_COLUMNS;
}

/* 1: help was printed. */
static int parse(struct audit *a, const struct cli_command *c, int argc, char **argv)
{
	struct cli_parser p = {.command = c, .argc = argc, .argv = argv};
	struct cli_word word;
	int r;

	while ((r = cli_next(&p, &word)) > 0) {
		if (word.option && word.option->id == CLI_OPTION_HELP) {
			cli_print_help(c, true);
			return 1;
		}
		r = word.option ? parse_option(a, &word) : refuse_argument(word.value);
		if (r < 0)
			return r;
	}
	if (r == 0)
		r = cli_watch_check(&a->what);
	choose_columns(&a->what.output.config, a->config.alerts_only);
	cli_output_look_at_terminal(&a->what.output);
	return r;
}

/* ---- calls as a source ---- */

static const char *advice(int error)
{
	switch (error) {
	case -EPERM:
	case -EACCES:
		return "; run it as root (CAP_SYS_ADMIN): the kernel tells nobody else "
		       "what others call; fantail marks shows the groups there are";
	default:
		return "";
	}
}

static int start(void *from)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes why = {0};
	struct audit *a = from;
	int r = ft_calls_open(&a->calls, &a->config, &why);

	if (r < 0)
		cli_error("audit: %s%s", why.len ? ft_bytes_cstr(&why) : strerror(-r),
			  advice(r));
	return r;
}

static int get_fd(void *from)
{
	return ft_calls_fd(((struct audit *)from)->calls);
}

static int next(void *from, struct ft_event **ret)
{
	return ft_calls_next(((struct audit *)from)->calls, ret);
}

static int drain(void *from)
{
	return ft_calls_drain(((struct audit *)from)->calls);
}

static void stop(void *from)
{
	ft_calls_stop(((struct audit *)from)->calls);
}

static const struct cli_source calls_source = {
	.start = start, .fd = get_fd, .next = next, .drain = drain, .stop = stop};

static int audit(struct audit *a)
{
	static const struct cli_loop_ops ops = {.signal = cli_stream_signal};

	if (a->config.kinds == 0)
		a->config.kinds = ALL_KINDS;
	a->config.match = a->what.session->match;
	/* What globs without a slash in front are below. */
	if (ft_match_add_root(a->config.match, "/") < 0)
		return CLI_FAILED;
	a->stream.loop = (struct cli_loop){.source = &calls_source,
					   .from = a,
					   .config = &a->what.output.config,
					   .ops = &ops};
	return cli_stream_run(&a->stream);
}

static int run_audit(const struct cli_command *c, int argc, char **argv)
{
	struct audit a = {.stream.ready_fd = -1};
	int r = cli_watch_init(&a.what, STDOUT_FILENO);

	if (r == 0)
		r = parse(&a, c, argc, argv);
	if (r == 0)
		r = audit(&a);
	else
		r = r == 1 ? CLI_DONE : r == -EINVAL ? CLI_USAGE : CLI_FAILED;
	a.calls = ft_calls_close(a.calls);
	cli_watch_fini(&a.what);
	return r;
}

const struct cli_command cli_audit_command = {
	.name = "audit",
	.synopsis = "[OPTIONS]",
	.summary = "fanotify, inotify and dnotify calls, as they are made",
	.options = &audit_options,
	.run = run_audit,
};
