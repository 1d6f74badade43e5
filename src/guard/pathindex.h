/* SPDX-License-Identifier: MIT */
/*
 * Which rules have a path among their globs and literal paths. Found by the directories
 * that the path lies in: of many globs only those are tried whose fixed beginning is one
 * of them.
 */
#pragma once

#include "base/table.h"
#include "guard/policy.h"

/* A set of rules. */
struct ft_rulebits {
	uint64_t words[FT_POLICY_RULES_MAX / 64];
};

static inline void ft_rulebits_set(struct ft_rulebits *b, unsigned int rule)
{
	b->words[rule / 64] |= UINT64_C(1) << rule % 64;
}

static inline bool ft_rulebits_has(const struct ft_rulebits *b, unsigned int rule)
{
	return b->words[rule / 64] >> rule % 64 & 1;
}

/* The first from this one on, or -1. */
static inline int ft_rulebits_next(const struct ft_rulebits *b, int from)
{
	unsigned int rule = (unsigned int)from;

	while (rule < FT_POLICY_RULES_MAX) {
		uint64_t rest = b->words[rule / 64] >> rule % 64;

		if (rest != 0)
			return (int)rule + __builtin_ctzll(rest);
		rule = (rule | 63) + 1;
	}
	return -1;
}

/* Zero-initialised is empty. */
struct ft_pathindex {
	struct ft_table places;
};

void ft_pathindex_fini(struct ft_pathindex *x);
/*
 * 0, or 1: a literal path, and *ret_literal (malloc'd) is it without escapes. -EINVAL,
 * -E2BIG: bad glob or path, *ret_error (static) says why.
 */
int ft_pathindex_add(struct ft_pathindex *x, unsigned int rule, const char *value,
		     char **ret_literal, const char **ret_error);

/* An absolute path, as it is. 0 or -ENOMEM. */
int ft_pathindex_add_literal(struct ft_pathindex *x, unsigned int rule, const char *path);

/* By what a rule has the path; it may be by both. */
struct ft_pathhits {
	struct ft_rulebits globs;
	struct ft_rulebits literals;
};

/* Sets bits; path is absolute, or empty, which nothing has. */
void ft_pathindex_match(const struct ft_pathindex *x, struct ft_span path,
			struct ft_pathhits *hits);
