/* SPDX-License-Identifier: MIT */
/* Tables of keys, and values of several kinds: read strictly, what is wrong is told. */
#pragma once

#include "policy/document.h"
#include "policy/policyfile.h"

/* What all that read a policy share. */
struct ft_policy_reader {
	struct ft_problems problems;
	ft_policyfile_warn_fn warn; /* may be NULL */
	void *data;
	struct ft_policyfile *out;
	int failed; /* -errno that is no problem of the file */
};

/* at: where the value goes. */
typedef void (*ft_take_fn)(struct ft_policy_reader *r, const struct ft_node *value,
			   void *at);

struct ft_key {
	const char *name;
	ft_take_fn take;
	size_t offset; /* in the target */
	bool required;
};

struct ft_keys {
	const char *what; /* "a rule" */
	const struct ft_key *list;
	size_t count;
};

/* Every key of the map to its place in target; unknown, missing ones, and what is no map
 * are problems. */
void ft_keys_take(struct ft_policy_reader *r, const struct ft_keys *keys,
		  const struct ft_node *map, void *target);
/* The value of a key, NULL: it is not given. */
const struct ft_node *ft_keys_find(const struct ft_node *map, const char *name);

void ft_warn(struct ft_policy_reader *r, struct ft_position at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* A word that is not empty, or NULL. `expected`: "a path". */
const char *ft_field_word(struct ft_policy_reader *r, const struct ft_node *n,
			  const char *expected);
/* The first of a list that is not empty, or the word itself; NULL: neither. */
const struct ft_node *ft_field_items(struct ft_policy_reader *r, const struct ft_node *n,
				     const char *expected);
/* Which of the names it is; -1: none, told. */
int ft_field_choice(struct ft_policy_reader *r, const struct ft_node *n,
		    const char *const *names, size_t count);
/* A word that begins with a slash and has no empty, "." or ".." part, or NULL. */
const char *ft_field_path(struct ft_policy_reader *r, const struct ft_node *n);

/* Of ft_take_fn: const struct ft_node *, const char *, bool, uint64_t, enum ft_verdict.
 */
void ft_take_node(struct ft_policy_reader *r, const struct ft_node *n, void *at);
void ft_take_word(struct ft_policy_reader *r, const struct ft_node *n, void *at);
void ft_take_bool(struct ft_policy_reader *r, const struct ft_node *n, void *at);
void ft_take_size(struct ft_policy_reader *r, const struct ft_node *n, void *at);
void ft_take_verdict(struct ft_policy_reader *r, const struct ft_node *n, void *at);
