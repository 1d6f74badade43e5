/* SPDX-License-Identifier: MIT */
/* A command and its descendants, followed from the first instruction to the last event.
 */
#pragma once

#include "cli/loop.h"
#include "cli/spawn.h"
#include "cli/watch-options.h"
#include "output/summary.h"

enum { CLI_CANDIDATES_MAX = 8 };

struct cli_follow {
	/* Set by the caller, the rest zero. */
	struct cli_watch *what;
	char **argv;	       /* the command, NULL-ended */
	const char *user_name; /* NULL: as ourselves */
	bool wait;	       /* for the last descendant */
	bool summary;	       /* at the end; events then go to a file or nowhere */

	struct cli_loop loop;
	struct cli_spawn spawn;
	struct cli_user user;
	bool prints;		   /* events, and not the summary alone */
	bool failed;		   /* it could not be executed */
	bool was_away;		   /* a descendant, in another mount namespace */
	bool left;		   /* a signal ended the waiting */
	uint64_t wanted;	   /* events to be printed */
	uint64_t undecided;	   /* records of processes of which nothing is known */
	uint64_t last_before_exec; /* image of the child */
	const struct ft_process *candidates[CLI_CANDIDATES_MAX];
	struct ft_summary sets;
	struct ft_summary_head head;
};

/* To its end; what went wrong is told. The exit status: the command's, or 125 to 127. */
int cli_follow(struct cli_follow *f);
void cli_follow_fini(struct cli_follow *f);
