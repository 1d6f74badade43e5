/* SPDX-License-Identifier: MIT */
/* Everything that `marks` tells at one moment. */
#include "inspect/listing.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "base/table.h"
#include "proc/procfs.h"

struct reading {
	struct ft_listing *out;
	const struct ft_listing_want *want;
	struct ft_listing *before; /* NULL: none */
	int proc;
};

static void listed_group_fini(const struct ft_group *g, struct ft_listed_group *l)
{
	for (size_t i = 0; l->marks && i < g->text.marks_count; i++) {
		free(l->marks[i].path);
		free(l->marks[i].fs);
		free(l->marks[i].mountpoint);
	}
	free(l->marks);
	for (size_t i = 0; i < l->owners_count; i++)
		ft_owner_fini(&l->owners[i]);
	free(l->owners);
}

void ft_listing_fini(struct ft_listing *l)
{
	for (size_t i = 0; l->list && i < l->groups.count; i++)
		listed_group_fini(&l->groups.list[i], &l->list[i]);
	free(l->list);
	ft_waiters_fini(&l->waiters);
	ft_groups_fini(&l->groups);
	*l = (struct ft_listing){0};
}

size_t ft_listing_count(const struct ft_group *g, const struct ft_listed_group *l,
			bool of_new)
{
	size_t n = 0;

	for (size_t i = 0; i < g->text.marks_count; i++)
		n += l->marks[i].is_shown && !(of_new && l->marks[i].is_paired);
	return n;
}

/* ---- owners ---- */

/* The holders stand by process. */
static int read_owners(const struct reading *r, const struct ft_group *g,
		       struct ft_listed_group *l)
{
	l->owners = calloc(g->holders_count, sizeof(*l->owners));
	if (!l->owners)
		return -ENOMEM;
	for (size_t i = 0; i < g->holders_count; i++) {
		if (i > 0 && g->holders[i].pid == g->holders[i - 1].pid)
			continue;
		/* One that has gone meanwhile is told by its pid alone. */
		(void)ft_owner_read(&l->owners[l->owners_count++], r->proc,
				    g->holders[i].pid, r->want->wall_offset);
	}
	return 0;
}

/* It is everyone's who holds it, as an event is of every candidate. */
static int is_wanted(const struct reading *r, const struct ft_listed_group *l, bool *ret)
{
	_cleanup_free_ const struct ft_process **all =
		calloc(l->owners_count, sizeof(struct ft_process *));
	struct ft_event ev = {.kind = FT_KIND_EVENT,
			      .certainty = FT_CERTAINTY_AMBIGUOUS,
			      .candidates = all,
			      .candidates_count = l->owners_count};

	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < l->owners_count; i++)
		all[i] = &l->owners[i].process;
	ev.pid = all[0]->pid;
	ev.process = all[0];
	*ret = ft_match_process(r->want->match, &ev);
	return 0;
}

/* ---- which marks ---- */

static bool is_covering(const struct ft_listing_want *want, const struct ft_group_text *g,
			const struct ft_mark *m)
{
	for (size_t i = 0; i < want->covers_count; i++)
		if (ft_covers_mark(&want->covers[i], g, m))
			return true;
	return want->covers_count == 0;
}

/* Who only ignores a file does not watch it. */
static void choose_marks(const struct reading *r, const struct ft_group *g,
			 struct ft_listed_group *l)
{
	bool is_watching = r->want->covers_count == 0;

	for (size_t i = 0; i < g->text.marks_count; i++) {
		const struct ft_mark *m = &g->text.marks[i];

		l->marks[i].is_shown = is_covering(r->want, &g->text, m);
		is_watching |= l->marks[i].is_shown && m->mask != 0;
	}
	l->is_shown = is_watching;
}

/* ---- what was there before ---- */

static bool is_same_holder(const struct ft_group *a, const struct ft_group *b)
{
	for (size_t i = 0; i < a->holders_count; i++)
		for (size_t j = 0; j < b->holders_count; j++)
			if (a->holders[i].pid == b->holders[j].pid &&
			    a->holders[i].fd == b->holders[j].fd &&
			    a->holders[i].start == b->holders[j].start)
				return true;
	return false;
}

