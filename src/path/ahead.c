/* SPDX-License-Identifier: MIT */
/* The moves of directories in a backlog. */
#include "path/ahead.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"
#include "event/mask.h"
#include "kernel/abi.h"

/* Bounded by the backlog, whose bytes it points into. */
enum { CHUNK = 256 };

static uint64_t hash_of(struct ft_span key)
{
	return ft_hash_bytes(1, key.data, key.len);
}

static bool has_key(const void *item, const void *key)
{
	return ft_span_equal(((const struct ft_move *)item)->key,
			     *(const struct ft_span *)key);
}

void ft_ahead_clear(struct ft_ahead *a)
{
	if (a->chunks_count == 0)
		return;
	for (size_t i = 0; i < a->chunks_count; i++)
		free(a->chunks[i]);
	free(a->chunks);
	ft_table_fini(&a->table);
	*a = (struct ft_ahead){0};
}

void ft_ahead_fini(struct ft_ahead *a)
{
	ft_ahead_clear(a);
}

static struct ft_move *new_move(struct ft_ahead *a)
{
	struct ft_move **chunks;

	if (a->chunks_count == 0 || a->used == CHUNK) {
		chunks = reallocarray(a->chunks, a->chunks_count + 1, sizeof(*chunks));
		if (!chunks)
			return NULL;
		a->chunks = chunks;
		chunks[a->chunks_count] = malloc(CHUNK * sizeof(struct ft_move));
		if (!chunks[a->chunks_count])
			return NULL;
		a->chunks_count++;
		a->used = 0;
	}
	return &a->chunks[a->chunks_count - 1][a->used++];
}

int ft_ahead_add(struct ft_ahead *a, const struct ft_record *r, uint64_t position)
{
	struct ft_move *m, *first;
	uint64_t hash = hash_of(r->object);

	m = new_move(a);
	if (!m)
		return -ENOMEM;
	*m = (struct ft_move){.key = r->object, .position = position};
	if (r->old_place.dir.len > 0 || (r->mask & FT_EV_RENAME)) {
		m->from = r->old_place;
		m->to = r->place;
	} else {
		m->from = r->place;
	}
	first = ft_table_find(&a->table, hash, &r->object, has_key);
	if (!first) {
		m->last = m;
		return ft_table_add(&a->table, hash, m);
	}
	m->previous = first->last;
	first->last->next = m;
	first->last = m;
	return 0;
}

const struct ft_move *ft_ahead_find(const struct ft_ahead *a, struct ft_span key)
{
	if (a->table.count == 0)
		return NULL;
	return ft_table_find(&a->table, hash_of(key), &key, has_key);
}

const struct ft_move *ft_ahead_pass(struct ft_ahead *a, struct ft_span key,
				    uint64_t position)
{
	struct ft_move *m = (struct ft_move *)ft_ahead_find(a, key);

	if (!m || m->position != position)
		return NULL;
	ft_table_remove(&a->table, hash_of(key), m);
	/* Out of memory cannot happen: the slot has just been freed. */
	if (m->next) {
		m->next->last = m->last;
		(void)ft_table_add(&a->table, hash_of(key), m->next);
	}
	return m;
}

unsigned int ft_ahead_count_renames(const struct ft_ahead *a, struct ft_span key)
{
	unsigned int n = 0;

	for (const struct ft_move *m = ft_ahead_find(a, key); m; m = m->next)
		n += m->to.dir.len > 0;
	return n;
}
