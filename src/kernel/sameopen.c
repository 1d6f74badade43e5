/* SPDX-License-Identifier: MIT */
/* Whether two descriptors lead to one open file: kcmp(2), which libc does not wrap. */
#include "kernel/sameopen.h"

#include <errno.h>
#include <linux/kcmp.h>
#include <sys/syscall.h>
#include <unistd.h>

int ft_sameopen_compare(struct ft_open_file a, struct ft_open_file b)
{
	long r = syscall(SYS_kcmp, a.pid, b.pid, KCMP_FILE, (unsigned long)a.fd,
			 (unsigned long)b.fd);

	if (r < 0)
		return -errno;
	/* 3 would be "not equal, and no order": kernels that give one never say it. */
	return r <= FT_SAMEOPEN_GREATER ? (int)r : -EOPNOTSUPP;
}
