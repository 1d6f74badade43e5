/* SPDX-License-Identifier: MIT */
/* What was meant: names as near as a slip of the fingers. */
#pragma once

#include "base/bytes.h"

/* How many keys apart a word and a name are, at most two (one if the word is short); else
 * SIZE_MAX. */
size_t ft_near_distance(struct ft_span word, struct ft_span name);
