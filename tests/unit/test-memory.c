/* SPDX-License-Identifier: MIT */
/* What is remembered of objects: the last place or nothing, never another object's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "path/memory.h"

enum { OBJECTS = 3 * FT_MEMORY_SLOTS, ROUNDS = 60000 };

struct known {
	unsigned int dir; /* 0: never put */
	unsigned int name;
	bool removed;
};

static struct ft_span text(char *out, const char *prefix, unsigned int n)
{
	int len = snprintf(out, 32, "%s%08u", prefix, n);

	return (struct ft_span){out, (size_t)len};
}

static void put(struct ft_memory *m, unsigned int object, const struct known *k,
		bool removed)
{
	char key[32], dir[32], name[32];
	struct ft_place p = {text(dir, "directory-", k->dir),
			     text(name, "name-", k->name)};

	ft_memory_put(m, text(key, "object-of-fs-", object), &p, removed);
	/* It keeps its own copy. */
	memset(key, '?', sizeof(key));
	memset(dir, '?', sizeof(dir));
	memset(name, '?', sizeof(name));
}

static bool check(const struct ft_memory *m, unsigned int object, const struct known *k)
{
	char key[32], dir[32], name[32];
	struct ft_place p;

	if (!ft_memory_get(m, text(key, "object-of-fs-", object), &p)) {
		assert_false(ft_memory_was_removed(m, ft_span_of(key)));
		return false;
	}
	assert_true(k->dir > 0);
	assert_true(ft_span_equal(p.dir, text(dir, "directory-", k->dir)));
	assert_true(ft_span_equal(p.name, text(name, "name-", k->name)));
	/* What was before it lost its slot to another is not known any more. */
	if (ft_memory_was_removed(m, ft_span_of(key)))
		assert_true(k->removed);
	return true;
}

static void test_random(void **state)
{
	_cleanup_(ft_memory_fini) struct ft_memory m = {0};
	_cleanup_free_ struct known *known = calloc(OBJECTS, sizeof(*known));
	unsigned int kept = 0;
	uint64_t random = 1;

	assert_non_null(known);
	assert_int_equal(ft_memory_init(&m), 0);
	for (unsigned int i = 1; i <= ROUNDS; i++) {
		unsigned int object;

		random = ft_hash_u64(random, i);
		object = (unsigned int)(random >> 20) % OBJECTS;
		check(&m, object, &known[object]);
		known[object].dir = i;
		known[object].name = i * 7;
		known[object].removed = known[object].removed || (random >> 50) % 4 == 0;
		put(&m, object, &known[object], known[object].removed);
		assert_true(check(&m, object, &known[object]));
	}
	for (unsigned int object = 0; object < OBJECTS; object++)
		kept += check(&m, object, &known[object]);
	/* Nearly every slot holds one. */
	assert_true(kept > FT_MEMORY_SLOTS * 9 / 10);
	assert_true(kept <= FT_MEMORY_SLOTS);
}

static void test_removed(void **state)
{
	_cleanup_(ft_memory_fini) struct ft_memory m = {0};
	struct ft_place p = {FT_SPAN("directory"), FT_SPAN("name")};

	assert_int_equal(ft_memory_init(&m), 0);
	ft_memory_put(&m, FT_SPAN("key"), &p, false);
	assert_false(ft_memory_was_removed(&m, FT_SPAN("key")));
	ft_memory_put(&m, FT_SPAN("key"), &p, true);
	assert_true(ft_memory_was_removed(&m, FT_SPAN("key")));
	/* Another name of it does not bring that one back. */
	ft_memory_put(&m, FT_SPAN("key"), &p, false);
	assert_true(ft_memory_was_removed(&m, FT_SPAN("key")));
}

/* The longest that a record can tell; what is longer, or nothing, is not kept. */
static void test_bounds(void **state)
{
	_cleanup_(ft_memory_fini) struct ft_memory m = {0};
	char bytes[512];
	struct ft_span key = {bytes, FT_KEY_MAX};
	struct ft_place got, p = {{bytes + 100, FT_KEY_MAX}, {bytes + 244, 255}};

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 7 + 1);
	assert_int_equal(ft_memory_init(&m), 0);
	ft_memory_put(&m, key, &p, false);
	assert_true(ft_memory_get(&m, key, &got));
	assert_true(ft_span_equal(got.dir, p.dir));
	assert_true(ft_span_equal(got.name, p.name));
	ft_memory_put(&m, (struct ft_span){bytes, FT_KEY_MAX + 1}, &p, false);
	assert_false(ft_memory_get(&m, (struct ft_span){bytes, FT_KEY_MAX + 1}, &got));
	ft_memory_put(&m, (struct ft_span){bytes, 0}, &p, false);
	assert_false(ft_memory_get(&m, (struct ft_span){bytes, 0}, &got));
	p.name.len = 256;
	ft_memory_put(&m, (struct ft_span){bytes + 1, 8}, &p, false);
	assert_false(ft_memory_get(&m, (struct ft_span){bytes + 1, 8}, &got));
}

/* A session that could not have one does without. */
static void test_none(void **state)
{
	struct ft_memory m = {0};
	struct ft_place p = {FT_SPAN("directory"), FT_SPAN("name")};

	ft_memory_put(&m, FT_SPAN("key"), &p, true);
	assert_false(ft_memory_get(&m, FT_SPAN("key"), &p));
	assert_false(ft_memory_was_removed(&m, FT_SPAN("key")));
	ft_memory_fini(&m);
}

/* Moved to a place that nobody tells: the old name is not one of it any more. */
static void test_moved_away(void **state)
{
	_cleanup_(ft_memory_fini) struct ft_memory m = {0};
	struct ft_place p = {FT_SPAN("directory"), FT_SPAN("name")};
	const struct ft_place none = {0};

	(void)state;
	assert_int_equal(ft_memory_init(&m), 0);
	ft_memory_put(&m, FT_SPAN("object-of-fs"), &p, false);
	assert_true(ft_memory_get(&m, FT_SPAN("object-of-fs"), &p));
	ft_memory_put(&m, FT_SPAN("object-of-fs"), &none, false);
	assert_false(ft_memory_get(&m, FT_SPAN("object-of-fs"), &p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),	   cmocka_unit_test(test_removed),
		cmocka_unit_test(test_bounds),	   cmocka_unit_test(test_none),
		cmocka_unit_test(test_moved_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
