/* SPDX-License-Identifier: MIT */
/* Times as text: most records share their time, or at least its second, with the one
 * before. */
#pragma once

#include "base/number.h"
#include "base/bytes.h"

struct ft_timetext {
	/* RFC 3339, UTC */
	int64_t ns;
	int64_t second_ns; /* begin of the second that text holds */
	size_t len;	   /* 0: nothing yet */
	char text[FT_TIME_LEN];
	/* time of day, local or UTC */
	bool utc;
	bool day_known;
	int64_t day_second_ns;
	char day[16]; /* "HH:MM:SS.mmm" */
};

/* "2026-11-20T12:00:00.123456789Z"; lives until the next call. */
struct ft_span ft_timetext_full(struct ft_timetext *t, int64_t ns);
/* "12:00:00.123"; lives until the next call. */
struct ft_span ft_timetext_short(struct ft_timetext *t, int64_t ns);
