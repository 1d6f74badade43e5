/* SPDX-License-Identifier: MIT */
/* The mounts of this mount namespace, as /proc/self/mountinfo has them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/bytes.h"

struct ft_mount {
	int id;
	int parent_id;
	char *dev;  /* "8:1": of the superblock, what says that two mounts show the same
		       filesystem */
	char *root; /* what of the filesystem it shows: "/" or "/dir", "//deleted" forms
		       are kept */
	char *mountpoint; /* absolute */
	char *type;	  /* "ext4" */
	char *source;
	char *options; /* of the superblock, escaped as they stand */
	bool visible;  /* not below or under another mount: its mountpoint leads to it */
};

struct ft_mounts {
	struct ft_mount *list;
	size_t count;
};

/* Reads the table; every mount is checked for being visible (statx, no automount). 0 or
 * -errno. */
int ft_mounts_read(struct ft_mounts *ret);
/* Parses text of the form of /proc/self/mountinfo; visible is true for all. 0, -EBADMSG
 * or -ENOMEM. */
int ft_mounts_parse(struct ft_mounts *ret, struct ft_span text);
/* What the kernel writes as \ooo, malloc'd; NULL: no memory. */
char *ft_mounts_unescape(struct ft_span s);
void ft_mounts_fini(struct ft_mounts *m);
const struct ft_mount *ft_mounts_find(const struct ft_mounts *m, int id);
/* The first one of this filesystem; NULL: none shows it. */
const struct ft_mount *ft_mounts_find_device(const struct ft_mounts *m, dev_t dev);
/* The id of the mount that an open descriptor is on, or -errno. */
int ft_mounts_id_of(int fd);
/* proc, sysfs and the like: nothing a person stored. */
bool ft_mounts_is_pseudo(const char *type);
/* Is it a real filesystem's, visible, and the first that shows this part of it? */
bool ft_mounts_is_told(const struct ft_mounts *m, size_t i);
/* A descriptor that polls EPOLLPRI when the table changes, or -errno. */
int ft_mounts_open_poll(void);
/* The top (O_PATH) of a new tmpfs that is mounted nowhere and gone when it is closed, or
 * -errno. */
int ft_mounts_open_private(void);
/* The same of the kernel's tracefs, which is mounted nowhere by that either. */
int ft_mounts_open_tracefs(void);
