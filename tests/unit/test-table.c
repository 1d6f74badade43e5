/* SPDX-License-Identifier: MIT */
/* The hash table against an array, with good hashes and with the worst. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "base/table.h"

enum { KEYS = 512, ROUNDS = 40000 };

struct item {
	uint32_t key;
	bool in;
	unsigned int seen;
};

typedef uint64_t (*hash_fn)(uint32_t key);

static uint64_t hash_good(uint32_t key)
{
	return ft_hash_u64(0, key);
}

static uint64_t hash_same(uint32_t key)
{
	return 5;
}

/* All runs begin in the last slots, whatever the size: they go around the end. */
static uint64_t hash_around(uint32_t key)
{
	return UINT64_MAX - key % 4;
}

/* Neighbours with a few slots in common: runs of several hashes, woven into each other.
 */
static uint64_t hash_near(uint32_t key)
{
	return key / 3;
}

static bool key_equal(const void *item, const void *key)
{
	return ((const struct item *)item)->key == *(const uint32_t *)key;
}

static void check_whole(struct ft_table *t, struct item *items, hash_fn hash)
{
	struct item *item;
	size_t pos = 0, count = 0;

	for (uint32_t key = 0; key < KEYS; key++) {
		item = ft_table_find(t, hash(key), &key, key_equal);
		assert_ptr_equal(item, items[key].in ? &items[key] : NULL);
		items[key].seen = 0;
		count += items[key].in;
	}
	assert_int_equal(t->count, count);
	while ((item = ft_table_next(t, &pos)))
		item->seen++;
	for (uint32_t key = 0; key < KEYS; key++)
		assert_int_equal(items[key].seen, items[key].in ? 1 : 0);
	assert_null(ft_table_next(t, &pos));
	if (t->slots)
		assert_true(t->count * 8 <= (t->mask + 1) * 7);
}

/* Phases in which the table fills and empties, so that it is seen at every load. */
static void run_random(hash_fn hash)
{
	_cleanup_(ft_table_fini) struct ft_table t = {0};
	struct item items[KEYS] = {0};
	uint64_t random = 1;

	for (uint32_t key = 0; key < KEYS; key++)
		items[key].key = key;
	check_whole(&t, items, hash);
	for (int i = 0; i < ROUNDS; i++) {
		random = ft_hash_u64(random, i);
		struct item *item = &items[random % KEYS];
		unsigned int add_of_8 = i / 2000 % 2 ? 2 : 6;
		bool add = (random >> 32) % 8 < add_of_8;

		if (add && !item->in) {
			assert_int_equal(ft_table_add(&t, hash(item->key), item), 0);
			item->in = true;
		} else if (!add) {
			assert_int_equal(ft_table_remove(&t, hash(item->key), item),
					 item->in);
			item->in = false;
		}
		if (i % 97 == 0)
			check_whole(&t, items, hash);
	}
	for (uint32_t key = 0; key < KEYS; key++) {
		ft_table_remove(&t, hash(key), &items[key]);
		items[key].in = false;
	}
	check_whole(&t, items, hash);
}

static void test_random_good(void **state)
{
	run_random(hash_good);
}

static void test_random_same(void **state)
{
	run_random(hash_same);
}

static void test_random_around(void **state)
{
	run_random(hash_around);
}

static void test_random_near(void **state)
{
	run_random(hash_near);
}

static void test_empty(void **state)
{
	struct ft_table t = {0};
	uint32_t key = 1;
	size_t pos = 0;

	assert_null(ft_table_find(&t, 1, &key, key_equal));
	assert_false(ft_table_remove(&t, 1, &key));
	assert_null(ft_table_next(&t, &pos));
	ft_table_fini(&t);
	ft_table_fini(&t);
}

/* By pointer: an equal key of another item is not touched. */
static void test_removes_the_very_item(void **state)
{
	_cleanup_(ft_table_fini) struct ft_table t = {0};
	struct item one = {.key = 1}, twin = {.key = 1};

	assert_int_equal(ft_table_add(&t, 7, &one), 0);
	assert_false(ft_table_remove(&t, 7, &twin));
	assert_ptr_equal(ft_table_find(&t, 7, &one.key, key_equal), &one);
	assert_true(ft_table_remove(&t, 7, &one));
	assert_null(ft_table_find(&t, 7, &one.key, key_equal));
	assert_int_equal(t.count, 0);
}

/* The whole hash is compared before the caller is asked: 1 and 1 + 2^32 share a slot. */
static bool never_equal(const void *item, const void *key)
{
	fail();
	return false;
}

static void test_compares_hash_first(void **state)
{
	_cleanup_(ft_table_fini) struct ft_table t = {0};
	struct item one = {.key = 1};

	assert_int_equal(ft_table_add(&t, 1, &one), 0);
	assert_null(ft_table_find(&t, 1 + (UINT64_C(1) << 32), &one.key, never_equal));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_good),
		cmocka_unit_test(test_random_same),
		cmocka_unit_test(test_random_around),
		cmocka_unit_test(test_random_near),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_removes_the_very_item),
		cmocka_unit_test(test_compares_hash_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
