/* SPDX-License-Identifier: MIT */
/* What was meant: names as near as a slip of the fingers. */
#include "base/near.h"

#include <stdint.h>

enum { LEN_MAX = 32, LONG_WORD = 6 };

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Levenshtein's distance; b is at most LEN_MAX long. */
static size_t distance(struct ft_span a, struct ft_span b)
{
	size_t row[LEN_MAX + 1];

	for (size_t j = 0; j <= b.len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			size_t above = row[j];

			row[j] = min3(above + 1, row[j - 1] + 1,
				      diagonal + (a.data[i - 1] != b.data[j - 1]));
			diagonal = above;
		}
	}
	return row[b.len];
}

size_t ft_near_distance(struct ft_span word, struct ft_span name)
{
	size_t n;

	if (word.len == 0 || word.len > LEN_MAX || name.len > LEN_MAX)
		return SIZE_MAX;
	n = distance(word, name);
	return n <= (word.len >= LONG_WORD ? 2 : 1) ? n : SIZE_MAX;
}
