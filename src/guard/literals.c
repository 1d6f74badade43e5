/* SPDX-License-Identifier: MIT */
/* Literal paths by object. */
#include "guard/literals.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/hash.h"

enum { LEAST_ROOM = 16 };

void ft_literals_fini(struct ft_literals *l)
{
	for (size_t i = 0; i < l->count; i++)
		free((char *)l->items[i].path);
	free(l->items);
	free(l->heads);
	free(l->next);
	*l = (struct ft_literals){0};
}

/* Without the birth: one that is not known is equal to any. */
static uint32_t *get_chain(const struct ft_literals *l, const struct ft_object *object)
{
	return &l->heads[ft_hash_u64(object->dev, object->ino) & (l->room - 1)];
}

static void link_in(struct ft_literals *l, size_t i)
{
	uint32_t *head;

	if (l->items[i].object.dev == 0)
		return;
	head = get_chain(l, &l->items[i].object);
	l->next[i] = *head;
	*head = (uint32_t)i + 1;
}

static void take_out(struct ft_literals *l, size_t i)
{
	uint32_t *at;

	if (l->items[i].object.dev == 0)
		return;
	at = get_chain(l, &l->items[i].object);
	while (*at != i + 1)
		at = &l->next[*at - 1];
	*at = l->next[i];
}

static int grow(struct ft_literals *l)
{
	size_t room = l->room ? l->room * 2 : LEAST_ROOM;
	struct ft_literal *items = reallocarray(l->items, room, sizeof(*items));
	_cleanup_free_ uint32_t *heads = calloc(room, sizeof(*heads));
	_cleanup_free_ uint32_t *next = calloc(room, sizeof(*next));

	if (items)
		l->items = items;
	if (!items || !heads || !next)
		return -ENOMEM;
	free(l->heads);
	free(l->next);
	l->heads = ft_take(heads);
	l->next = ft_take(next);
	l->room = room;
	for (size_t i = 0; i < l->count; i++)
		link_in(l, i);
	return 0;
}

int ft_literals_add(struct ft_literals *l, enum ft_literal_kind kind, unsigned int rule,
		    char *path)
{
	int r = l->count == l->room ? grow(l) : 0;

	if (r < 0) {
		free(path);
		return r;
	}
	l->items[l->count++] =
		(struct ft_literal){.kind = kind, .rule = rule, .path = path};
	return 0;
}

void ft_literals_set(struct ft_literals *l, size_t i, const struct ft_object *object)
{
	take_out(l, i);
	l->items[i].object = *object;
	link_in(l, i);
}

void ft_literals_match(const struct ft_literals *l, enum ft_literal_kind kind,
		       const struct ft_object *object, struct ft_rulebits *bits)
{
	if (l->count == 0 || object->dev == 0)
		return;
	for (uint32_t i = *get_chain(l, object); i > 0; i = l->next[i - 1]) {
		const struct ft_literal *item = &l->items[i - 1];

		if (item->kind == kind && ft_object_equal(&item->object, object))
			ft_rulebits_set(bits, item->rule);
	}
}
