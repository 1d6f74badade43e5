/* SPDX-License-Identifier: MIT */
/* The resolver against a simulated kernel, whose late or prompt reader it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "kernel-steps.h"
#include "path/resolve.h"

enum {
	MOUNTED_LEN = 2, /* "/m" */
	SEEDS = 300,
	STEPS = 150,
	STEPS_BEFORE = 40,
};

struct profile {
	bool late;	    /* everything is read after everything happened */
	bool known;	    /* the directories of before the start are placed */
	unsigned int names; /* 0: none is used twice but over, or in exchange */
	bool calm;	    /* not even then */
	size_t window;
	unsigned int pids;
};

struct counts {
	uint64_t all;
	uint64_t objects; /* of these, those that carry the object's handle alone */
	uint64_t by_source[FT_PATH_EVENT + 1];
	uint64_t vague_places; /* those with a place that are neither event nor first */
};

struct world {
	struct model model;
	struct ft_view view;
	struct ft_resolver resolver;
	const struct profile *profile;
	struct counts *counts;
	uint64_t seed;
	size_t at; /* the record at hand */
	int steps; /* what is still to happen */
};

static struct ft_span key_of(const struct world *w, int object)
{
	return object < 0 ? (struct ft_span){0}
			  : (struct ft_span){w->model.objects[object].key, MODEL_KEY};
}

static struct ft_place place_of(const struct world *w, const struct model_place *p)
{
	if (p->dir < 0)
		return (struct ft_place){0};
	return (struct ft_place){key_of(w, p->dir), ft_span_of(p->name)};
}

static void decode(const struct world *w, size_t at, struct ft_record *ret)
{
	const struct model_record *r = &w->model.queue[at];

	*ret = (struct ft_record){.mask = r->mask,
				  .fd = FT_NOFD,
				  .pid = r->pid,
				  .pidfd = FT_NOFD,
				  .object = key_of(w, r->object),
				  .place = place_of(w, &r->place),
				  .old_place = place_of(w, &r->old_place)};
}

static void read_queue(struct world *w)
{
	struct ft_record rec;

	for (; w->model.read < w->model.made; w->model.read++) {
		decode(w, w->model.read, &rec);
		if (ft_resolver_wants(rec.mask))
			ft_resolver_scan(&w->resolver, &rec, w->model.read);
	}
}

static void happen(struct world *w, int steps)
{
	for (; steps > 0 && w->steps > 0; steps--, w->steps--)
		model_step(&w->model);
}

/* While the resolver asks, the world goes on. */
static int host_drain(void *data)
{
	struct world *w = data;

	if (!w->profile->late)
		happen(w, (int)model_random(&w->model, 4));
	read_queue(w);
	return 0;
}

static bool host_peek(void *data, unsigned int n, struct ft_record *ret)
{
	struct world *w = data;

	if (w->at + 1 + n >= w->model.read)
		return false;
	decode(w, w->at + 1 + n, ret);
	return true;
}

/* No directory can be opened: all that the resolver has is what the queue says. */
static void set_up(struct world *w)
{
	static const char mounts[] = "20 1 8:1 / /m rw - ext4 /dev/sda1 rw\n";
	struct ft_resolve_host host = {host_drain, host_peek, w};
	struct ft_filesystem fs = {.fsid = MODEL_FSID, .mount_fd = -1};
	struct ft_mounts table;

	assert_int_equal(ft_view_init(&w->view), 0);
	assert_int_equal(ft_mounts_parse(&table, FT_SPAN(mounts)), 0);
	ft_view_take_mounts(&w->view, &table);
	w->view.targets = calloc(1, sizeof(*w->view.targets));
	assert_non_null(w->view.targets);
	w->view.targets_count = 1;
	w->view.targets[0] = (struct ft_target){.scope = FT_SCOPE_TREE,
						.path = strdup("/m"),
						.dev = strdup("8:1"),
						.mount_id = 20,
						.is_dir = true};
	assert_int_equal(ft_resolver_init(&w->resolver, &w->view, &host), 0);
	fs.dev = strdup("8:1");
	fs.type = strdup("ext4");
	assert_int_equal(ft_resolver_add_filesystem(&w->resolver, &fs,
						    key_of(w, MODEL_ROOT), FT_SPAN("")),
			 0);
}

/* Those that are gone, too: files in them may still be open. */
static void place_known(struct world *w)
{
	struct ft_dirtree *t = &w->resolver.tree;

	for (int i = 1; i < w->model.objects_count; i++) {
		const struct model_object *o = &w->model.objects[i];

		if (o->dir)
			assert_int_equal(
				ft_dirtree_place(t, ft_dirtree_get(t, key_of(w, i)),
						 ft_dirtree_get(t, key_of(w, o->parent)),
						 ft_span_of(o->name)),
				0);
	}
}

static bool is_path(struct ft_span told, const char *inner)
{
	size_t len = strlen(inner);

	if (strcmp(inner, "/") == 0)
		return ft_span_equal(told, FT_SPAN("/m"));
	return told.len == MOUNTED_LEN + len &&
	       memcmp(told.data, "/m", MOUNTED_LEN) == 0 &&
	       memcmp(told.data + MOUNTED_LEN, inner, len) == 0;
}

