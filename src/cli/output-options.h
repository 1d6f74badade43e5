/* SPDX-License-Identifier: MIT */
/* The options that say how results are printed, and --help. */
#pragma once

#include "cli/options.h"
#include "output/output.h"

/* Ids: those of a table that goes on with another are larger. */
enum {
	CLI_OPTION_HELP = 1,
	CLI_OPTION_WATCH = 20,	/* watch-options */
	CLI_OPTION_STREAM = 90, /* stream */
	CLI_OPTION_OWN = 100,	/* one command alone */
};

struct cli_output {
	struct ft_output_config config;
	const char *format; /* as given; NULL: the default */
	bool null;
};

extern const struct cli_options cli_output_options;

/* fd: where results go without -o. */
void cli_output_init(struct cli_output *o, int fd);
/* One of these options, but for help. 0 or -EINVAL after a message. */
int cli_output_take(struct cli_output *o, const struct cli_word *word);
/* When all was taken: what contradicts itself is an error (-EINVAL, told). */
int cli_output_check(struct cli_output *o);
/* After the last option: colours and width, where results go to a terminal. */
void cli_output_look_at_terminal(struct cli_output *o);
