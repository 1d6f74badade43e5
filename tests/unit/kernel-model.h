/* SPDX-License-Identifier: MIT */
/* A filesystem of strings, and the queue that a kernel would make of what happens. */
#pragma once

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "event/mask.h"
#include "kernel/abi.h"
#include "kernel/decode.h"

#define MODEL_FSID 0x1122334455667788u

enum {
	MODEL_OBJECTS = 512,
	MODEL_ENTRIES = 512,
	MODEL_RECORDS = 4096,
	MODEL_DEPTH = 10,
	MODEL_LINKS = 6,
	MODEL_KEY = FT_KEY_HEADER + 8,
	MODEL_PATH = 160,
	MODEL_ROOT = 0,
};

struct model_object {
	bool dir;
	bool alive;
	int links;
	int parent; /* of its last name, kept when it is gone: as a dentry is */
	char name[16];
	char key[MODEL_KEY];
};

struct model_entry {
	int dir; /* -1: free */
	int object;
	char name[16];
};

struct model_place {
	int dir; /* -1: not told */
	char name[16];
};

/* What an equal record is merged into, and the paths as of the first event. */
struct model_record {
	uint64_t mask;
	int pid;
	int object; /* -1: not told */
	struct model_place place;
	struct model_place old_place;
	char path[MODEL_LINKS + 1][MODEL_PATH]; /* several: the object alone is told, and
						   has several names */
	int paths;
	char old_path[MODEL_PATH];
};

struct model {
	struct model_object objects[MODEL_OBJECTS];
	int objects_count;
	struct model_entry entries[MODEL_ENTRIES];
	int entries_count;
	struct model_record queue[MODEL_RECORDS];
	size_t made;
	size_t read;		/* nothing is merged into what was read */
	size_t window;		/* how far back an equal record is looked for */
	unsigned int name_pool; /* 0: every name is new */
	bool is_calm;		/* nothing is renamed over another name, or exchanged */
	unsigned int names;
	unsigned int pids;
	uint64_t random;
};

static inline unsigned int model_random(struct model *m, unsigned int n)
{
	m->random = ft_hash_u64(m->random, 1);
	return (unsigned int)((m->random >> 16) % n);
}

static inline int model_new_object(struct model *m, bool dir)
{
	struct model_object *o;
	uint64_t fsid = MODEL_FSID;
	uint32_t head[4] = {8, 1, 0, 77};

	assert(m->objects_count < MODEL_OBJECTS);
	o = &m->objects[m->objects_count];
	*o = (struct model_object){.dir = dir, .alive = true};
	head[2] = (uint32_t)m->objects_count + 2;
	memcpy(o->key, &fsid, sizeof(fsid));
	memcpy(o->key + sizeof(fsid), head, sizeof(head));
	return m->objects_count++;
}

static inline void model_init(struct model *m, uint64_t seed)
{
	m->objects_count = m->entries_count = 0;
	m->made = m->read = 0;
	m->names = 0;
	m->random = seed;
	m->window = SIZE_MAX;
	m->name_pool = 0;
	m->is_calm = false;
	m->pids = 3;
	model_new_object(m, true);
}

static inline void model_dir_path(const struct model *m, int dir, char *out)
{
	char below[MODEL_PATH];

	out[0] = '\0';
	for (; dir != MODEL_ROOT; dir = m->objects[dir].parent) {
		strcpy(below, out);
		snprintf(out, MODEL_PATH, "/%.15s%.140s", m->objects[dir].name, below);
	}
}

static inline void model_path(const struct model *m, const struct model_place *p,
			      char *out)
{
	char dir[MODEL_PATH];

	model_dir_path(m, p->dir, dir);
	if (strcmp(p->name, ".") == 0)
		strcpy(out, dir[0] ? dir : "/");
	else
		snprintf(out, MODEL_PATH, "%.140s/%.15s", dir, p->name);
}

static inline struct model_entry *model_find(struct model *m, int dir, const char *name)
{
	for (int i = 0; i < m->entries_count; i++)
		if (m->entries[i].dir == dir && strcmp(m->entries[i].name, name) == 0)
			return &m->entries[i];
	return NULL;
}

