/* SPDX-License-Identifier: MIT */
/* fantail marks: the groups and marks of every process, once or as they come and go. */
#include "cli/marks.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/number.h"
#include "cli/message.h"
#include "cli/terminal.h"
#include "cli/watch-options.h"
#include "inspect/listing-print.h"
#include "proc/observe.h"

enum {
	OPT_WATCH = CLI_OPTION_OWN,
	OPT_INTERVAL,
	OPT_GROUPS,
	OPT_FORMAT,
	OPT_NO_ARGS,
	OPT_FILTER, /* + enum ft_match_kind */
	FLUSH_AT = 64 * 1024,
	CONTAINER_LEN_MIN = 4,
	/* A look may take at most one part in so many of the time. */
	LOOK_SHARE = 4,
};

#define INTERVAL_NS	(1 * FT_NSEC_PER_SEC)
#define INTERVAL_MIN_NS (100 * FT_NSEC_PER_MSEC)

struct marks {
	struct ft_match *match;
	struct ft_listing_want want;
	struct ft_listing_printer printer;
	const char **paths; /* borrowed from argv */
	size_t paths_count;
	struct ft_covers *covers;
	bool watch;
	int64_t interval_ns; /* 0: not given */
	int error;	     /* of writing, negative */
	bool is_told;	     /* what cannot be seen: once */
};

#define FILTER(kind, name_, metavar_, help_)                                             \
	{                                                                                \
		.name = (name_), .metavar = (metavar_), .help = (help_),                 \
		.group = CLI_GROUP_FILTER, .id = OPT_FILTER + (kind), .negatable = true  \
	}

static const struct cli_option own_options[] = {
	{.name = "watch",
	 .letter = 'w',
	 .help = "go on, and tell what comes and what goes",
	 .group = CLI_GROUP_WATCH,
	 .id = OPT_WATCH},
	{.name = "interval",
	 .metavar = "DURATION",
	 .help = "look this often (1s); what is shorter is not seen",
	 .group = CLI_GROUP_WATCH,
	 .id = OPT_INTERVAL},
	{.name = "groups",
	 .help = "the groups alone, without their marks",
	 .group = CLI_GROUP_WATCH,
	 .id = OPT_GROUPS},
	FILTER(FT_MATCH_PID, "pid", "N", "process id"),
	FILTER(FT_MATCH_COMM, "comm", "NAME", "command name"),
	FILTER(FT_MATCH_EXE, "exe", "GLOB", "executable"),
	FILTER(FT_MATCH_UID, "uid", "USER", "effective user, name or number"),
	FILTER(FT_MATCH_CONTAINER, "container", "ID", "container id, or its beginning"),
	{.name = "format",
	 .metavar = "FORMAT",
	 .help = "text, json or csv",
	 .group = CLI_GROUP_OUTPUT,
	 .id = OPT_FORMAT},
	{.name = "no-args",
	 .help = "json: leave out the arguments of processes",
	 .group = CLI_GROUP_OUTPUT,
	 .id = OPT_NO_ARGS},
	{.name = "help",
	 .letter = 'h',
	 .help = "this help",
	 .group = CLI_GROUP_RUN,
	 .id = CLI_OPTION_HELP},
};

static const struct cli_options marks_options = {.list = own_options,
						 .count = FT_ARRAY_SIZE(own_options)};

static int parse_format(struct marks *m, const char *format)
{
	static const struct {
		const char *name;
		const struct ft_listing_ops *ops;
	} formats[] = {
		{"text", &ft_listing_text},
		{"json", &ft_listing_json},
		{"csv", &ft_listing_csv},
	};

	for (size_t i = 0; i < FT_ARRAY_SIZE(formats); i++) {
		if (strcmp(format, formats[i].name) == 0) {
			m->printer.ops = formats[i].ops;
			return 0;
		}
	}
	cli_error("--format %s: one of text, json, csv", format);
	return -EINVAL;
}

