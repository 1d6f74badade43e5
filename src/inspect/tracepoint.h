/* SPDX-License-Identifier: MIT */
/* The kernel's tracepoints, by name, where tracefs is not mounted, too. */
#pragma once

/* Where they are listed: a descriptor, or -errno. */
int ft_tracepoint_open_list(void);
/* "syscalls/sys_enter_fcntl" as a perf event that programs can be attached to: a
 * descriptor, or -errno (-ENOENT: there is no such tracepoint). */
int ft_tracepoint_open(int list, const char *name);
