/* SPDX-License-Identifier: MIT */
/* The index of globs and literal paths against every pattern tried one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "guard/pathindex.h"
#include "naive-glob.h"

enum { ROUNDS = 400, PATTERNS = 100, PATHS = 200, LONGEST = 14 };

static unsigned int throw(uint64_t * dice, unsigned int n)
{
	*dice = ft_hash_u64(*dice, 1);
	return (unsigned int)(*dice >> 16) % n;
}

static void make_text(uint64_t *dice, const char *alphabet, char ret[LONGEST + 2])
{
	size_t len = 1 + throw(dice, LONGEST);

	ret[0] = '/';
	for (size_t i = 1; i < len; i++)
		ret[i] = alphabet[throw(dice, (unsigned int)strlen(alphabet))];
	ret[len] = '\0';
}

static bool has_wildcard(const char *value)
{
	for (; *value; value++) {
		if (strchr("*?[", *value))
			return true;
		value += *value == '\\';
	}
	return false;
}

/* False: it was refused, as it should be. */
static bool add(struct ft_pathindex *x, unsigned int rule, const char *pattern)
{
	_cleanup_free_ char *literal = NULL;
	const char *error = NULL;
	struct naive_parts parts;
	enum naive_result expected = naive_check(pattern, &parts);
	int r = ft_pathindex_add(x, rule, pattern, &literal, &error);

	if (expected == NAIVE_REFUSED) {
		assert_int_equal(r, -EINVAL);
		assert_non_null(error);
		return false;
	}
	assert_int_equal(r, has_wildcard(pattern) ? 0 : 1);
	if (r == 1)
		assert_int_equal(naive_glob(pattern, literal, strlen(literal), "/"),
				 NAIVE_YES);
	return true;
}

static void check_path(const struct ft_pathindex *x, char patterns[][LONGEST + 2],
		       unsigned int count, const char *path, unsigned long *matches)
{
	struct ft_pathhits hits = {0};

	ft_pathindex_match(x, ft_span_of(path), &hits);
	for (unsigned int i = 0; i < count; i++) {
		enum naive_result expected =
			naive_glob(patterns[i], path, strlen(path), "/");
		bool literal = ft_rulebits_has(&hits.literals, i);
		bool glob = ft_rulebits_has(&hits.globs, i);

		if (expected == NAIVE_GAVE_UP)
			continue;
		if ((literal || glob) != (expected == NAIVE_YES))
			fail_msg("%s on %s is not %d", patterns[i], path, expected);
		if (literal || glob)
			assert_int_equal(glob, has_wildcard(patterns[i]));
		*matches += literal || glob;
	}
}

static void run(uint64_t dice)
{
	unsigned long matches = 0;

	print_message("seed %llu\n", (unsigned long long)dice);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		struct ft_pathindex x = {0};
		char patterns[PATTERNS][LONGEST + 2], path[LONGEST + 2];
		unsigned int count = 0;

		for (unsigned int i = 0; i < PATTERNS; i++) {
			make_text(&dice, "//aaab*?[]\\.", patterns[count]);
			count += add(&x, count, patterns[count]);
		}
		for (unsigned int i = 0; i < PATHS; i++) {
			make_text(&dice, "/aaab[.", path);
			check_path(&x, patterns, count, path, &matches);
		}
		check_path(&x, patterns, count, "", &matches);
		ft_pathindex_fini(&x);
	}
	assert_true(matches > ROUNDS * PATHS / 2);
}

static void test_fixed(void **state)
{
	run(1);
}

static void test_random(void **state)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	run((uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fixed),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