static int parse_interval(struct marks *m, const char *value)
{
	if (ft_duration_parse(value, &m->interval_ns) == 0 &&
	    m->interval_ns >= INTERVAL_MIN_NS)
		return 0;
	cli_error("--interval %s: a duration is 500ms, 2s, 1m, and 100ms at least",
		  value);
	return -EINVAL;
}

static int parse_filter(struct marks *m, const struct cli_word *word)
{
	int kind = word->option->id - OPT_FILTER;
	const char *error = "out of memory";
	int r;

	if (kind == FT_MATCH_CONTAINER && strlen(word->value) < CONTAINER_LEN_MIN) {
		cli_error("--%s%s %s: at least %d characters of the id",
			  word->negated ? "not-" : "", word->option->name, word->value,
			  CONTAINER_LEN_MIN);
		return -EINVAL;
	}
	r = ft_match_add(m->match, (enum ft_match_kind)kind, word->value, word->negated,
			 &error);
	if (r < 0)
		cli_error("--%s%s %s: %s", word->negated ? "not-" : "",
			  word->option->name, word->value, error);
	return r;
}

static int parse_option(struct marks *m, const struct cli_word *word)
{
	switch (word->option->id) {
	case OPT_WATCH:
		m->watch = true;
		return 0;
	case OPT_INTERVAL:
		return parse_interval(m, word->value);
	case OPT_GROUPS:
		m->want.groups_only = m->printer.groups_only = true;
		return 0;
	case OPT_FORMAT:
		return parse_format(m, word->value);
	case OPT_NO_ARGS:
		m->printer.no_args = true;
		return 0;
	default:
		return parse_filter(m, word);
	}
}

static int add_path(struct marks *m, const char *path)
{
	const char **list = reallocarray(m->paths, m->paths_count + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	m->paths = list;
	list[m->paths_count++] = path;
	return 0;
}

/* 1: help was printed. */
static int parse(struct marks *m, const struct cli_command *c, int argc, char **argv)
{
	struct cli_parser p = {.command = c, .argc = argc, .argv = argv};
	struct cli_word word;
	int r;

	while ((r = cli_next(&p, &word)) > 0) {
		if (word.option && word.option->id == CLI_OPTION_HELP) {
			cli_print_help(c, true);
			return 1;
		}
		r = word.option ? parse_option(m, &word) : add_path(m, word.value);
		if (r < 0)
			return r;
	}
	if (r == 0 && m->interval_ns > 0 && !m->watch) {
		cli_error("--interval: without --watch there is one look");
		return -EINVAL;
	}
	if (m->interval_ns == 0)
		m->interval_ns = INTERVAL_NS;
	m->printer.color =
		m->printer.ops == &ft_listing_text && cli_wants_color(STDOUT_FILENO);
	return r;
}

static void write_out(struct marks *m)
{
	struct ft_bytes *out = &m->printer.out;
	int r = out->failed;

	if (r == 0 && m->error == 0)
		r = ft_file_write(STDOUT_FILENO, out->data, out->len);
	if (r < 0 && m->error == 0)
		m->error = r;
	ft_bytes_clear(out);
}

static void flush(struct ft_listing_printer *p)
{
	if (p->out.len >= FLUSH_AT || p->out.failed)
		write_out(p->data);
}

/* ---- what could not be seen ---- */

static void put_reason(struct ft_bytes *out, const char *text)
{
	if (out->len > 0)
		ft_bytes_put_lit(out, "; ");
	ft_bytes_put_str(out, text);
}

static void put_counted(struct ft_bytes *out, size_t n, const char *one, const char *many)
{
	char text[160];

	if (n == 0)
		return;
	snprintf(text, sizeof(text), n == 1 ? one : many, n);
	put_reason(out, text);
}

static void sum_marks(const struct ft_groups *g, size_t *ret_dropped, size_t *ret_unknown)
{
	*ret_dropped = *ret_unknown = 0;
	for (size_t i = 0; i < g->count; i++) {
		*ret_dropped += g->list[i].text.marks_dropped;
		*ret_unknown += g->list[i].text.unknown;
	}
}

static void put_unseen(struct ft_bytes *out, const struct ft_listing *l)
{
	const struct ft_groups_sight *s = &l->groups.sight;
	size_t dropped, unknown;

	sum_marks(&l->groups, &dropped, &unknown);
	put_counted(out, s->denied,
		    "the descriptors of %zu process (permission denied, root may)",
		    "the descriptors of %zu processes (permission denied, root may)");
	if (s->is_hidden)
		put_reason(out, "processes that /proc hides (mount option hidepid)");
	if (s->is_contained)
		put_reason(out, "processes outside this PID namespace");
	put_counted(out, s->failed, "the marks of %zu group, which could not be read",
		    "the marks of %zu groups, which could not be read");
	put_counted(out, l->waiters.denied,
		    "whether %zu sleeping thread waits for an answer (root may)",
		    "whether %zu sleeping threads wait for an answer (root may)");
	put_counted(out, l->unplaced,
		    "the path of %zu mark (that takes CAP_DAC_READ_SEARCH)",
		    "the paths of %zu marks (that takes CAP_DAC_READ_SEARCH)");
	put_counted(out, dropped, "%zu mark past the first million of its group",
		    "%zu marks past the first million of their group");
	put_counted(out, unknown, "%zu mark of a form that is not known",
		    "%zu marks of a form that is not known");
}

/* True: something was not seen, which is told once. */
static bool tell_unseen(struct marks *m, const struct ft_listing *l)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes text = {0};

	put_unseen(&text, l);
	if (text.len > 0 && !m->is_told)
		cli_error("not seen: %s", ft_bytes_cstr(&text));
	m->is_told = m->is_told || text.len > 0;
	return text.len > 0;
}

