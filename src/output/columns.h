/* SPDX-License-Identifier: MIT */
/* The columns by number, and lists of them as --columns takes them. */
#pragma once

#include "output/output.h"

enum ft_column_id {
	FT_COLUMN_TIME,
	FT_COLUMN_AFTER,
	FT_COLUMN_SEQ,
	FT_COLUMN_EVENTS,
	FT_COLUMN_PATH,
	FT_COLUMN_OLD_PATH,
	FT_COLUMN_CONTAINER_PATH,
	FT_COLUMN_CONTAINER_OLD_PATH,
	FT_COLUMN_PATH_SOURCE,
	FT_COLUMN_DIR,
	FT_COLUMN_INODE,
	FT_COLUMN_DEV,
	FT_COLUMN_FS,
	FT_COLUMN_PID,
	FT_COLUMN_PROCESS,
	FT_COLUMN_CERTAINTY,
	FT_COLUMN_COMM,
	FT_COLUMN_EXE,
	FT_COLUMN_ARGS,
	FT_COLUMN_UID,
	FT_COLUMN_USER,
	FT_COLUMN_GID,
	FT_COLUMN_GROUP,
	FT_COLUMN_RUID,
	FT_COLUMN_RGID,
	FT_COLUMN_LOGINUID,
	FT_COLUMN_LOGIN_USER,
	FT_COLUMN_PPID,
	FT_COLUMN_START,
	FT_COLUMN_PIDFD_ID,
	FT_COLUMN_CGROUP,
	FT_COLUMN_CONTAINER,
	FT_COLUMN_PARENTS,
	FT_COLUMN_CANDIDATES,
	FT_COLUMN_ERROR,
	FT_COLUMN_ERROR_COUNT,
	FT_COLUMN_MOUNT_ID,
	FT_COLUMN_DECISION,
	FT_COLUMN_VERDICT,
	FT_COLUMN_ANSWERED,
	FT_COLUMN_RULE,
	FT_COLUMN_MODE,
	FT_COLUMN_US,
	FT_COLUMN_COUNT,
	FT_COLUMN_WHERE,
	FT_COLUMN_FROM,
	FT_COLUMN_TO,
	FT_COLUMN_REASON,
	FT_COLUMN_CALL,
	FT_COLUMN_RET,
	FT_COLUMN_ALERT,
	FT_COLUMNS_END,
};

enum { FT_COLUMN_LIST_MAX = 64 };

struct ft_column_list {
	uint8_t ids[FT_COLUMN_LIST_MAX];
	size_t count;
};

const struct ft_column *ft_column_get(enum ft_column_id id);
/* The column's number, or -ENOENT. */
int ft_column_find(struct ft_span name);
/* "time,pid,path"; 0, -EINVAL or -ENOMEM. *ret_error (may be NULL): malloc'd, one line.
 */
int ft_column_list_parse(struct ft_column_list *ret, const char *list, char **ret_error);
bool ft_column_list_has(const struct ft_column_list *l, enum ft_column_id id);
/* "unknown column 'pth', did you mean path?", malloc'd; NULL when out of memory. */
char *ft_column_unknown(struct ft_span name);

/* Filesystem errors and mounts are told without saying whether a directory was meant. */
static inline bool ft_column_knows_dir(const struct ft_event *ev)
{
	const uint64_t silent = FT_EV_FS_ERROR | FT_EV_MNT_ATTACH | FT_EV_MNT_DETACH;

	return ev->kind == FT_KIND_EVENT && (ev->mask & ~silent) != 0;
}

/* A call may be about no path at all. */
static inline bool ft_column_knows_source(const struct ft_event *ev)
{
	return ev->kind == FT_KIND_EVENT &&
	       (!ev->call || ev->path_source != FT_PATH_NONE);
}

/* Name of an errno as in the headers ("EIO"), "errno N" where it has none. */
void ft_column_put_errno(struct ft_bytes *out, int error);
