/* SPDX-License-Identifier: MIT */
/* Which processes have executed something, and when at the latest. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Bound: as many pids. At it all are forgotten, and any pid may have executed until then.
 */
enum { FT_EXECS_MAX = 24 * 1024 };

struct ft_execs_slot {
	int64_t told; /* CLOCK_BOOTTIME, ns: the last exec was before */
	pid_t pid;    /* 0: empty */
};

/* Zero-initialised is empty. */
struct ft_execs {
	struct ft_execs_slot *slots;
	size_t mask; /* number of slots - 1, when slots */
	size_t count;
	int64_t forgotten; /* what was told up to here may not be known any more */
};

void ft_execs_fini(struct ft_execs *x);
/* Out of memory counts as the bound does. */
void ft_execs_add(struct ft_execs *x, pid_t pid, int64_t told);
/* May pid have executed something after `since`, of what was told up to now? */
bool ft_execs_is_told(const struct ft_execs *x, pid_t pid, int64_t since);
