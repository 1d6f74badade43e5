/* SPDX-License-Identifier: MIT */
/* Names of what an event says of itself. */
#include "event/event.h"

#include <assert.h>

#include "base/cleanup.h"

const char *ft_path_source_name(enum ft_path_source s)
{
	static const char *const names[] = {
		[FT_PATH_NONE] = "none",   [FT_PATH_PARTIAL] = "partial",
		[FT_PATH_NOW] = "now",	   [FT_PATH_FIRST] = "first",
		[FT_PATH_EVENT] = "event",
	};

	assert(s < FT_ARRAY_SIZE(names));
	return names[s];
}

const char *ft_certainty_name(enum ft_certainty c)
{
	static const char *const names[] = {
		[FT_CERTAINTY_NONE] = "none",
		[FT_CERTAINTY_CREDENTIALS] = "credentials",
		[FT_CERTAINTY_AMBIGUOUS] = "ambiguous",
		[FT_CERTAINTY_EXACT] = "exact",
	};

	assert(c < FT_ARRAY_SIZE(names));
	return names[c];
}

const char *ft_lost_where_name(enum ft_lost_where w)
{
	static const char *const names[] = {
		[FT_LOST_KERNEL] = "kernel",	     [FT_LOST_BUFFER] = "buffer",
		[FT_LOST_OUTPUT] = "output",	     [FT_LOST_PROCESS] = "process",
		[FT_LOST_DESCRIPTOR] = "descriptor", [FT_LOST_JOURNAL] = "journal",
	};

	assert(w < FT_ARRAY_SIZE(names));
	return names[w];
}
