/* SPDX-License-Identifier: MIT */
/* What may hang (a dead server, a listener that does not answer), done for a bounded
 * time. */
#pragma once

#include "base/bytes.h"

/* Puts its result, at most FT_BOUNDED_MAX bytes, into out; runs in a child. */
typedef void (*ft_bounded_fn)(void *data, struct ft_bytes *out);

enum { FT_BOUNDED_MAX = 1 << 20 };

/*
 * Runs fn in a child of this process, of one thread: 0 and what it put, -ETIMEDOUT after
 * msec, -ECHILD when it ended otherwise, or -errno. A child that cannot even be killed is
 * left behind.
 */
int ft_bounded_run(ft_bounded_fn fn, void *data, int msec, struct ft_bytes *out);
