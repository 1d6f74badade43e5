/* SPDX-License-Identifier: MIT */
/* Begins and ends of calls, joined to calls: pure. */
#pragma once

#include "base/table.h"
#include "inspect/callwire.h"

/* Bound: calls that wait to be told take so many bytes; what comes then is lost. */
enum { FT_CALLQUEUE_MAX = 64 * 1024 * 1024 };

struct ft_whole_call {
	struct ft_whole_call *next;
	size_t size;
	uint64_t lost;		 /* calls, between this one and the next */
	struct ft_callwire wire; /* of its begin, with what its end says */
	char text[];		 /* base, pathname */
};

struct ft_callqueue {
	struct ft_table open; /* by thread */
	struct ft_whole_call *first, *last;
	size_t bytes;
	uint64_t lost; /* calls, before the first */
};

/* Zero-initialised is empty. */
void ft_callqueue_fini(struct ft_callqueue *q);
/* Base and pathname follow the record, as long as it says. */
void ft_callqueue_put(struct ft_callqueue *q, const struct ft_callwire *record);
/* So many calls were lost behind what is here by now. */
void ft_callqueue_lose(struct ft_callqueue *q, uint64_t count);
/* Those that were lost before the next one that is taken, or since the last; told once.
 */
uint64_t ft_callqueue_take_lost(struct ft_callqueue *q);
/* The call that ended first of those not taken: the caller's, to be freed; NULL: none. */
struct ft_whole_call *ft_callqueue_take(struct ft_callqueue *q);
