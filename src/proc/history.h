/* SPDX-License-Identifier: MIT */
/* Which images each process had, and when: told step by step, asked for by window. */
#pragma once

#include "base/table.h"
#include "proc/procfs.h"
#include "proc/program.h"
#include "proc/tracker.h"

/*
 * Bound: so many bytes, in ended images that no window needs any more (they go first, the
 * one that ended first before all others), and as many again eight times in all. Past
 * that, ended images go though a window may need them: it is then nowhere exact.
 */
enum {
	FT_HISTORY_KEEP = 16 * 1024 * 1024,
	FT_HISTORY_MAX = 8 * FT_HISTORY_KEEP,
	FT_HISTORY_PARENTS = 16,
	FT_HISTORY_CANDIDATES = 8,
	FT_HISTORY_COMM = 16,
	FT_HISTORY_EXECS = 16, /* of a pid; past it the oldest goes: less is exact then */
};

/* Times are CLOCK_BOOTTIME, ns; FT_OPEN: has not ended. */
#define FT_OPEN INT64_MAX

enum ft_step_kind {
	FT_STEP_SEED, /* seen in /proc: as it is now, and nothing from before is known */
	FT_STEP_FORK, /* begins with the image of `source` */
	FT_STEP_EXEC,
	FT_STEP_COMM,
	FT_STEP_IDS,
	FT_STEP_CGROUP,
	FT_STEP_THREAD, /* it has several, or may have had */
	FT_STEP_LOADER, /* `file` is what loaded what was executed last */
	FT_STEP_FAILED, /* to execute */
	FT_STEP_AWAY,	/* from our mount namespace */
	FT_STEP_END,
};

struct ft_step {
	enum ft_step_kind kind;
	pid_t pid;
	pid_t ppid;
	pid_t source;
	int64_t time;
	int64_t start;	  /* of the process; a seed's is cut to the tick */
	uint64_t exec_id; /* exec: the same only if it is told twice; 0: not known */
	bool has_ids;
	uid_t uid;
	gid_t gid;
	bool has_real_ids;
	uid_t ruid;
	gid_t rgid;
	bool has_login;
	uid_t loginuid;
	uint64_t pidfd_id;
	bool is_mixed; /* ids: some threads still have others */
	/* seed */
	bool has_executed;
	bool has_threads;
	/* exec */
	struct ft_proc_object file; /* that runs; ino 0: not known */
	bool has_read;		    /* the process may have read that file before */
	bool closes;		    /* files that were open before are closed by it */
	bool is_static;		    /* nothing loads it; false: something may */
	struct ft_span comm;
	struct ft_program_text text; /* seed, exec; without a cgroup the old one stays */
};

/* One image. Immutable but for its links, its end and whose it is not. */
struct ft_past {
	struct ft_process process;
	struct ft_program *program; /* NULL: not known */
	int64_t begin;
	int64_t end;
	int64_t start;
	uint64_t exec_id;
	int64_t seeded;	  /* when; 0: it was not. Of the process. */
	bool is_forked;	  /* nothing executed since the fork */
	bool has_threads; /* since it executed */
	bool has_failed;  /* to execute something */
	bool is_executed; /* began by executing; if it was seeded, some time before */
	bool has_read;	  /* as the step's, and the next two */
	bool closes;
	bool is_static;
	struct ft_proc_object file;
	struct ft_proc_object loader;	/* ino 0: the common one, or none */
	uint64_t below;			/* bits of the roots that it descends from */
	size_t size;			/* its own */
	struct ft_past *before, *after; /* of the same pid */
	struct ft_past *next_ended;
	char comm[FT_HISTORY_COMM];
	struct ft_program *programs[FT_HISTORY_PARENTS]; /* of the ancestors */
	char (*comms)[FT_HISTORY_COMM];
	struct ft_ancestor parents[];
};

struct ft_past_pid {
	pid_t pid;
	uint64_t judged; /* in which backlog, and for which records: */
	struct ft_judged {
		unsigned int queue;
		bool is_close;
		uint64_t first; /* position */
		uint64_t last;
	} range;
	uint64_t seen; /* in which seeding, */
	pid_t parent;  /* and whose child it was then */
	struct ft_past *newest;
	struct ft_open_exec *execs; /* the last ones, as they were read */
	size_t execs_count;
	size_t execs_max;
	size_t open;	   /* images that have not ended: one, or several by threads */
	bool has_overlaps; /* images may have ended before older ones did */
	struct ft_attribution answer;
	uint64_t below;		/* of all candidates, also of those not listed */
	bool may_be_of_another; /* process: this one had the number for a part only */
	const struct ft_process *candidates[FT_HISTORY_CANDIDATES];
	struct ft_process shared;
};

