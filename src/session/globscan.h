/* SPDX-License-Identifier: MIT */
/* What is on disk that a glob names. */
#pragma once

#include "base/bytes.h"

enum { FT_GLOBSCAN_DEPTH = 256 }; /* directories that are open at once */

/* Paths may be longer than any call takes. */
struct ft_globscan {
	/* A directory, to be listed: its descriptor or -errno. */
	int (*open)(void *data, struct ft_span path);
	/* name: in the directory dirfd */
	void (*found)(void *data, int dirfd, const char *name, struct ft_span path);
	void *data;
};

/*
 * Every path, but of directories, that the absolute pattern may match is told; it may be
 * more (the caller asks the glob itself). What cannot be opened is left out. 0; 1: what
 * is nested deeper than FT_GLOBSCAN_DEPTH, or found no memory or descriptor, was left
 * out, too.
 */
int ft_globscan(const struct ft_globscan *config, const char *pattern);
/* Everything below a directory. */
int ft_globscan_below(const struct ft_globscan *config, struct ft_span dir);
