/* SPDX-License-Identifier: MIT */
/*
 * Objects that rules protect under every name: a bounded table, object -> rules. Any
 * thread may ask and change it: each call takes a lock for some hundred nanoseconds at
 * most, and allocates nothing.
 */
#pragma once

#include "guard/policy.h"

struct ft_claims;

/* Room for `capacity` pairs of an object and a rule (some 50 bytes each), set aside at
 * once.
 */
int ft_claims_new(struct ft_claims **ret, size_t capacity);
struct ft_claims *ft_claims_free(struct ft_claims *c);

/* 0, also if it is there already; -ENOSPC: full, which whoever adds has to tell. */
int ft_claims_add(struct ft_claims *c, const struct ft_object *object, unsigned int rule);
/* The rules, ascending, as ft_facts.claims wants them; returns how many. */
size_t ft_claims_find(struct ft_claims *c, const struct ft_object *object,
		      unsigned int ret_rules[static FT_POLICY_RULES_MAX]);
/* Of one rule, or of all with -1: the object is gone, or no longer what the rule names.
 */
void ft_claims_remove(struct ft_claims *c, const struct ft_object *object, int rule);
size_t ft_claims_count(struct ft_claims *c);
