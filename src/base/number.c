/* SPDX-License-Identifier: MIT */
/* Numbers, durations, sizes and times as people write them. */
#include "base/number.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"

#define FRACTION_ONE 1000000000000000000u /* 10^18: the digits kept of a fraction */

enum {
	SEC_PER_MIN = 60,
	SEC_PER_HOUR = 3600,
	SEC_PER_DAY = 86400,
	DAYS_PER_ERA = 146097, /* 400 years */
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* One too large does not end the parsing: what follows may be of no form at all. */
struct decimal {
	uint64_t whole;
	uint64_t fraction; /* of FRACTION_ONE */
	bool over;
};

/* The digits after a point, if there is one: 18 of them count. */
static bool take_fraction(const char **s, uint64_t *ret)
{
	const char *p = *s;
	uint64_t fraction = 0;

	if (*p == '.') {
		if (!is_digit(*++p))
			return false;
		for (uint64_t digit = FRACTION_ONE / 10; is_digit(*p); p++, digit /= 10)
			fraction += (*p - '0') * digit;
	}
	*s = p;
	*ret = fraction;
	return true;
}

/* Reads 1 or 1.5 (never 1. or .5) and moves on past it. */
static bool take_decimal(const char **s, struct decimal *ret)
{
	struct decimal d = {0};

	if (!is_digit(**s))
		return false;
	for (; is_digit(**s); (*s)++) {
		d.over |= __builtin_mul_overflow(d.whole, 10, &d.whole);
		d.over |= __builtin_add_overflow(d.whole, **s - '0', &d.whole);
	}
	if (!take_fraction(s, &d.fraction))
		return false;
	*ret = d;
	return true;
}

/* d units, rounded down; false if that is too large. */
static bool decimal_scale(struct decimal d, uint64_t unit, uint64_t *ret)
{
	unsigned __int128 whole = (unsigned __int128)d.whole * unit;
	unsigned __int128 part = (unsigned __int128)d.fraction * unit / FRACTION_ONE;

	if (d.over || whole + part > UINT64_MAX)
		return false;
	*ret = (uint64_t)(whole + part);
	return true;
}

int ft_number_parse(const char *s, uint64_t max, uint64_t *ret)
{
	bool over = false;
	uint64_t v = 0;

	if (!*s)
		return -EINVAL;
	for (; *s; s++) {
		if (!is_digit(*s))
			return -EINVAL;
		over |= __builtin_mul_overflow(v, 10, &v);
		over |= __builtin_add_overflow(v, *s - '0', &v);
	}
	if (over || v > max)
		return -ERANGE;
	*ret = v;
	return 0;
}

struct unit {
	const char *name;
	uint64_t value;
};

/* Takes all letters that follow; 0 if they are no unit. */
static uint64_t take_duration_unit(const char **s)
{
	static const struct unit units[] = {
		{"ns", 1},
		{"us", FT_NSEC_PER_USEC},
		{"ms", FT_NSEC_PER_MSEC},
		{"s", FT_NSEC_PER_SEC},
		{"m", SEC_PER_MIN * FT_NSEC_PER_SEC},
		{"h", SEC_PER_HOUR * FT_NSEC_PER_SEC},
		{"d", SEC_PER_DAY * FT_NSEC_PER_SEC},
		{"w", 7 * SEC_PER_DAY * FT_NSEC_PER_SEC},
	};
	size_t n = strspn(*s, "abcdefghijklmnopqrstuvwxyz");

	for (size_t i = 0; i < FT_ARRAY_SIZE(units); i++) {
		if (strlen(units[i].name) == n && memcmp(*s, units[i].name, n) == 0) {
			*s += n;
			return units[i].value;
		}
	}
	return 0;
}

int ft_duration_parse(const char *s, int64_t *ret_ns)
{
	uint64_t sum = 0, part = 0;
	bool over = false;
	struct decimal d;

	if (strcmp(s, "0") == 0) {
		*ret_ns = 0;
		return 0;
	}
	do {
		if (!take_decimal(&s, &d))
			return -EINVAL;
		uint64_t unit = take_duration_unit(&s);
		if (!unit)
			return -EINVAL;
		over |= !decimal_scale(d, unit, &part);
		over |= __builtin_add_overflow(sum, part, &sum);
	} while (*s);
	if (over || sum > INT64_MAX)
		return -ERANGE;
	*ret_ns = (int64_t)sum;
	return 0;
}

int ft_size_parse(const char *s, uint64_t *ret)
{
	static const struct unit units[] = {
		{"", 1},
		{"k", 1u << 10},
		{"K", 1u << 10},
		{"KiB", 1u << 10},
		{"M", 1u << 20},
		{"MiB", 1u << 20},
		{"G", 1u << 30},
		{"GiB", 1u << 30},
		{"T", UINT64_C(1) << 40},
		{"TiB", UINT64_C(1) << 40},
	};
	struct decimal d;

	if (!take_decimal(&s, &d))
		return -EINVAL;
	for (size_t i = 0; i < FT_ARRAY_SIZE(units); i++) {
		if (strcmp(s, units[i].name) != 0)
			continue;
		return decimal_scale(d, units[i].value, ret) ? 0 : -ERANGE;
	}
	return -EINVAL;
}

/*
 * Years here begin on 1 March: the day that leaps is the last one. (153 m + 2) / 5 is the
 * number of days before month m of such a year.
 */
enum { DAYS_TO_1970 = 719468 };

static int64_t days_before_year(int64_t y)
{
	return 365 * y + y / 4 - y / 100 + y / 400;
}

static int64_t days_of_date(int64_t year, int month, int day)
{
	int64_t y = month > 2 ? year : year - 1;
	int64_t m = month > 2 ? month - 3 : month + 9;

	return days_before_year(y) + (153 * m + 2) / 5 + day - 1 - DAYS_TO_1970;
}

static void date_of_days(int64_t days, int *year, int *month, int *day)
{
	int64_t z = days + DAYS_TO_1970;
	int64_t y = z * 400 / DAYS_PER_ERA + 1;

	/* That was a guess, never too low. */
	while (days_before_year(y) > z)
		y--;
	int64_t in_year = z - days_before_year(y);
	int64_t m = (5 * in_year + 2) / 153;
	*day = (int)(in_year - (153 * m + 2) / 5 + 1);
	*month = (int)(m < 10 ? m + 3 : m - 9);
	*year = (int)(*month > 2 ? y : y + 1);
}

static int days_in_month(int year, int month)
{
	static const signed char days[] = {31, 28, 31, 30, 31, 30,
					   31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

static int64_t seconds_of_ns(int64_t ns, int64_t *ret_rest)
{
	int64_t sec = ns / FT_NSEC_PER_SEC, rest = ns % FT_NSEC_PER_SEC;

	if (rest < 0) {
		sec--;
		rest += FT_NSEC_PER_SEC;
	}
	*ret_rest = rest;
	return sec;
}

/* Exactly n digits, then the character end unless that is NUL. */
static bool take_digits(const char **s, int n, char end, int *ret)
{
	int v = 0;

	for (; n > 0; n--, (*s)++) {
		if (!is_digit(**s))
			return false;
		v = v * 10 + (**s - '0');
	}
	if (end && *(*s)++ != end)
		return false;
	*ret = v;
	return true;
}

struct clock_time {
	int year, month, day, hour, minute, second;
	int64_t ns;
	bool has_zone;
	int64_t offset; /* seconds east of UTC */
};

static bool take_date(const char **s, struct clock_time *t)
{
	return take_digits(s, 4, '-', &t->year) && take_digits(s, 2, '-', &t->month) &&
	       take_digits(s, 2, '\0', &t->day) && t->month >= 1 && t->month <= 12 &&
	       t->day >= 1 && t->day <= days_in_month(t->year, t->month);
}

static bool take_clock(const char **s, struct clock_time *t)
{
	uint64_t fraction;

	if (!take_digits(s, 2, ':', &t->hour) || !take_digits(s, 2, ':', &t->minute) ||
	    !take_digits(s, 2, '\0', &t->second) || !take_fraction(s, &fraction))
		return false;
	t->ns = (int64_t)(fraction / (FRACTION_ONE / FT_NSEC_PER_SEC));
	return t->hour <= 23 && t->minute <= 59 && t->second <= 60;
}

static bool take_zone(const char **s, struct clock_time *t)
{
	int hours, minutes;

	if (**s != 'Z' && **s != 'z' && **s != '+' && **s != '-')
		return true;
	char sign = *(*s)++;
	t->has_zone = true;
	if (sign == 'Z' || sign == 'z')
		return true;
	if (!take_digits(s, 2, ':', &hours) || !take_digits(s, 2, '\0', &minutes) ||
	    hours > 23 || minutes > 59)
		return false;
	t->offset = hours * SEC_PER_HOUR + minutes * SEC_PER_MIN;
	if (sign == '-')
		t->offset = -t->offset;
	return true;
}

static bool parse_clock_time(const char *s, struct clock_time *t)
{
	if (!take_date(&s, t))
		return false;
	if (!*s)
		return true;
	if (*s != 'T' && *s != 't' && *s != ' ')
		return false;
	s++;
	return take_clock(&s, t) && take_zone(&s, t) && !*s;
}

static int64_t seconds_of_local(const struct clock_time *t)
{
	struct tm tm = {
		.tm_year = t->year - 1900,
		.tm_mon = t->month - 1,
		.tm_mday = t->day,
		.tm_hour = t->hour,
		.tm_min = t->minute,
		.tm_sec = t->second,
		.tm_isdst = -1,
	};

	return mktime(&tm);
}

static int64_t seconds_of_clock(const struct clock_time *t)
{
	if (!t->has_zone)
		return seconds_of_local(t);
	return days_of_date(t->year, t->month, t->day) * SEC_PER_DAY +
	       t->hour * SEC_PER_HOUR + t->minute * SEC_PER_MIN + t->second - t->offset;
}

static int ns_of_seconds(int64_t sec, int64_t ns, int64_t *ret_ns)
{
	__int128 all = (__int128)sec * FT_NSEC_PER_SEC + ns;

	if (all > INT64_MAX || all < INT64_MIN)
		return -ERANGE;
	*ret_ns = (int64_t)all;
	return 0;
}

static int parse_midnight(int64_t now_ns, int days_ago, int64_t *ret_ns)
{
	int64_t rest;
	time_t now = seconds_of_ns(now_ns, &rest);
	struct tm tm;

	if (!localtime_r(&now, &tm))
		return -ERANGE;
	struct clock_time t = {.year = tm.tm_year + 1900,
			       .month = tm.tm_mon + 1,
			       .day = tm.tm_mday - days_ago};
	return ns_of_seconds(seconds_of_local(&t), 0, ret_ns);
}

int ft_time_parse(const char *s, int64_t now_ns, int64_t *ret_ns)
{
	struct clock_time t = {0};
	int64_t ago, then;

	if (strcmp(s, "now") == 0) {
		*ret_ns = now_ns;
		return 0;
	}
	if (strcmp(s, "today") == 0)
		return parse_midnight(now_ns, 0, ret_ns);
	if (strcmp(s, "yesterday") == 0)
		return parse_midnight(now_ns, 1, ret_ns);
	if (parse_clock_time(s, &t)) {
		int64_t sec = seconds_of_clock(&t);

		/* A leap second ends a day of UTC; the epoch does not count it. */
		if (t.second == 60 && sec % SEC_PER_DAY != 0)
			return -EINVAL;
		return ns_of_seconds(sec, t.second == 60 ? 0 : t.ns, ret_ns);
	}
	int r = ft_duration_parse(s, &ago);
	if (r < 0)
		return r;
	if (__builtin_sub_overflow(now_ns, ago, &then))
		return -ERANGE;
	*ret_ns = then;
	return 0;
}

/* Exactly n digits; returns where the next byte goes. */
static char *put_digits(char *p, int64_t v, int n)
{
	for (int i = n - 1; i >= 0; i--, v /= 10)
		p[i] = (char)('0' + v % 10);
	return p + n;
}

static char *put_zone(char *p, bool utc, int64_t offset)
{
	if (utc) {
		*p++ = 'Z';
		return p;
	}
	*p++ = offset < 0 ? '-' : '+';
	if (offset < 0)
		offset = -offset;
	p = put_digits(p, offset / SEC_PER_HOUR, 2);
	*p++ = ':';
	return put_digits(p, offset % SEC_PER_HOUR / SEC_PER_MIN, 2);
}

/* In whole minutes: RFC 3339 has no seconds in an offset, as old local times do. */
static int64_t local_offset(int64_t sec)
{
	time_t when = sec;
	struct tm tm;

	return localtime_r(&when, &tm) ? tm.tm_gmtoff / SEC_PER_MIN * SEC_PER_MIN : 0;
}

size_t ft_time_format(char buf[FT_TIME_LEN], int64_t ns, bool utc)
{
	int year, month, day;
	int64_t rest, sec = seconds_of_ns(ns, &rest);
	int64_t offset = utc ? 0 : local_offset(sec);
	/* 400 years later: the same calendar, and nothing negative to divide. */
	int64_t shifted = sec + offset + (int64_t)DAYS_PER_ERA * SEC_PER_DAY;
	int64_t in_day = shifted % SEC_PER_DAY;

	date_of_days(shifted / SEC_PER_DAY - DAYS_PER_ERA, &year, &month, &day);
	char *p = put_digits(buf, year, 4);
	*p++ = '-';
	p = put_digits(p, month, 2);
	*p++ = '-';
	p = put_digits(p, day, 2);
	*p++ = 'T';
	p = put_digits(p, in_day / SEC_PER_HOUR, 2);
	*p++ = ':';
	p = put_digits(p, in_day % SEC_PER_HOUR / SEC_PER_MIN, 2);
	*p++ = ':';
	p = put_digits(p, in_day % SEC_PER_MIN, 2);
	*p++ = '.';
	p = put_digits(p, rest, 9);
	p = put_zone(p, utc, offset);
	*p = '\0';
	return p - buf;
}