static void check(struct world *w, const struct model_record *truth,
		  const struct ft_resolved *res)
{
	struct counts *c = w->counts;
	bool right = false;

	c->all++;
	c->objects += truth->place.dir < 0;
	c->by_source[res->source]++;
	if (res->source < FT_PATH_FIRST) {
		c->vague_places += truth->place.dir >= 0;
		return;
	}
	assert_true(res->inside);
	for (int i = 0; i < truth->paths && !right; i++)
		right = is_path(res->path, truth->path[i]);
	if (!right)
		fail_msg("seed %llu, record %zu of %zu, mask %llx, object %d: told %.*s "
			 "(%s), was %s",
			 (unsigned long long)w->seed, w->at, w->model.made,
			 (unsigned long long)truth->mask, truth->object,
			 (int)res->path.len, res->path.data,
			 ft_path_source_name(res->source), truth->path[0]);
	if (truth->old_place.dir >= 0 && !is_path(res->old_path, truth->old_path))
		fail_msg("seed %llu, record %zu: told old %.*s, was %s",
			 (unsigned long long)w->seed, w->at, (int)res->old_path.len,
			 res->old_path.data, truth->old_path);
}

static void resolve_all(struct world *w)
{
	struct ft_resolved res;
	struct ft_record rec;

	for (; w->at < w->model.read; w->at++) {
		decode(w, w->at, &rec);
		ft_resolver_resolve(&w->resolver, &rec, w->at, &res);
		check(w, &w->model.queue[w->at], &res);
	}
	ft_resolver_end(&w->resolver);
}

static void run(const struct profile *p, uint64_t seed, struct counts *counts)
{
	/* Too large for a stack. */
	_cleanup_free_ struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->profile = p;
	w->counts = counts;
	w->seed = seed;
	model_init(&w->model, seed);
	w->model.name_pool = p->names;
	w->model.is_calm = p->calm;
	w->model.pids = p->pids;
	w->model.window = p->window;
	for (int i = 0; i < STEPS_BEFORE; i++)
		model_step(&w->model);
	w->model.made = 0;
	set_up(w);
	if (p->known)
		place_known(w);
	w->steps = STEPS;
	while (w->steps > 0) {
		happen(w, p->late ? w->steps : 1 + (int)model_random(&w->model, 12));
		read_queue(w);
		resolve_all(w);
	}
	ft_resolver_fini(&w->resolver);
	ft_view_fini(&w->view);
}

static void run_many(const struct profile *p, struct counts *counts)
{
	*counts = (struct counts){0};
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		run(p, seed, counts);
	/* Every kind of record was there. */
	assert_true(counts->all > SEEDS * STEPS / 2);
	assert_true(counts->objects > counts->all / 20);
	assert_true(counts->by_source[FT_PATH_EVENT] > 0);
}

/* Without a name that comes back, the queue says everything, however late. */
static void test_calm(void **state)
{
	static const struct profile profiles[] = {
		{.late = true, .known = true, .calm = true, .window = 128, .pids = 3},
		{.late = true,
		 .known = true,
		 .calm = true,
		 .window = SIZE_MAX,
		 .pids = 1},
		{.known = true, .calm = true, .window = 128, .pids = 3},
	};
	struct counts c;

	for (size_t i = 0; i < FT_ARRAY_SIZE(profiles); i++) {
		run_many(&profiles[i], &c);
		assert_int_equal(c.vague_places, 0);
		if (profiles[i].late)
			assert_true(c.by_source[FT_PATH_FIRST] > 0);
	}
}

/*
 * Directories that change places and back leave the resolver in doubt until the queue is
 * empty, for an equal rename is swallowed. Such an exchange is one operation in 16 here,
 * its undoing needs the same pair of 40 or so entries.
 */
static void test_known(void **state)
{
	static const struct profile profiles[] = {
		{.late = true, .known = true, .window = 128, .pids = 3},
		{.late = true, .known = true, .window = SIZE_MAX, .pids = 1},
		{.known = true, .window = 128, .pids = 3},
	};
	struct counts c;

	for (size_t i = 0; i < FT_ARRAY_SIZE(profiles); i++) {
		run_many(&profiles[i], &c);
		assert_true(c.vague_places * 100 < c.all);
	}
}

/* Two or three names for all: everything is renamed to and fro, and much of it is
 * swallowed. What is said is still right. */
static void test_few_names(void **state)
{
	static const struct profile profiles[] = {
		{.late = true, .known = true, .names = 3, .window = 128, .pids = 3},
		{.late = true, .known = true, .names = 3, .window = 16, .pids = 2},
		{.late = true, .known = true, .names = 2, .window = SIZE_MAX, .pids = 1},
		{.known = true, .names = 3, .window = 128, .pids = 3},
	};
	struct counts c;

	for (size_t i = 0; i < FT_ARRAY_SIZE(profiles); i++) {
		run_many(&profiles[i], &c);
		assert_true(c.vague_places * 8 < c.all);
		if (profiles[i].late)
			assert_true(c.vague_places > 0);
	}
}

/* Directories of before the start that nobody could open: only those that the queue names
 * later can be told. */
static void test_unknown(void **state)
{
	static const struct profile profiles[] = {
		{.late = true, .window = 128, .pids = 3},
		{.late = true, .names = 3, .window = 128, .pids = 3},
		{.window = 128, .pids = 3},
		{.late = true, .calm = true, .window = SIZE_MAX, .pids = 2},
	};
	struct counts c;

	for (size_t i = 0; i < FT_ARRAY_SIZE(profiles); i++) {
		run_many(&profiles[i], &c);
		assert_true(c.vague_places > 0);
		assert_true((c.by_source[FT_PATH_EVENT] + c.by_source[FT_PATH_FIRST]) *
				    4 >
			    c.all);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calm),
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_few_names),
		cmocka_unit_test(test_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
