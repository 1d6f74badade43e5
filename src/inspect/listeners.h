/* SPDX-License-Identifier: MIT */
/* Who else listens on this machine, in short. */
#pragma once

#include "inspect/finding.h"
#include "inspect/groups.h"

/* proc: of ft_procfs_open(). */
void ft_listeners_inspect(const struct ft_groups *groups, int proc,
			  struct ft_findings *f);
