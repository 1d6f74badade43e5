/* SPDX-License-Identifier: MIT */
/* From a place inside a filesystem to the absolute path that a person sees, and whether
 * that is what is watched. */
#pragma once

#include "kernel/handle.h"
#include "kernel/mounts.h"
#include "path/dirtree.h"

enum ft_scope {
	FT_SCOPE_TREE,
	FT_SCOPE_FILESYSTEM,
	FT_SCOPE_MOUNT,
	FT_SCOPE_DIRECTORY,
	FT_SCOPE_FILE,
};

/* One PATH of the command line. */
struct ft_target {
	enum ft_scope scope;
	char *path; /* resolved */
	char *dev;  /* of its superblock; NULL: every filesystem (--all) */
	int mount_id;
	bool is_dir;
	bool one_filesystem;
	struct ft_key key; /* of the object itself; len 0: it has none */
	uint64_t stat_dev; /* of the object itself, as stat(2) tells them */
	uint64_t stat_ino;
};

/* A filesystem as far as paths are concerned. */
struct ft_filesystem {
	uint64_t fsid;
	char *dev;
	char *type;
	int mount_fd; /* to open handles through; -1: they cannot be opened */
};

enum ft_inside {
	FT_OUTSIDE,
	FT_EDGE, /* a directory that holds a PATH: of its names, that one is inside */
	FT_INSIDE,
};

struct ft_dir_view {
	const struct ft_node *node;
	uint32_t stamp;
	uint32_t epoch;
	uint32_t version;
	enum ft_inside inside;
	bool known;	      /* shown by some mount */
	struct ft_bytes path; /* absolute; "" is / */
};

enum { FT_VIEW_CACHE = 4096 };

/* A direct-mapped cache of directories as they are seen: bounded, a miss is computed
 * anew. */
struct ft_view {
	struct ft_target *targets;
	size_t targets_count;
	struct ft_mounts mounts;
	uint32_t version; /* changes with the mounts */
	struct ft_bytes scratch;
	struct ft_dir_view *cache;
};

int ft_view_init(struct ft_view *v);
void ft_view_fini(struct ft_view *v);
void ft_target_fini(struct ft_target *t);
/* Takes the new table. */
void ft_view_take_mounts(struct ft_view *v, struct ft_mounts *m);

/* The directory as it is seen now; NULL: it is not placed, or out of memory. Lives until
 * the next call. */
const struct ft_dir_view *ft_view_of_dir(struct ft_view *v, const struct ft_dirtree *t,
					 const struct ft_filesystem *fs,
					 const struct ft_node *n);
/* Is this path one of the PATHs itself, by name? */
bool ft_view_is_target(const struct ft_view *v, struct ft_span path);
/* Is this object one of the PATHs that are files? */
bool ft_view_is_object(const struct ft_view *v, struct ft_span key);
/* Is an absolute path (of FD mode, of mounts) inside? */
bool ft_view_has_path(const struct ft_view *v, struct ft_span path, const char *dev);
/* Is there a mount whose mountpoint, or what it shows, has a component of this name? */
bool ft_view_has_component(const struct ft_view *v, struct ft_span name);
/* path is dir or below it; dir without trailing slash ("" is /). */
bool ft_path_is_below(struct ft_span path, struct ft_span dir);
