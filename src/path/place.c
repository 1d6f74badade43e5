/* SPDX-License-Identifier: MIT */
/* Placing directories. */
#include "path/place.h"

#include <errno.h>
#include <poll.h>

#include "path/walk.h"

enum {
	ROUNDS_MAX = 1 << 16,
	/* Earlier renames that are compared with a new one; a directory renamed more
	   often in one backlog is in doubt anyway. */
	RETURNS_MAX = 64,
	WAIT_MSEC = 2,
};

static void new_doubt(struct ft_resolver *r, struct ft_node *n)
{
	n->doubtful = true;
	r->doubts++;
}

/* Renames that were scanned before the directory was known. */
static void note_renames(struct ft_resolver *r, struct ft_node *n)
{
	if (n->state == FT_NODE_UNPLACED && n->renames_ahead == 0 && r->renames_ahead > 0)
		n->renames_ahead =
			(uint16_t)ft_ahead_count_renames(&r->ahead, ft_node_key(n));
}

static struct ft_node *get_node(struct ft_resolver *r, struct ft_span key)
{
	struct ft_node *n = ft_dirtree_get(&r->tree, key);

	if (n)
		note_renames(r, n);
	return n;
}

static bool place_at(struct ft_resolver *r, struct ft_node *n, const struct ft_place *p)
{
	struct ft_node *dir = get_node(r, p->dir);

	return dir && ft_dirtree_place(&r->tree, n, dir, p->name) == 0;
}

/* Its own next move in the queue tells where it is until then. */
static bool place_by_move(struct ft_resolver *r, struct ft_node *n)
{
	const struct ft_move *m = ft_ahead_find(&r->ahead, ft_node_key(n));

	return m && place_at(r, n, &m->from);
}

/* Everything that happened before now is read; false: there was more than the backlog
 * holds. */
static bool drain(struct ft_resolver *r)
{
	return r->host.drain(r->host.data) == 0;
}

/* It is gone: then its removal is in the queue, or about to be (the handle dies a moment
 * before the record is made). */
static bool place_gone(struct ft_resolver *r, struct ft_node *n)
{
	drain(r);
	while (!place_by_move(r, n)) {
		if (r->patience == 0 || !r->has_objects)
			return false;
		r->patience--;
		poll(NULL, 0, WAIT_MSEC);
		drain(r);
	}
	return true;
}

/*
 * Steps up until a directory that is known. A name that the walk saw may be newer than
 * the record at hand: then the rename is in the queue, which is drained after the last
 * step, and tells the older one.
 */
static int walk_up(struct ft_resolver *r, struct ft_walk *w, struct ft_node *n)
{
	struct ft_node *parent;
	struct ft_key key;
	int e;

	for (;;) {
		e = ft_walk_up(w, &r->walk_name, &key);
		if (e < 0)
			return e;
		if (e > 0)
			return ft_dirtree_anchor(&r->tree, n, FT_SPAN(""));
		/* It has moved since, maybe below what was below it: the older place
		 * counts. */
		if (place_by_move(r, n))
			return 0;
		parent = get_node(r, ft_key_span(&key));
		if (!parent)
			return -ENOMEM;
		e = ft_dirtree_place(&r->tree, n, parent, ft_bytes_span(&r->walk_name));
		if (e < 0)
			return e;
		if (parent->state == FT_NODE_PLACED || parent->state == FT_NODE_ANCHOR)
			return 0;
		n = parent;
	}
}

/* Corrects what a walk saw by what the queue says of the time before it. */
static void correct_walk(struct ft_resolver *r, struct ft_node *n)
{
	bool complete = drain(r);
	struct ft_node *above;

	for (; n && n->state == FT_NODE_PLACED; n = above) {
		above = n->parent;
		if (!complete)
			new_doubt(r, n);
		if (ft_ahead_find(&r->ahead, ft_node_key(n)) && !place_by_move(r, n))
			ft_dirtree_unplace(&r->tree, n, FT_NODE_LOST);
	}
}

static const struct ft_node *first_unplaced(const struct ft_node *n)
{
	for (int i = 0; n->state == FT_NODE_PLACED && i < ROUNDS_MAX; i++)
		n = n->parent;
	return n;
}

