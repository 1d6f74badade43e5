/* SPDX-License-Identifier: MIT */
/* Where something is for those in a container whose root is an overlay. */
#pragma once

#include "event/process.h"
#include "proc/layers.h"

/* Bound: so many containers; past it the one that was asked for the longest time ago is
 * forgotten, and looked up anew when it is asked for. */
enum { FT_WITHIN_MAX = 64 };

struct ft_within_container {
	char *id;
	struct ft_layers layers; /* as they were last seen; none: not known */
	uint64_t asked;
	int64_t look_ns; /* CLOCK_BOOTTIME: not looked at again before */
	unsigned int misses;
};

/* Zero-initialised is empty. */
struct ft_within {
	struct ft_within_container list[FT_WITHIN_MAX];
	size_t count;
	uint64_t asked;
	struct ft_bytes text; /* scratch, as the next */
	struct ft_bytes id;
};

void ft_within_fini(struct ft_within *in);
/*
 * The path in this process's container of what has this path here; empty: it is in none,
 * or not known. Points into path. What is read is /proc of a process of the container
 * that lives: the process, one of its ancestors, or another in its control group.
 */
struct ft_span ft_within_find(struct ft_within *in, const struct ft_process *p,
			      struct ft_span path);
