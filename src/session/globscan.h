/* SPDX-License-Identifier: MIT */
/* What is on disk that a glob names. */
#pragma once

#include "base/bytes.h"

typedef void (*ft_globscan_fn)(void *data, struct ft_span path);

/*
 * Every path, but of directories, that the absolute pattern may match is told; it may be
 * more (the caller asks the glob itself). Symbolic links are followed up to the first
 * component that is a pattern, and no further. What cannot be read is left out.
 */
void ft_globscan(const char *pattern, ft_globscan_fn fn, void *data);
/* Everything below a directory. */
void ft_globscan_below(struct ft_span dir, ft_globscan_fn fn, void *data);
