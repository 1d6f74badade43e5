/* SPDX-License-Identifier: MIT */
/* The three parts of a policy that are more than a value. */
#pragma once

#include "policy/fields.h"

void ft_section_read_scanners(struct ft_policy_reader *r, const struct ft_node *map);
/* After the scanners, which rules name. */
void ft_section_read_rules(struct ft_policy_reader *r, const struct ft_node *list);
void ft_section_read_watch(struct ft_policy_reader *r, const struct ft_node *n);
/* After the rules, where `watch` is not given. */
void ft_section_derive_watch(struct ft_policy_reader *r, const struct ft_node *rules);
