/* SPDX-License-Identifier: MIT */
/* A command that tells records until it is stopped: --for, --count, --ready-fd, and how
 * it ends. */
#pragma once

#include "cli/loop.h"
#include "cli/options.h"

enum { CLI_STREAM_OPTIONS = 3 };

extern const struct cli_option cli_stream_options[CLI_STREAM_OPTIONS];

struct cli_stream {
	int64_t for_ns; /* 0: no end */
	uint64_t count; /* 0: no end */
	int ready_fd;	/* -1: none */
	/* What the command makes of it, but for signals, count and end. */
	struct cli_loop loop;
	/* The output is open, the source is not started. 0 or -errno after a message.
	 * NULL: nothing to do. */
	int (*prepare)(struct cli_stream *s);
};

/* One of the options. 0 or -EINVAL after a message; 1: it is not one of them. */
int cli_stream_take(struct cli_stream *s, const struct cli_word *word);
/* SIGINT, SIGTERM and SIGHUP; SIGCONT means nothing. */
void cli_stream_signal(struct cli_loop *l, const struct signalfd_siginfo *info);
/* To its end; the exit status. */
int cli_stream_run(struct cli_stream *s);