static bool is_same_group(const struct ft_group *a, const struct ft_group *b)
{
	return a->text.kind == b->text.kind && a->text.flags == b->text.flags &&
	       a->text.event_f_flags == b->text.event_f_flags && is_same_holder(a, b);
}

/* A mark to look for, in the group that it is of. */
struct mark_key {
	const struct ft_group_text *g;
	const struct ft_mark *m;
};

/* An entry of the table: a mark of the listing before. */
struct mark_entry {
	struct mark_key key;
	struct ft_listed_mark *listed;
};

static uint64_t hash_mark(struct mark_key k)
{
	struct ft_span key = ft_group_key(k.g, k.m);
	uint64_t h = ft_hash_bytes((uint64_t)k.m->type, key.data, key.len);

	h = ft_hash_u64(h, k.m->ino ^ k.m->mntns);
	h = ft_hash_u64(h, (uint64_t)k.m->major << 32 | k.m->minor);
	return ft_hash_u64(h,
			   (uint64_t)(uint32_t)k.m->wd << 32 | (uint32_t)k.m->mount_id);
}

static bool is_same_mark(const void *item, const void *wanted)
{
	const struct mark_entry *e = item;
	const struct mark_key *k = wanted;
	const struct ft_mark *a = e->key.m, *b = k->m;

	return a->type == b->type && a->flags == b->flags && a->mask == b->mask &&
	       a->ignored_mask == b->ignored_mask && a->ino == b->ino &&
	       a->major == b->major && a->minor == b->minor &&
	       a->mount_id == b->mount_id && a->wd == b->wd && a->mntns == b->mntns &&
	       ft_span_equal(ft_group_key(e->key.g, a), ft_group_key(k->g, b));
}

static void take_path(struct ft_listed_mark *to, struct ft_listed_mark *from)
{
	to->is_paired = from->is_paired = true;
	to->is_elsewhere = from->is_elsewhere;
	to->state = from->state;
	to->path = ft_take(from->path);
	to->fs = ft_take(from->fs);
	to->mountpoint = ft_take(from->mountpoint);
}

