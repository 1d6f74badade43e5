/* SPDX-License-Identifier: MIT */
/*
 * Looking ahead in what has been drained: the moves of directories in the backlog, by
 * handle. A directory that is unknown, or was gone before anyone could open it, is placed
 * by its own later rename or removal.
 */
#pragma once

#include "base/table.h"
#include "kernel/decode.h"

struct ft_move {
	struct ft_move *next; /* of the same directory, later in the backlog */
	struct ft_move *previous;
	struct ft_move *last; /* of the list, in its first move */
	struct ft_span key;   /* borrowed from the backlog, as all spans here */
	uint64_t position;
	struct ft_place from;
	struct ft_place to; /* empty: removed */
};

struct ft_ahead {
	struct ft_table table; /* key -> the first move that is still ahead; removed when
				  all are behind */
	struct ft_move **chunks;
	size_t chunks_count;
	size_t used; /* moves in the last chunk */
};

void ft_ahead_fini(struct ft_ahead *a);
/* A new backlog: the bytes that were borrowed go. */
void ft_ahead_clear(struct ft_ahead *a);
/* A rename or removal of a directory stands at this position; told in order. 0 or
 * -ENOMEM. */
int ft_ahead_add(struct ft_ahead *a, const struct ft_record *r, uint64_t position);
/* The first move of the directory that is not behind; NULL: none. */
const struct ft_move *ft_ahead_find(const struct ft_ahead *a, struct ft_span key);
/* The move at this position is behind now; it stays readable until the next clear. NULL:
 * it was not told. */
const struct ft_move *ft_ahead_pass(struct ft_ahead *a, struct ft_span key,
				    uint64_t position);
/* How many renames (not removals) of it are ahead. */
unsigned int ft_ahead_count_renames(const struct ft_ahead *a, struct ft_span key);