/* A process and no other one that has its number later. */
struct ft_life {
	pid_t pid;
	int64_t start; /* maybe cut to the tick */
};

struct ft_history {
	struct ft_table pids;
	struct ft_past *ended_first, *ended_last;
	struct ft_past *retired; /* freed when the backlog is over */
	size_t bytes;
	uint64_t last_id;
	uint64_t backlog;
	uint64_t seeding;
	int64_t from;
	int64_t to;
	int64_t forgotten;   /* what ended up to here may not be known any more */
	int64_t wall_offset; /* from CLOCK_BOOTTIME to the wall clock */
	int64_t tick_ns;
	uint64_t lost;
	struct ft_proc_object loader; /* of most programs (ld.so); ino 0: not known */
	struct ft_past_pid *last;
	struct ft_bytes container; /* scratch */
	struct ft_life roots[FT_TRACKER_ROOTS];
	size_t roots_count;
	uint64_t away; /* bits of the roots below which one was */
};

void ft_history_init(struct ft_history *h, int64_t wall_offset, int64_t tick_ns);
void ft_history_fini(struct ft_history *h);

/* Steps of one process come in their order. */
void ft_history_add(struct ft_history *h, const struct ft_step *step);
/* Every process there is will be told as a seed; the others are then at their end. */
void ft_history_begin_seeding(struct ft_history *h);
void ft_history_end_seeding(struct ft_history *h, int64_t time);
/* Steps up to this moment may be missing. */
void ft_history_forget(struct ft_history *h, int64_t until);

/* As the tracker's. */
void ft_history_begin(struct ft_history *h, int64_t from, int64_t to);
/* False: the process is not known yet. */
bool ft_history_execute(struct ft_history *h, const struct ft_open_exec *exec);
void ft_history_find(struct ft_history *h, const struct ft_question *q,
		     struct ft_attribution *ret);
int ft_history_add_root(struct ft_history *h, pid_t root);
int ft_history_is_below(struct ft_history *h, const struct ft_process *p, pid_t root);
bool ft_history_was_away(const struct ft_history *h, pid_t root);

/* ---- among history.c, past.c, takeover.c, window.c and ancestry.c ---- */

/* Whom an image descends from, the nearest first. */
struct ft_lineage {
	size_t count;
	uint64_t below;
	struct ft_program *programs[FT_HISTORY_PARENTS];
	const char *comms[FT_HISTORY_PARENTS];
	pid_t pids[FT_HISTORY_PARENTS];
};

void ft_lineage_add_parents(struct ft_lineage *l, const struct ft_past *image);
void ft_lineage_descend(struct ft_lineage *l, const struct ft_past *image);
/* A new image of what the step says, open, in nobody's list yet; NULL: no memory. */
struct ft_past *ft_past_new(struct ft_history *h, const struct ft_step *step,
			    struct ft_program *program, const struct ft_lineage *l);

struct ft_takeover {
	const struct ft_history *h;
	const struct ft_past_pid *p;
	const struct ft_question *q;
};

void ft_takeover_free_execs(struct ft_history *h, struct ft_past_pid *p);
/* Is it certain that this image, which began by executing, or a later one did what the
 * question is about? */
bool ft_takeover_is_before(const struct ft_takeover *t, const struct ft_past *image);

struct ft_past_pid *ft_history_find_pid(const struct ft_history *h, pid_t pid);
void ft_history_end_image(struct ft_history *h, struct ft_past_pid *p,
			  struct ft_past *image, int64_t time);
void ft_history_end_all(struct ft_history *h, struct ft_past_pid *p, int64_t time);
void ft_history_free_image(struct ft_history *h, struct ft_past *image);
void ft_history_drop_program(struct ft_history *h, struct ft_program *p);
void ft_history_free_retired(struct ft_history *h);
void ft_history_unlink_image(struct ft_past_pid *p, struct ft_past *image);
/* The roots that this process is itself. */
uint64_t ft_history_root_bits(const struct ft_history *h, pid_t pid, int64_t start);
/* Who runs now inherits from the parents that were seen. */
void ft_history_mark_below(struct ft_history *h);
