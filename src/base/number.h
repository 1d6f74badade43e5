/* SPDX-License-Identifier: MIT */
/* Numbers, durations, sizes and times as people write them: one strict parser for all of
 * the program. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FT_NSEC_PER_SEC	 1000000000LL
#define FT_NSEC_PER_MSEC 1000000LL
#define FT_NSEC_PER_USEC 1000LL

/* All parse functions: 0, -EINVAL (not of the form; trailing text too) or -ERANGE (too
 * large). NUL-ended input. */

/* Decimal digits only, at most max. */
int ft_number_parse(const char *s, uint64_t max, uint64_t *ret);
/* Number with unit ns us ms s m h d w, fractions allowed ("1.5s"), parts may follow each
 * other ("1h30m"); no unit: -EINVAL but for 0. Result in nanoseconds, never negative. */
int ft_duration_parse(const char *s, int64_t *ret_ns);
/* Number with K M G T (powers of 1024; also KiB…, k) or none = bytes; fractions allowed.
 */
int ft_size_parse(const char *s, uint64_t *ret);
/*
 * A point in time, nanoseconds since the epoch: RFC 3339 ("2026-11-20T12:00:00.5Z",
 * "+01:00", a space for T; without a zone: local time; date alone: its local midnight), a
 * duration ago ("10m", "2h"), "now", "today", "yesterday" (local midnights).
 */
int ft_time_parse(const char *s, int64_t now_ns, int64_t *ret_ns);

#define FT_TIME_LEN 40
/* RFC 3339 with nine digits of nanoseconds, "Z" when utc, else "+hh:mm"; returns the
 * length, NUL-ended. */
size_t ft_time_format(char buf[FT_TIME_LEN], int64_t ns, bool utc);
