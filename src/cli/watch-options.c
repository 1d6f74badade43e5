/* SPDX-License-Identifier: MIT */
/* The table of the shared options, and what each does. */
#include "cli/watch-options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/message.h"

enum {
	OPT_HELP = CLI_OPTION_HELP,
	OPT_SCOPE,
	OPT_ONE_FILESYSTEM,
	OPT_EVENTS,
	OPT_FORMAT,
	OPT_COLUMNS,
	OPT_NULL,
	OPT_OUTPUT,
	OPT_UTC,
	OPT_NO_ARGS,
	OPT_FILTER, /* + enum ft_match_kind; the last */
};

_Static_assert(OPT_FILTER + FT_MATCH_KIND_COUNT <= CLI_OPTION_OWN, "ids are unique");

#define FILTER(kind, name_, metavar_, help_)                                             \
	{                                                                                \
		.name = (name_), .metavar = (metavar_), .help = (help_),                 \
		.group = CLI_GROUP_FILTER, .id = OPT_FILTER + (kind), .negatable = true  \
	}

static const struct cli_option options[] = {
	{.name = "scope",
	 .metavar = "SCOPE",
	 .help = "tree (default), filesystem, mount, directory or file",
	 .group = CLI_GROUP_WATCH,
	 .id = OPT_SCOPE},
	{.name = "one-file-system",
	 .letter = 'x',
	 .help = "do not go into other mounts below PATH",
	 .group = CLI_GROUP_WATCH,
	 .id = OPT_ONE_FILESYSTEM},
	{.name = "events",
	 .letter = 'e',
	 .metavar = "LIST",
	 .help = "names, or groups read write exec change all",
	 .group = CLI_GROUP_EVENTS,
	 .id = OPT_EVENTS},
	FILTER(FT_MATCH_PATH, "path", "GLOB", "path or old path; ** crosses /"),
	FILTER(FT_MATCH_REGEX, "regex", "RE", "POSIX extended, anywhere in the path"),
	FILTER(FT_MATCH_PID, "pid", "N", "process id"),
	FILTER(FT_MATCH_TREE, "tree", "PID", "a process and its descendants"),
	FILTER(FT_MATCH_COMM, "comm", "NAME", "command name"),
	FILTER(FT_MATCH_EXE, "exe", "GLOB", "executable"),
	FILTER(FT_MATCH_UID, "uid", "USER", "effective user, name or number"),
	FILTER(FT_MATCH_GID, "gid", "GROUP", "effective group, name or number"),
	FILTER(FT_MATCH_CONTAINER, "container", "ID", "container id, or its beginning"),
	{.name = "format",
	 .metavar = "FORMAT",
	 .help = "text, json, csv, ecs, ocsf, or '{time} {path}'",
	 .group = CLI_GROUP_OUTPUT,
	 .id = OPT_FORMAT},
	{.name = "columns",
	 .metavar = "LIST",
	 .help = "what to print, in this order",
	 .group = CLI_GROUP_OUTPUT,
	 .id = OPT_COLUMNS},
	{.name = "null",
	 .letter = '0',
	 .help = "paths alone, raw, each ended by NUL",
	 .group = CLI_GROUP_OUTPUT,
	 .id = OPT_NULL},
	{.name = "output",
	 .letter = 'o',
	 .metavar = "FILE",
	 .help = "append to FILE; SIGHUP reopens it",
	 .group = CLI_GROUP_OUTPUT,
	 .id = OPT_OUTPUT},
	{.name = "utc",
	 .help = "text: times in UTC",
	 .group = CLI_GROUP_OUTPUT,
	 .id = OPT_UTC},
	{.name = "no-args",
	 .help = "leave out the arguments of processes",
	 .group = CLI_GROUP_OUTPUT,
	 .id = OPT_NO_ARGS},
	{.name = "help",
	 .letter = 'h',
	 .help = "this help",
	 .group = CLI_GROUP_RUN,
	 .id = OPT_HELP},
};

const struct cli_options cli_watch_options = {.list = options,
					      .count = FT_ARRAY_SIZE(options)};