static bool place_by_walk(struct ft_resolver *r, struct ft_node *n)
{
	struct ft_filesystem *fs = ft_resolver_find_filesystem(r, ft_node_key(n));
	struct ft_walk w;
	int e;

	if (!fs || fs->mount_fd < 0)
		return false;
	e = ft_walk_open(&w, fs->mount_fd, ft_node_key(n));
	if (e == 0)
		e = walk_up(r, &w, n);
	/* The name is there a moment before the record of the rename is. */
	if (w.is_fresh && r->patience > 0) {
		r->patience--;
		poll(NULL, 0, WAIT_MSEC);
	}
	ft_walk_close(&w);
	correct_walk(r, n);
	if (e == 0)
		return true;
	if (e != -ESTALE)
		r->retries = true;
	return e == -ESTALE && place_gone(r, (struct ft_node *)first_unplaced(n));
}

bool ft_place_dir(struct ft_resolver *r, struct ft_node *n)
{
	for (int round = 0; round < ROUNDS_MAX; round++) {
		struct ft_node *top = (struct ft_node *)first_unplaced(n);

		switch (top->state) {
		case FT_NODE_ANCHOR:
			return true;
		case FT_NODE_UNPLACED:
			note_renames(r, top);
			if (!place_by_move(r, top) && !place_by_walk(r, top))
				ft_dirtree_unplace(&r->tree, top, FT_NODE_LOST);
			break;
		default:
			return false;
		}
	}
	return false;
}

/* a -> b, b -> a: a second a -> b would have been swallowed by the first, for as long as
 * that was queued. */
static bool came_back(const struct ft_move *m)
{
	const struct ft_move *p = m->previous;

	for (int i = 0; p; i++, p = p->previous)
		if (i == RETURNS_MAX || (ft_span_equal(p->from.dir, m->to.dir) &&
					 ft_span_equal(p->from.name, m->to.name)))
			return true;
	return false;
}

static void apply_rename(struct ft_resolver *r, struct ft_node *n,
			 const struct ft_record *rec, const struct ft_move *m)
{
	if (r->renames_ahead > 0)
		r->renames_ahead--;
	if (n->renames_ahead > 0)
		n->renames_ahead--;
	n->doubtful = false;
	if (!place_at(r, n, &rec->place)) {
		ft_dirtree_unplace(&r->tree, n, FT_NODE_UNPLACED);
		return;
	}
	if (m && m->previous && came_back(m)) {
		ft_dirtree_unplace(&r->tree, n, FT_NODE_UNPLACED);
		new_doubt(r, n);
	}
}

void ft_place_apply(struct ft_resolver *r, const struct ft_record *rec, uint64_t position)
{
	const struct ft_move *m = NULL;
	struct ft_node *n = get_node(r, rec->object);

	if (rec->mask & (FT_EV_RENAME | FT_EV_DELETE))
		m = ft_ahead_pass(&r->ahead, rec->object, position);
	if (!n)
		return;
	if (rec->mask & FT_EV_RENAME) {
		apply_rename(r, n, rec, m);
		return;
	}
	if (rec->mask & FT_EV_CREATE) {
		if (n->gone) {
			n->gone = false;
			n->marked = false;
			r->tree.gone--;
		}
		n->doubtful = false;
		if (!place_at(r, n, &rec->place))
			ft_dirtree_unplace(&r->tree, n, FT_NODE_UNPLACED);
	}
	if (rec->mask & FT_EV_DELETE) {
		/* A directory that nothing was known of: what the queue still holds of it
		 * is named by this. */
		if (n->state != FT_NODE_PLACED)
			place_at(r, n, &rec->place);
		ft_dirtree_bury(&r->tree, n);
	}
}

void ft_place_settle_doubts(struct ft_resolver *r)
{
	size_t pos = 0;
	struct ft_node *n;

	while ((n = ft_table_next(&r->tree.table, &pos)))
		if (n->doubtful)
			ft_dirtree_unplace(&r->tree, n, FT_NODE_UNPLACED);
}
