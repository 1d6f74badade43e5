/* SPDX-License-Identifier: MIT */
/* Which process waits for which listener's answer. */
#pragma once

#include "inspect/groups.h"
#include "inspect/waiter.h"

struct ft_stuck {
	struct ft_waiters waiters;
	struct ft_groups groups; /* of fanotify; those that are asked come first */
	size_t asked;		 /* how many are */
	int proc;
};

/* 0 or -errno. */
int ft_stuck_read(struct ft_stuck *ret);
void ft_stuck_fini(struct ft_stuck *s);
/* Does a mark of one of the groups cover what the thread waits for, and ask? */
bool ft_stuck_is_covered(const struct ft_groups *all, const struct ft_waiter *w);
/*
 * May this one of all groups be what the thread waits for: does a mark of it cover the
 * object, and ask? Where none does, or the object is not known, all that are asked may
 * be.
 */
bool ft_stuck_is_by(const struct ft_groups *all, const struct ft_group *g,
		    const struct ft_waiter *w);
/* Nothing was hidden from us. */
bool ft_stuck_is_whole(const struct ft_stuck *s);
void ft_stuck_format_text(struct ft_bytes *out, const struct ft_stuck *s);
void ft_stuck_format_json(struct ft_bytes *out, const struct ft_stuck *s);
