/* SPDX-License-Identifier: MIT */
/* Claims: what was added is found until it is removed, up to the bound, by two threads at
 * once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>

#include "base/hash.h"
#include "guard/claims.h"

static size_t find(struct ft_claims *c, uint64_t ino, unsigned int rules[])
{
	return ft_claims_find(c, &(struct ft_object){1, ino, 7}, rules);
}

static void test_rules_ascend(void **state)
{
	unsigned int rules[FT_POLICY_RULES_MAX];
	const struct ft_object a = {1, 10, 7};
	struct ft_claims *c;

	assert_int_equal(ft_claims_new(&c, 8), 0);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(ft_claims_add(c, &a, (i * 3 + 1) % 4), 0);
	assert_int_equal(ft_claims_add(c, &a, 2), 0);
	assert_int_equal(ft_claims_count(c), 4);
	assert_int_equal(find(c, 10, rules), 4);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(rules[i], i);
	assert_int_equal(find(c, 11, rules), 0);
	ft_claims_remove(c, &a, 2);
	assert_int_equal(find(c, 10, rules), 3);
	assert_int_equal(rules[2], 3);
	ft_claims_remove(c, &a, -1);
	assert_int_equal(find(c, 10, rules), 0);
	assert_int_equal(ft_claims_count(c), 0);
	assert_null(ft_claims_free(c));
}

static void test_births(void **state)
{
	unsigned int rules[FT_POLICY_RULES_MAX];
	struct ft_claims *c;

	assert_int_equal(ft_claims_new(&c, 8), 0);
	assert_int_equal(ft_claims_add(c, &(struct ft_object){1, 10, 7}, 0), 0);
	assert_int_equal(ft_claims_add(c, &(struct ft_object){1, 10, 8}, 0), 0);
	assert_int_equal(ft_claims_add(c, &(struct ft_object){1, 11, 0}, 5), 0);
	assert_int_equal(ft_claims_add(c, &(struct ft_object){0, 12, 0}, 5), -EINVAL);
	assert_int_equal(find(c, 10, rules), 1);
	assert_int_equal(ft_claims_find(c, &(struct ft_object){1, 10, 9}, rules), 0);
	assert_int_equal(ft_claims_find(c, &(struct ft_object){1, 10, 0}, rules), 1);
	assert_int_equal(ft_claims_find(c, &(struct ft_object){2, 10, 7}, rules), 0);
	assert_int_equal(ft_claims_find(c, &(struct ft_object){0, 10, 7}, rules), 0);
	assert_int_equal(find(c, 11, rules), 1);
	ft_claims_free(c);
}

static void test_bound(void **state)
{
	unsigned int rules[FT_POLICY_RULES_MAX];
	struct ft_claims *c;

	assert_int_equal(ft_claims_new(&c, 0), -EINVAL);
	assert_int_equal(ft_claims_new(&c, 100), 0);
	for (uint64_t i = 0; i < 100; i++)
		assert_int_equal(ft_claims_add(c, &(struct ft_object){1, i, 7}, 3), 0);
	assert_int_equal(ft_claims_add(c, &(struct ft_object){1, 100, 7}, 3), -ENOSPC);
	assert_int_equal(ft_claims_add(c, &(struct ft_object){1, 5, 7}, 3), 0);
	for (uint64_t i = 0; i < 100; i++)
		assert_int_equal(find(c, i, rules), 1);
	ft_claims_remove(c, &(struct ft_object){1, 50, 7}, -1);
	assert_int_equal(ft_claims_add(c, &(struct ft_object){1, 100, 7}, 3), 0);
	assert_int_equal(find(c, 100, rules), 1);
	ft_claims_free(c);
}

enum { OBJECTS = 50, RULES = 6 };

/* Random changes, against a plain array of what is there. */
static void test_random(void **state)
{
	bool is_there[OBJECTS][RULES] = {{0}};
	unsigned int rules[FT_POLICY_RULES_MAX];
	uint64_t dice = 5;
	struct ft_claims *c;

	assert_int_equal(ft_claims_new(&c, OBJECTS * RULES), 0);
	for (unsigned int i = 0; i < 100000; i++) {
		unsigned int ino, rule;
		size_t n, at = 0;

		dice = ft_hash_u64(dice, i);
		ino = (unsigned int)(dice >> 10) % OBJECTS;
		rule = (unsigned int)(dice >> 30) % RULES;
		if (dice >> 50 & 1) {
			assert_int_equal(
				ft_claims_add(c, &(struct ft_object){1, ino, 7}, rule),
				0);
			is_there[ino][rule] = true;
		} else {
			ft_claims_remove(c, &(struct ft_object){1, ino, 7}, (int)rule);
			is_there[ino][rule] = false;
		}
		n = find(c, ino, rules);
		for (unsigned int r = 0; r < RULES; r++) {
			if (is_there[ino][r])
				assert_int_equal(rules[at++], r);
		}
		assert_int_equal(n, at);
	}
	ft_claims_free(c);
}

/* Each thread has rules of its own, on the same objects. */
struct worker {
	pthread_t thread;
	struct ft_claims *claims;
	unsigned int rule;
	bool is_right;
};

static bool has(struct ft_claims *c, const struct ft_object *o, unsigned int rule)
{
	unsigned int rules[FT_POLICY_RULES_MAX];
	size_t n = ft_claims_find(c, o, rules);

	for (size_t i = 0; i < n; i++) {
		if (rules[i] == rule)
			return true;
	}
	return false;
}

static void *work(void *data)
{
	struct worker *w = data;

	w->is_right = true;
	for (uint64_t i = 0; i < 100000; i++) {
		const struct ft_object o = {1, i % 64, 7};

		w->is_right &= ft_claims_add(w->claims, &o, w->rule) == 0;
		w->is_right &= has(w->claims, &o, w->rule);
		ft_claims_remove(w->claims, &o, (int)w->rule);
		w->is_right &= !has(w->claims, &o, w->rule);
	}
	return NULL;
}

static void test_threads(void **state)
{
	struct worker workers[2] = {{.rule = 1}, {.rule = 2}};
	struct ft_claims *c;

	assert_int_equal(ft_claims_new(&c, 16), 0);
	for (size_t i = 0; i < 2; i++) {
		workers[i].claims = c;
		assert_int_equal(
			pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
		assert_true(workers[i].is_right);
	}
	assert_int_equal(ft_claims_count(c), 0);
	ft_claims_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules_ascend), cmocka_unit_test(test_births),
		cmocka_unit_test(test_bound),	     cmocka_unit_test(test_random),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
