/* SPDX-License-Identifier: MIT */
/* A guard that runs: the thread that decides, the one that tells (this one), the pool
 * that scans. */
#pragma once

#include <pthread.h>
#include <sys/signalfd.h>

#include "cli/guard.h"
#include "output/output.h"
#include "scan/scan.h"
#include "session/decider.h"

enum {
	GUARD_REQUESTS = 1024, /* read and not yet closed, at once */
	GUARD_SCAN_THREADS = 4,
	GUARD_SCANS_WAITING = 256,
	/* Descriptors for all else: output, sockets of scanners, directories that are
	 * listed, files of /proc. */
	GUARD_DESCRIPTORS = 256,
};

/* A policy in use, and all that goes with it. */
struct guard_rules {
	struct ft_policyfile file;
	struct ft_ruleset set;
	struct ft_changes changes;
	struct ft_scanner **scanners;
	struct ft_decider_rules use;
	bool *told_replaced; /* by literal */
	bool told_full;
	bool told_cut;
	struct guard_rules *next; /* retired: scans may still end */
};

struct guardian {
	struct cli_guard *options;
	struct ft_decider decider;
	struct ft_decider_config config;
	bool is_pre_content; /* the group: pre_access, an errno of one's own */
	bool has_audit;
	bool is_stored; /* with the service manager */
	struct ft_pool *pool;
	pthread_t thread;
	bool has_thread;
	bool has_decider;
	struct guard_rules *rules;
	struct guard_rules *retired;
	uint64_t generation;

	struct ft_output *output;
	int signals;
	int state_fd;		     /* -1: none; locked while this guard runs */
	int listen_fd;		     /* for a successor; -1: none */
	int successor_fd;	     /* -1: none */
	_Atomic pid_t successor_pid; /* 0: none */
	int predecessor_fd;	     /* -1: none */
	int old_fds[FT_GUARDED_MAX]; /* of filesystems that it had marks on */
	size_t old_count;
	uint64_t old_events;
	char *state_path;
	char *socket_path;

	bool stopping;
	_Atomic bool must_stop; /* the thread that decides took the signal */
	bool has_begun; /* one that has not knows no better than the one before it */
	bool handed_over;
	bool is_confirmed;
	int error;
	bool is_mute; /* the output failed */
	bool lost;
	bool told_lease;
	uint64_t printed;
	int64_t end_ns;	     /* boot clock; 0: none */
	int64_t confirm_ns;  /* boot clock; 0: none */
	int64_t watchdog_ns; /* of the thread that decides, with the next one */
	int64_t watchdog_due_ns;
	int64_t signalled_ns; /* boot clock, the same thread's: a signal to end waits
				 since; 0: none */
	int64_t flushed_ns;
	int64_t beat_ns; /* of the state file */
};

/* guard-rules.c: all return 0 or -errno after a message. */
int guard_rules_open(struct guardian *g, struct guard_rules **ret);
struct guard_rules *guard_rules_close(struct guard_rules *r);
/* pre_access, or an errno of one's own. */
bool guard_rules_need_pre_content(const struct guard_rules *r);
bool guard_rules_need_audit(const struct guard_rules *r);
/* An executable that a rule names was replaced, and what was denied runs the new one:
 * told once. */
void guard_rules_tell_replaced(struct guard_rules *r, const struct ft_event *ev);
/* What is protected under its own names alone, as a bound was reached: told once. */
void guard_rules_tell_bounds(struct guard_rules *r);
/* What scanners have to say: down, back again. */
void guard_rules_tell_news(const struct guardian *g);
/* The kernel asks about what they guard. */
int guard_rules_mark(struct guardian *g, const struct guard_rules *r);
/* What the old ones guarded and the new ones do not is asked about no more; new NULL:
 * all.
 */
void guard_rules_unmark(struct guardian *g, const struct guard_rules *old,
			const struct guard_rules *new);
/* SIGHUP. The old ones stay if the new ones cannot be used. */
void guard_rules_reload(struct guardian *g);
/* Frees those that nobody uses any more. */
void guard_rules_sweep(struct guardian *g);
/* A line on stderr for each rule that decided. */
void guard_rules_print_counts(const struct guardian *g);

/* guard-threads.c: prepare makes all that is needed, start lets requests of the group be
 * answered. */
int guard_threads_prepare(struct guardian *g);
int guard_threads_start(struct guardian *g, int group);
/* Until these rules are in use. */
int guard_threads_use(struct guardian *g, struct guard_rules *r);
/* Everything that was read is answered, and scans are given up. One that does not end
 * goes on, and uses all that it had: the pool is there then. */
void guard_threads_stop(struct guardian *g);

/* guard-handover.c. listen: for who may take over; accept: one does, or does not. close
 * gives up the place, last of all. */
int guard_handover_listen(struct guardian *g);
void guard_handover_accept(struct guardian *g);
void guard_handover_close(struct guardian *g);
/* The group of the guard that runs, which reads no more; or -errno after a message. */
int guard_handover_take(struct guardian *g);
/* Of a guard that died: it may have read something, that is not told again, and nobody
 * knows which it was. By on_timeout. */
void guard_handover_answer_unanswered(const struct guardian *g, int group);
/* Requests are answered here: what was marked for the one before alone is so no more, and
 * it may go. */
int guard_handover_finish(struct guardian *g);

/* guard-store.c: take: a group that an earlier guard left with the service manager, or
 * -ENOENT. */
void guard_store_put(struct guardian *g);
void guard_store_remove(struct guardian *g);
int guard_store_take(struct guardian *g);

/* guard-safety.c: what of this program's own, or of everybody's, is on a filesystem that
 * is guarded; NULL: nothing. The caller frees. */
char *guard_safety_find(const struct guardian *g, const struct guard_rules *r);
/* 0, or -EPERM after a message. */
int guard_safety_check(const struct guardian *g, const struct guard_rules *r);
/* First of all: what else a user may not do is no use to be told of. */
int guard_safety_check_privilege(void);
/* All of this program in memory: what is not, could have to be read from what is guarded.
 */
int guard_safety_lock_memory(void);

/* guard-state.c: the file that says that a guard runs. open finds its place, take makes
 * it this guard's: 0, also if it is another one's, or -errno after a message. */
int guard_state_open(struct guardian *g);
int guard_state_take(struct guardian *g);
/* When the last one was killed: its last sign of life. 0: it was not. */
int64_t guard_state_killed_ns(const struct guardian *g);
void guard_state_begin(struct guardian *g);
void guard_state_beat(struct guardian *g);
void guard_state_close(struct guardian *g, bool forget);
