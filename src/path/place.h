/* SPDX-License-Identifier: MIT */
/* How a directory is placed as of the record at hand: what the tree knows, what comes
 * later in the queue, a walk. */
#pragma once

#include "path/resolve.h"

/* Places it and what is above it. False: it cannot be known. */
bool ft_place_dir(struct ft_resolver *r, struct ft_node *n);
/* What a CREATE, RENAME or DELETE of a directory changes. */
void ft_place_apply(struct ft_resolver *r, const struct ft_record *rec,
		    uint64_t position);
/* The queue is empty: what was in doubt is forgotten, and walked to when it is seen next.
 */
void ft_place_settle_doubts(struct ft_resolver *r);