/* ---- telling ---- */

static void print(struct marks *m, const struct ft_listing_line *line)
{
	m->printer.ops->group(&m->printer, line);
}

static void print_found(struct marks *m, const struct ft_listing *l, int64_t time_ns)
{
	for (size_t i = 0; i < l->groups.count; i++) {
		struct ft_listing_line line = {.time_ns = time_ns,
					       .listing = l,
					       .group = &l->groups.list[i],
					       .listed = &l->list[i]};

		if (line.listed->is_shown)
			print(m, &line);
	}
	write_out(m);
}

static void print_gone(struct marks *m, const struct ft_listing *before, int64_t time_ns)
{
	for (size_t i = 0; i < before->groups.count; i++) {
		struct ft_listing_line line = {.change = FT_LISTING_GONE,
					       .time_ns = time_ns,
					       .listing = before,
					       .group = &before->groups.list[i],
					       .listed = &before->list[i]};

		if (line.listed->is_shown && !line.listed->pair)
			print(m, &line);
	}
}

/* What became shown, or stopped being, with its group still there, came and went, too. */
static void print_now(struct marks *m, const struct ft_listing *before,
		      struct ft_listing_line line)
{
	const struct ft_listed_group *pair = line.listed->pair;
	bool was_shown = pair && pair->is_shown;

	if (!line.listed->is_shown && !was_shown)
		return;
	if (was_shown) {
		line.old_listed = pair;
		line.old_group = &before->groups.list[pair - before->list];
		if (m->want.groups_only ||
		    ft_listing_count(line.group, line.listed, true) +
				    ft_listing_count(line.old_group, pair, true) ==
			    0)
			return;
		line.change = FT_LISTING_CHANGED;
	} else {
		line.change = FT_LISTING_NEW;
	}
	print(m, &line);
}

static void print_changes(struct marks *m, const struct ft_listing *before,
			  const struct ft_listing *now, int64_t time_ns)
{
	print_gone(m, before, time_ns);
	for (size_t i = 0; i < now->groups.count; i++)
		print_now(m, before,
			  (struct ft_listing_line){.time_ns = time_ns,
						   .listing = now,
						   .group = &now->groups.list[i],
						   .listed = &now->list[i]});
	write_out(m);
}

/* ---- looking ---- */

/* A path that is gone by now keeps the last object that it led to. */
static int read_covers(struct marks *m, bool is_first)
{
	for (size_t i = 0; i < m->paths_count; i++) {
		int r = ft_covers_read(&m->covers[i], m->paths[i]);

		if (r < 0 && is_first) {
			cli_error("%s: %s", m->paths[i], strerror(-r));
			return r;
		}
	}
	return 0;
}

