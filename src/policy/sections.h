/* SPDX-License-Identifier: MIT */
/* The parts of a policy that are more than a value. */
#pragma once

#include "policy/fields.h"

void ft_section_read_scanners(struct ft_policy_reader *r, const struct ft_node *map);
/* After the scanners, which rules name. */
void ft_section_read_rules(struct ft_policy_reader *r, const struct ft_node *list);
void ft_section_read_watch(struct ft_policy_reader *r, const struct ft_node *n);
/* After the rules, where `watch` is not given. */
void ft_section_derive_watch(struct ft_policy_reader *r, const struct ft_node *rules);

/* What is watched by derivation, as it is on this machine: for a file its directory, for
 * what is absent the nearest above that is there. 0; -E2BIG: too many; -ENOMEM. */
int ft_watchlist_add(struct ft_policyfile *f, struct ft_span path);
int ft_watchlist_settle(struct ft_policyfile *f);
