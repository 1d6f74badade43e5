/* SPDX-License-Identifier: MIT */
/* The process behind a pid, as it is now. */
#pragma once

#include "event/process.h"
#include "proc/procfs.h"

/* Zero-initialised is empty; its bytes are reused. */
struct ft_owner {
	struct ft_process process; /* borrows the rest */
	uint64_t start;		   /* clock ticks after boot */
	struct ft_proc_stat stat;
	struct ft_bytes text; /* scratch */
	struct ft_bytes exe;
	struct ft_bytes args;
	struct ft_bytes cgroup;
	struct ft_bytes container;
};

/* proc: of ft_procfs_open(). wall_offset: of ft_observer_wall_offset(), read once: equal
 * starts stay equal. 0; -ESRCH: there is no such process, all but the pid is unknown. */
int ft_owner_read(struct ft_owner *o, int proc, pid_t pid, int64_t wall_offset);
void ft_owner_fini(struct ft_owner *o);
