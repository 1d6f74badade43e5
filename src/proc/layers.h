/* SPDX-License-Identifier: MIT */
/* The layers of an overlay, and what their files are in it. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "kernel/mounts.h"

/* Bound: of more layers than that the ones furthest down are not known. */
enum { FT_LAYERS_MAX = 512 };

struct ft_layers {
	char **paths; /* absolute, the uppermost first */
	size_t count;
	bool has_upper;
	/* Directories may have been renamed without their files in lower layers: where
	 * those are is not known. */
	bool has_redirects;
};

/* Those that the options of an overlay name, see ft_mount. 0; -ENODATA: none; -ENOMEM.
 * Zero-initialised is empty. */
int ft_layers_parse(struct ft_span options, struct ft_layers *ret);
/* 0; -ENODATA: the root is not the whole of an overlay; -ENOMEM. */
int ft_layers_of_root(const struct ft_mounts *m, struct ft_layers *ret, dev_t *ret_dev);
/* Paths as this mount namespace has them: those that it does not have are dropped. */
void ft_layers_resolve(struct ft_layers *l);
void ft_layers_fini(struct ft_layers *l);
/* What this path of a layer is in the overlay; empty: it is in none. Points into path. */
struct ft_span ft_layers_map(const struct ft_layers *l, struct ft_span path);