static int look(struct marks *m, struct ft_listing *ret, struct ft_listing *before)
{
	int r = read_covers(m, !before);

	if (r < 0)
		return r;
	r = ft_listing_read(ret, &m->want, before);
	if (r < 0)
		cli_error("cannot list the groups of this machine: %s%s", strerror(-r),
			  r == -ENOENT ? " (is /proc mounted?)" : "");
	return r;
}

/* Until the next look is due; false: it is time to end. */
static bool pause_for(int64_t ns)
{
	struct timespec ts = {.tv_sec = ns / FT_NSEC_PER_SEC,
			      .tv_nsec = ns % FT_NSEC_PER_SEC};
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	return sigtimedwait(&ends, NULL, &ts) < 0;
}

static void block_signals(void)
{
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigprocmask(SIG_BLOCK, &ends, NULL);
}

static int64_t next_pause(const struct marks *m, int64_t took_ns)
{
	return took_ns * LOOK_SHARE > m->interval_ns ? took_ns * LOOK_SHARE
						     : m->interval_ns;
}

static int watch(struct marks *m, struct ft_listing *l)
{
	int64_t began = ft_boot_ns();
	int r = 0;

	while (r == 0 && m->error == 0 &&
	       pause_for(next_pause(m, ft_boot_ns() - began))) {
		struct ft_listing now;

		began = ft_boot_ns();
		r = look(m, &now, l);
		if (r < 0)
			break;
		print_changes(m, l, &now, ft_now_ns());
		ft_listing_fini(l);
		*l = now;
		(void)tell_unseen(m, l);
	}
	return r;
}

static int list(struct marks *m)
{
	_cleanup_(ft_listing_fini) struct ft_listing l = {0};
	int r = look(m, &l, NULL);

	if (r < 0)
		return CLI_FAILED;
	if (m->printer.ops->begin)
		m->printer.ops->begin(&m->printer);
	print_found(m, &l, ft_now_ns());
	(void)tell_unseen(m, &l);
	if (m->watch && m->error == 0)
		r = watch(m, &l);
	if (m->error < 0)
		cli_error("cannot write the list: %s", strerror(-m->error));
	if (r < 0 || m->error < 0)
		return CLI_FAILED;
	return m->is_told ? CLI_INCOMPLETE : CLI_DONE;
}

static int prepare(struct marks *m)
{
	m->covers = calloc(m->paths_count + 1, sizeof(*m->covers));
	if (!m->covers)
		return -ENOMEM;
	m->want.match = m->match;
	m->want.covers = m->covers;
	m->want.covers_count = m->paths_count;
	m->want.wall_offset = ft_observer_wall_offset();
	m->printer.flush = flush;
	m->printer.data = m;
	if (m->watch)
		block_signals();
	return ft_idnames_new(&m->printer.users, FT_IDNAMES_USER);
}

static void marks_fini(struct marks *m)
{
	ft_match_free(m->match);
	free(m->paths);
	free(m->covers);
	ft_bytes_fini(&m->printer.out);
	ft_idnames_free(m->printer.users);
}

static int run_marks(const struct cli_command *c, int argc, char **argv)
{
	_cleanup_(marks_fini) struct marks m = {.printer.ops = &ft_listing_text};
	int r = ft_match_new(&m.match);

	if (r == 0)
		r = parse(&m, c, argc, argv);
	if (r == 1)
		return CLI_DONE;
	if (r == 0) {
		r = prepare(&m);
		if (r == 0)
			return list(&m);
	}
	if (r == -ENOMEM) {
		cli_error("marks: out of memory");
		return CLI_FAILED;
	}
	return CLI_USAGE;
}

const struct cli_command cli_marks_command = {
	.name = "marks",
	.synopsis = "[OPTIONS] [PATH...]",
	.summary = "who listens: all fanotify and inotify marks",
	.options = &marks_options,
	.run = run_marks,
};
