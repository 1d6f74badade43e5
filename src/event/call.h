/* SPDX-License-Identifier: MIT */
/* A call by which somebody makes, changes or ends a group, a mark or a watch: plain data.
 */
#pragma once

#include "base/bytes.h"
#include "event/callkind.h"

/* The arguments that a call has. */
enum ft_call_field {
	FT_CALL_FD = 1 << 0,
	FT_CALL_FLAGS = 1 << 1,
	FT_CALL_MASK = 1 << 2,
	FT_CALL_DIRFD = 1 << 3,
	FT_CALL_PATHNAME = 1 << 4,
	FT_CALL_WD = 1 << 5,
	FT_CALL_EVENT_FLAGS = 1 << 6,
};

/* A set of flags, raw, and its names with | between them ("0": none). */
struct ft_call_flags {
	uint64_t value;
	struct ft_span names;
};

struct ft_call {
	enum ft_call_kind kind;
	int64_t ret; /* negative: -errno */
	int fd;	     /* of the group; dnotify: of the directory */
	int dirfd;
	int wd;
	struct ft_call_flags flags;
	struct ft_call_flags mask;
	struct ft_call_flags event_f_flags;
	bool has_pathname;  /* else it was NULL, or could not be read */
	bool is_null;	    /* pathname was NULL */
	bool pathname_cut;  /* longer than the kernel takes */
	bool is_compat;	    /* a 32-bit call */
	bool is_unresolved; /* it was done, and on what could not be found out */
	struct ft_span pathname;
	uint64_t group; /* a number of it, the same for all calls on it; 0: not known */
	bool has_group_flags;
	struct ft_call_flags group_flags; /* fanotify: those of its fanotify_init */
	uint32_t mount_namespace;	  /* that path is of; 0: the one fantail is in */
	struct ft_span alert;		  /* why it is unusual; empty: it is not */
};

/* What is known of a kind. */
struct ft_call_info {
	const char *name;    /* as in `events` */
	const char *fd_name; /* of the descriptor, NULL: it has none */
	unsigned int fields; /* enum ft_call_field */
	const char *family;  /* which -e takes for all of them */
	const char *meaning;
};

const struct ft_call_info *ft_call_info(enum ft_call_kind kind);
/* "fanotify_mark,inotify", "all"; a bit a kind. 0 or -EINVAL. On error *ret_bad (may be
 * NULL) is the offending word. */
int ft_call_parse(const char *list, unsigned int *ret_kinds, struct ft_span *ret_bad);
/* As strace would write it, with what it returned; name: of its errno, NULL: none. */
void ft_call_format(struct ft_bytes *out, const struct ft_call *call, const char *name);
