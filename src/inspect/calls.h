/* SPDX-License-Identifier: MIT */
/* The calls of the whole machine, one after the other, each with who made it. */
#pragma once

#include "event/event.h"
#include "match/match.h"

struct ft_calls;

struct ft_calls_config {
	struct ft_match *match; /* borrowed */
	unsigned int kinds;	/* a bit for each enum ft_call_kind that is told */
	bool alerts_only;
	bool compat; /* 32-bit callers, too */
};

/* From now on calls are seen. 0 or -errno; why then holds what failed. */
int ft_calls_open(struct ft_calls **ret, const struct ft_calls_config *config,
		  struct ft_bytes *why);
struct ft_calls *ft_calls_close(struct ft_calls *c);
/* Readable when there may be a call to tell. */
int ft_calls_fd(const struct ft_calls *c);
/* 1: *ret is the next call, or a loss, until the next one is asked for; 0: none now. */
int ft_calls_next(struct ft_calls *c, struct ft_event **ret);
/* What the kernel has queued is kept in memory. 0; 1: no more fits, the rest stays
 * queued.
 */
int ft_calls_drain(struct ft_calls *c);
/* No more calls: what was seen so far is told. */
void ft_calls_stop(struct ft_calls *c);
