/* SPDX-License-Identifier: MIT */
/* Globs: the documented cases one by one, and random ones against a naive matcher and
 * fnmatch(3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "match/match.h"
#include "naive-glob.h"

static const struct ft_span roots[] = {{"/srv/a", 6}, {"/home", 5}};

static bool matches(const char *pattern, struct ft_span path, const struct ft_span *r,
		    size_t n)
{
	const char *error = NULL;
	struct ft_glob *g = NULL;
	bool yes;

	if (ft_glob_new(&g, pattern, &error) != 0)
		fail_msg("%s: %s", pattern, error);
	yes = ft_glob_match(g, path, r, n);
	assert_null(ft_glob_free(g));
	return yes;
}

struct glob_case {
	const char *pattern;
	const char *path;
	bool yes;
};

static void check_cases(const struct glob_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct glob_case *c = &cases[i];

		if (matches(c->pattern, ft_span_of(c->path), roots,
			    FT_ARRAY_SIZE(roots)) != c->yes)
			fail_msg("%s on %s is not %s", c->pattern, c->path,
				 c->yes ? "true" : "false");
	}
}

#define CHECK_CASES(...)                                                                 \
	do {                                                                             \
		static const struct glob_case cases_[] = {__VA_ARGS__};                  \
		check_cases(cases_, FT_ARRAY_SIZE(cases_));                              \
	} while (0)

static void test_whole_path(void **state)
{
	CHECK_CASES(
		{"/etc/passwd", "/etc/passwd", true},
		{"/etc/passwd", "/etc/passwd-", false},
		{"/etc/passwd", "/etc/passw", false},
		{"/etc/passwd", "/x/etc/passwd", false}, {"/etc/*", "/etc/passwd", true},
		{"/etc/*", "/etc/ssh/sshd_config", false}, {"/etc/*", "/etc", false},
		{"/etc/*/x", "/etc/a/x", true}, {"/etc/*/x", "/etc/a/b/x", false},
		{"/*", "/a", true}, {"/*", "/a/b", false}, {"/", "/", true},
		{"/", "/a", false}, {"/home/*/.ssh/id_*", "/home/u/.ssh/id_rsa", true},
		{"/home/*/.ssh/id_*", "/home/u/.ssh/known_hosts", false},
		{"/home/*/.ssh/id_*", "/home/u/v/.ssh/id_rsa", false});
}

static void test_deep(void **state)
{
	CHECK_CASES({"/a/**", "/a", false}, {"/a/**", "/a/b", true},
		    {"/a/**", "/a/b/c/d", true}, {"/a/**", "/ab/c", false},
		    {"/a/**/d", "/a/d", true}, {"/a/**/d", "/a/b/d", true},
		    {"/a/**/d", "/a/b/c/d", true}, {"/a/**/d", "/a/bd", false},
		    {"/a/**/d", "/a/d/e", false}, {"/a/**/d", "/a/d/d", true},
		    {"/**/d", "/d", true}, {"/**/d", "/a/b/d", true},
		    {"/**", "/a/b", true}, {"/**", "/", true},
		    {"/**/b/**/d", "/b/d", true}, {"/**/b/**/d", "/a/b/b/c/d", true},
		    {"/**/b/**/d", "/a/d/b", false}, {"/a/**/**/d", "/a/d", true},
		    {"/a/**/**", "/a", false}, {"/a/**/**", "/a/b", true},
		    {"/**/*.log", "/x.log", true}, {"/**/*.log", "/v/l/x.log", true},
		    {"/**/*.log", "/v/l/x.logs", false}, {"/**/a/*/c", "/a/a/b/c", true},
		    {"/**/a/*/c", "/a/b/b/c", false}, {"/**/a*/c", "/a1/b/a2/c", true});
}

/* Two stars that are not all of a component are one star. */
static void test_not_deep(void **state)
{
	CHECK_CASES({"/a**", "/abc", true}, {"/a**", "/ab/c", false},
		    {"/a/**b", "/a/xb", true}, {"/a/**b", "/a/x/b", false},
		    {"/a/***", "/a/b", true}, {"/a/***", "/a/b/c", false},
		    {"/a/\\**", "/a/*x", true}, {"/a/\\**", "/a/x", false});
}

