/* SPDX-License-Identifier: MIT */
/* The fanotify and inotify groups of this machine: who holds them, and their marks. */
#pragma once

#include <sys/types.h>

#include "inspect/fdinfo.h"

/* One descriptor that leads to a group. */
struct ft_group_holder {
	pid_t pid;
	int fd;
	uint64_t start; /* of the process, clock ticks after boot: tells it from a later
			   one of this pid */
};

/*
 * Descriptors that were inherited by a fork, duplicated or passed on lead to one group:
 * it stands here once, with all of them, the oldest process first, then by pid and fd.
 */
struct ft_group {
	struct ft_group_text text;
	struct ft_group_holder *holders; /* at least one */
	size_t holders_count;
	bool is_unsure; /* it may be the same as another one here: not permitted to
			   compare them */
};

/* What was looked at, and what could not be. */
struct ft_groups_sight {
	size_t processes;  /* looked at */
	size_t denied;	   /* processes whose descriptors are not ours to see */
	size_t failed;	   /* groups whose marks could not be read */
	int error;	   /* of the last of them, -errno */
	bool is_hidden;	   /* /proc does not show all processes (hidepid) */
	bool is_contained; /* a PID namespace of its own: processes outside it are not in
			      /proc */
};

struct ft_groups {
	/* Those that may make others wait first, then fanotify, then inotify; then by
	 * their first holder. */
	struct ft_group *list;
	size_t count;
	struct ft_groups_sight sight;
};

enum ft_groups_depth {
	FT_GROUPS_WHOLE,
	FT_GROUPS_FANOTIFY, /* those alone: inotify groups are passed over unread */
};

/* Groups that nobody holds by a descriptor (in flight through a socket, of the kernel
 * itself) cannot be seen. proc: of ft_procfs_open(). 0 or -errno. */
int ft_groups_read(int proc, enum ft_groups_depth depth, struct ft_groups *ret);
void ft_groups_fini(struct ft_groups *g);
/* The process that is told as the group's own: its first holder. */
static inline pid_t ft_group_pid(const struct ft_group *g)
{
	return g->holders[0].pid;
}
