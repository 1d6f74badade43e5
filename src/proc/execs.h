/* SPDX-License-Identifier: MIT */
/* Which processes have OPEN_EXEC records in a backlog, and where the first of each
 * stands. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Bound: as many pids; past it any pid counts as told, from position 0 on. */
enum { FT_EXECS_MAX = 48 * 1024 };

struct ft_execs_slot {
	uint64_t first;
	pid_t pid; /* 0: empty */
};

/* Zero-initialised is empty. */
struct ft_execs {
	struct ft_execs_slot *slots;
	size_t mask; /* number of slots - 1, when slots */
	size_t count;
	bool is_full; /* something could not be kept */
};

void ft_execs_fini(struct ft_execs *x);
/* Keeps its memory for the next backlog. */
void ft_execs_clear(struct ft_execs *x);
void ft_execs_add(struct ft_execs *x, pid_t pid, uint64_t position);
/* Has pid executed, or tried to? */
bool ft_execs_find(const struct ft_execs *x, pid_t pid, uint64_t *ret_first);