static void test_last_component(void **state)
{
	CHECK_CASES({"*.log", "/var/log/x.log", true}, {"*.log", "/x.log/y", false},
		    {"x.log", "/var/x.log", true}, {"x.log", "/var/xx.log", false},
		    {"x.log", "x.log", true}, {"?", "/a/b", true}, {"?", "/a/bc", false},
		    {"**", "/a/b", true}, {"*", "/a/b", true}, {"*", "/", true},
		    {".*", "/a/.git", true}, {"*", "/a/.git", true},
		    {"a*b*c", "/x/aXbYc", true}, {"a*b*c", "/x/aXbYcd", false},
		    {"a*b*c", "/a/b/c", false});
}

static void test_below_roots(void **state)
{
	CHECK_CASES({"x/*.o", "/srv/a/x/y.o", true}, {"x/*.o", "/home/x/y.o", true},
		    {"x/*.o", "/srv/b/x/y.o", false}, {"x/*.o", "/srv/a/z/x/y.o", false},
		    {"x/*.o", "/x/y.o", false}, {"x/*.o", "x/y.o", false},
		    {"**/y.o", "/srv/a/y.o", true}, {"**/y.o", "/srv/a/z/x/y.o", true},
		    {"**/y.o", "/srv/y.o", false}, {"x/**", "/srv/a/x", false},
		    {"x/**", "/srv/a/x/y/z", true}, {"x/y", "/srv/ab/x/y", false},
		    {"*/y", "/srv/a/y", false}, {"*/y", "/home/x/y", true},
		    {"**/**", "/srv/a", false}, {"**/**", "/srv/a/b", true});
	assert_false(matches("x/y", ft_span_of("/x/y"), NULL, 0));
	assert_true(matches("x/y", ft_span_of("/x/y"), &(struct ft_span){"", 0}, 1));
	assert_false(matches("x/y", ft_span_of("/z/x/y"), &(struct ft_span){"", 0}, 1));
	assert_false(matches("**/*", ft_span_of("/"), &(struct ft_span){"", 0}, 1));
}

static void test_brackets(void **state)
{
	CHECK_CASES(
		{"[abc]", "/b", true}, {"[abc]", "/d", false}, {"[!abc]", "/d", true},
		{"[!abc]", "/a", false}, {"[^abc]", "/d", true}, {"[^abc]", "/a", false},
		{"[a-c]x", "/bx", true}, {"[a-c]x", "/dx", false}, {"[]a]", "/]", true},
		{"[!]a]", "/]", false}, {"[!]a]", "/b", true}, {"[]-a]", "/^", true},
		{"[a-]", "/-", true}, {"[-a]", "/-", true}, {"[a-]", "/b", false},
		{"[a\\]b]", "/]", true}, {"[a\\-c]", "/b", false},
		{"[a\\-c]", "/-", true}, {"[\\a-\\c]", "/b", true}, {"[a!]", "/!", true},
		{"[a-c-e]", "/-", true}, {"[a-c-e]", "/d", false}, {"[[]", "/[", true},
		{"[*?]", "/x", false}, {"[*?]", "/*", true}, {"[[:digit:]x]", "/7", true},
		{"[[:digit:]x]", "/x", true}, {"[[:digit:]x]", "/d", false},
		{"[![:upper:]]", "/a", true}, {"[![:upper:]]", "/A", false},
		{"[\x80-\xff]", "/\xc3", true}, {"[\x80-\xff]", "/a", false},
		{"[!a]", "/\xff", true});
}

static void test_slash_is_taken_by_slash_alone(void **state)
{
	CHECK_CASES({"/a[/]b", "/a/b", false}, {"/a[!x]b", "/a/b", false},
		    {"/a[+-9]b", "/a/b", false}, {"/a[+-9]b", "/a.b", true},
		    {"/a?b", "/a/b", false}, {"/a*b", "/a/b", false},
		    {"/a[x/]b", "/axb", true}, {"/a\\/b", "/a/b", true},
		    {"\\/a", "/a", true}, {"\\/a", "/b/a", false},
		    {"x\\/y", "/home/x/y", true}, {"/a/**\\/b", "/a/x/y/b", true},
		    {"/a[[:punct:]]b", "/a/b", false});
}

