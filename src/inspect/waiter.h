/* SPDX-License-Identifier: MIT */
/* A thread that waits for a listener's answer: in which call, for what, since when. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "inspect/covers.h"

enum { FT_WAITER_ARGS = 6 };

/* /proc/PID/task/TID/syscall */
struct ft_syscall {
	long number; /* -1: in none, or not told */
	uint64_t args[FT_WAITER_ARGS];
	bool is_compat; /* of 32 bits: other numbers */
};

struct ft_waiter {
	pid_t pid;
	pid_t tid;
	struct ft_bytes comm;  /* of the process; empty: not known */
	struct ft_bytes exe;   /* likewise */
	const char *call;      /* NULL: not known */
	struct ft_bytes asked; /* the path as it stands in the caller's memory, who may
				  have changed it since; empty: none */
	struct ft_bytes path;  /* where that leads now; empty: not known */
	struct ft_covers object;
	bool has_object;
	bool has_waited;
	int64_t waited_ns; /* at least, by a tick of the scheduler or so */
	int64_t since_ns;  /* wall clock: when that began; else when it was looked at */
};

/* ---- pure ---- */

/* 0 or -EBADMSG. */
int ft_waiter_parse_syscall(struct ft_span text, struct ft_syscall *ret);
/* se.exec_start of /proc/PID/sched: when it ran last. 0 or -EBADMSG. */
int ft_waiter_parse_sched(struct ft_span text, int64_t *ret_ns);
/* By the text of wchan, or of stack. */
bool ft_waiter_is_held(struct ft_span wchan, struct ft_span stack);

/* ---- by /proc ---- */

struct ft_waiters {
	struct ft_waiter *list;
	size_t count;
	size_t threads; /* looked at */
	size_t denied;	/* that sleep, and whose sleep is not ours to see */
};

/*
 * All of them. proc: of ft_procfs_open(). Nothing is opened outside of /proc but with
 * O_PATH: who answers nobody does not hold this process, too. 0 or -errno.
 */
int ft_waiters_read(int proc, struct ft_waiters *ret);
void ft_waiters_fini(struct ft_waiters *w);

/* waiter-call.c: fills in all but pid and tid, in a bounded time. */
void ft_waiter_look(int proc, struct ft_waiter *w);

/* ---- waiter-print.c ---- */

/* "cat(4711)", or "make(4711) thread 4712" */
void ft_waiter_put_who(struct ft_bytes *out, const struct ft_waiter *w);
/* " for 3.2 s: openat /srv/file" */
void ft_waiter_put_what(struct ft_bytes *out, const struct ft_waiter *w);
/* Fields of an object: pid, comm, exe, tid, call, asked, path, since, since_source. */
void ft_waiter_put_json(struct ft_bytes *out, const struct ft_waiter *w);
