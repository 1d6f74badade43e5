/* SPDX-License-Identifier: MIT */
/* The two clocks, in nanoseconds. */
#include "base/clock.h"

#include <time.h>

#include "base/number.h"

static int64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * FT_NSEC_PER_SEC + ts.tv_nsec;
}

int64_t ft_now_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

int64_t ft_boot_ns(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}
