/* SPDX-License-Identifier: MIT */
/* A canary: a process that does known things to a file of its own, required back. */
#pragma once

#include <sys/types.h>

#include "base/bytes.h"
#include "event/event.h"

/* Zero-initialised is none. */
struct ft_canary {
	char *dir; /* absolute, as it is told */
	pid_t pid; /* that does it, alive until fini; 0: none */
	int ended; /* a pidfd: readable when the child ended by itself, for it could
		      not do all */
	struct ft_bytes exe; /* that it runs: our own */
	uint64_t missing;    /* bits that have not been told yet */
	uint64_t misplaced;  /* told with another path than what was done */
	bool is_other;	     /* told of another process */
	bool is_anonymous;   /* told of none */
	bool is_certain;     /* of each it was said that it is exact */
};

/*
 * Makes, writes, renames and removes a file in dir, which is empty, from a child. names:
 * the filesystem's records have names; without, the file is made and written, and
 * removed by fini. 0 or -errno.
 */
int ft_canary_send(struct ft_canary *c, const char *dir, bool names);
/* Is the record of the canary? Then it is taken into account. */
bool ft_canary_take(struct ft_canary *c, const struct ft_event *ev);
/* All of it was told. */
static inline bool ft_canary_is_back(const struct ft_canary *c)
{
	return c->missing == 0;
}
/* Ends the child. 0, or the -errno that the child failed with. */
int ft_canary_fini(struct ft_canary *c);
