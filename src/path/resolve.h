/* SPDX-License-Identifier: MIT */
/* What was touched: records of a FID group become paths, in queue order. */
#pragma once

#include "event/event.h"
#include "path/ahead.h"
#include "path/dirtree.h"
#include "path/memory.h"
#include "path/view.h"

/* What the resolver asks of the one who reads the queue. */
struct ft_resolve_host {
	/* Reads on to EAGAIN; everything new is told by ft_resolver_scan. 0; 1: the bound
	 * was reached, more may be queued; -errno. */
	int (*drain)(void *data);
	/* The nth record after the one at hand (0: the next); false: not drained. */
	bool (*peek)(void *data, unsigned int n, struct ft_record *ret);
	void *data;
	/* A directory was renamed that mounts may stand on, or show: they are seen
	 * elsewhere from here on. May be NULL. */
	void (*mounts_moved)(void *data);
};

struct ft_resolver {
	struct ft_dirtree tree;
	struct ft_ahead ahead;
	struct ft_memory memory;
	struct ft_view *view; /* borrowed */
	struct ft_filesystem *filesystems;
	size_t filesystems_count;
	struct ft_resolve_host host;
	bool has_objects; /* FAN_REPORT_TARGET_FID: records tell the object's handle
			     (5.17) */

	/* of the backlog at hand */
	unsigned int renames_ahead;
	unsigned int doubts; /* nodes that were in doubt, or walked to while more was
				queued than could be drained */
	bool retries; /* a directory could not be opened, for want of a descriptor or the
			 like */
	unsigned int patience; /* how often more may be waited for a record that must be
				  on its way */
	bool moved_blindly; /* some directory moved, and it cannot be said which or when
			     */
	pid_t last_rename_pid;
	struct ft_key last_rename_object;
	struct ft_key last_rename_dir;
	struct ft_bytes last_rename_name;

	struct ft_node
		*last_node; /* the directory of the record before: most often the same */
	struct ft_bytes path;
	struct ft_bytes old_path;
	struct ft_bytes walk_name;
};

struct ft_resolved {
	const struct ft_filesystem *fs; /* NULL: of none that is known */
	enum ft_path_source source;
	bool inside;
	struct ft_span path;
	struct ft_span old_path;
};

int ft_resolver_init(struct ft_resolver *r, struct ft_view *view,
		     const struct ft_resolve_host *host);
void ft_resolver_fini(struct ft_resolver *r);
/*
 * A filesystem whose records come. Takes dev, type and mount_fd of *fs. root: key and
 * inner name ("" or "/subdir") of what mount_fd shows (len 0: none). 0 or -ENOMEM.
 */
int ft_resolver_add_filesystem(struct ft_resolver *r, const struct ft_filesystem *fs,
			       struct ft_span root, struct ft_span root_name);
void ft_resolver_drop_filesystem(struct ft_resolver *r, uint64_t fsid);
struct ft_filesystem *ft_resolver_find_filesystem(struct ft_resolver *r,
						  struct ft_span key);

/* Is it one that ft_resolver_scan must be told? By the mask alone. */
static inline bool ft_resolver_wants(uint64_t mask)
{
	return (mask & FT_EV_ONDIR) &&
	       (mask & (FT_EV_RENAME | FT_EV_DELETE | FT_EV_MOVED_FROM));
}
/* A record that was drained, before any of the backlog after it is resolved. */
void ft_resolver_scan(struct ft_resolver *r, const struct ft_record *rec,
		      uint64_t position);
/* The record at hand: its paths as of its first event, then what it changes is applied.
 * Spans live until the next call. */
void ft_resolver_resolve(struct ft_resolver *r, const struct ft_record *rec,
			 uint64_t position, struct ft_resolved *ret);
/* The backlog is done, the queue was seen empty. */
void ft_resolver_end(struct ft_resolver *r);
/* Records were lost: what is known of directories may be wrong. */
void ft_resolver_forget(struct ft_resolver *r);
