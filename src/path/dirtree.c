/* SPDX-License-Identifier: MIT */
/* The tree of known directories. */
#include "path/dirtree.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"

/* Deeper than any path that a kernel can make a walk of; more is a loop. */
enum { DEPTH_MAX = 1 << 16 };

struct ft_span ft_node_name(const struct ft_node *n)
{
	return (struct ft_span){n->name_len > FT_NODE_NAME_INLINE ? n->name
								  : n->inline_name,
				n->name_len};
}

struct ft_span ft_node_key(const struct ft_node *n)
{
	return (struct ft_span){n->key, n->key_len};
}

static uint64_t hash_of(struct ft_span key)
{
	return ft_hash_bytes(0, key.data, key.len);
}

static bool has_key(const void *item, const void *key)
{
	return ft_span_equal(ft_node_key(item), *(const struct ft_span *)key);
}

static void drop_name(struct ft_node *n)
{
	if (n->name_len > FT_NODE_NAME_INLINE)
		free(n->name);
	n->name_len = 0;
}

static int set_name(struct ft_node *n, struct ft_span name)
{
	char *copy;

	if (name.len > UINT8_MAX)
		return -ENAMETOOLONG;
	if (name.len > FT_NODE_NAME_INLINE) {
		copy = malloc(name.len);
		if (!copy)
			return -ENOMEM;
		memcpy(copy, name.data, name.len);
		drop_name(n);
		n->name = copy;
	} else {
		drop_name(n);
		if (name.len > 0)
			memcpy(n->inline_name, name.data, name.len);
	}
	n->name_len = (uint8_t)name.len;
	return 0;
}

static void node_free(struct ft_node *n)
{
	drop_name(n);
	free(n);
}

void ft_dirtree_fini(struct ft_dirtree *t)
{
	size_t pos = 0;
	struct ft_node *n;

	while ((n = ft_table_next(&t->table, &pos)))
		node_free(n);
	ft_table_fini(&t->table);
	*t = (struct ft_dirtree){0};
}

struct ft_node *ft_dirtree_find(struct ft_dirtree *t, struct ft_span key)
{
	struct ft_node *n = ft_table_find(&t->table, hash_of(key), &key, has_key);

	if (n)
		n->used = true;
	return n;
}

struct ft_node *ft_dirtree_get(struct ft_dirtree *t, struct ft_span key)
{
	struct ft_node *n = ft_dirtree_find(t, key);

	if (n || key.len == 0 || key.len > UINT8_MAX)
		return n;
	n = calloc(1, sizeof(*n) + key.len);
	if (!n)
		return NULL;
	n->hash = (uint32_t)hash_of(key);
	n->key_len = (uint8_t)key.len;
	n->used = true;
	n->stamp = ++t->stamps;
	memcpy(n->key, key.data, key.len);
	if (ft_table_add(&t->table, hash_of(key), n) < 0) {
		free(n);
		return NULL;
	}
	return n;
}

/* What was cached of it is wrong now; of the directories below it, too. */
static void touch(struct ft_dirtree *t, struct ft_node *n)
{
	n->stamp = ++t->stamps;
	if (n->children > 0)
		t->epoch++;
}

static void detach(struct ft_node *n)
{
	if (n->parent)
		n->parent->children--;
	n->parent = NULL;
}

static bool is_below(const struct ft_node *n, const struct ft_node *above)
{
	for (int depth = 0; n && depth < DEPTH_MAX; depth++, n = n->parent)
		if (n == above)
			return true;
	return false;
}

int ft_dirtree_place(struct ft_dirtree *t, struct ft_node *n, struct ft_node *parent,
		     struct ft_span name)
{
	int r;

	/* Only a childless node is surely not above its new parent. */
	if (n == parent || (n->children > 0 && is_below(parent, n)))
		return -ELOOP;
	if (n->state == FT_NODE_ANCHOR)
		return 0;
	detach(n);
	touch(t, n);
	r = set_name(n, name);
	n->state = r < 0 ? FT_NODE_UNPLACED : FT_NODE_PLACED;
	if (r < 0)
		return r;
	n->parent = parent;
	parent->children++;
	return 0;
}

int ft_dirtree_anchor(struct ft_dirtree *t, struct ft_node *n, struct ft_span name)
{
	int r = set_name(n, name);

	if (r < 0)
		return r;
	detach(n);
	touch(t, n);
	n->state = FT_NODE_ANCHOR;
	return 0;
}

