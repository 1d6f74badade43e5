/* SPDX-License-Identifier: MIT */
/* Verdicts kept: found while nothing changed, forgotten when there is no room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "event/mask.h"
#include "guard/verdicts.h"

enum { CTIME = 1000, LATER = 1000000000 };

static const struct ft_verdict_stamp stamp = {CTIME, 1, 1};

static struct ft_verdict_key key_of(uint64_t ino)
{
	return (struct ft_verdict_key){{1, ino, 7}, FT_EV_OPEN_PERM, 3};
}

static void put(struct ft_verdicts *v, uint64_t ino, int rule)
{
	const struct ft_verdict_key key = key_of(ino);
	const struct ft_verdict_kept kept = {{FT_RULE_SCAN, rule, 5}, FT_SCAN_INFECTED};

	ft_verdicts_put(v, &key, &stamp, &kept, LATER);
}

static bool has(struct ft_verdicts *v, uint64_t ino, int rule)
{
	const struct ft_verdict_key key = key_of(ino);
	struct ft_verdict_kept kept;

	if (!ft_verdicts_find(v, &key, &stamp, &kept))
		return false;
	assert_int_equal(kept.outcome.rule, rule);
	assert_int_equal(kept.outcome.verdict, FT_RULE_SCAN);
	assert_int_equal(kept.outcome.depends, 5);
	assert_int_equal(kept.result, FT_SCAN_INFECTED);
	return true;
}

static void test_keys_and_stamps(void **state)
{
	const struct ft_verdict_key right = key_of(10),
				    wrong_keys[] = {
					    {{2, 10, 7}, FT_EV_OPEN_PERM, 3},
					    {{1, 11, 7}, FT_EV_OPEN_PERM, 3},
					    {{1, 10, 8}, FT_EV_OPEN_PERM, 3},
					    {{1, 10, 0}, FT_EV_OPEN_PERM, 3},
					    {{1, 10, 7}, FT_EV_OPEN_EXEC_PERM, 3},
					    {{1, 10, 7}, FT_EV_OPEN_PERM, 4},
					    {{1, 10, 7}, FT_EV_OPEN_PERM, 0},
					    {{0, 10, 7}, FT_EV_OPEN_PERM, 3},
				    };
	const struct ft_verdict_stamp wrong_stamps[] = {
		{CTIME + 1, 1, 1}, {CTIME - 1, 1, 1}, {CTIME, 2, 1}, {CTIME, 1, 2}};
	struct ft_verdict_kept kept;
	struct ft_verdicts *v;

	assert_int_equal(ft_verdicts_new(&v, 64), 0);
	assert_false(has(v, 10, 2));
	put(v, 10, 2);
	assert_true(has(v, 10, 2));
	for (size_t i = 0; i < sizeof(wrong_keys) / sizeof(wrong_keys[0]); i++)
		assert_false(ft_verdicts_find(v, &wrong_keys[i], &stamp, &kept));
	for (size_t i = 0; i < sizeof(wrong_stamps) / sizeof(wrong_stamps[0]); i++)
		assert_false(ft_verdicts_find(v, &right, &wrong_stamps[i], &kept));
	put(v, 10, 4);
	assert_true(has(v, 10, 4));
	assert_null(ft_verdicts_free(v));
}

/* What may change again within the same ctime is not kept. */
static void test_unsettled(void **state)
{
	const struct ft_verdict_key key = key_of(10);
	const struct ft_verdict_stamp now = {LATER, 1, 1};
	const struct ft_verdict_kept kept = {{FT_RULE_ALLOW, 0, 0}, FT_SCAN_CLEAN};
	struct ft_verdict_kept found;
	struct ft_verdicts *v;

	assert_int_equal(ft_verdicts_new(&v, 64), 0);
	ft_verdicts_put(v, &key, &now, &kept, LATER);
	assert_false(ft_verdicts_find(v, &key, &now, &found));
	ft_verdicts_put(v, &key, &now, &kept, LATER - 5000000000);
	assert_false(ft_verdicts_find(v, &key, &now, &found));
	ft_verdicts_put(v, &key, &now, &kept, (int64_t)LATER + 25000000);
	assert_true(ft_verdicts_find(v, &key, &now, &found));
	ft_verdicts_free(v);
}

/* One that is used again and again stays, however many others come. */
static void test_room(void **state)
{
	struct ft_verdicts *v;
	unsigned int found = 0;

	assert_int_equal(ft_verdicts_new(&v, 0), -EINVAL);
	assert_int_equal(ft_verdicts_new(&v, 256), 0);
	put(v, 0, 0);
	for (int i = 1; i < 10000; i++) {
		put(v, (uint64_t)i, i);
		assert_true(has(v, (uint64_t)i, i));
		assert_true(has(v, 0, 0));
	}
	for (int i = 1; i < 10000; i++)
		found += has(v, (uint64_t)i, i);
	assert_true(found >= 200 && found < 256);
	ft_verdicts_free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_and_stamps),
		cmocka_unit_test(test_unsettled),
		cmocka_unit_test(test_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
