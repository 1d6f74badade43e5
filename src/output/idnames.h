/* SPDX-License-Identifier: MIT */
/* Names of users and groups, looked up once each while they stay in a small table. */
#pragma once

#include <sys/types.h>

#include "base/bytes.h"

struct ft_idnames;

enum ft_idnames_kind {
	FT_IDNAMES_USER,
	FT_IDNAMES_GROUP,
};

/* Bound: 64 names of at most 255 bytes; a collision looks up again. */
int ft_idnames_new(struct ft_idnames **ret, enum ft_idnames_kind kind);
struct ft_idnames *ft_idnames_free(struct ft_idnames *n);
/* Empty: it has no name. Lives until the next call. */
struct ft_span ft_idnames_get(struct ft_idnames *n, id_t id);
