/* SPDX-License-Identifier: MIT */
/* A hash table of pointers: open addressing, linear probing, the caller keeps hash and
 * key in its own struct. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ft_table_slot {
	uint64_t hash;
	void *item; /* NULL: empty */
};

/* Zero-initialised is an empty table. Grows by doubling at 7/8 full; the caller bounds
 * the number of items. */
struct ft_table {
	struct ft_table_slot *slots;
	size_t mask; /* number of slots - 1, when slots */
	size_t count;
};

typedef bool (*ft_table_equal_fn)(const void *item, const void *key);

void ft_table_fini(struct ft_table *t);
void *ft_table_find(const struct ft_table *t, uint64_t hash, const void *key,
		    ft_table_equal_fn equal);
/* Adds an item whose key is not in the table; 0 or -ENOMEM. */
int ft_table_add(struct ft_table *t, uint64_t hash, void *item);
/* Removes this very item (by pointer); true if it was there. Shifts back: no tombstones.
 */
bool ft_table_remove(struct ft_table *t, uint64_t hash, const void *item);
/* Next item at or after slot *pos, which is advanced; NULL at the end. Nothing may be
 * added or removed meanwhile. */
void *ft_table_next(const struct ft_table *t, size_t *pos);
