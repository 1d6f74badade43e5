/* SPDX-License-Identifier: MIT */
/* Events that the tests of the formats print. Included after cmocka.h. */
#pragma once

#include "base/cleanup.h"
#include "output/output.h"

/* 2026-11-20T12:00:00.123456789Z */
#define NOON 1795176000123456789

static const struct ft_ancestor parents[] = {{4700, {"bash", 4}, {"/usr/bin/bash", 13}}};

static const struct ft_process touch = {
	.id = 7,
	.pid = 4711,
	.ppid = 4700,
	.has_ppid = true,
	.has_ids = true,
	.start_ns = NOON - 1000000000,
	.comm = {"touch", 5},
	.exe = {"/usr/bin/touch", 14},
	.args = {"touch\0a.txt", 12},
	.cgroup = {"/user.slice", 11},
	.container = {"0123abcd", 8},
	.parents = parents,
	.parents_count = 1,
};

static const __attribute__((unused)) struct ft_event created = {
	.path_source = FT_PATH_EVENT,
	.time_ns = NOON,
	.mask = FT_EV_CREATE | FT_EV_OPEN | FT_EV_MODIFY | FT_EV_CLOSE_WRITE,
	.has_inode = true,
	.inode = 12,
	.path = {"/srv/a.txt", 10},
	.dev = {"8:1", 3},
	.fs = {"ext4", 4},
	.pid = 4711,
	.certainty = FT_CERTAINTY_EXACT,
	.process = &touch,
};

static const struct ft_decision denial = {
	.verdict = FT_VERDICT_DENY,
	.answered = FT_VERDICT_DENY,
	.mode = FT_MODE_ENFORCE,
	.rule = {"ssh-keys", 8},
	.reason = {"rule", 4},
	.took_ns = 41999,
};

static const __attribute__((unused)) struct ft_event denied = {
	.path_source = FT_PATH_NOW,
	.time_ns = NOON,
	.mask = FT_EV_OPEN_PERM,
	.path = {"/srv/a.txt", 10},
	.pid = 4711,
	.certainty = FT_CERTAINTY_EXACT,
	.process = &touch,
	.decision = &denial,
};

static const __attribute__((unused)) struct ft_event lost = {
	.kind = FT_KIND_LOST,
	.time_ns = NOON,
	.where = FT_LOST_BUFFER,
	.has_count = true,
	.count = 812,
};

static const __attribute__((unused)) struct ft_event gap = {
	.kind = FT_KIND_GAP,
	.time_ns = NOON,
	.from_ns = NOON - 3000000000,
	.to_ns = NOON - 1000000000,
	.reason = "killed",
};

static inline void cleanup_format(struct ft_format **f)
{
	ft_format_free(*f);
}

#define _cleanup_format_ _cleanup_(cleanup_format)
#define _cleanup_bytes_	 _cleanup_(ft_bytes_fini)

static inline struct ft_format *make(const struct ft_output_config *c)
{
	struct ft_format *f = NULL;

	assert_int_equal(ft_format_new(&f, c, NULL), 0);
	return f;
}

static inline void expect(struct ft_format *f, const struct ft_event *ev, uint64_t seq,
			  const char *line)
{
	_cleanup_bytes_ struct ft_bytes out = {0};

	ft_format_put(f, &out, ev, seq);
	assert_int_equal(out.failed, 0);
	assert_string_equal(ft_bytes_cstr(&out), line);
}
