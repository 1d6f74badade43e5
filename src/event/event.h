/* SPDX-License-Identifier: MIT */
/* An event as it is told: plain data, filled by the session, read by match, output and
 * the caller. */
#pragma once

#include "event/call.h"
#include "event/decision.h"
#include "event/mask.h"
#include "event/process.h"

enum ft_event_kind {
	FT_KIND_EVENT,
	FT_KIND_LOST, /* something could not be seen, kept or told: where, count */
	FT_KIND_GAP,  /* nobody was looking: from, to, reason */
};

enum ft_path_source {
	FT_PATH_NONE,	 /* not known at all */
	FT_PATH_PARTIAL, /* the name is known, its directory is not: path is the name
			    alone; of a call, it may be what was asked for, links in it
			    not followed */
	FT_PATH_NOW,	 /* as of reading */
	FT_PATH_FIRST,	 /* as of the record's first event; an ancestor was renamed while
			    more may have been merged in */
	FT_PATH_EVENT,	 /* as it was when it happened */
};

enum ft_lost_where {
	FT_LOST_KERNEL,
	FT_LOST_BUFFER,
	FT_LOST_OUTPUT,
	FT_LOST_PROCESS,
	FT_LOST_DESCRIPTOR,
	FT_LOST_JOURNAL,
};

/* Spans live until the session's next event. What is not known is absent: len 0, or the
 * has_ flag unset. */
struct ft_event {
	enum ft_event_kind kind;
	enum ft_path_source path_source;
	int64_t time_ns;  /* wall clock: when the record was read */
	int64_t after_ns; /* when the queue was last seen empty; 0: less than 100 ms
			     before time */
	uint64_t mask;	  /* requested bits that happened, without ONDIR */
	bool dir;
	bool has_inode;
	bool has_error;
	bool has_count;
	uint64_t inode;
	struct ft_span path;	 /* absolute (partial: the name); rename: the new one */
	struct ft_span old_path; /* rename only */
	/* What those in the process's container have for them. */
	struct ft_span container_path;
	struct ft_span container_old_path;
	struct ft_span dev; /* "8:1", of the superblock */
	struct ft_span fs;  /* "ext4" */
	pid_t pid;	    /* 0: unknown */
	enum ft_certainty certainty;
	const struct ft_process *process;	    /* NULL: unknown */
	const struct ft_process *const *candidates; /* when ambiguous */
	size_t candidates_count;
	bool may_be_another; /* than the candidates */
	int error;	     /* fs_error, call: the errno told by the kernel, positive */
	uint32_t error_count;
	const struct ft_call *call; /* a call that was made, in place of a mask; else NULL
				     */
	const struct ft_decision *decision; /* NULL: nobody was asked */
	uint64_t mnt_id; /* mnt_attach, mnt_detach: the unique id; 0: absent */
	/* FT_KIND_LOST */
	enum ft_lost_where where;
	uint64_t count; /* kernel records before filters */
	/* FT_KIND_GAP */
	int64_t from_ns;
	int64_t to_ns;
	const char *reason;
};

const char *ft_path_source_name(enum ft_path_source s);
const char *ft_certainty_name(enum ft_certainty c);
const char *ft_lost_where_name(enum ft_lost_where w);
