/* SPDX-License-Identifier: MIT */
/* Numbers, durations, sizes and times against tables, strtod and libc's calendar. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "base/number.h"

#define SEC  INT64_C(1000000000)
#define HOUR (3600 * SEC)
#define DAY  (24 * HOUR)

/* Zones as POSIX writes them, which need no database of zones. */
static const char *const zones[] = {
	"UTC0",
	"CET-1CEST,M3.5.0,M10.5.0/3",
	"NST3:30NDT,M3.2.0,M11.1.0",
	"IST-5:30",
	"NPT-5:45",
	"PST8PDT,M3.2.0,M11.1.0",
	"LINT-14",
	"BIT12",
};

static void set_zone(const char *zone)
{
	assert_int_equal(setenv("TZ", zone, 1), 0);
	tzset();
}

static int reset_zone(void **state)
{
	unsetenv("TZ");
	tzset();
	return 0;
}

static void test_number(void **state)
{
	static const char *const bad[] = {
		"",    " 1",  "1 ", "+1", "-1",
		"0x1", "1.0", "1k", "a",  "99999999999999999999999x"};
	uint64_t v = 5;

	for (size_t i = 0; i < FT_ARRAY_SIZE(bad); i++)
		assert_int_equal(ft_number_parse(bad[i], UINT64_MAX, &v), -EINVAL);
	assert_int_equal(ft_number_parse("18446744073709551616", UINT64_MAX, &v),
			 -ERANGE);
	assert_int_equal(ft_number_parse("184467440737095516150", UINT64_MAX, &v),
			 -ERANGE);
	assert_int_equal(ft_number_parse("99999999999999999999999999", UINT64_MAX, &v),
			 -ERANGE);
	assert_int_equal(ft_number_parse("101", 100, &v), -ERANGE);
	assert_int_equal(v, 5);
	assert_int_equal(ft_number_parse("100", 100, &v), 0);
	assert_int_equal(v, 100);
	assert_int_equal(ft_number_parse("18446744073709551615", UINT64_MAX, &v), 0);
	assert_true(v == UINT64_MAX);
	assert_int_equal(ft_number_parse("0", 0, &v), 0);
	assert_int_equal(v, 0);
	assert_int_equal(ft_number_parse("007", 9, &v), 0);
	assert_int_equal(v, 7);
}

struct good {
	const char *s;
	int64_t value;
};

static void test_duration(void **state)
{
	static const struct good good[] = {
		{"0", 0},
		{"0s", 0},
		{"1ns", 1},
		{"7us", 7000},
		{"250ms", 250000000},
		{"1.5s", 1500000000},
		{"10m", 600 * SEC},
		{"2h", 2 * HOUR},
		{"7d", 7 * DAY},
		{"2w", 14 * DAY},
		{"1h30m", 5400 * SEC},
		{"1d2h3m4s5ms6us7ns", DAY + 2 * HOUR + 184 * SEC + 5006007},
		{"0.5h0.5h", HOUR},
		{"0.000000001s", 1},
		{"0.0000000019s", 1},
		{"1.000000000000000000000000000001s", SEC},
		{"0.333333333333333333333s", 333333333},
		{"9223372036854775807ns", INT64_MAX},
		{"9223372036.854775807s", INT64_MAX},
		{"15250w", 15250 * 7 * DAY},
	};
	static const char *const bad[] = {
		"",	 "1",	   "5",	   "1x",   "s",	   "1 s",
		" 1s",	 "1s ",	   "-1s",  "+1s",  "1.s",  ".5s",
		"1..5s", "1.5.5s", "1S",   "1min", "1h30", "0.0",
		"00",	 "1h,m",   "1sec", "1e3s", "1µs",  "99999999999999999999999y",
		"1mss",	 "1s0",	   "0x1s", "inf",  "nan",  "1,5s",
	};
	static const char *const large[] = {
		"9223372036854775808ns",
		"9223372036.854775808s",
		"15251w",
		"18446744073709551616ns",
		"99999999999999999999w",
		"15250w15250w15250w",
		"18446744073709551615w18446744073709551615w",
	};
	int64_t ns = -5;

	for (size_t i = 0; i < FT_ARRAY_SIZE(bad); i++)
		assert_int_equal(ft_duration_parse(bad[i], &ns), -EINVAL);
	for (size_t i = 0; i < FT_ARRAY_SIZE(large); i++)
		assert_int_equal(ft_duration_parse(large[i], &ns), -ERANGE);
	assert_int_equal(ns, -5);
	for (size_t i = 0; i < FT_ARRAY_SIZE(good); i++) {
		assert_int_equal(ft_duration_parse(good[i].s, &ns), 0);
		assert_true(ns == good[i].value);
	}
}