static void test_escapes_and_bytes(void **state)
{
	CHECK_CASES({"\\*", "/*", true}, {"\\*", "/a", false}, {"\\?", "/?", true},
		    {"\\[a]", "/[a]", true}, {"\\\\", "/\\", true}, {"\\a", "/a", true},
		    {"a]", "/a]", true}, {"*\n*", "/x\ny", true},
		    {"/\xff\xfe*", "/\xff\xfe\x01", true}, {"?", "/\xff", true},
		    {"?", "/\xc3\xa9", false}, {"-", "/-", true}, {"{a,b}", "/a", false},
		    {"A", "/a", false});
	/* The path ends where its length says. */
	assert_true(matches("/a/b", (struct ft_span){"/a/bc", 4}, NULL, 0));
	assert_false(matches("/a/b*c", (struct ft_span){"/a/bc", 4}, NULL, 0));
	assert_false(matches("*", (struct ft_span){NULL, 0}, NULL, 0));
	assert_false(matches("**", (struct ft_span){NULL, 0}, NULL, 0));
}

static void test_refused(void **state)
{
	static const struct {
		const char *pattern;
		const char *error;
	} cases[] = {
		{"", "empty glob"},
		{"/a/[bc", "unterminated [ in glob"},
		{"[", "unterminated [ in glob"},
		{"[]", "unterminated [ in glob"},
		{"[!]", "unterminated [ in glob"},
		{"[a-", "unterminated [ in glob"},
		{"[a\\]", "unterminated [ in glob"},
		{"[a\\", "unterminated [ in glob"},
		{"/a\\", "backslash at the end of glob"},
		{"[z-a]", "range from high to low in glob"},
		{"[[:nope:]]", "unknown [:class:] in glob"},
		{"[[:alpha]", "unknown [:class:] in glob"},
		{"[[::]]", "unknown [:class:] in glob"},
		{"[[.a.]]", "[. or [= inside [ ] in glob"},
		{"[[=a=]]", "[. or [= inside [ ] in glob"},
		{"[A-[:digit:]]", "class as the end of a range in glob"},
		{"/a/", "empty component in glob (a / at the end, or two in a row)"},
		{"//a", "empty component in glob (a / at the end, or two in a row)"},
		{"/a//b", "empty component in glob (a / at the end, or two in a row)"},
		{"a/**/", "empty component in glob (a / at the end, or two in a row)"},
		{"./a", "component . or .. in glob"},
		{"/a/../b", "component . or .. in glob"},
		{"/a/\\..", "component . or .. in glob"},
	};

	for (size_t i = 0; i < FT_ARRAY_SIZE(cases); i++) {
		struct ft_glob *g = NULL;
		const char *error = NULL;

		assert_int_equal(ft_glob_new(&g, cases[i].pattern, &error), -EINVAL);
		assert_string_equal(error, cases[i].error);
		assert_null(g);
		assert_int_equal(ft_glob_new(&g, cases[i].pattern, NULL), -EINVAL);
	}
}

static void test_length(void **state)
{
	_cleanup_free_ char *pattern = malloc(4098);
	struct ft_glob *g = NULL;
	const char *error = NULL;

	assert_non_null(pattern);
	memset(pattern, 'a', 4097);
	pattern[4097] = '\0';
	assert_int_equal(ft_glob_new(&g, pattern, &error), -E2BIG);
	assert_string_equal(error, "glob longer than 4096 bytes");
	pattern[4096] = '\0';
	assert_int_equal(ft_glob_new(&g, pattern, &error), 0);
	assert_true(ft_glob_match(g, (struct ft_span){pattern, 4096}, NULL, 0));
	assert_false(ft_glob_match(g, (struct ft_span){pattern, 4095}, NULL, 0));
	ft_glob_free(g);
	assert_null(ft_glob_free(NULL));
}

static double cpu_seconds(void)
{
	struct timespec t;

	assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t), 0);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/*
 * Patterns that take backtracking matchers years: nothing in the path is the last [b],
 * and the pattern's end cannot be compared. The bound is 1.6 million steps each; 10 s of
 * CPU leave room for valgrind and the sanitizers.
 */
