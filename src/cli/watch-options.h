/* SPDX-License-Identifier: MIT */
/* The options that watching commands share, from words to a session and an output. */
#pragma once

#include <stdint.h>

#include "cli/options.h"
#include "output/output.h"
#include "session/session.h"

struct cli_watch {
	struct ft_session *session;
	struct ft_output_config output;
	uint64_t events; /* 0: the default */
	enum ft_scope scope;
	bool has_scope;
	bool one_filesystem;
	bool all;
	const char **paths; /* borrowed from argv */
	size_t paths_count;
	int64_t for_ns;	    /* 0: no end */
	uint64_t count;	    /* 0: no end */
	int ready_fd;	    /* -1: none */
	const char *format; /* as given */
	bool null;
};

extern const struct cli_options cli_watch_options;

/* Reads argv (without the command's name) into *w. 0; 1: help was printed; -EINVAL or
 * -errno after a message. */
int cli_watch_parse(struct cli_watch *w, const struct cli_command *c, int argc,
		    char **argv);
void cli_watch_fini(struct cli_watch *w);
/* The PATHs go into the session. 0 or -errno after a message. */
int cli_watch_add_paths(struct cli_watch *w);