static int parse_scope(const char *s, enum ft_scope *ret)
{
	static const char *const names[] = {
		[FT_SCOPE_TREE] = "tree",   [FT_SCOPE_FILESYSTEM] = "filesystem",
		[FT_SCOPE_MOUNT] = "mount", [FT_SCOPE_DIRECTORY] = "directory",
		[FT_SCOPE_FILE] = "file",
	};

	for (size_t i = 0; i < FT_ARRAY_SIZE(names); i++) {
		if (strcmp(s, names[i]) == 0) {
			*ret = (enum ft_scope)i;
			return 0;
		}
	}
	cli_error("--scope %s: one of tree, filesystem, mount, directory, file", s);
	return -EINVAL;
}

static int parse_events(struct cli_watch *w, const char *list)
{
	struct ft_span bad = {0};
	uint64_t mask;

	if (ft_mask_parse(list, &mask, &bad) < 0) {
		cli_error("--events %s: '%.*s' is no event (fantail help events lists "
			  "them)",
			  list, (int)bad.len, bad.data ? bad.data : "");
		return -EINVAL;
	}
	if (ft_session_set_events(w->session, mask) < 0) {
		cli_error(
			"--events %s: permission events cannot be watched, only guarded",
			list);
		return -EINVAL;
	}
	w->events = mask;
	return 0;
}

static int parse_filter(struct cli_watch *w, const struct cli_word *word)
{
	int kind = word->option->id - OPT_FILTER;

	if (ft_session_add_filter(w->session, (enum ft_match_kind)kind, word->value,
				  word->negated) == 0)
		return 0;
	cli_error("--%s%s %s", word->negated ? "not-" : "", word->option->name,
		  ft_session_error(w->session));
	return -EINVAL;
}

static int parse_format(struct cli_watch *w, const char *format)
{
	if (ft_output_parse_format(format, &w->output) == 0)
		return 0;
	cli_error("--format %s: one of text, json, csv, ecs, ocsf, or a template like "
		  "'{time} {path}'",
		  format);
	return -EINVAL;
}

int cli_watch_take(struct cli_watch *w, const struct cli_word *word)
{
	switch (word->option->id) {
	case OPT_SCOPE:
		return parse_scope(word->value, &w->scope);
	case OPT_ONE_FILESYSTEM:
		w->one_filesystem = true;
		return 0;
	case OPT_EVENTS:
		return parse_events(w, word->value);
	case OPT_FORMAT:
		return parse_format(w, word->value);
	case OPT_COLUMNS:
		w->output.columns = word->value;
		return 0;
	case OPT_NULL:
		w->output.format = FT_FORMAT_RAW;
		return 0;
	case OPT_OUTPUT:
		w->output.file = word->value;
		return 0;
	case OPT_UTC:
		w->output.utc = true;
		return 0;
	case OPT_NO_ARGS:
		w->output.no_args = true;
		return 0;
	default:
		return parse_filter(w, word);
	}
}

int cli_watch_add_path(struct cli_watch *w, const char *path)
{
	const char **list = reallocarray(w->paths, w->paths_count + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	w->paths = list;
	list[w->paths_count++] = path;
	return 0;
}

void cli_watch_look_at_terminal(struct cli_watch *w)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	struct winsize size;

	if (w->output.file || !isatty(w->output.fd))
		return;
	w->output.color =
		!(no_color && *no_color) && !(term && strcmp(term, "dumb") == 0);
	if (ioctl(w->output.fd, TIOCGWINSZ, &size) == 0)
		w->output.width = size.ws_col;
}

int cli_watch_init(struct cli_watch *w, int output_fd)
{
	int r;

	*w = (struct cli_watch){.output = {.format = FT_FORMAT_TEXT, .fd = output_fd}};
	r = ft_session_new(&w->session, 0);
	if (r < 0)
		cli_error("cannot begin: %s", strerror(-r));
	return r;
}

void cli_watch_fini(struct cli_watch *w)
{
	w->session = ft_session_free(w->session);
	free(w->paths);
	w->paths = NULL;
}

int cli_watch_add_targets(struct cli_watch *w)
{
	int r = 0;

	if (w->all)
		r = ft_session_add_all(w->session);
	else if (w->paths_count == 0)
		r = ft_session_add_path(w->session, ".", w->scope, w->one_filesystem);
	for (size_t i = 0; i < w->paths_count && r == 0; i++)
		r = ft_session_add_path(w->session, w->paths[i], w->scope,
					w->one_filesystem);
	if (r < 0)
		cli_error("%s", ft_session_error(w->session));
	return r;
}
