/* SPDX-License-Identifier: MIT */
/* The moves in a backlog, against a list that is searched from its start. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "event/mask.h"
#include "path/ahead.h"

enum { DIRS = 40, MOVES = 3000 };

/* What the spans of the backlog point into. */
struct backlog {
	char keys[DIRS][24];
	char names[MOVES][8];
	struct ft_record records[MOVES];
	uint64_t behind[MOVES]; /* how many were behind when it was told */
};

static struct ft_span key_of(struct backlog *b, unsigned int dir)
{
	snprintf(b->keys[dir], sizeof(b->keys[dir]), "filesystem-of-%06u", dir);
	return ft_span_of(b->keys[dir]);
}

static struct backlog *make_backlog(uint64_t *random)
{
	struct backlog *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	for (unsigned int i = 0; i < MOVES; i++) {
		struct ft_record *r = &b->records[i];

		*random = ft_hash_u64(*random, i);
		r->object = key_of(b, (unsigned int)(*random >> 20) % DIRS);
		snprintf(b->names[i], sizeof(b->names[i]), "n%u", i);
		r->place =
			(struct ft_place){key_of(b, (unsigned int)(*random >> 30) % DIRS),
					  ft_span_of(b->names[i])};
		r->mask = FT_EV_DELETE | FT_EV_ONDIR;
		if ((*random >> 40) % 3 == 0)
			continue;
		r->mask = FT_EV_RENAME | FT_EV_ONDIR;
		r->old_place = r->place;
		r->old_place.name = ft_span_of(i > 0 ? b->names[i - 1] : "first");
	}
	return b;
}

static bool is_place(const struct ft_place *a, const struct ft_place *b)
{
	return ft_span_equal(a->dir, b->dir) && ft_span_equal(a->name, b->name);
}

/* Where a move comes from and goes to, by the record alone. */
static void check_move(const struct ft_move *m, const struct ft_record *r,
		       uint64_t position)
{
	assert_int_equal(m->position, position);
	assert_true(ft_span_equal(m->key, r->object));
	if (r->mask & FT_EV_RENAME) {
		assert_true(is_place(&m->from, &r->old_place));
		assert_true(is_place(&m->to, &r->place));
	} else {
		assert_true(is_place(&m->from, &r->place));
		assert_int_equal(m->to.dir.len, 0);
	}
}

/* Of every directory: its first record in [at, told), and how many renames there are. */
static void check_all(const struct ft_ahead *a, struct backlog *b, uint64_t at,
		      uint64_t told)
{
	for (unsigned int dir = 0; dir < DIRS; dir++) {
		struct ft_span key = key_of(b, dir);
		const struct ft_move *m = ft_ahead_find(a, key);
		unsigned int renames = 0;
		bool first = true;

		for (uint64_t i = at; i < told; i++) {
			if (!ft_span_equal(b->records[i].object, key))
				continue;
			if (first) {
				assert_non_null(m);
				check_move(m, &b->records[i], i);
			}
			first = false;
			renames += (b->records[i].mask & FT_EV_RENAME) != 0;
		}
		if (first)
			assert_null(m);
		assert_int_equal(ft_ahead_count_renames(a, key), renames);
	}
}

/* The move before it of the same directory, also when that one is behind now; but it was
 * ahead when this one was told: a rename that has been read cannot swallow another. */
static const struct ft_record *record_before(const struct backlog *b, uint64_t at)
{
	for (uint64_t i = at; i > b->behind[at]; i--)
		if (ft_span_equal(b->records[i - 1].object, b->records[at].object))
			return &b->records[i - 1];
	return NULL;
}

static void check_pass(struct ft_ahead *a, const struct backlog *b, uint64_t at)
{
	const struct ft_record *r = &b->records[at], *before = record_before(b, at);
	const struct ft_move *m;

	assert_null(ft_ahead_pass(a, r->object, at + MOVES));
	m = ft_ahead_pass(a, r->object, at);
	assert_non_null(m);
	check_move(m, r, at);
	if (before)
		check_move(m->previous, before, (uint64_t)(before - b->records));
	else
		assert_null(m->previous);
	assert_null(ft_ahead_pass(a, r->object, at));
}

static void run(uint64_t seed)
{
	_cleanup_(ft_ahead_fini) struct ft_ahead a = {0};
	uint64_t random = seed, told = 0, at = 0;
	_cleanup_free_ struct backlog *b = make_backlog(&random);

	while (at < MOVES) {
		random = ft_hash_u64(random, 1);
		if (told < MOVES && (told == at || (random >> 20) % 2 == 0)) {
			for (unsigned int n = (unsigned int)(random >> 24) % 80;
			     n > 0 && told < MOVES; n--, told++) {
				b->behind[told] = at;
				assert_int_equal(
					ft_ahead_add(&a, &b->records[told], told), 0);
			}
		} else {
			for (unsigned int n = (unsigned int)(random >> 24) % 60;
			     n > 0 && at < told; n--)
				check_pass(&a, b, at++);
		}
		if (random >> 32 & 1)
			check_all(&a, b, at, told);
	}
	check_all(&a, b, at, told);
	assert_int_equal(a.table.count, 0);
}

static void test_random(void **state)
{
	for (uint64_t seed = 1; seed <= 4; seed++)
		run(seed);
}

static void test_empty(void **state)
{
	_cleanup_(ft_ahead_fini) struct ft_ahead a = {0};

	assert_null(ft_ahead_find(&a, FT_SPAN("key")));
	assert_null(ft_ahead_pass(&a, FT_SPAN("key"), 0));
	assert_int_equal(ft_ahead_count_renames(&a, FT_SPAN("key")), 0);
	ft_ahead_clear(&a);
}

/* A new backlog knows nothing of the one before. */
static void test_clear(void **state)
{
	_cleanup_(ft_ahead_fini) struct ft_ahead a = {0};
	uint64_t random = 9;
	_cleanup_free_ struct backlog *b = make_backlog(&random);

	for (int round = 0; round < 3; round++) {
		check_all(&a, b, 0, 0);
		for (uint64_t i = 0; i < 600; i++)
			assert_int_equal(ft_ahead_add(&a, &b->records[i], i), 0);
		check_all(&a, b, 0, 600);
		ft_ahead_clear(&a);
	}
	check_all(&a, b, 0, 0);
}

/* A rename of which one place alone was told: the other one is not that. */
static void test_half_told(void **state)
{
	_cleanup_(ft_ahead_fini) struct ft_ahead a = {0};
	const struct ft_place place = {FT_SPAN("filesystem-of-parent"), FT_SPAN("name")};
	struct ft_record in = {.mask = FT_EV_RENAME | FT_EV_ONDIR,
			       .object = FT_SPAN("filesystem-of-in"),
			       .place = place};
	struct ft_record out = {.mask = FT_EV_RENAME | FT_EV_ONDIR,
				.object = FT_SPAN("filesystem-of-out"),
				.old_place = place};
	const struct ft_move *m;

	(void)state;
	assert_int_equal(ft_ahead_add(&a, &in, 0), 0);
	assert_int_equal(ft_ahead_add(&a, &out, 1), 0);
	m = ft_ahead_find(&a, in.object);
	assert_non_null(m);
	assert_int_equal(m->from.dir.len, 0);
	assert_true(is_place(&m->to, &place));
	m = ft_ahead_find(&a, out.object);
	assert_non_null(m);
	assert_true(is_place(&m->from, &place));
	assert_int_equal(m->to.dir.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_clear),
		cmocka_unit_test(test_half_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