static void test_never_exponential(void **state)
{
	static const char *const units[] = {"a*",     "**/",  "*a",  "?*",
					    "**/a*/", "[a]*", "*/a*"};
	enum { PATTERN_LEN = 400, PATH_LEN = 4000 };
	char pattern[PATTERN_LEN + 8];
	_cleanup_free_ char *path = malloc(PATH_LEN);
	double start = cpu_seconds();

	assert_non_null(path);
	for (size_t u = 0; u < FT_ARRAY_SIZE(units); u++) {
		char *end = stpcpy(pattern, "/");

		while (end + strlen(units[u]) < pattern + PATTERN_LEN)
			end = stpcpy(end, units[u]);
		strcpy(end, "[b]");
		for (size_t every = 2; every <= PATH_LEN; every *= 12) {
			for (size_t i = 0; i < PATH_LEN; i++)
				path[i] = i % every == 0 ? '/' : 'a';
			assert_false(matches(pattern, (struct ft_span){path, PATH_LEN},
					     NULL, 0));
		}
	}
	assert_true(cpu_seconds() - start < 10);
}

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed >> 16;
}

static void random_path(uint64_t *seed, char *path)
{
	size_t parts = 1 + next_random(seed) % 5, len = 0;

	while (parts-- > 0) {
		path[len++] = '/';
		for (size_t n = 1 + next_random(seed) % 3; n > 0; n--)
			path[len++] = "aaabbb.]*\xff"[next_random(seed) % 10];
	}
	path[len] = '\0';
}

/* A path, some of whose bytes and slashes have become something else: many match, many
 * just do not. */
static void random_pattern(uint64_t *seed, const char *path, char *pattern)
{
	static const char *const pieces[] = {
		"*",	 "*",		"?",	 "**",	  "/**",  "/**/",	  "**/",
		"*/",	 "[ab]",	"[!a]",	 "[^b]",  "[a-]", "[]b]",	  "[!]]",
		"\\*",	 "[[:alpha:]]", "[\\]]", "/",	  "[",	  "\\",		  "]",
		"a",	 "b",		".",	 "[.-b]", "-",	  "[!\xff]",	  "[b-a]",
		"[a/b]", "[+-9]",	"\\/",	 "\xff",  "",	  "[[:punct:]x]", "[a-z]",
		"***",
	};
	size_t len = 0;

	for (const char *p = path; *p; p++) {
		const char *piece = pieces[next_random(seed) % FT_ARRAY_SIZE(pieces)];

		if (next_random(seed) % 4 > 0)
			pattern[len++] = *p;
		else
			len = (size_t)(stpcpy(pattern + len, piece) - pattern);
		/* Also where a component begins: above all for the deep ones. */
		if (*p == '/' && next_random(seed) % 4 == 0)
			len = (size_t)(stpcpy(pattern + len,
					      next_random(seed) % 2 ? "**/" : "*") -
				       pattern);
	}
	pattern[len] = '\0';
}

struct pair {
	char path[64];
	char pattern[512];
	const char *root;
};

static void random_pair(uint64_t *seed, struct pair *pair)
{
	static const char *const some_roots[] = {"", "/a", "/b", "/a/b"};
	char other[64];

	pair->root = some_roots[next_random(seed) % FT_ARRAY_SIZE(some_roots)];
	random_path(seed, pair->path);
	random_path(seed, other);
	random_pattern(seed, next_random(seed) % 8 > 0 ? pair->path : other,
		       pair->pattern);
	switch (next_random(seed) % 4) {
	case 0: /* below the root, if it is there */
		if (strncmp(pair->pattern, pair->root, strlen(pair->root)) == 0 &&
		    pair->pattern[strlen(pair->root)] == '/')
			memmove(pair->pattern, pair->pattern + strlen(pair->root) + 1,
				strlen(pair->pattern + strlen(pair->root)));
		break;
	case 1: /* the end, most often a name */
		if (strrchr(pair->pattern, '/'))
			memmove(pair->pattern, strrchr(pair->pattern, '/') + 1,
				strlen(strrchr(pair->pattern, '/')));
		break;
	}
}

