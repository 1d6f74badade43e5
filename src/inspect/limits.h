/* SPDX-License-Identifier: MIT */
/* Limits of fanotify and inotify, and how much of them is in use. */
#pragma once

#include <sys/types.h>

#include "inspect/finding.h"
#include "inspect/groups.h"

/* What one user has of what is counted for each user. */
struct ft_usage {
	uint64_t groups; /* of fanotify */
	uint64_t marks;
	uint64_t instances; /* of inotify */
	uint64_t watches;
};

/* uid: whose groups are counted; uid_of tells a process's. */
void ft_usage_count(const struct ft_groups *groups, uid_t uid,
		    bool (*uid_of)(pid_t pid, uid_t *ret), struct ft_usage *ret);
void ft_limits_inspect(const struct ft_groups *groups, struct ft_findings *f);