/* Decimal fractions as strtold reads them, rounded down; its 64 bits leave an error of
 * less than one. */
static void test_fractions_as_strtold(void **state)
{
	static const struct {
		const char *name;
		long double ns;
	} units[] = {{"us", 1e3L}, {"ms", 1e6L},   {"s", 1e9L},
		     {"m", 60e9L}, {"h", 3600e9L}, {"d", 86400e9L}};
	uint64_t random = 1;

	for (int i = 0; i < 20000; i++) {
		size_t u = i % FT_ARRAY_SIZE(units);
		char s[64];
		int64_t ns = -1;
		uint64_t size = 0;

		random = ft_hash_u64(random, i);
		int n = snprintf(s, sizeof(s), "%d.%0*" PRIu64, (int)(random % 1000),
				 i % 15 + 1, (random >> 32) % 10);
		snprintf(s + n, sizeof(s) - n, "%s", units[u].name);
		long double expect = strtold(s, NULL) * units[u].ns;
		assert_int_equal(ft_duration_parse(s, &ns), 0);
		assert_true(fabsl((long double)ns + 0.5L - expect) <= 0.51L);
		s[n] = 'G';
		s[n + 1] = '\0';
		expect = strtold(s, NULL) * (1 << 30);
		assert_int_equal(ft_size_parse(s, &size), 0);
		assert_true(fabsl((long double)size + 0.5L - expect) <= 0.51L);
	}
}

static void test_size(void **state)
{
	static const struct good good[] = {
		{"0", 0},
		{"1", 1},
		{"4096", 4096},
		{"1k", 1024},
		{"1K", 1024},
		{"64KiB", 65536},
		{"100M", 104857600},
		{"3MiB", 3145728},
		{"4G", INT64_C(4294967296)},
		{"2GiB", INT64_C(2147483648)},
		{"1T", INT64_C(1099511627776)},
		{"1TiB", INT64_C(1099511627776)},
		{"1.5K", 1536},
		{"0.5M", 524288},
		{"0.0001K", 0},
		{"9223372036854775807", INT64_MAX},
	};
	static const char *const bad[] = {
		"",    "K",   "1 K", "1KB", "1kib", "1Ki",
		"1m",  "1g",  "1B",  "-1",  "+1",   "1.K",
		".5K", "1KK", "1E",  "0x1", "1K1",  "99999999999999999999Q"};
	uint64_t v = 5;

	for (size_t i = 0; i < FT_ARRAY_SIZE(bad); i++)
		assert_int_equal(ft_size_parse(bad[i], &v), -EINVAL);
	assert_int_equal(ft_size_parse("18446744073709551616", &v), -ERANGE);
	assert_int_equal(ft_size_parse("16777216T", &v), -ERANGE);
	assert_int_equal(ft_size_parse("99999999999999999999K", &v), -ERANGE);
	assert_int_equal(v, 5);
	for (size_t i = 0; i < FT_ARRAY_SIZE(good); i++) {
		assert_int_equal(ft_size_parse(good[i].s, &v), 0);
		assert_true(v == (uint64_t)good[i].value);
	}
	assert_int_equal(ft_size_parse("16777215T", &v), 0);
	assert_true(v == UINT64_C(16777215) << 40);
	assert_int_equal(ft_size_parse("18446744073709551615", &v), 0);
	assert_true(v == UINT64_MAX);
}

