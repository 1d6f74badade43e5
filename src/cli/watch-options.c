/* SPDX-License-Identifier: MIT */
/* The table of the shared options, and what each does. */
#include "cli/watch-options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/near.h"
#include "cli/message.h"

enum { CONTAINER_LEN_MIN = 4 };

/* All that a mark of a mount takes, and what is told of mounts whatever is watched. */
#define MOUNT_SCOPE_BITS                                                                 \
	((uint64_t)(FT_EV_ACCESS | FT_EV_MODIFY | FT_EV_OPEN | FT_EV_OPEN_EXEC |         \
		    FT_EV_CLOSE_WRITE | FT_EV_CLOSE_NOWRITE | FT_EV_MNT_ATTACH |         \
		    FT_EV_MNT_DETACH))

enum {
	OPT_SCOPE = CLI_OPTION_WATCH,
	OPT_ONE_FILESYSTEM,
	OPT_EVENTS,
	OPT_FILTER, /* + enum ft_match_kind; the last */
};

_Static_assert(OPT_FILTER + FT_MATCH_KIND_COUNT <= CLI_OPTION_STREAM, "ids are unique");

#define FILTER(kind, name_, metavar_, help_)                                             \
	{                                                                                \
		.name = (name_), .metavar = (metavar_), .help = (help_),                 \
		.group = CLI_GROUP_FILTER, .id = OPT_FILTER + (kind), .negatable = true  \
	}

static const struct cli_option target_options[] = {
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
};

static const struct cli_option result_options[] = {
	FILTER(FT_MATCH_PATH, "path", "GLOB", "path or old path; ** crosses /"),
	FILTER(FT_MATCH_REGEX, "regex", "RE", "POSIX extended, anywhere in the path"),
	FILTER(FT_MATCH_PID, "pid", "N", "process id"),
	FILTER(FT_MATCH_TREE, "tree", "PID", "a process and its descendants"),
	FILTER(FT_MATCH_COMM, "comm", "NAME", "command name"),
	FILTER(FT_MATCH_EXE, "exe", "GLOB", "executable"),
	FILTER(FT_MATCH_UID, "uid", "USER", "effective user, name or number"),
	FILTER(FT_MATCH_GID, "gid", "GROUP", "effective group, name or number"),
	FILTER(FT_MATCH_CONTAINER, "container", "ID", "container id, or its beginning"),
};

const struct cli_options cli_result_options = {.list = result_options,
					       .count = FT_ARRAY_SIZE(result_options),
					       .more = &cli_output_options};
const struct cli_options cli_watch_options = {.list = target_options,
					      .count = FT_ARRAY_SIZE(target_options),
					      .more = &cli_result_options};

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

static const char *near_event(struct ft_span word)
{
	const char *nearest = NULL;
	size_t least = SIZE_MAX, count;
	const struct ft_mask_name *names = ft_mask_names(&count);

	for (size_t i = 0; i < count; i++) {
		size_t n = ft_near_distance(word, ft_span_of(names[i].name));

		if (n < least && !(names[i].bit & FT_MASK_ASK)) {
			least = n;
			nearest = names[i].name;
		}
	}
	return nearest;
}

static void unknown_event(const char *list, struct ft_span word)
{
	const char *near = near_event(word);

	cli_error("--events %s: '%.*s' is no event%s%s (fantail help events lists them)",
		  list, (int)word.len, word.data ? word.data : "",
		  near ? ", near it: " : "", near ? near : "");
}

static int parse_events(struct cli_watch *w, const char *list)
{
	struct ft_span bad = {0};
	uint64_t mask;

	if (ft_mask_parse(list, &mask, &bad) < 0) {
		unknown_event(list, bad);
		return -EINVAL;
	}
	w->events |= mask;
	if (ft_session_set_events(w->session, w->events) < 0) {
		cli_error(
			"--events %s: permission events cannot be watched, only guarded",
			list);
		return -EINVAL;
	}
	return 0;
}

static int parse_filter(struct cli_watch *w, const struct cli_word *word)
{
	int kind = word->option->id - OPT_FILTER;

	if (kind == FT_MATCH_CONTAINER && strlen(word->value) < CONTAINER_LEN_MIN) {
		cli_error("--%s%s %s: at least %d characters of the id",
			  word->negated ? "not-" : "", word->option->name, word->value,
			  CONTAINER_LEN_MIN);
		return -EINVAL;
	}
	if (ft_session_add_filter(w->session, (enum ft_match_kind)kind, word->value,
				  word->negated) == 0)
		return 0;
	cli_error("--%s%s %s", word->negated ? "not-" : "", word->option->name,
		  ft_session_error(w->session));
	return -EINVAL;
}

int cli_watch_take(struct cli_watch *w, const struct cli_word *word)
{
	switch (word->option->id) {
	case OPT_SCOPE:
		w->has_scope = true;
		return parse_scope(word->value, &w->scope);
	case OPT_ONE_FILESYSTEM:
		w->one_filesystem = true;
		return 0;
	case OPT_EVENTS:
		return parse_events(w, word->value);
	default:
		if (word->option->id < CLI_OPTION_WATCH)
			return cli_output_take(&w->output, word);
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

static int contradiction(const char *what, const char *why)
{
	cli_error("%s: %s", what, why);
	return -EINVAL;
}

static int check_targets(const struct cli_watch *w)
{
	if (w->all && w->has_scope)
		return contradiction("--all with --scope",
				     "--all is every filesystem, whole");
	if (w->all && w->paths_count > 0)
		return contradiction("--all with PATH", "--all is every filesystem; to "
							"show a part of it: --path");
	if (w->scope == FT_SCOPE_MOUNT && w->events && !(w->events & MOUNT_SCOPE_BITS))
		return contradiction("--scope mount",
				     "the kernel tells none of these events of a mount; "
				     "--scope filesystem does");
	return 0;
}

int cli_watch_check(struct cli_watch *w)
{
	int r = check_targets(w);

	return r < 0 ? r : cli_output_check(&w->output);
}

int cli_watch_init(struct cli_watch *w, int output_fd)
{
	int r;

	*w = (struct cli_watch){0};
	cli_output_init(&w->output, output_fd);
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
