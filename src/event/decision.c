/* SPDX-License-Identifier: MIT */
/* Names of what a decision says. */
#include "event/decision.h"

#include <assert.h>

#include "base/cleanup.h"

const char *ft_verdict_name(enum ft_verdict v)
{
	static const char *const names[] = {
		[FT_VERDICT_ALLOW] = "allow",
		[FT_VERDICT_DENY] = "deny",
	};

	assert(v < FT_ARRAY_SIZE(names) && names[v]);
	return names[v];
}

const char *ft_guard_mode_name(enum ft_guard_mode m)
{
	static const char *const names[] = {
		[FT_MODE_ENFORCE] = "enforce",
		[FT_MODE_OBSERVE] = "observe",
	};

	assert(m < FT_ARRAY_SIZE(names));
	return names[m];
}
