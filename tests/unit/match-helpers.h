/* SPDX-License-Identifier: MIT */
/* One filter on one event, and a few processes: for the tests of filters and matches. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "match/match.h"

static inline void cleanup_match(struct ft_match **m)
{
	ft_match_free(*m);
}

#define _cleanup_match_ _cleanup_(cleanup_match)

static inline struct ft_match *new_match(void)
{
	struct ft_match *m = NULL;

	assert_int_equal(ft_match_new(&m), 0);
	return m;
}

static inline void add(struct ft_match *m, enum ft_match_kind kind, const char *value,
		       bool negate)
{
	const char *error = NULL;

	if (ft_match_add(m, kind, value, negate, &error) != 0)
		fail_msg("%s: %s", value, error);
}

/* One filter alone, on one event. */
static inline bool one(enum ft_match_kind kind, const char *value, bool negate,
		       const struct ft_event *ev)
{
	_cleanup_match_ struct ft_match *m = new_match();

	add(m, kind, value, negate);
	return ft_match_event(m, ev);
}

static inline bool wanted(enum ft_match_kind kind, const char *value,
			  const struct ft_event *ev)
{
	return one(kind, value, false, ev);
}

static inline bool excluded(enum ft_match_kind kind, const char *value,
			    const struct ft_event *ev)
{
	return !one(kind, value, true, ev);
}

static inline struct ft_event event_at(const char *path)
{
	return (struct ft_event){.path = ft_span_of(path), .path_source = FT_PATH_EVENT};
}

static inline struct ft_event rename_of(const char *from, const char *to)
{
	return (struct ft_event){.path = ft_span_of(to), .old_path = ft_span_of(from)};
}

static const struct ft_ancestor parents_of_vi[] = {
	{.pid = 300}, {.pid = 200}, {.pid = 1}};

static const struct ft_process vi = {
	.id = 1,
	.pid = 400,
	.ppid = 300,
	.has_ppid = true,
	.has_ids = true,
	.uid = 1000,
	.gid = 100,
	.comm = {"vi", 2},
	.exe = {"/usr/bin/vi", 11},
	.container = {"0123456789abcdef", 16},
	.parents = parents_of_vi,
	.parents_count = FT_ARRAY_SIZE(parents_of_vi),
};

static const struct ft_process sh = {
	.id = 2,
	.pid = 400,
	.has_ids = true,
	.uid = 0,
	.gid = 0,
	.comm = {"sh", 2},
	.exe = {"/bin/sh", 7},
};

/* Known by its pid at most. */
static const struct ft_process bare = {.id = 3, .pid = 400};

static inline struct ft_event event_by(const struct ft_process *p)
{
	return (struct ft_event){.path = FT_SPAN("/a"),
				 .pid = p ? p->pid : 0,
				 .process = p,
				 .certainty = p ? FT_CERTAINTY_EXACT : FT_CERTAINTY_NONE};
}
