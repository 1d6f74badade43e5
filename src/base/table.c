/* SPDX-License-Identifier: MIT */
/* A hash table of pointers: open addressing, linear probing. */
#include "base/table.h"

#include <errno.h>
#include <stdlib.h>

enum { LEAST_SLOTS = 16 };

void ft_table_fini(struct ft_table *t)
{
	free(t->slots);
	*t = (struct ft_table){0};
}

void *ft_table_find(const struct ft_table *t, uint64_t hash, const void *key,
		    ft_table_equal_fn equal)
{
	if (!t->slots)
		return NULL;
	for (size_t i = hash & t->mask; t->slots[i].item; i = (i + 1) & t->mask) {
		if (t->slots[i].hash == hash && equal(t->slots[i].item, key))
			return t->slots[i].item;
	}
	return NULL;
}

static void slots_put(struct ft_table_slot *slots, size_t mask, struct ft_table_slot put)
{
	size_t i = put.hash & mask;

	while (slots[i].item)
		i = (i + 1) & mask;
	slots[i] = put;
}

static int table_grow(struct ft_table *t)
{
	size_t old = t->slots ? t->mask + 1 : 0;
	size_t new = old ? old * 2 : LEAST_SLOTS;
	struct ft_table_slot *slots = calloc(new, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < old; i++) {
		if (t->slots[i].item)
			slots_put(slots, new - 1, t->slots[i]);
	}
	free(t->slots);
	t->slots = slots;
	t->mask = new - 1;
	return 0;
}

/* Never more than 7/8 full: there is always an empty slot, at which every search ends. */
static bool table_is_full(const struct ft_table *t)
{
	size_t slots = t->mask + 1;

	return !t->slots || t->count + 1 > slots - slots / 8;
}

int ft_table_add(struct ft_table *t, uint64_t hash, void *item)
{
	if (table_is_full(t)) {
		int r = table_grow(t);
		if (r < 0)
			return r;
	}
	slots_put(t->slots, t->mask, (struct ft_table_slot){hash, item});
	t->count++;
	return 0;
}

/*
 * The slot at hole is free: what follows it in the run may have been put past it, and
 * would no longer be found. An item may fill the hole if that does not put it before the
 * slot of its hash.
 */
static void slots_shift_back(struct ft_table_slot *slots, size_t mask, size_t hole)
{
	for (size_t i = (hole + 1) & mask; slots[i].item; i = (i + 1) & mask) {
		size_t far = (i - slots[i].hash) & mask;

		if (far < ((i - hole) & mask))
			continue;
		slots[hole] = slots[i];
		hole = i;
	}
	slots[hole] = (struct ft_table_slot){0};
}

bool ft_table_remove(struct ft_table *t, uint64_t hash, const void *item)
{
	if (!t->slots)
		return false;
	size_t i = hash & t->mask;
	while (t->slots[i].item && t->slots[i].item != item)
		i = (i + 1) & t->mask;
	if (!t->slots[i].item)
		return false;
	slots_shift_back(t->slots, t->mask, i);
	t->count--;
	return true;
}

void *ft_table_next(const struct ft_table *t, size_t *pos)
{
	while (t->slots && *pos <= t->mask) {
		void *item = t->slots[(*pos)++].item;
		if (item)
			return item;
	}
	return NULL;
}
