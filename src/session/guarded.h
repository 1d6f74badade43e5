/* SPDX-License-Identifier: MIT */
/* The filesystems that are guarded, and where on this host a file of theirs is. */
#pragma once

#include "guard/identity.h"
#include "kernel/mounts.h"

enum { FT_GUARDED_MAX = 64 };

struct ft_guarded {
	const char *path; /* what was asked for, resolved */
	uint64_t st_dev;
	uint64_t mnt_id; /* of the mount that shows it; 0: this kernel has no unique ones
			  */
	const struct ft_mount *mount;
	const struct ft_mount *wide; /* what mount_fd shows */
	/* A private clone of it, for handles, marks and look-ups. Two PATHs share it: -1
	 * in all but the first. */
	int mount_fd;
};

struct ft_guards {
	struct ft_guarded list[FT_GUARDED_MAX];
	size_t count;
	struct ft_mounts mounts;
	int links; /* /proc/self/fd: from there a link is read in half the time */
	uint64_t *
		visible; /* unique ids of this namespace's mounts that can be seen, sorted
			  */
	size_t visible_count;
	char *resolved[FT_GUARDED_MAX];
};

/* Reads the mounts. 0 or -errno. */
int ft_guards_init(struct ft_guards *g);
void ft_guards_fini(struct ft_guards *g);
/* A PATH: itself and, if it is a directory, what is below it on its filesystem. 0 or
 * -errno (-E2BIG: more than FT_GUARDED_MAX). */
int ft_guards_add(struct ft_guards *g, const char *path);
/* Sets or removes the filesystem marks. flags: FT_MARK_ADD or FT_MARK_REMOVE. *ret_path
 * is the one that failed. */
int ft_guards_mark(const struct ft_guards *g, int group, unsigned int flags,
		   uint64_t mask, const char **ret_path);
/*
 * The file's path on this host, whatever the process calls it: seen through the mount
 * that the PATH came by, else through another one. 0; -ENOENT: it is not known;
 * -ENAMETOOLONG: it is longer than a path can be. Opens nothing but an O_PATH descriptor.
 */
int ft_guards_locate(const struct ft_guards *g, int fd, const struct ft_identity *id,
		     struct ft_bytes *ret);
/*
 * What is at this path of the host, if it is on a guarded filesystem: an O_PATH
 * descriptor on the private mount. No symbolic link is followed and no other filesystem
 * entered: whoever may change names can make it neither wait nor find what is elsewhere.
 * -errno (-EXDEV: it is on none). Without PATHs: on any filesystem.
 */
int ft_guards_open(const struct ft_guards *g, struct ft_span path);
/* Is it one of the PATHs, or below one? */
bool ft_guards_has(const struct ft_guards *g, struct ft_span path);
/*
 * Does a file on this device keep its birth for life? In an overlay the first write, and
 * each new name, of what lies in a lower layer give it another one. A layer may have a
 * device of its own, which no mount has.
 */
bool ft_guards_keeps_births(const struct ft_guards *g, uint64_t dev);
/* Is it one of this namespace's mounts? */
bool ft_guards_has_mount(const struct ft_guards *g, uint64_t mnt_id);
/* The mount table's entry for a file; NULL: none. */
const struct ft_mount *ft_guards_find(const struct ft_guards *g,
				      const struct ft_identity *id);
