/* SPDX-License-Identifier: MIT */
/*
 * What changes while verdicts are kept: one thread follows it (a FID group), another one
 * asks whether anything has changed that was not followed yet.
 */
#pragma once

#include <stdatomic.h>

#include "session/ruleset.h"
#include "session/session.h"

struct ft_changes {
	struct ft_session *session;
	struct ft_ruleset *rules;     /* borrowed: who protects what was made or moved */
	int group;		      /* whose ignore marks are taken away; -1: none */
	_Atomic bool busy;	      /* what was read is being followed */
	_Atomic uint64_t generation;  /* what no file's ctime tells has changed */
	_Atomic uint64_t followed;    /* changes, each counted before it is */
	_Atomic int64_t seen_ns;      /* wall clock: all from before has been followed */
	_Atomic int64_t seen_boot_ns; /* boot clock, the same */
	int64_t began_ns;
	int64_t began_boot_ns;
	bool failed; /* nothing is followed any more: it is never idle again */
};

/* Watches the filesystems of the rules; notices go to notice. 0 or -errno, of which
 * *ret_error (malloc'd) is one line. */
int ft_changes_open(struct ft_changes *c, struct ft_ruleset *rules, ft_notice_fn notice,
		    char **ret_error);
void ft_changes_close(struct ft_changes *c);
/* Was more begun than the last pump came to? */
bool ft_changes_is_due(const struct ft_changes *c);
/* To wait for; -1: nothing comes any more. */
int ft_changes_fd(const struct ft_changes *c);
/* Follows what is there: 0: all of it, 1: there is more; -errno. */
int ft_changes_pump(struct ft_changes *c);

/* ---- the thread that decides ---- */

/* Has everything been followed that happened before this call? */
bool ft_changes_is_idle(const struct ft_changes *c);
/* May something that has not been followed be about a file with this ctime? */
bool ft_changes_may_concern(const struct ft_changes *c, int64_t ctime_ns);
/* Waits until all that happened before this call was followed; false: not in time. */
bool ft_changes_wait(const struct ft_changes *c, unsigned int msec);
