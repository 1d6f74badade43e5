/* SPDX-License-Identifier: MIT */
/*
 * Verdicts kept, so that a file that was decided on is not decided on again while nothing
 * changed. Bounded: what was not used for longest makes room. Any thread may ask and
 * change it: each call takes a lock for some ten nanoseconds, and allocates nothing.
 */
#pragma once

#include "guard/policy.h"

struct ft_verdict_key {
	struct ft_object object; /* of which dev must be known */
	uint64_t event;
	/* What stands for all that rules may ask of a process, as ft_process.id; 0: the
	 * verdict holds for everyone (no FT_DEPENDS_PROCESS). */
	uint64_t process;
};

/* When a verdict was right. It holds while all of this is the same. */
struct ft_verdict_stamp {
	int64_t ctime_ns;
	uint64_t policy;  /* generation: of the policy */
	uint64_t changes; /* generation: of changes that no ctime tells, such as the
			     rename of a directory above */
};

struct ft_verdict_kept {
	struct ft_outcome outcome;
	enum ft_scan_result result; /* of one that was scanned */
};

struct ft_verdicts;

/* Room for `capacity` verdicts (rounded up to a power of two; 88 bytes each), set aside
 * at once. */
int ft_verdicts_new(struct ft_verdicts **ret, size_t capacity);
struct ft_verdicts *ft_verdicts_free(struct ft_verdicts *v);

bool ft_verdicts_find(struct ft_verdicts *v, const struct ft_verdict_key *key,
		      const struct ft_verdict_stamp *stamp, struct ft_verdict_kept *ret);
/*
 * now_ns: the wall clock before the stamp was taken. Clocks of filesystems tick: a file
 * changed less than 20 ms before that may change once more within the same ctime, so its
 * verdict is not kept.
 */
void ft_verdicts_put(struct ft_verdicts *v, const struct ft_verdict_key *key,
		     const struct ft_verdict_stamp *stamp,
		     const struct ft_verdict_kept *kept, int64_t now_ns);
