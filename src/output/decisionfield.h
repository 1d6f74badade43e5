/* SPDX-License-Identifier: MIT */
/* What was decided, as an object of JSON: the same in every format that is JSON. */
#pragma once

#include "output/columns.h"

#define FT_DECISION_FIELD(column) (UINT64_C(1) << FT_COLUMN_##column)

/* `,"decision":{...}` with those of these columns (a bit a column) that are known;
 * nothing where it has none of them. */
void ft_decisionfield_put(struct ft_bytes *out, const struct ft_decision *d,
			  uint64_t columns);