static int fill_table(struct ft_table *t, struct mark_entry *entries,
		      const struct ft_group_text *g, struct ft_listed_mark *marks)
{
	for (size_t i = 0; i < g->marks_count; i++) {
		entries[i] = (struct mark_entry){{g, &g->marks[i]}, &marks[i]};
		int r = ft_table_add(t, hash_mark(entries[i].key), &entries[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

static int pair_marks(const struct ft_group *g, struct ft_listed_group *l,
		      const struct ft_group *old_group, struct ft_listed_group *old)
{
	_cleanup_(ft_table_fini) struct ft_table t = {0};
	_cleanup_free_ struct mark_entry *entries =
		calloc(old_group->text.marks_count + 1, sizeof(*entries));
	int r;

	if (!entries)
		return -ENOMEM;
	r = fill_table(&t, entries, &old_group->text, old->marks);
	for (size_t i = 0; r == 0 && i < g->text.marks_count; i++) {
		struct mark_key k = {&g->text, &g->text.marks[i]};
		struct mark_entry *e = ft_table_find(&t, hash_mark(k), &k, is_same_mark);

		if (e)
			take_path(&l->marks[i], e->listed);
	}
	return r;
}

static int pair_group(const struct reading *r, const struct ft_group *g,
		      struct ft_listed_group *l)
{
	for (size_t i = 0; r->before && i < r->before->groups.count; i++) {
		struct ft_listed_group *old = &r->before->list[i];

		if (old->pair || !is_same_group(g, &r->before->groups.list[i]))
			continue;
		old->pair = l;
		l->pair = old;
		return pair_marks(g, l, &r->before->groups.list[i], old);
	}
	return 0;
}

/* ---- paths ---- */

static int keep(struct ft_span s, char **ret)
{
	if (s.len == 0)
		return 0;
	*ret = ft_span_dup(s);
	return *ret ? 0 : -ENOMEM;
}

static int place_mark(struct ft_markpaths *paths, const struct ft_group *g, size_t i,
		      struct ft_listed_mark *l)
{
	struct ft_markpath found;
	int r = ft_markpath_find(paths, g, &g->text.marks[i], &found);

	if (r < 0)
		return r;
	l->state = found.state;
	l->is_elsewhere = found.is_elsewhere;
	r = keep(found.path, &l->path);
	if (r == 0 && found.mount)
		r = keep(ft_span_of(found.mount->type), &l->fs);
	if (r == 0 && found.mount && !l->path)
		r = keep(ft_span_of(found.mount->mountpoint), &l->mountpoint);
	return r;
}

/* Those whose path is not known from before. */
static int place_marks(const struct reading *r)
{
	_cleanup_(ft_markpaths_fini) struct ft_markpaths paths;
	struct ft_listing *out = r->out;
	int e = ft_markpaths_init(&paths, r->proc);

	for (size_t i = 0; i < out->groups.count; i++) {
		const struct ft_group *g = &out->groups.list[i];
		struct ft_listed_group *l = &out->list[i];

		for (size_t n = 0; l->is_shown && n < g->text.marks_count; n++) {
			struct ft_listed_mark *m = &l->marks[n];

			if (!m->is_shown)
				continue;
			if (e == 0 && m->state == FT_MARKPATH_KNOWN && !m->path)
				e = place_mark(&paths, g, n, m);
			out->unplaced += m->state == FT_MARKPATH_DENIED;
		}
	}
	return e;
}

static int list_group(const struct reading *r, const struct ft_group *g,
		      struct ft_listed_group *l)
{
	bool wanted = false;
	int e = read_owners(r, g, l);

	l->marks = calloc(g->text.marks_count + 1, sizeof(*l->marks));
	if (!l->marks)
		return -ENOMEM;
	if (e == 0)
		e = is_wanted(r, l, &wanted);
	if (e == 0 && wanted)
		choose_marks(r, g, l);
	return e == 0 ? pair_group(r, g, l) : e;
}

/* They stand first. */
static bool is_any_asked(const struct ft_groups *g)
{
	return g->count > 0 && ft_group_is_asked(&g->list[0].text);
}

static int read_all(struct reading *r)
{
	struct ft_listing *out = r->out;
	int e = ft_groups_read(r->proc, FT_GROUPS_WHOLE, &out->groups);

	if (e < 0)
		return e;
	out->list = calloc(out->groups.count + 1, sizeof(*out->list));
	if (!out->list)
		return -ENOMEM;
	if (is_any_asked(&out->groups))
		e = ft_waiters_read(r->proc, &out->waiters);
	for (size_t i = 0; e == 0 && i < out->groups.count; i++)
		e = list_group(r, &out->groups.list[i], &out->list[i]);
	return e == 0 && !r->want->groups_only ? place_marks(r) : e;
}

/* What it was paired with, when it was the new one, is gone. */
static void forget_pairs(struct ft_listing *l)
{
	for (size_t i = 0; i < l->groups.count; i++) {
		l->list[i].pair = NULL;
		for (size_t n = 0; n < l->groups.list[i].text.marks_count; n++)
			l->list[i].marks[n].is_paired = false;
	}
}

int ft_listing_read(struct ft_listing *ret, const struct ft_listing_want *want,
		    struct ft_listing *before)
{
	_cleanup_close_ int proc = -1;
	struct reading r = {.out = ret, .want = want, .before = before};
	int e = ft_procfs_open(&proc);

	*ret = (struct ft_listing){0};
	if (e < 0)
		return e;
	r.proc = proc;
	if (before)
		forget_pairs(before);
	e = read_all(&r);
	if (e < 0)
		ft_listing_fini(ret);
	return e;
}
