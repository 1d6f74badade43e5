/* SPDX-License-Identifier: MIT */
/* Looking at a process: is it still the image that is known, and if not, which is it? */
#pragma once

#include "proc/images.h"

struct ft_observer {
	int proc;
	int64_t tick_ns;
	int64_t wall_offset; /* from CLOCK_BOOTTIME to the wall clock, read once: equal
				starts stay equal */
	struct ft_images images;
	struct ft_bytes text; /* scratch, as are the next four */
	struct ft_bytes exe;
	struct ft_bytes args;
	struct ft_bytes cgroup;
	struct ft_bytes container;
};

/* 0 or -errno. */
int ft_observer_init(struct ft_observer *o);
void ft_observer_fini(struct ft_observer *o);
/* Takes note of every process there is, of what stat says of it and its ids; 0 or -errno.
 */
int ft_observer_seed(struct ft_observer *o);

/* From CLOCK_BOOTTIME to the wall clock. */
int64_t ft_observer_wall_offset(void);
/* When the process was surely there: the end of the tick in which it started. */
int64_t ft_observer_start(const struct ft_observer *o, const struct ft_proc_stat *stat);

/*
 * Brings p up to date, to this depth at least, once a backlog. FT_SIGHT_IMAGE: p->now was
 * the pid's image from its `since` to `seen`, which is in this backlog.
 */
enum ft_sight ft_observe(struct ft_observer *o, struct ft_pid *p,
			 enum ft_image_depth depth);
