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
 * The answer for one record. Pointers live until the tracker's next begin().
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

struct ft_tracker;

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
	 * An OPEN_EXEC record of pid has been read; it stands at this position of its
	 * queue. Told once of all that is read, from every queue, as soon as it is read
	 * (later: it counts for longer than it need), before a find() for anything that
	 * was read with it.
	 */
	void (*exec)(struct ft_tracker *t, pid_t pid, uint64_t position);
	/* Who is behind the record of pid at this position? */
	void (*find)(struct ft_tracker *t, pid_t pid, uint64_t position,
		     struct ft_attribution *ret);
	/* Is pid, or one of its ancestors, root? By the image's ancestry where known. */
	bool (*is_below)(struct ft_tracker *t, const struct ft_process *p, pid_t root);
	/* Moments lost since the last call (ring drops, processes past a bound), 0 most
	 * of the time. */
	uint64_t (*take_lost)(struct ft_tracker *t);
};

/* open: -ENOSYS when built without; else why it is refused. */
extern const struct ft_tracker_ops ft_tracker_bpf;
extern const struct ft_tracker_ops ft_tracker_procfs;
extern const struct ft_tracker_ops ft_tracker_none;
