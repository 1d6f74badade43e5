/* SPDX-License-Identifier: MIT */
/* Reading what is to be scanned, with an eye on the time. */
#pragma once

#include "scan/scan.h"

/* Gets the next piece; negative: stops with that. */
typedef int (*ft_content_fn)(void *data, const void *piece, size_t n);

/* The whole file, in pieces, from its beginning. 0, -ETIMEDOUT, -ECANCELED, or
 * -errno. */
int ft_content_read(const struct ft_scan *scan, ft_content_fn fn, void *data);
