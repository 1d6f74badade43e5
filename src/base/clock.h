/* SPDX-License-Identifier: MIT */
/* The two clocks, in nanoseconds. */
#pragma once

#include <stdint.h>

/* Since the epoch: what people read. */
int64_t ft_now_ns(void);
/* CLOCK_BOOTTIME: it never jumps, and is what the kernel stamps processes with. */
int64_t ft_boot_ns(void);