/* libc's calendar, strftime and its zone. */
static void libc_format(char *buf, size_t size, int64_t ns, bool utc)
{
	int64_t rest = ns % SEC < 0 ? ns % SEC + SEC : ns % SEC;
	time_t sec = (ns - rest) / SEC;
	char date[32], zone[8];
	struct tm tm;

	if (utc)
		gmtime_r(&sec, &tm);
	else
		localtime_r(&sec, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	strftime(zone, sizeof(zone), "%z", &tm);
	if (utc)
		snprintf(buf, size, "%s.%09" PRId64 "Z", date, rest);
	else
		snprintf(buf, size, "%s.%09" PRId64 "%.3s:%s", date, rest, zone,
			 zone + 3);
}

/* What is formatted is libc's, and read again the same nanosecond. */
static void check_time(int64_t ns, bool utc)
{
	char buf[FT_TIME_LEN], expect[64];
	int64_t back = 0;

	libc_format(expect, sizeof(expect), ns, utc);
	assert_int_equal(ft_time_format(buf, ns, utc), strlen(expect));
	assert_string_equal(buf, expect);
	assert_int_equal(ft_time_parse(buf, 0, &back), 0);
	assert_true(back == ns);
}

static void test_every_day(void **state)
{
	/* From 1677-09-22 to 2262-04-11, all days that int64_t has whole. */
	for (int64_t day = -106751; day <= 106750; day++) {
		check_time(day * DAY, true);
		check_time(day * DAY + DAY - 1, true);
	}
	check_time(INT64_MAX, true);
	check_time(0, true);
	check_time(-1, true);
}

static void test_random_times(void **state)
{
	uint64_t random = 1;

	for (size_t z = 0; z < FT_ARRAY_SIZE(zones); z++) {
		set_zone(zones[z]);
		for (int i = 0; i < 5000; i++) {
			random = ft_hash_u64(random, i);
			/* All of it, and more densely 1970 to 2043. */
			int64_t ns = (int64_t)(i % 2 ? random >> 2 : random >> 1);
			if (i % 4 == 0)
				ns = -ns;
			check_time(ns, false);
			check_time(ns, true);
		}
	}
}

/* RFC 3339 has no seconds in a zone: the instant stays right. */
static void test_odd_zone(void **state)
{
	char buf[FT_TIME_LEN];
	int64_t back = 0;

	set_zone("LMT-0:53:28");
	assert_int_equal(ft_time_format(buf, 0, false), 35);
	assert_string_equal(buf, "1970-01-01T00:53:00.000000000+00:53");
	assert_int_equal(ft_time_parse(buf, 5, &back), 0);
	assert_int_equal(back, 0);
	set_zone("LMT0:00:30");
	ft_time_format(buf, 0, false);
	assert_string_equal(buf, "1970-01-01T00:00:00.000000000+00:00");
}

static int64_t parse_good(const char *s, int64_t now)
{
	int64_t ns = INT64_MIN;

	if (ft_time_parse(s, now, &ns) != 0)
		fail_msg("not parsed: %s", s);
	return ns;
}

static void test_forms(void **state)
{
	static const struct good good[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"1970-01-01t00:00:00z", 0},
		{"1970-01-01 00:00:00Z", 0},
		{"1970-01-01T00:00:00-00:00", 0},
		{"1970-01-01T01:00:00+01:00", 0},
		{"1969-12-31T18:30:00-05:30", 0},
		{"1970-01-01T00:00:00.5Z", SEC / 2},
		{"1970-01-01T00:00:00.000000001Z", 1},
		{"1970-01-01T00:00:00.0000000019Z", 1},
		{"1969-12-31T23:59:59.999999999Z", -1},
		{"2026-11-20T12:00:00.5Z", INT64_C(1795176000500000000)},
		{"2000-02-29T00:00:00Z", INT64_C(951782400) * SEC},
		{"2016-12-31T23:59:60Z", INT64_C(1483228800) * SEC},
		{"2016-12-31T15:59:60.7-08:00", INT64_C(1483228800) * SEC},
	};

	for (size_t i = 0; i < FT_ARRAY_SIZE(good); i++)
		assert_true(parse_good(good[i].s, 99) == good[i].value);
}

