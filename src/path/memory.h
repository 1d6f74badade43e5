/* SPDX-License-Identifier: MIT */
/* What names objects had lately: for the records that carry the object's handle alone. */
#pragma once

#include "kernel/handle.h"

/* A direct-mapped table: bounded, a newer object takes the slot of an older one. */
enum { FT_MEMORY_SLOTS = 4096 };

struct ft_memory_slot {
	uint16_t key_len;
	uint16_t dir_len;
	uint16_t name_len;
	bool removed;			  /* some name of it was */
	char bytes[2 * FT_KEY_MAX + 256]; /* key, directory's key, name */
};

struct ft_memory {
	struct ft_memory_slot *slots; /* NULL: nothing is remembered */
};

int ft_memory_init(struct ft_memory *m);
void ft_memory_fini(struct ft_memory *m);
void ft_memory_clear(struct ft_memory *m);
/* removed: the name went away. */
void ft_memory_put(struct ft_memory *m, struct ft_span key, const struct ft_place *place,
		   bool removed);
/* Borrowed until the next put. */
bool ft_memory_get(const struct ft_memory *m, struct ft_span key, struct ft_place *ret);
/* Was any name of it removed, as far as is remembered? */
bool ft_memory_was_removed(const struct ft_memory *m, struct ft_span key);
