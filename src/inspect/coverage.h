/* SPDX-License-Identifier: MIT */
/* Filesystems: which marks each takes, how it would be watched, what is missed there. */
#pragma once

#include <stdbool.h>

#include "inspect/finding.h"
#include "kernel/mounts.h"
#include "session/session.h"

enum ft_cover {
	FT_COVER_FID_FILESYSTEM,
	FT_COVER_FID_INODE,
	FT_COVER_FD_FILESYSTEM,
	FT_COVER_FD_MOUNT,
	FT_COVER_PERMISSION,
	FT_COVER_COUNT,
};

struct ft_coverage {
	/* 0; -errno of the mark; FT_COVER_UNTRIED. */
	int marks[FT_COVER_COUNT];
	struct ft_trial trial;
	int error; /* of the trial */
};

enum { FT_COVER_UNTRIED = 1 };

/* Tries marks on path, which is on m; every one is removed at once. asks: a permission
 * mark, too. */
void ft_coverage_try(const char *path, bool asks, struct ft_coverage *ret);
void ft_coverage_fini(struct ft_coverage *c);
/* What no mark shows on a filesystem of this type; NULL: nothing that is known of. */
const char *ft_coverage_missed(const char *type);
void ft_coverage_judge(const struct ft_coverage *c, const struct ft_mount *m,
		       const char *path, struct ft_findings *f);
/* Every mounted real filesystem; or, with paths, those that they are on. 0 or -errno with
 * the path at fault in *ret_bad. */
int ft_coverage_inspect(const char *const *paths, size_t count, struct ft_findings *f,
			const char **ret_bad);
