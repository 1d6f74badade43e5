/* SPDX-License-Identifier: MIT */
/* Objects and their last known names. */
#include "path/memory.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"

int ft_memory_init(struct ft_memory *m)
{
	m->slots = calloc(FT_MEMORY_SLOTS, sizeof(*m->slots));
	return m->slots ? 0 : -ENOMEM;
}

void ft_memory_fini(struct ft_memory *m)
{
	free(m->slots);
	m->slots = NULL;
}

void ft_memory_clear(struct ft_memory *m)
{
	for (size_t i = 0; m->slots && i < FT_MEMORY_SLOTS; i++)
		m->slots[i].key_len = 0;
}

static struct ft_memory_slot *slot_of(const struct ft_memory *m, struct ft_span key)
{
	return &m->slots[ft_hash_bytes(2, key.data, key.len) % FT_MEMORY_SLOTS];
}

static bool has_key(const struct ft_memory_slot *s, struct ft_span key)
{
	return ft_span_equal(key, (struct ft_span){s->bytes, s->key_len});
}

void ft_memory_put(struct ft_memory *m, struct ft_span key, const struct ft_place *place,
		   bool removed)
{
	struct ft_memory_slot *s;

	if (!m->slots || key.len == 0 || key.len > FT_KEY_MAX ||
	    place->dir.len > FT_KEY_MAX || place->name.len > 255)
		return;
	s = slot_of(m, key);
	s->removed = removed || (s->removed && has_key(s, key));
	s->key_len = (uint16_t)key.len;
	s->dir_len = (uint16_t)place->dir.len;
	s->name_len = (uint16_t)place->name.len;
	memcpy(s->bytes, key.data, key.len);
	/* Moved to where nobody tells: no name is known any more. */
	if (place->dir.len == 0)
		return;
	memcpy(s->bytes + key.len, place->dir.data, place->dir.len);
	if (place->name.len > 0)
		memcpy(s->bytes + key.len + place->dir.len, place->name.data,
		       place->name.len);
}

bool ft_memory_get(const struct ft_memory *m, struct ft_span key, struct ft_place *ret)
{
	const struct ft_memory_slot *s;

	if (!m->slots || key.len == 0)
		return false;
	s = slot_of(m, key);
	if (!has_key(s, key) || s->dir_len == 0)
		return false;
	ret->dir = (struct ft_span){s->bytes + s->key_len, s->dir_len};
	ret->name = (struct ft_span){s->bytes + s->key_len + s->dir_len, s->name_len};
	return true;
}

bool ft_memory_was_removed(const struct ft_memory *m, struct ft_span key)
{
	const struct ft_memory_slot *s;

	if (!m->slots || key.len == 0)
		return false;
	s = slot_of(m, key);
	return s->removed && has_key(s, key);
}
