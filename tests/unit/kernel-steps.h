/* SPDX-License-Identifier: MIT */
/* What processes do on the model's filesystem; false: not possible now. */
#pragma once

#include "kernel-model.h"

static inline int model_depth(const struct model *m, int dir)
{
	int depth = 0;

	for (; dir != MODEL_ROOT; dir = m->objects[dir].parent)
		depth++;
	return depth;
}

static inline bool model_is_below(const struct model *m, int dir, int above)
{
	for (; dir != above; dir = m->objects[dir].parent)
		if (dir == MODEL_ROOT)
			return false;
	return true;
}

static inline int model_random_dir(struct model *m)
{
	for (;;) {
		int i = (int)model_random(m, (unsigned int)m->objects_count);

		if (m->objects[i].dir && m->objects[i].alive)
			return i;
	}
}

static inline struct model_entry *model_random_entry(struct model *m)
{
	if (m->entries_count == 0)
		return NULL;
	for (int tries = 0; tries < 8; tries++) {
		struct model_entry *e =
			&m->entries[model_random(m, (unsigned int)m->entries_count)];

		if (e->dir >= 0)
			return e;
	}
	return NULL;
}

/* A name in a random directory that may be taken. */
static inline struct model_place model_random_place(struct model *m)
{
	struct model_place p = {.dir = model_random_dir(m)};
	unsigned int n = m->name_pool ? model_random(m, m->name_pool) : m->names++;

	snprintf(p.name, sizeof(p.name), "n%u", n);
	return p;
}

static inline bool model_make(struct model *m, int pid, bool dir)
{
	struct model_place p = model_random_place(m);
	int object;

	if (m->objects_count == MODEL_OBJECTS || model_find(m, p.dir, p.name) ||
	    model_depth(m, p.dir) >= MODEL_DEPTH)
		return false;
	object = model_new_object(m, dir);
	model_add_entry(m, &p, object);
	model_tell(m, pid, dir ? FT_EV_CREATE | FT_EV_ONDIR : FT_EV_CREATE, object, &p);
	if (dir)
		return true;
	model_tell(m, pid, FT_EV_OPEN, object, &p);
	model_tell(m, pid, FT_EV_MODIFY, object, &p);
	model_tell(m, pid, FT_EV_CLOSE_WRITE, object, &p);
	return true;
}

static inline bool model_touch(struct model *m, int pid)
{
	struct model_entry *e = model_random_entry(m);
	struct model_place p;

	if (!e)
		return false;
	p = model_place_of(e->dir, e->name);
	if (m->objects[e->object].dir) {
		p = model_place_of(e->object, ".");
		model_tell(m, pid, FT_EV_OPEN | FT_EV_ONDIR, -1, &p);
	} else {
		model_tell(m, pid, model_random(m, 2) ? FT_EV_ATTRIB : FT_EV_OPEN,
			   e->object, &p);
	}
	return true;
}

/* A file that may be gone, and its directory with it, is closed at last. */
static inline bool model_close(struct model *m, int pid)
{
	int i = (int)model_random(m, (unsigned int)m->objects_count);
	struct model_place p = model_place_of(m->objects[i].parent, m->objects[i].name);

	if (m->objects[i].dir)
		return false;
	model_tell(m, pid, FT_EV_CLOSE_WRITE, i, &p);
	return true;
}

static inline bool model_is_empty(const struct model *m, int dir)
{
	for (int i = 0; i < m->entries_count; i++)
		if (m->entries[i].dir == dir)
			return false;
	return true;
}

static inline bool model_remove(struct model *m, int pid)
{
	struct model_entry *e = model_random_entry(m);
	struct model_place p;
	int object;

	if (!e || (m->objects[e->object].dir && !model_is_empty(m, e->object)))
		return false;
	p = model_place_of(e->dir, e->name);
	object = e->object;
	model_drop_entry(m, e);
	if (m->objects[object].dir) {
		model_tell(m, pid, FT_EV_DELETE | FT_EV_ONDIR, object, &p);
		return true;
	}
	model_tell_object(m, pid, FT_EV_ATTRIB, object, &p);
	model_tell(m, pid, FT_EV_DELETE, object, &p);
	return true;
}

