/* SPDX-License-Identifier: MIT */
/* The loop of commands that watch: records out of a source, into an output, until
 * something ends it. */
#pragma once

#include <sys/signalfd.h>

#include "output/output.h"
#include "session/session.h"

struct cli_loop;

struct cli_loop_ops {
	/* A record of the source, which may be changed; false: it is not told. NULL: all
	 * are told as they are. */
	bool (*take)(struct cli_loop *l, struct ft_event *ev);
	/* One of the signals that were asked for. */
	void (*signal)(struct cli_loop *l, const struct signalfd_siginfo *info);
	/* All that was queued has been told. May be NULL. */
	void (*idle)(struct cli_loop *l);
};

/* Where records come from. */
struct cli_source {
	/* 0 or -errno after a message. */
	int (*start)(void *from);
	/* Readable when there may be one. */
	int (*fd)(void *from);
	/* 1, 0, FT_SESSION_MORE, or -errno after a message. */
	int (*next)(void *from, struct ft_event **ret);
	/* As ft_session_may_wait(); NULL: it may. */
	bool (*may_wait)(void *from);
	/* As ft_session_drain(). */
	int (*drain)(void *from);
	void (*stop)(void *from);
	/* NULL: what happens to the output file is never told. */
	void (*ignore_file)(void *from, int fd);
};

/* A session, whose notices go to stderr. */
extern const struct cli_source cli_session_source;

struct cli_loop {
	const struct cli_source *source;
	void *from;
	const struct ft_output_config *config;
	const struct cli_loop_ops *ops;
	void *data;
	struct ft_output *output; /* NULL: nothing is told */
	int signals;		  /* -1: none */
	uint64_t count;		  /* ends after so many events; 0: no end */
	int64_t end_ns;		  /* boot clock, ends then; 0: no end */

	bool stopping; /* no more than what was queued */
	int error;     /* of the output or the source: nothing more can be told */
	uint64_t told; /* event records */
	bool lost;
	uint64_t dropped; /* by the output, when it is closed */
	int64_t began_ns;
	int64_t flushed_ns;
	int64_t woke_ns;
	int64_t watchdog_ns;
	int64_t watchdog_due_ns;
};

/* Room for descriptors of FD groups and the listings of directories. */
void cli_loop_raise_nofile(void);
/* From now on these, up to a 0, are told by ops->signal; SIGPIPE is ignored. 0 or -errno
 * after a message. */
int cli_loop_open_signals(struct cli_loop *l, const int *signals);
/* By config. 0 or -errno after a message. */
int cli_loop_open_output(struct cli_loop *l);
/* Starts the source. 0 or -errno after a message. */
int cli_loop_start(struct cli_loop *l);
/* Until it is stopped, and what is queued then is told; or count, end_ns, error. */
void cli_loop_run(struct cli_loop *l);
/* Nothing more is asked of the kernel: what is queued by now is told. */
void cli_loop_stop(struct cli_loop *l);
/* SIGHUP. */
void cli_loop_reopen(struct cli_loop *l);
/* Waits for the next signal and tells it: of use when nothing else can be told. */
void cli_loop_wait_signal(struct cli_loop *l);
/* Writes what waits; 0, or the error that ended it after a message. */
int cli_loop_close(struct cli_loop *l);
