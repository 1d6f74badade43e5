/* SPDX-License-Identifier: MIT */
/* Who did it: the small interface behind which images of processes are known. */
#pragma once

#include "event/process.h"

/* What a tracker may ask of its session. Both may be NULL: less is exact then. */
struct ft_tracker_host {
	/* Reads what the kernel has queued by now (without processing it); every
	 * OPEN_EXEC in it is told by exec(). 0: all of it; 1: not all; or -errno. */
	int (*drain)(void *data);
	/*
	 * Is every exec of a file on the filesystem of this st_dev, by whichever process,
	 * in the queue? That is: it has a filesystem mark with OPEN_EXEC, no ignore mark
	 * can hide one, and nothing was lost since `from`. Asked before drain() and
	 * after.
	 */
	bool (*execs_seen)(void *data, dev_t dev);
	void *data;
	/* Processes wait for whoever calls find(): once it is open, the tracker reads
	 * nothing that takes the lock of a process's memory (its arguments), which a
	 * thread may hold that waits for one of those. */
	bool never_waits;
};

/*
 * An OPEN_EXEC record that has been read, and where it stands in which queue: queues have
 * numbers from 1, and no order among each other. What was executed: ino 0: not known.
 */
struct ft_open_exec {
	pid_t pid;
	unsigned int queue;
	uint64_t position;
	dev_t dev;
	uint64_t ino;
	int64_t since; /* CLOCK_BOOTTIME, ns: it happened later */
	bool is_alone; /* nothing but executions was merged into it */
};

/*
 * What an exec closes is closed after it, before the new image begins, and by the old
 * one: so long may that take, as long as a processor may be busy with something else.
 */
enum { FT_CLOSING_NSEC = 1000000000 };

/* A record whose process is asked for. */
struct ft_question {
	pid_t pid;
	unsigned int queue; /* 0: of none that OPEN_EXEC records are told of */
	uint64_t position;
	bool is_close; /* nothing but the end of what was opened before */
};

/*
 * The answer for one record. Pointers live until the next find() for the same pid, and
 * the next begin().
 * exact: process is who did it, the only candidate. ambiguous: it was one of the
 * candidates, or, if it may be another, one that is not known; process holds what they
 * share, with id 0 where it is not one of them. none: process is NULL.
 */
struct ft_attribution {
	enum ft_certainty certainty;
	const struct ft_process *process;
	const struct ft_process *const *candidates; /* when ambiguous */
	size_t candidates_count;
	bool may_be_another; /* than the candidates */
};

/* How it fares. What was lost is told by take_lost(), too. */
struct ft_tracker_health {
	uint64_t dropped; /* records that found no room, since the begin */
	uint64_t missed;  /* times that the kernel did not run a program, and its copy */
	size_t processes; /* known now, those that ended and are kept included */
	size_t bytes;	  /* that they take; 0: not counted */
	size_t ring_size; /* bytes; 0: it has none */
	int connector;	  /* -errno: changes of a process's ids are not told */
};

struct ft_tracker;

/* Bound: so many roots. */
enum { FT_TRACKER_ROOTS = 64 };

struct ft_tracker_ops {
	const char *name;
	/* Seeds from what runs now. */
	int (*open)(struct ft_tracker **ret, const struct ft_tracker_host *host);
	struct ft_tracker *(*close)(struct ft_tracker *t);
	/*
	 * A backlog begins: its records, the next ones that find() is called for,
	 * happened in [from, to] (CLOCK_BOOTTIME, ns; `from` = the queue was seen empty,
	 * `to` = all of them had been read). What is drained later is of a later backlog.
	 * The later `from` is, the more is exact: the best one was taken just before a
	 * read that found nothing.
	 */
	void (*begin)(struct ft_tracker *t, int64_t from, int64_t to);
	/*
	 * An OPEN_EXEC record has been read. Told once of all that is read, from every
	 * queue, as soon as it is read (later: it counts for longer than it need), before
	 * a find() for anything that was read with it.
	 */
	void (*exec)(struct ft_tracker *t, const struct ft_open_exec *exec);
	/* Who is behind this record? */
	void (*find)(struct ft_tracker *t, const struct ft_question *q,
		     struct ft_attribution *ret);
	/*
	 * The process that has this pid now is one that is_below() will be asked for, not
	 * another that has the number later. Before the first begin(). 0; -ESRCH: there
	 * is none; -E2BIG.
	 */
	int (*add_root)(struct ft_tracker *t, pid_t root);
	/* Is it that root, or was it forked below it, whoever its parents are by now? 1,
	 * 0; -ENODATA: may be, its first parents are not known; or another candidate of
	 * the last find() that is not listed, or not known, may be. */
	int (*is_below)(struct ft_tracker *t, const struct ft_process *p, pid_t root);
	/* Has a process below this root ended in another mount namespace, where it may
	 * have used filesystems that nobody else sees? NULL: that is not known. */
	bool (*was_away)(struct ft_tracker *t, pid_t root);
	/* Moments lost since the last call (ring drops, processes past a bound), 0 most
	 * of the time. */
	uint64_t (*take_lost)(struct ft_tracker *t);
	/*
	 * NULL, or a descriptor that polls readable when much has been seen that nobody
	 * asked about; is_due() then says so once, and begin() takes it in.
	 */
	int (*get_poll)(const struct ft_tracker *t);
	bool (*is_due)(struct ft_tracker *t);
	void (*get_health)(const struct ft_tracker *t, struct ft_tracker_health *ret);
};

/* open: -ENOSYS when built without; else why it is refused. */
extern const struct ft_tracker_ops ft_tracker_bpf;
extern const struct ft_tracker_ops ft_tracker_procfs;
extern const struct ft_tracker_ops ft_tracker_none;