static inline bool model_link(struct model *m, int pid)
{
	struct model_entry *e = model_random_entry(m);
	struct model_place p = model_random_place(m);
	int object;

	if (!e || m->objects[e->object].dir ||
	    m->objects[e->object].links >= MODEL_LINKS || model_find(m, p.dir, p.name))
		return false;
	object = e->object;
	model_add_entry(m, &p, object);
	model_tell_object(m, pid, FT_EV_ATTRIB, object, NULL);
	model_tell(m, pid, FT_EV_CREATE, object, &p);
	return true;
}

static inline bool model_may_replace(const struct model *m,
				     const struct model_entry *source,
				     const struct model_entry *target)
{
	const struct model_object *s = &m->objects[source->object],
				  *t = &m->objects[target->object];

	return s != t && s->dir == t->dir &&
	       (!t->dir || model_is_empty(m, target->object));
}

static inline void model_set_entry(struct model *m, struct model_entry *e,
				   const struct model_place *p)
{
	struct model_object *o = &m->objects[e->object];

	/* A dentry is one name: that of a file with several is the last one made. */
	if (o->parent == e->dir && strcmp(o->name, e->name) == 0) {
		o->parent = p->dir;
		strcpy(o->name, p->name);
	}
	e->dir = p->dir;
	strcpy(e->name, p->name);
}

static inline bool model_rename(struct model *m, int pid)
{
	struct model_entry *e = model_random_entry(m), *target;
	struct model_place from, to = model_random_place(m);
	int replaced = -1;

	if (!e || model_depth(m, to.dir) >= MODEL_DEPTH / 2 ||
	    (m->objects[e->object].dir && model_is_below(m, to.dir, e->object)))
		return false;
	from = model_place_of(e->dir, e->name);
	target = model_find(m, to.dir, to.name);
	/* With names that are never used twice: over one that is there. */
	if (!target && m->name_pool == 0 && !m->is_calm && model_random(m, 4) == 0 &&
	    (target = model_random_entry(m))) {
		to = model_place_of(target->dir, target->name);
		if (m->objects[e->object].dir && model_is_below(m, to.dir, e->object))
			return false;
	}
	if (target) {
		if (target == e || !model_may_replace(m, e, target))
			return false;
		replaced = target->object;
		model_drop_entry(m, target);
	}
	model_set_entry(m, e, &to);
	model_tell_rename(m, pid, e->object, &from, &to);
	if (replaced >= 0)
		model_tell_object(m, pid, FT_EV_ATTRIB, replaced, &to);
	return true;
}

static inline bool model_exchange(struct model *m, int pid)
{
	struct model_entry *a = model_random_entry(m), *b = model_random_entry(m);
	struct model_place at, bt;

	if (m->is_calm || !a || !b || a->object == b->object)
		return false;
	if ((m->objects[a->object].dir && model_is_below(m, b->dir, a->object)) ||
	    (m->objects[b->object].dir && model_is_below(m, a->dir, b->object)))
		return false;
	at = model_place_of(a->dir, a->name);
	bt = model_place_of(b->dir, b->name);
	model_set_entry(m, a, &bt);
	model_set_entry(m, b, &at);
	model_tell_rename(m, pid, a->object, &at, &bt);
	model_tell_rename(m, pid, b->object, &bt, &at);
	return true;
}

/* One thing that some process does. */
static inline void model_step(struct model *m)
{
	int pid = 100 + (int)model_random(m, m->pids);
	bool done = false;

	while (!done) {
		switch (model_random(m, 16)) {
		case 0:
		case 1:
		case 2:
			done = model_make(m, pid, true);
			break;
		case 3:
		case 4:
			done = model_make(m, pid, false);
			break;
		case 5:
		case 6:
		case 7:
			done = model_touch(m, pid);
			break;
		case 8:
			done = model_close(m, pid);
			break;
		case 9:
		case 10:
			done = model_rename(m, pid);
			break;
		case 11:
			done = model_exchange(m, pid);
			break;
		case 12:
			done = model_link(m, pid);
			break;
		default:
			done = model_remove(m, pid);
			break;
		}
	}
}
