/* SPDX-License-Identifier: MIT */
/* Directories as nodes, handle to parent and name: a rename moves one pointer, and every
 * path below stays right. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/table.h"

enum ft_node_state {
	FT_NODE_UNPLACED, /* known by handle, not where it is */
	FT_NODE_PLACED,
	FT_NODE_ANCHOR, /* a root: its name is what it is called inside its filesystem, ""
			   or "/subdir" */
	FT_NODE_LOST,	/* it is gone, and nothing told where it was */
};

enum { FT_NODE_NAME_INLINE = 20 };

struct ft_node {
	struct ft_node *parent; /* of a placed node */
	uint32_t hash;		/* low half of the key's */
	uint32_t children;	/* nodes placed below this one */
	uint32_t stamp;		/* changes whenever the node is placed anew */
	uint16_t renames_ahead; /* in the backlog, behind the record at hand */
	uint8_t key_len;
	uint8_t name_len;
	uint8_t state;
	bool gone : 1;	   /* deleted: kept for what the queue still holds of it */
	bool doubtful : 1; /* renamed to and fro in one backlog: an equal rename may have
			      been swallowed */
	bool used : 1;	   /* since the last sweep */
	bool marked : 1;   /* has an inode mark of its own */
	bool is_new : 1;   /* made in this session, and not marked yet */
	union {
		char inline_name[FT_NODE_NAME_INLINE];
		char *name;
	};
	char key[];
};

/* At most FT_DIRTREE_MAX nodes: past that, childless ones that were not used since the
 * last sweep go first. */
enum { FT_DIRTREE_MAX = 1 << 20 };

struct ft_dirtree {
	struct ft_table table;
	uint32_t stamps;
	uint32_t epoch; /* changes when a directory with known children moved: cached
			   strings below it are wrong */
	size_t max;	/* 0: FT_DIRTREE_MAX */
	size_t gone;	/* nodes that are only kept for the queue */
};

void ft_dirtree_fini(struct ft_dirtree *t);
struct ft_node *ft_dirtree_find(struct ft_dirtree *t, struct ft_span key);
/* Finds or adds (unplaced); NULL: out of memory. */
struct ft_node *ft_dirtree_get(struct ft_dirtree *t, struct ft_span key);
/* 0 or -ENOMEM (then it is unplaced); -ELOOP: it would stand below itself. */
int ft_dirtree_place(struct ft_dirtree *t, struct ft_node *n, struct ft_node *parent,
		     struct ft_span name);
/* Makes it a root. 0 or -ENOMEM. */
int ft_dirtree_anchor(struct ft_dirtree *t, struct ft_node *n, struct ft_span name);
void ft_dirtree_unplace(struct ft_dirtree *t, struct ft_node *n,
			enum ft_node_state state);
/* A tombstone: keeps its place, until ft_dirtree_sweep. */
void ft_dirtree_bury(struct ft_dirtree *t, struct ft_node *n);
/* Everything but roots is unplaced: after records were lost. */
void ft_dirtree_forget_places(struct ft_dirtree *t);
/* Everything of a filesystem, its roots too: it may change without being seen. */
void ft_dirtree_forget_filesystem(struct ft_dirtree *t, uint64_t fsid);
/* What was given up is tried again when it is seen next. */
void ft_dirtree_retry_lost(struct ft_dirtree *t);
/* Between two backlogs: frees tombstones and keeps the bound. No node pointer but roots
 * survives it. */
void ft_dirtree_sweep(struct ft_dirtree *t);

struct ft_span ft_node_name(const struct ft_node *n);
struct ft_span ft_node_key(const struct ft_node *n);
/*
 * The path inside its filesystem, "" for its root; replaces what is in out. *ret_root is
 * the root that it ends at. 0; -ENOENT: it or a directory above is not placed (*ret_root
 * is that one).
 */
int ft_node_path(const struct ft_node *n, struct ft_bytes *out,
		 const struct ft_node **ret_root);
/* Is a rename of it or of a directory above still ahead, or in doubt? */
bool ft_node_is_moving(const struct ft_node *n);
bool ft_node_is_doubtful(const struct ft_node *n);
