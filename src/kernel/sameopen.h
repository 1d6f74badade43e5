/* SPDX-License-Identifier: MIT */
/* Whether two descriptors, of whatever processes, lead to one open file. */
#pragma once

#include <sys/types.h>

struct ft_open_file {
	pid_t pid;
	int fd;
};

enum ft_sameopen {
	FT_SAMEOPEN_EQUAL,
	FT_SAMEOPEN_LESS, /* an order that holds for all open files until the next boot */
	FT_SAMEOPEN_GREATER,
};

/* One of the above; -EPERM: not permitted to ask, -ESRCH or -EBADF: one of them is gone,
 * -ENOSYS: a kernel built without kcmp(2). */
int ft_sameopen_compare(struct ft_open_file a, struct ft_open_file b);
