/* SPDX-License-Identifier: MIT */
/* The literal paths of all rules, and which of them is an object. */
#pragma once

#include "guard/pathindex.h"

/* Zero-initialised is empty. */
struct ft_literals {
	struct ft_literal *items;
	size_t count;
	size_t room;
	/* Chains of those whose object is known: numbers of items, plus one. */
	uint32_t *heads; /* as many as there is room for; a power of two */
	uint32_t *next;
};

void ft_literals_fini(struct ft_literals *l);
/* Takes the path, also on failure. 0 or -ENOMEM. */
int ft_literals_add(struct ft_literals *l, enum ft_literal_kind kind, unsigned int rule,
		    char *path);
void ft_literals_set(struct ft_literals *l, size_t i, const struct ft_object *object);
/* Sets the bits of the rules that name this object. */
void ft_literals_match(const struct ft_literals *l, enum ft_literal_kind kind,
		       const struct ft_object *object, struct ft_rulebits *bits);