static inline struct model_place model_place_of(int dir, const char *name)
{
	struct model_place p = {.dir = dir};

	snprintf(p.name, sizeof(p.name), "%s", name);
	return p;
}

static inline void model_add_entry(struct model *m, const struct model_place *p,
				   int object)
{
	struct model_entry *e = NULL;
	struct model_object *o = &m->objects[object];

	for (int i = 0; i < m->entries_count && !e; i++)
		if (m->entries[i].dir < 0)
			e = &m->entries[i];
	if (!e) {
		assert(m->entries_count < MODEL_ENTRIES);
		e = &m->entries[m->entries_count++];
	}
	e->dir = p->dir;
	e->object = object;
	strcpy(e->name, p->name);
	o->links++;
	o->parent = p->dir;
	strcpy(o->name, p->name);
}

static inline void model_drop_entry(struct model *m, struct model_entry *e)
{
	struct model_object *o = &m->objects[e->object];

	o->links--;
	o->alive = o->links > 0;
	e->dir = -1;
}

/* fanotify_should_merge() of Linux 6.18. */
static inline bool model_is_mergeable(const struct model_record *a,
				      const struct model_record *b)
{
	const uint64_t same = FT_EV_ONDIR | FT_EV_RENAME;

	return a->pid == b->pid && a->object == b->object &&
	       (a->mask & same) == (b->mask & same) && a->place.dir == b->place.dir &&
	       strcmp(a->place.name, b->place.name) == 0 &&
	       a->old_place.dir == b->old_place.dir &&
	       strcmp(a->old_place.name, b->old_place.name) == 0;
}

static inline void model_emit(struct model *m, const struct model_record *r)
{
	size_t from = m->made - m->read > m->window ? m->made - m->window : m->read;

	for (size_t i = m->made; i > from; i--) {
		if (!model_is_mergeable(&m->queue[i - 1], r))
			continue;
		m->queue[i - 1].mask |= r->mask;
		return;
	}
	assert(m->made < MODEL_RECORDS);
	m->queue[m->made++] = *r;
}

/* An event that names its place. */
static inline void model_tell(struct model *m, int pid, uint64_t mask, int object,
			      const struct model_place *p)
{
	struct model_record r = {.mask = mask,
				 .pid = pid,
				 .object = object,
				 .place = *p,
				 .old_place.dir = -1,
				 .paths = 1};

	model_path(m, p, r.path[0]);
	model_emit(m, &r);
}

/* An event of which only the object is told (of a directory: its "."). Any of its names
 * is right. */
static inline void model_tell_object(struct model *m, int pid, uint64_t mask, int object,
				     const struct model_place *gone)
{
	struct model_record r = {.mask = mask,
				 .pid = pid,
				 .object = object,
				 .place.dir = -1,
				 .old_place.dir = -1};

	if (m->objects[object].dir) {
		struct model_place self = model_place_of(object, ".");

		model_tell(m, pid, mask | FT_EV_ONDIR, -1, &self);
		return;
	}
	for (int i = 0; i < m->entries_count; i++) {
		struct model_place p;

		if (m->entries[i].dir < 0 || m->entries[i].object != object)
			continue;
		p = model_place_of(m->entries[i].dir, m->entries[i].name);
		model_path(m, &p, r.path[r.paths++]);
	}
	if (gone)
		model_path(m, gone, r.path[r.paths++]);
	model_emit(m, &r);
}

static inline void model_tell_rename(struct model *m, int pid, int object,
				     const struct model_place *from,
				     const struct model_place *to)
{
	struct model_record r = {.mask = FT_EV_RENAME,
				 .pid = pid,
				 .object = object,
				 .place = *to,
				 .old_place = *from,
				 .paths = 1};

	if (m->objects[object].dir)
		r.mask |= FT_EV_ONDIR;
	model_path(m, to, r.path[0]);
	model_path(m, from, r.old_path);
	model_emit(m, &r);
}
