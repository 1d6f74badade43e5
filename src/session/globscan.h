/* SPDX-License-Identifier: MIT */
/* What is on disk that a glob names. */
#pragma once

#include "base/bytes.h"

enum { FT_GLOBSCAN_DEPTH = 256 }; /* directories that are open at once */

/* name: in the directory dirfd. The path may be longer than any call takes. */
typedef void (*ft_globscan_fn)(void *data, int dirfd, const char *name,
			       struct ft_span path);

/*
 * Every path, but of directories, that the absolute pattern may match is told; it may be
 * more (the caller asks the glob itself). Symbolic links are followed up to the first
 * component that is a pattern, and no further. What cannot be read is left out. 0; 1:
 * what is nested deeper than FT_GLOBSCAN_DEPTH, or found no memory or descriptor, was
 * left out, too.
 */
int ft_globscan(const char *pattern, ft_globscan_fn fn, void *data);
/* Everything below a directory. */
int ft_globscan_below(struct ft_span dir, ft_globscan_fn fn, void *data);
