/* SPDX-License-Identifier: MIT */
/* Times as text: the whole text is reused, else its second. */
#include "output/timetext.h"

#include <time.h>

enum {
	FRACTION_AT = sizeof("2026-11-20T12:00:00.") - 1,
	SHORT_LEN = sizeof("12:00:00.123") - 1
};

static int64_t floor_second(int64_t ns)
{
	int64_t rest = ns % FT_NSEC_PER_SEC;

	return ns - (rest < 0 ? rest + FT_NSEC_PER_SEC : rest);
}

static void put_digits(char *end, uint32_t v, unsigned int digits)
{
	while (digits--) {
		*--end = (char)('0' + v % 10);
		v /= 10;
	}
}

static bool is_same_second(int64_t second_ns, int64_t ns)
{
	return ns >= second_ns && ns - second_ns < FT_NSEC_PER_SEC;
}

struct ft_span ft_timetext_full(struct ft_timetext *t, int64_t ns)
{
	/* A year of five digits has its fraction elsewhere: no reuse then. */
	bool reusable = t->len == FRACTION_AT + sizeof("123456789Z") - 1;

	if (reusable && t->ns == ns)
		return (struct ft_span){t->text, t->len};
	if (reusable && is_same_second(t->second_ns, ns)) {
		put_digits(t->text + FRACTION_AT + 9, (uint32_t)(ns - t->second_ns), 9);
	} else {
		t->len = ft_time_format(t->text, ns, true);
		t->second_ns = floor_second(ns);
	}
	t->ns = ns;
	return (struct ft_span){t->text, t->len};
}

struct ft_span ft_timetext_short(struct ft_timetext *t, int64_t ns)
{
	if (!t->day_known || !is_same_second(t->day_second_ns, ns)) {
		int64_t second_ns = floor_second(ns);
		time_t seconds = (time_t)(second_ns / FT_NSEC_PER_SEC);
		struct tm tm = {0};

		if (t->utc)
			gmtime_r(&seconds, &tm);
		else
			localtime_r(&seconds, &tm);
		put_digits(t->day + 2, (uint32_t)tm.tm_hour, 2);
		t->day[2] = ':';
		put_digits(t->day + 5, (uint32_t)tm.tm_min, 2);
		t->day[5] = ':';
		put_digits(t->day + 8, (uint32_t)tm.tm_sec, 2);
		t->day[8] = '.';
		t->day_second_ns = second_ns;
		t->day_known = true;
	}
	put_digits(t->day + SHORT_LEN,
		   (uint32_t)((ns - t->day_second_ns) / FT_NSEC_PER_MSEC), 3);
	return (struct ft_span){t->day, SHORT_LEN};
}
