/* SPDX-License-Identifier: MIT */
/* The options that watching commands share, from words to a session and an output. */
#pragma once

#include <stdint.h>

#include "cli/output-options.h"
#include "session/session.h"

struct cli_watch {
	struct ft_session *session;
	struct cli_output output;
	uint64_t events; /* asked for; 0: the default */
	enum ft_scope scope;
	bool has_scope;
	bool one_filesystem;
	bool all;
	const char **paths; /* borrowed from argv */
	size_t paths_count;
};

extern const struct cli_options cli_watch_options;
/* Those of them that say which records are told, and how. */
extern const struct cli_options cli_result_options;

/* output_fd: where results go without -o. 0 or -errno after a message. */
int cli_watch_init(struct cli_watch *w, int output_fd);
void cli_watch_fini(struct cli_watch *w);
/* One of the shared options, but for help. 0, -EINVAL or -errno after a message. */
int cli_watch_take(struct cli_watch *w, const struct cli_word *word);
/* When all was taken: what contradicts itself is an error (-EINVAL, told). */
int cli_watch_check(struct cli_watch *w);
int cli_watch_add_path(struct cli_watch *w, const char *path);
/* What is to be watched goes into the session; no PATH: the current directory. 0 or
 * -errno after a message. */
int cli_watch_add_targets(struct cli_watch *w);
