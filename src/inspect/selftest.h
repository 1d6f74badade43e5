/* SPDX-License-Identifier: MIT */
/* A canary through each real filesystem, by a session as `watch` has it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

enum ft_selftest_result {
	FT_SELFTEST_OK,
	FT_SELFTEST_FAILED,
	FT_SELFTEST_SKIPPED,
};

struct ft_selftest {
	char *path; /* where it was sent */
	char *type;
	enum ft_selftest_result result;
	int64_t took_ns; /* from the first thing done until all of it was told */
	struct ft_bytes
		reason; /* of all but ok; with that, what is less than it could be */
};

struct ft_selftests {
	struct ft_selftest *list;
	size_t count;
};

/* On every real filesystem, or on those of the paths. 0 or -errno with the path at fault
 * in *ret_bad. */
int ft_selftest_run(const char *const *paths, size_t count, struct ft_selftests *ret,
		    const char **ret_bad);
void ft_selftests_fini(struct ft_selftests *s);
void ft_selftest_format_text(struct ft_bytes *out, const struct ft_selftests *s);
void ft_selftest_format_json(struct ft_bytes *out, const struct ft_selftests *s);
