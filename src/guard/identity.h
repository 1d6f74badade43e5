/* SPDX-License-Identifier: MIT */
/* Which file it is, and in which state: one statx(2). */
#pragma once

#include "guard/policy.h"

struct ft_identity {
	struct ft_object object;
	uint64_t mnt_id; /* unique where the kernel has unique ones (6.8); 0: not told */
	uint64_t size;
	int64_t changed_ns; /* ctime */
	uint32_t links;
	uint32_t mode;
};

/* dirfd and path as in statx(2); path "": dirfd itself. Symbolic links are followed if
 * asked. Opens nothing. 0 or -errno. */
int ft_identity_read(int dirfd, const char *path, bool follow, struct ft_identity *ret);
