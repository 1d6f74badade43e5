/* SPDX-License-Identifier: MIT */
/* A directory opened by its handle, and the way up from it: names and handles as they are
 * now. */
#pragma once

#include "kernel/handle.h"

struct ft_walk {
	int mount_fd; /* borrowed: any open object of the filesystem */
	uint64_t fsid;
	int fd;		      /* the directory at hand, O_PATH */
	struct ft_bytes link; /* its path inside the private mount, "" at its root; valid
				 when has_link */
	bool has_link;
	bool is_fresh; /* a directory on the way was renamed milliseconds ago, as it seems
			*/
};

/* 0, or -errno: -ESTALE it is gone, -EPERM no CAP_DAC_READ_SEARCH. */
int ft_walk_open(struct ft_walk *w, int mount_fd, struct ft_span key);
void ft_walk_close(struct ft_walk *w);
/*
 * One step up: the name of the directory at hand and the key of its parent, which is then
 * at hand. 0; 1: it is a root (of the filesystem, or of what the private mount shows),
 * nothing was stepped; -errno.
 */
int ft_walk_up(struct ft_walk *w, struct ft_bytes *ret_name, struct ft_key *ret_parent);