static void test_bad_forms(void **state)
{
	static const char *const bad[] = {
		"",
		"tomorrow",
		"Now",
		"now ",
		"5",
		"-5m",
		"2026-11-20T12:00Z",
		"2026-11-20T12:00:00.Z",
		"2026-11-20T12:00:00+1:00",
		"2026-11-20T12:00:00+0100",
		"2026-11-20T12:00:00+24:00",
		"2026-11-20T12:00:00+01:60",
		"2026-11-20T12:00:00Zx",
		"2026-11-20T12:00:00 Z",
		"2026-11-20T24:00:00Z",
		"2026-11-20T12:60:00Z",
		"2026-11-20T12:00:61Z",
		"2026-11-20T12:00:60Z",
		"2026-11-20T",
		"2026-11-20Z",
		"2026-11-20x12:00:00Z",
		"2026-11-2",
		"2026-1-20",
		"26-11-20",
		"2026-13-01",
		"2026-00-01",
		"2026-01-00",
		"2026-04-31",
		"2026-02-29",
		"1900-02-29",
		"2026/11/20",
		"+2026-11-20",
	};
	int64_t ns = 77;

	for (size_t i = 0; i < FT_ARRAY_SIZE(bad); i++) {
		if (ft_time_parse(bad[i], 0, &ns) != -EINVAL)
			fail_msg("parsed: %s", bad[i]);
	}
	assert_int_equal(ft_time_parse("1677-01-01T00:00:00Z", 0, &ns), -ERANGE);
	assert_int_equal(ft_time_parse("2263-01-01T00:00:00Z", 0, &ns), -ERANGE);
	assert_int_equal(ft_time_parse("9999-12-31", 0, &ns), -ERANGE);
	assert_int_equal(ft_time_parse("0000-01-01", 0, &ns), -ERANGE);
	assert_int_equal(ft_time_parse("2h", INT64_MIN + 1, &ns), -ERANGE);
	assert_int_equal(ft_time_parse("99999999w", 0, &ns), -ERANGE);
	assert_int_equal(ns, 77);
}

static void test_relative(void **state)
{
	const int64_t now = INT64_C(1795176000500000000);

	assert_true(parse_good("now", now) == now);
	assert_true(parse_good("0", now) == now);
	assert_true(parse_good("10m", now) == now - 600 * SEC);
	assert_true(parse_good("2h", now) == now - 2 * HOUR);
	assert_true(parse_good("1h30m", 0) == -5400 * SEC);
}

/* Local times and midnights, in winter, in summer, and on the days of 23 and 25 hours. */
static void test_local(void **state)
{
	static const struct {
		const char *utc;
		const char *today;
		const char *yesterday;
	} days[] = {
		{"2026-01-15T12:00:00Z", "2026-01-14T23:00:00Z", "2026-01-13T23:00:00Z"},
		{"2026-07-15T22:30:00Z", "2026-07-15T22:00:00Z", "2026-07-14T22:00:00Z"},
		{"2026-03-29T20:00:00Z", "2026-03-28T23:00:00Z", "2026-03-27T23:00:00Z"},
		{"2026-03-30T20:00:00Z", "2026-03-29T22:00:00Z", "2026-03-28T23:00:00Z"},
		{"2026-10-25T20:00:00Z", "2026-10-24T22:00:00Z", "2026-10-23T22:00:00Z"},
		{"2026-10-26T20:00:00Z", "2026-10-25T23:00:00Z", "2026-10-24T22:00:00Z"},
		{"2026-01-01T00:00:00Z", "2025-12-31T23:00:00Z", "2025-12-30T23:00:00Z"},
		{"2026-03-01T10:00:00Z", "2026-02-28T23:00:00Z", "2026-02-27T23:00:00Z"},
	};

	set_zone("CET-1CEST,M3.5.0,M10.5.0/3");
	for (size_t i = 0; i < FT_ARRAY_SIZE(days); i++) {
		int64_t now = parse_good(days[i].utc, 0);

		assert_true(parse_good("today", now) == parse_good(days[i].today, 0));
		assert_true(parse_good("yesterday", now) ==
			    parse_good(days[i].yesterday, 0));
	}
	assert_true(parse_good("2026-01-15", 0) == parse_good("2026-01-14T23:00:00Z", 0));
	assert_true(parse_good("2026-07-15", 0) == parse_good("2026-07-14T22:00:00Z", 0));
	assert_true(parse_good("2026-07-15 14:00:00.25", 0) ==
		    parse_good("2026-07-15T12:00:00.25Z", 0));
	assert_true(parse_good("2026-01-15T14:00:00", 0) ==
		    parse_good("2026-01-15T13:00:00Z", 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_duration),
		cmocka_unit_test(test_fractions_as_strtold),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_every_day),
		cmocka_unit_test_teardown(test_random_times, reset_zone),
		cmocka_unit_test_teardown(test_odd_zone, reset_zone),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_bad_forms),
		cmocka_unit_test(test_relative),
		cmocka_unit_test_teardown(test_local, reset_zone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
