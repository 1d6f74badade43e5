/* SPDX-License-Identifier: MIT */
/* The images of processes that are kept, by pid, and how long each lives. */
#pragma once

#include "base/table.h"
#include "event/process.h"
#include "proc/procfs.h"
#include "proc/tracker.h"

/*
 * Bound: so many pids, each with the image of now and the one before. Past it the pid
 * longest not asked for is forgotten; one that was asked for in this backlog never is.
 */
enum { FT_IMAGES_MAX = 8192, FT_PARENTS_MAX = 16 };

enum ft_image_depth {
	FT_IMAGE_LEAN, /* what stat says, and the ids */
	FT_IMAGE_EXE,  /* and the executable */
	FT_IMAGE_FULL, /* all there is; not changed any more */
};

enum ft_sight {
	FT_SIGHT_GONE,	 /* there is no such process any more */
	FT_SIGHT_UNSURE, /* there is one, but what image it has could not be made out */
	FT_SIGHT_IMAGE,	 /* `now` is its image */
};

/* Times are CLOCK_BOOTTIME, ns; FT_NEVER: has not happened. */
#define FT_NEVER INT64_MAX

struct ft_image {
	struct ft_process process;
	struct ft_proc_stat stat; /* of the last look */
	struct ft_proc_object object;
	enum ft_image_depth depth;
	pid_t first_ppid; /* of this process, before it may have been adopted */
	int64_t since; /* proven to be the pid's image from here on, to `seen` at least */
	int64_t same_since; /* with this comm, ids and cgroup, as far as looks tell */
	int64_t seen;	    /* last look at which it was the pid's image */
	int64_t gone;	    /* first look at which it no longer was */
	char *exe;	    /* what process points into */
	char *details;
	struct ft_image *next; /* retired */
};

/* What was found out about a pid in one backlog. */
struct ft_judgement {
	uint64_t backlog;
	struct ft_attribution answer;
	const struct ft_process *candidates[2];
	struct ft_process shared; /* what both candidates have in common, or what of the
				     one is sure */
};

/* A pid: who has it, and who had it before. */
struct ft_pid {
	pid_t pid;
	struct ft_image *now;
	struct ft_image *before;
	uint64_t used;	 /* the backlog in which it was last asked for */
	uint64_t looked; /* the one in which it was last looked at; what was seen then: */
	enum ft_sight sight;
	struct ft_judgement judgement;
	struct ft_pid *newer, *older;
};

struct ft_images {
	struct ft_table table;
	struct ft_pid *newest, *oldest;
	struct ft_image *retired; /* handed out: freed when the backlog is over */
	uint64_t backlog;
	uint64_t last_id;
};

void ft_images_fini(struct ft_images *m);
/* A new backlog: what was handed out in the last one is no longer in use. */
void ft_images_begin(struct ft_images *m);

struct ft_pid *ft_images_find(const struct ft_images *m, pid_t pid);
/* Finds or makes it, and keeps it for this backlog; NULL: no room, or no memory. */
struct ft_pid *ft_images_get(struct ft_images *m, pid_t pid);
void ft_images_remove(struct ft_images *m, struct ft_pid *p);

/* A new image with an id of its own and no strings yet, or NULL. */
struct ft_image *ft_image_new(struct ft_images *m, pid_t pid,
			      const struct ft_proc_stat *stat);
struct ft_image *ft_image_free(struct ft_image *image);
/* From here on the pid has this image (consumed); the one it had before is kept beside
 * it. */
void ft_images_replace(struct ft_images *m, struct ft_pid *p, struct ft_image *image);
/* Nobody needs to know any more what the pid was before. */
void ft_images_forget_before(struct ft_images *m, struct ft_pid *p);