static void test_against_naive(void **state)
{
	uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);
	unsigned int seen[4] = {0};

	for (unsigned int i = 0; i < 60000; i++) {
		struct pair pair;
		struct ft_glob *g = NULL;
		enum naive_result expected;
		int r;

		random_pair(&seed, &pair);
		expected =
			naive_glob(pair.pattern, pair.path, strlen(pair.path), pair.root);
		seen[expected]++;
		if (expected == NAIVE_GAVE_UP)
			continue;
		r = ft_glob_new(&g, pair.pattern, NULL);
		if ((r == -EINVAL) != (expected == NAIVE_REFUSED))
			fail_msg("%s: %d", pair.pattern, r);
		if (r == 0) {
			struct ft_span root = ft_span_of(pair.root);
			bool yes = ft_glob_match(g, ft_span_of(pair.path), &root, 1);

			if (yes != (expected == NAIVE_YES))
				fail_msg("%s on %s below %s", pair.pattern, pair.path,
					 pair.root);
		}
		ft_glob_free(g);
	}
	assert_true(seen[NAIVE_YES] > 10000);
	assert_true(seen[NAIVE_NO] > 10000);
	assert_true(seen[NAIVE_REFUSED] > 3000);
	assert_true(seen[NAIVE_GAVE_UP] < 100);
}

/*
 * Where fnmatch(3) means something else: `**` as a component is a star to it; a slash
 * inside of a bracket makes the bracket one that never matches, or no bracket; glibc's
 * star stops at a slash and then does not find it escaped in the pattern; and what we
 * refuse it takes literally or never matches.
 */
static bool is_common(const char *pattern)
{
	bool in_bracket = false;

	for (const char *p = pattern; *p; p++) {
		if (*p == '[')
			in_bracket = true;
		if (*p == ']')
			in_bracket = false;
		if (*p == '/' && in_bracket)
			return false;
		if (strncmp(p, "**", 2) == 0 || strncmp(p, "*\\/", 3) == 0)
			return false;
	}
	return true;
}

static const char *below(const char *path, struct ft_span root)
{
	if (strncmp(path, root.data, root.len) != 0 || path[root.len] != '/')
		return NULL;
	return path + root.len + 1;
}

static void test_against_fnmatch(void **state)
{
	uint64_t seed = UINT64_C(0xd1b54a32d192ed03);
	unsigned int yes = 0, no = 0;

	for (unsigned int i = 0; i < 120000; i++) {
		struct pair pair;
		struct ft_span root;
		struct ft_glob *g = NULL;
		const char *subject = pair.path;
		bool expected;

		random_pair(&seed, &pair);
		root = ft_span_of(pair.root);
		if (!is_common(pair.pattern) || ft_glob_new(&g, pair.pattern, NULL) != 0)
			continue;
		/* What the pattern is anchored at is ours alone. */
		if (!strchr(pair.pattern, '/'))
			subject = strrchr(pair.path, '/') + 1;
		else if (pair.pattern[0] != '/' && strncmp(pair.pattern, "\\/", 2) != 0)
			subject = below(pair.path, root);
		expected = subject && fnmatch(pair.pattern, subject, FNM_PATHNAME) == 0;
		if (ft_glob_match(g, ft_span_of(pair.path), &root, 1) != expected)
			fail_msg("%s on %s below %s", pair.pattern, pair.path, pair.root);
		yes += expected;
		no += !expected;
		ft_glob_free(g);
	}
	assert_true(yes > 10000);
	assert_true(no > 10000);
}

/* Each class holds exactly what the C locale says, the slash aside. */
static void test_classes_against_fnmatch(void **state)
{
	static const char *const names[] = {"alnum", "alpha", "blank", "cntrl",
					    "digit", "graph", "lower", "print",
					    "punct", "space", "upper", "xdigit"};

	for (size_t i = 0; i < FT_ARRAY_SIZE(names); i++) {
		char pattern[32];

		snprintf(pattern, sizeof(pattern), "[[:%s:]]", names[i]);
		for (unsigned int b = 1; b < 256; b++) {
			char path[] = {(char)b, '\0'};

			if (b != '/' &&
			    matches(pattern, ft_span_of(path), NULL, 0) !=
				    (fnmatch(pattern, path, FNM_PATHNAME) == 0))
				fail_msg("%s on byte %u", pattern, b);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_path),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_not_deep),
		cmocka_unit_test(test_last_component),
		cmocka_unit_test(test_below_roots),
		cmocka_unit_test(test_brackets),
		cmocka_unit_test(test_slash_is_taken_by_slash_alone),
		cmocka_unit_test(test_escapes_and_bytes),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_never_exponential),
		cmocka_unit_test(test_against_naive),
		cmocka_unit_test(test_against_fnmatch),
		cmocka_unit_test(test_classes_against_fnmatch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
