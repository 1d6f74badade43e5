/* SPDX-License-Identifier: MIT */
/* Event bits: names, groups, sets. The table is mask.def. */
#pragma once

#include <stdint.h>

#include "base/bytes.h"

enum ft_mask_group {
	FT_GROUP_READ = 1 << 0,
	FT_GROUP_WRITE = 1 << 1,
	FT_GROUP_EXEC = 1 << 2,
	FT_GROUP_CHANGE = 1 << 3,
	FT_GROUP_ASK = 1 << 4, /* permission events: never part of `all` */
};

/* FT_EV_CREATE, FT_EV_OPEN...: the kernel's bits. */
enum {
#define FT_MASK(NAME, value, name, groups, meaning) FT_EV_##NAME = (value),
#include "event/mask.def"
#undef FT_MASK
	FT_EV_Q_OVERFLOW =
		0x00004000, /* never requested, never printed: becomes a `lost` record */
	FT_EV_ONDIR = 0x40000000, /* printed as "dir" */
};

struct ft_mask_name {
	uint64_t bit;
	const char *name;
	unsigned int groups;
	const char *meaning;
};

/* The table in printing order; *ret_count entries. */
const struct ft_mask_name *ft_mask_names(size_t *ret_count);
/* "open,close_write", groups (read write exec change all) too; 0 or -EINVAL. On error
 * *ret_bad (may be NULL) is the offending word. */
int ft_mask_parse(const char *list, uint64_t *ret_mask, struct ft_span *ret_bad);
/* Name of one bit, NULL if it has none. */
const char *ft_mask_name(uint64_t bit);
/* All bits of a group; of `all` with FT_GROUP_ALL. */
uint64_t ft_mask_of_group(unsigned int group);
/* The names of the bits of a set, in the table's order, with sep between them. */
void ft_mask_format(struct ft_bytes *out, uint64_t mask, const char *sep);

#define FT_GROUP_ALL 0u
#define FT_MASK_ASK                                                                      \
	(FT_EV_OPEN_PERM | FT_EV_ACCESS_PERM | FT_EV_OPEN_EXEC_PERM | FT_EV_PRE_ACCESS)
/* Default of watch and run. */
#define FT_MASK_DEFAULT                                                                  \
	(FT_EV_CREATE | FT_EV_DELETE | FT_EV_RENAME | FT_EV_MODIFY | FT_EV_CLOSE_WRITE | \
	 FT_EV_ATTRIB | FT_EV_OPEN | FT_EV_OPEN_EXEC | FT_EV_FS_ERROR)
