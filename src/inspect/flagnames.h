/* SPDX-License-Identifier: MIT */
/* The flag sets of fanotify, inotify and dnotify, by the names that the kernel's headers
 * have for them. */
#pragma once

#include <stdint.h>

#include "base/bytes.h"

enum ft_flag_set {
	FT_FLAGS_FAN_INIT, /* fanotify_init(2) flags, and those of a group's fdinfo */
	FT_FLAGS_FAN_MARK, /* fanotify_mark(2) flags, and mflags of fdinfo (no action) */
	FT_FLAGS_FAN_MASK, /* fanotify_mark(2) mask, ignored masks, events */
	FT_FLAGS_IN_INIT,  /* inotify_init1(2) flags */
	FT_FLAGS_IN_MASK,  /* inotify_add_watch(2) mask, also of fdinfo */
	FT_FLAGS_OPEN,	   /* open(2) flags: event_f_flags, also of fdinfo */
	FT_FLAGS_DN_MASK,  /* fcntl(2) F_NOTIFY */
	FT_FLAGS_COUNT,
};

/* One name of a set: it holds where (value & field) == bits. A field of several bits has
 * a name for each of its values; one may be the name of 0. */
struct ft_flag_name {
	const char *name;
	uint64_t bits;
	uint64_t field;
};

enum {
	FT_FLAGNAMES_MAX = 32, /* more than the names that hold of any value at once */
};

struct ft_flagnames {
	const char *names[FT_FLAGNAMES_MAX]; /* in the table's order */
	size_t count;
	uint64_t unknown; /* the bits that no name covers */
};

/* The table of a set; *ret_count entries. */
const struct ft_flag_name *ft_flagnames_table(enum ft_flag_set set, size_t *ret_count);
void ft_flagnames_decode(enum ft_flag_set set, uint64_t value, struct ft_flagnames *ret);
/* "FAN_CLASS_CONTENT|FAN_CLOEXEC|0x8000": names with sep between them, unknown bits as
 * one number at the end; "0" when there is nothing to name. */
void ft_flagnames_format(struct ft_bytes *out, enum ft_flag_set set, uint64_t value,
			 const char *sep);
