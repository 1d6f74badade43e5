/* SPDX-License-Identifier: MIT */
/* What /proc/PID/fdinfo/N says of a group: its flags, its marks. Pure: no system call. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

enum ft_group_kind {
	FT_GROUP_KIND_FANOTIFY,
	FT_GROUP_KIND_INOTIFY,
};

enum ft_mark_type {
	FT_MARK_OF_INODE, /* also an inotify watch */
	FT_MARK_OF_MOUNT,
	FT_MARK_OF_FILESYSTEM,
	FT_MARK_OF_MNTNS, /* 6.14 */
};

enum {
	FT_GROUP_MARKS_MAX = 1 << 20, /* more are counted, not kept */
	FT_FDINFO_HANDLE_MAX = 128,
};

struct ft_mark {
	enum ft_mark_type type;
	uint32_t flags; /* FT_MARK_EVICTABLE, FT_MARK_IGNORE, FT_MARK_IGNORED_MASK_SURV's
			   bit; inotify: 0 */
	uint64_t mask;
	uint64_t ignored_mask;
	uint64_t ino;	/* of inode */
	uint32_t major; /* of inode, of filesystem: the superblock's device */
	uint32_t minor;
	int32_t mount_id;    /* of mount: as in mountinfo of its namespace */
	int32_t wd;	     /* inotify */
	uint64_t mntns;	     /* of mntns: its inode in nsfs */
	uint32_t handle_at;  /* into the group's handles; ft_group_key() */
	uint32_t handle_len; /* 0: the filesystem has none */
};

/* A group as its text has it: zero-initialised is empty. */
struct ft_group_text {
	enum ft_group_kind kind;
	uint32_t flags;		/* fanotify_init(2) */
	uint32_t event_f_flags; /* fanotify_init(2) */
	struct ft_mark *marks;
	size_t marks_count;
	size_t marks_dropped; /* past FT_GROUP_MARKS_MAX */
	size_t unknown;	      /* lines of marks that were not understood */
	struct ft_bytes keys; /* what handle_at leads into */
};

/* One line without its end, of the text of a fanotify or an inotify descriptor (kind is
 * set before). Lines of other things are passed over; one of a mark that is not
 * understood is counted. 0 or -ENOMEM. */
int ft_fdinfo_take_line(struct ft_group_text *g, struct ft_span line);
/* The whole text, line by line. 0 or -ENOMEM. */
int ft_fdinfo_parse(struct ft_group_text *g, struct ft_span text);
void ft_group_text_fini(struct ft_group_text *g);

/* The key of the marked object as kernel/handle.h wants it, its fsid 0; len 0: none. */
struct ft_span ft_group_key(const struct ft_group_text *g, const struct ft_mark *m);
/* May it make other processes wait: is it of a class that is asked? */
bool ft_group_is_asked(const struct ft_group_text *g);
