/* SPDX-License-Identifier: MIT */
/* One matcher for the filters of the commands and the rules of the guard: compiled once,
 * then pure. */
#pragma once

#include "event/event.h"

enum ft_match_kind {
	FT_MATCH_PATH,	/* glob */
	FT_MATCH_REGEX, /* POSIX extended on bytes (C locale), unanchored, on the whole
			   path */
	FT_MATCH_PID,
	FT_MATCH_TREE, /* the process that has this pid when it begins, and its
			  descendants */
	FT_MATCH_COMM, /* as a whole; of a longer one the 15 bytes that the kernel keeps
			*/
	FT_MATCH_EXE,  /* glob on the executable's path */
	FT_MATCH_UID,
	FT_MATCH_GID,
	FT_MATCH_CONTAINER, /* id or an unambiguous beginning of it (4 characters at
			       least; shorter: the whole id) */
	FT_MATCH_KIND_COUNT,
};

struct ft_match;
struct ft_glob;

/* Bound: 1024 filters, 65536 roots, patterns of at most 4096 bytes (more: -E2BIG). */
int ft_match_new(struct ft_match **ret);
struct ft_match *ft_match_free(struct ft_match *m);
/*
 * Adds one filter. 0; -EINVAL: bad pattern or number, *ret_error (static or owned by m,
 * may be NULL) says what is wrong; -ENOENT: no such user or group. Repeats of one kind
 * are or-ed, kinds are and-ed; negated ones each exclude.
 */
int ft_match_add(struct ft_match *m, enum ft_match_kind kind, const char *value,
		 bool negate, const char **ret_error);
/* The resolved PATHs of the command line: what globs with a `/` inside but not in front
 * are anchored below. Trailing slashes are taken off; -EINVAL: not absolute. */
int ft_match_add_root(struct ft_match *m, const char *root);
bool ft_match_is_empty(const struct ft_match *m);
/* Is everything at and below this directory excluded by the path, whatever happens there?
 */
bool ft_match_excludes_below(const struct ft_match *m, const char *dir);
/* Does it look at anything but the path? Then the process must be known before. */
bool ft_match_needs_process(const struct ft_match *m);

/* 1, 0, or -errno: that is not known. */
typedef int (*ft_match_below_fn)(void *data, const struct ft_process *p, pid_t root);
/* For FT_MATCH_TREE; without it, by the parents that a process names. */
void ft_match_set_below(struct ft_match *m, ft_match_below_fn fn, void *data);
/* The pid of the nth FT_MATCH_TREE, negated or not; 0: there are no more. */
pid_t ft_match_get_tree(const struct ft_match *m, size_t n);

/*
 * Kind EVENT only; LOST and GAP always match. Positive path filters match if `path` or
 * `old_path` does, negated ones exclude if all paths that the event has do match (a
 * rename out of an excluded directory is shown; one from an excluded directory to another
 * is not, each path by one filter or another; so it is with candidates). On `ambiguous` a
 * filter matches if any candidate does, a negated one excludes only if all do, and if it
 * may be another than those it excludes by PID and TREE alone. What is unknown (pid 0, no
 * exe) matches no positive filter and is excluded by no negated one.
 */
bool ft_match_path(const struct ft_match *m, const struct ft_event *ev);
bool ft_match_process(const struct ft_match *m, const struct ft_event *ev);
/* Of what ft_match_process() refuses: might it match if more of the process were known?
 */
bool ft_match_is_undecided(const struct ft_match *m, const struct ft_event *ev);
static inline bool ft_match_event(const struct ft_match *m, const struct ft_event *ev)
{
	return ft_match_path(m, ev) && ft_match_process(m, ev);
}

/*
 * The globs of fantail-watch(1): fnmatch on bytes (? * [..] [!..] [a-z] [[:alpha:]] and
 * \ escapes, no locale), `*` `?` and brackets stop at `/`, `**` as a whole component is
 * zero or more components (/a/… does not match `/a` itself); leading `/` = whole path, no
 * `/` = last component, else below one of the roots. Leading dots are nothing special. At
 * most in the order of pattern * path steps. Refused, as no path has them: a component
 * that is empty, `.` or `..`.
 */
int ft_glob_new(struct ft_glob **ret, const char *pattern, const char **ret_error);
struct ft_glob *ft_glob_free(struct ft_glob *g);
/* roots: absolute, without trailing slash ("" for /). */
bool ft_glob_match(const struct ft_glob *g, struct ft_span path,
		   const struct ft_span *roots, size_t roots_count);