void ft_dirtree_unplace(struct ft_dirtree *t, struct ft_node *n, enum ft_node_state state)
{
	if (n->state == FT_NODE_ANCHOR)
		return;
	detach(n);
	touch(t, n);
	n->state = state;
	n->doubtful = false;
}

void ft_dirtree_bury(struct ft_dirtree *t, struct ft_node *n)
{
	if (n->gone || n->state == FT_NODE_ANCHOR)
		return;
	n->gone = true;
	t->gone++;
}

void ft_dirtree_forget_places(struct ft_dirtree *t)
{
	size_t pos = 0;
	struct ft_node *n;

	while ((n = ft_table_next(&t->table, &pos)))
		ft_dirtree_unplace(t, n, FT_NODE_UNPLACED);
}

void ft_dirtree_forget_filesystem(struct ft_dirtree *t, uint64_t fsid)
{
	size_t pos = 0;
	struct ft_node *n;

	while ((n = ft_table_next(&t->table, &pos))) {
		if (memcmp(n->key, &fsid, sizeof(fsid)) != 0)
			continue;
		if (n->state == FT_NODE_ANCHOR)
			n->state = FT_NODE_PLACED;
		ft_dirtree_unplace(t, n, FT_NODE_UNPLACED);
		n->marked = false;
	}
}

void ft_dirtree_retry_lost(struct ft_dirtree *t)
{
	size_t pos = 0;
	struct ft_node *n;

	while ((n = ft_table_next(&t->table, &pos)))
		if (n->state == FT_NODE_LOST)
			n->state = FT_NODE_UNPLACED;
}

static bool is_disposable(const struct ft_dirtree *t, const struct ft_node *n, bool over)
{
	if (n->children > 0 || n->state == FT_NODE_ANCHOR)
		return false;
	return n->gone || n->state == FT_NODE_LOST || (over && !n->used);
}

/*
 * Frees what may go. The table shifts back on a removal, so a round may pass by an item
 * that was moved over the end: it goes with the next sweep.
 */
static void sweep_round(struct ft_dirtree *t, bool over)
{
	size_t pos = 0;
	struct ft_node *n;

	while ((n = ft_table_next(&t->table, &pos))) {
		if (!is_disposable(t, n, over)) {
			n->used = !over && n->used;
			continue;
		}
		detach(n);
		if (n->gone)
			t->gone--;
		ft_table_remove(&t->table, hash_of(ft_node_key(n)), n);
		node_free(n);
		pos--;
	}
}

void ft_dirtree_sweep(struct ft_dirtree *t)
{
	size_t max = t->max ? t->max : FT_DIRTREE_MAX;

	/* A walk of the table for a handful of tombstones would cost more than they do.
	 */
	if (t->gone > 64 + t->table.count / 8)
		sweep_round(t, false);
	for (int round = 0; round < 3 && t->table.count > max; round++)
		sweep_round(t, true);
}

/* The length of the path, and its root. */
static int measure(const struct ft_node *n, size_t *ret_len,
		   const struct ft_node **ret_root)
{
	size_t len = 0;

	for (int depth = 0; n->state == FT_NODE_PLACED; depth++, n = n->parent) {
		if (depth == DEPTH_MAX) {
			*ret_root = n;
			return -ENOENT;
		}
		len += 1 + n->name_len;
	}
	*ret_root = n;
	*ret_len = len + n->name_len;
	return n->state == FT_NODE_ANCHOR ? 0 : -ENOENT;
}

int ft_node_path(const struct ft_node *n, struct ft_bytes *out,
		 const struct ft_node **ret_root)
{
	struct ft_span name;
	size_t len;
	char *p;
	int r;

	r = measure(n, &len, ret_root);
	if (r < 0)
		return r;
	ft_bytes_clear(out);
	/* One more, so that the path of a root is a pointer, too. */
	r = ft_bytes_reserve(out, len + 1);
	if (r < 0)
		return r;
	out->len = len;
	p = out->data + len;
	for (; n->state == FT_NODE_PLACED; n = n->parent) {
		name = ft_node_name(n);
		p -= name.len;
		memcpy(p, name.data, name.len);
		*--p = '/';
	}
	name = ft_node_name(n);
	memcpy(p - name.len, name.data, name.len);
	return 0;
}

bool ft_node_is_moving(const struct ft_node *n)
{
	for (int depth = 0; n && depth < DEPTH_MAX; depth++, n = n->parent)
		if (n->renames_ahead > 0)
			return true;
	return false;
}

bool ft_node_is_doubtful(const struct ft_node *n)
{
	for (int depth = 0; n && depth < DEPTH_MAX; depth++, n = n->parent)
		if (n->doubtful)
			return true;
	return false;
}
