/* SPDX-License-Identifier: MIT */
/* Everything that /proc says of the processes there are, as steps of their history. */
#pragma once

#include "proc/history.h"

struct ft_seeder {
	int proc;
	int64_t tick_ns;
	bool has_ids;	      /* they may be told: a change would be, too */
	bool no_args;	      /* reading them may wait for the process */
	struct ft_bytes text; /* scratch, as are the next three */
	struct ft_bytes exe;
	struct ft_bytes args;
	struct ft_bytes cgroup;
};

/* 0 or -errno. */
int ft_seeder_init(struct ft_seeder *s, int64_t tick_ns);
void ft_seeder_fini(struct ft_seeder *s);
/* 0, or -errno: not all were told. */
int ft_seeder_run(struct ft_seeder *s, struct ft_history *h);
