/* SPDX-License-Identifier: MIT */
/* "Who watches this file?": is it what a mark is on, or below that? */
#pragma once

#include "inspect/fdinfo.h"
#include "kernel/handle.h"

/* One PATH, symbolic links followed. */
struct ft_covers {
	struct ft_key object;
	struct ft_key parent; /* len 0: none in its filesystem */
	uint64_t ino;
	uint64_t parent_ino;
	uint32_t major; /* of the superblock */
	uint32_t minor;
	int mount_id;
};

/* 0 or -errno. It is opened with O_PATH alone. */
int ft_covers_read(struct ft_covers *ret, const char *path);
/* The same of an object on a mount of another namespace, whose mounts are told by this
 * file. */
int ft_covers_read_by(struct ft_covers *ret, const char *path, const char *mountinfo);
/*
 * The object itself, its directory where the mark tells of what is in it, the mount that
 * PATH came by, its filesystem. Another mount of the same filesystem, and the other
 * directories of a file with several links, are other paths.
 */
bool ft_covers_mark(const struct ft_covers *c, const struct ft_group_text *g,
		    const struct ft_mark *m);
