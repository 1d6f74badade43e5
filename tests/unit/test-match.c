/* SPDX-License-Identifier: MIT */
/* Filters together: paths and renames, ambiguous and unknown processes. */
#include "match-helpers.h"

#include <errno.h>

static void test_empty(void **state)
{
	_cleanup_match_ struct ft_match *m = new_match();
	struct ft_event ev = event_at("/a");

	assert_true(ft_match_is_empty(m));
	assert_false(ft_match_needs_process(m));
	assert_true(ft_match_event(m, &ev));
	assert_true(ft_match_event(m, &(struct ft_event){0}));
	assert_null(ft_match_free(NULL));
}

static void test_needs_process(void **state)
{
	static const struct {
		enum ft_match_kind kind;
		const char *value;
		bool needs;
	} cases[] = {
		{FT_MATCH_PATH, "a", false},	 {FT_MATCH_REGEX, "a", false},
		{FT_MATCH_PID, "1", true},	 {FT_MATCH_TREE, "1", true},
		{FT_MATCH_COMM, "a", true},	 {FT_MATCH_EXE, "a", true},
		{FT_MATCH_UID, "1", true},	 {FT_MATCH_GID, "1", true},
		{FT_MATCH_CONTAINER, "a", true},
	};

	assert_int_equal(FT_ARRAY_SIZE(cases), FT_MATCH_KIND_COUNT);
	for (size_t i = 0; i < 2 * FT_ARRAY_SIZE(cases); i++) {
		_cleanup_match_ struct ft_match *m = new_match();

		add(m, cases[i / 2].kind, cases[i / 2].value, i % 2);
		assert_false(ft_match_is_empty(m));
		assert_int_equal(ft_match_needs_process(m), cases[i / 2].needs);
	}
}

static void test_path(void **state)
{
	_cleanup_match_ struct ft_match *m = new_match();
	struct ft_event ev = event_at("/a/b/c.o");

	assert_true(wanted(FT_MATCH_PATH, "/a/**", &ev));
	assert_true(wanted(FT_MATCH_PATH, "*.o", &ev));
	assert_false(wanted(FT_MATCH_PATH, "/b/**", &ev));
	assert_true(excluded(FT_MATCH_PATH, "/a/**", &ev));
	assert_false(excluded(FT_MATCH_PATH, "/b/**", &ev));
	ev = event_at("/a");
	assert_false(wanted(FT_MATCH_PATH, "/a/**", &ev));
	assert_false(excluded(FT_MATCH_PATH, "/a/**", &ev));

	/* Of one kind: or. */
	add(m, FT_MATCH_PATH, "/b/**", false);
	add(m, FT_MATCH_PATH, "/c/**", false);
	add(m, FT_MATCH_PATH, "*~", true);
	ev = event_at("/b/x");
	assert_true(ft_match_event(m, &ev));
	ev = event_at("/c/x");
	assert_true(ft_match_event(m, &ev));
	ev = event_at("/a/x");
	assert_false(ft_match_event(m, &ev));
	ev = event_at("/c/x~");
	assert_false(ft_match_event(m, &ev));
}

static void test_roots(void **state)
{
	_cleanup_match_ struct ft_match *m = new_match();
	_cleanup_match_ struct ft_match *all = new_match();
	struct ft_event below = event_at("/srv/www/x/y");
	struct ft_event beside = event_at("/srv/x/y");
	struct ft_event top = event_at("/x/y");

	assert_int_equal(ft_match_add_root(m, "/srv/www/"), 0);
	assert_int_equal(ft_match_add_root(m, "/home"), 0);
	assert_int_equal(ft_match_add_root(m, "srv"), -EINVAL);
	assert_int_equal(ft_match_add_root(m, ""), -EINVAL);
	assert_true(ft_match_is_empty(m));
	add(m, FT_MATCH_PATH, "x/*", false);
	assert_true(ft_match_event(m, &below));
	assert_false(ft_match_event(m, &beside));

	assert_int_equal(ft_match_add_root(all, "/"), 0);
	add(all, FT_MATCH_PATH, "x/*", false);
	assert_true(ft_match_event(all, &top));
	assert_false(ft_match_event(all, &beside));
}

static void test_rename(void **state)
{
	_cleanup_match_ struct ft_match *m = new_match();
	struct ft_event in = rename_of("/out/a", "/in/b"),
			out = rename_of("/in/a", "/out/b");
	struct ft_event within = rename_of("/in/a", "/in/b");
	struct ft_event over = rename_of("/in/a", "/tmp/b");

	assert_true(wanted(FT_MATCH_PATH, "/in/**", &in));
	assert_true(wanted(FT_MATCH_PATH, "/in/**", &out));
	assert_false(wanted(FT_MATCH_PATH, "/else/**", &out));
	assert_true(wanted(FT_MATCH_REGEX, "^/in/a", &out));
	assert_true(wanted(FT_MATCH_REGEX, "^/in/b", &in));
	assert_false(wanted(FT_MATCH_REGEX, "^/in/b", &out));

	/* It has to be excluded wherever it was and is. */
	assert_false(excluded(FT_MATCH_PATH, "/in/**", &in));
	assert_false(excluded(FT_MATCH_PATH, "/in/**", &out));
	assert_true(excluded(FT_MATCH_PATH, "/in/**", &within));
	assert_false(excluded(FT_MATCH_REGEX, "^/in/", &out));
	assert_true(excluded(FT_MATCH_REGEX, "^/in/", &within));

	/* By one filter or another, of either kind. */
	add(m, FT_MATCH_PATH, "/in/**", true);
	assert_true(ft_match_event(m, &over));
	add(m, FT_MATCH_REGEX, "^/tmp/", true);
	assert_false(ft_match_event(m, &over));
	assert_true(ft_match_event(m, &out));
}

/* One path of a rename may be unknown: the other one decides. */
static void test_rename_half_known(void **state)
{
	struct ft_event ev = {.old_path = FT_SPAN("/in/a")};

	assert_true(wanted(FT_MATCH_PATH, "/in/*", &ev));
	assert_true(excluded(FT_MATCH_PATH, "/in/*", &ev));
	assert_false(wanted(FT_MATCH_PATH, "/out/*", &ev));
}

static void test_path_unknown(void **state)
{
	struct ft_event none = {0};
	struct ft_event partial = {.path = FT_SPAN("x.log"),
				   .path_source = FT_PATH_PARTIAL};

	assert_false(wanted(FT_MATCH_PATH, "*", &none));
	assert_false(excluded(FT_MATCH_PATH, "*", &none));
	assert_false(wanted(FT_MATCH_REGEX, ".*", &none));
	assert_false(excluded(FT_MATCH_REGEX, ".*", &none));

	assert_true(wanted(FT_MATCH_PATH, "*.log", &partial));
	assert_true(excluded(FT_MATCH_PATH, "*.log", &partial));
	assert_false(wanted(FT_MATCH_PATH, "/**", &partial));
	assert_false(excluded(FT_MATCH_PATH, "/**", &partial));
	assert_true(wanted(FT_MATCH_REGEX, "\\.log$", &partial));
	assert_true(excluded(FT_MATCH_REGEX, "\\.log$", &partial));
	assert_false(wanted(FT_MATCH_REGEX, "^x", &partial));
	assert_false(excluded(FT_MATCH_REGEX, "^x", &partial));
}

static void test_process_unknown(void **state)
{
	static const struct {
		enum ft_match_kind kind;
		const char *value;
	} cases[] = {
		{FT_MATCH_COMM, "vi"}, {FT_MATCH_EXE, "*"},  {FT_MATCH_UID, "0"},
		{FT_MATCH_GID, "0"},   {FT_MATCH_TREE, "1"}, {FT_MATCH_CONTAINER, "0123"},
	};
	const struct ft_event events[] = {event_by(NULL), event_by(&bare), {.pid = 400}};

	for (size_t i = 0; i < FT_ARRAY_SIZE(cases); i++) {
		for (size_t j = 0; j < FT_ARRAY_SIZE(events); j++) {
			assert_false(wanted(cases[i].kind, cases[i].value, &events[j]));
			assert_false(excluded(cases[i].kind, cases[i].value, &events[j]));
		}
	}
}

static void test_kinds_are_and(void **state)
{
	_cleanup_match_ struct ft_match *m = new_match();
	struct ft_event ev = event_by(&vi), other = event_by(&sh);

	add(m, FT_MATCH_PATH, "/a", false);
	add(m, FT_MATCH_COMM, "vi", false);
	add(m, FT_MATCH_COMM, "sh", false);
	assert_true(ft_match_event(m, &ev));
	assert_true(ft_match_event(m, &other));
	add(m, FT_MATCH_UID, "1000", false);
	assert_true(ft_match_event(m, &ev));
	assert_false(ft_match_event(m, &other));
	ev.path = FT_SPAN("/b");
	assert_false(ft_match_event(m, &ev));
	assert_true(ft_match_process(m, &ev));
	assert_false(ft_match_path(m, &ev));
}

static void test_ambiguous(void **state)
{
	_cleanup_match_ struct ft_match *m = new_match();
	const struct ft_process *candidates[] = {&vi, &sh};
	struct ft_event ev = event_by(&bare);

	ev.certainty = FT_CERTAINTY_AMBIGUOUS;
	ev.candidates = candidates;
	ev.candidates_count = 2;
	assert_true(wanted(FT_MATCH_COMM, "vi", &ev));
	assert_true(wanted(FT_MATCH_COMM, "sh", &ev));
	assert_false(wanted(FT_MATCH_COMM, "ls", &ev));
	assert_true(wanted(FT_MATCH_UID, "0", &ev));
	assert_true(wanted(FT_MATCH_PID, "400", &ev));
	assert_true(excluded(FT_MATCH_PID, "400", &ev));
	assert_false(excluded(FT_MATCH_COMM, "vi", &ev));
	assert_false(excluded(FT_MATCH_COMM, "sh", &ev));
	assert_true(excluded(FT_MATCH_EXE, "??", &ev));
	assert_false(excluded(FT_MATCH_CONTAINER, "0123", &ev));

	/* Whichever it was, it is not to be shown. */
	add(m, FT_MATCH_COMM, "vi", true);
	assert_true(ft_match_event(m, &ev));
	add(m, FT_MATCH_UID, "0", true);
	assert_false(ft_match_event(m, &ev));

	/* Candidates count where the answer is ambiguous, and there alone. */
	ev.certainty = FT_CERTAINTY_EXACT;
	assert_false(wanted(FT_MATCH_COMM, "vi", &ev));
	ev.certainty = FT_CERTAINTY_AMBIGUOUS;
	ev.candidates_count = 0;
	ev.process = &sh;
	assert_true(wanted(FT_MATCH_COMM, "sh", &ev));
}

/* It may have been anyone with this pid. */
static void test_another(void **state)
{
	static const struct {
		enum ft_match_kind kind;
		const char *yes, *no; /* of the one candidate */
		bool sure;
	} cases[] = {
		{FT_MATCH_COMM, "vi", "ls", false},
		{FT_MATCH_EXE, "vi", "ls", false},
		{FT_MATCH_UID, "1000", "0", false},
		{FT_MATCH_GID, "100", "0", false},
		{FT_MATCH_CONTAINER, "0123", "4567", false},
		{FT_MATCH_PID, "400", "401", true},
		{FT_MATCH_TREE, "200", "401", true},
		{FT_MATCH_PATH, "/a", "/b", true},
		{FT_MATCH_REGEX, "a", "b", true},
	};
	const struct ft_process *candidates[] = {&vi};
	struct ft_event ev = event_by(&vi);

	assert_int_equal(FT_ARRAY_SIZE(cases), FT_MATCH_KIND_COUNT);
	ev.certainty = FT_CERTAINTY_AMBIGUOUS;
	ev.candidates = candidates;
	ev.candidates_count = 1;
	for (size_t i = 0; i < FT_ARRAY_SIZE(cases); i++) {
		ev.may_be_another = false;
		assert_true(wanted(cases[i].kind, cases[i].yes, &ev));
		assert_false(wanted(cases[i].kind, cases[i].no, &ev));
		assert_true(excluded(cases[i].kind, cases[i].yes, &ev));
		assert_false(excluded(cases[i].kind, cases[i].no, &ev));
		ev.may_be_another = true;
		assert_true(wanted(cases[i].kind, cases[i].yes, &ev));
		assert_false(wanted(cases[i].kind, cases[i].no, &ev));
		assert_int_equal(excluded(cases[i].kind, cases[i].yes, &ev),
				 cases[i].sure);
		assert_false(excluded(cases[i].kind, cases[i].no, &ev));
	}
}

static void test_lost_and_gap_pass(void **state)
{
	_cleanup_match_ struct ft_match *m = new_match();
	struct ft_event lost = {.kind = FT_KIND_LOST}, gap = {.kind = FT_KIND_GAP};

	add(m, FT_MATCH_PATH, "/a", false);
	add(m, FT_MATCH_PID, "1", false);
	assert_true(ft_match_path(m, &lost) && ft_match_process(m, &lost));
	assert_true(ft_match_path(m, &gap) && ft_match_process(m, &gap));
}

/* Refused for want of knowledge, and of nothing else. */
static bool undecided(enum ft_match_kind kind, const char *value,
		      const struct ft_event *ev)
{
	_cleanup_match_ struct ft_match *m = new_match();

	add(m, kind, value, false);
	assert_false(ft_match_process(m, ev));
	return ft_match_is_undecided(m, ev);
}

static int is_below_nobody_knows(void *data, const struct ft_process *p, pid_t root)
{
	return root == 8 ? -ENODATA : 0;
}

static void test_undecided(void **state)
{
	_cleanup_match_ struct ft_match *m = new_match();
	const struct ft_process shell = {.id = 1,
					 .pid = 7,
					 .comm = FT_SPAN("sh"),
					 .exe = FT_SPAN("/bin/sh"),
					 .has_ids = true};
	const struct ft_process *list[] = {&shell};
	struct ft_event none = {.pid = 7}, elsewhere = {0};
	struct ft_event exact = {
		.pid = 7, .process = &shell, .certainty = FT_CERTAINTY_EXACT};
	struct ft_event ambiguous = {.pid = 7,
				     .process = &shell,
				     .certainty = FT_CERTAINTY_AMBIGUOUS,
				     .candidates = list,
				     .candidates_count = 1};

	for (unsigned int kind = FT_MATCH_PID; kind < FT_MATCH_KIND_COUNT; kind++) {
		assert_int_equal(undecided(kind, "9", &none), kind != FT_MATCH_PID);
		assert_false(undecided(kind, "9", &exact));
		assert_false(undecided(kind, "9", &ambiguous));
	}
	/* Whoever is not in this pid namespace was not forked below who is. */
	assert_false(undecided(FT_MATCH_TREE, "9", &elsewhere));
	assert_true(undecided(FT_MATCH_COMM, "vi", &elsewhere));

	ambiguous.may_be_another = true;
	assert_true(undecided(FT_MATCH_COMM, "vi", &ambiguous));
	assert_false(undecided(FT_MATCH_TREE, "9", &ambiguous));

	exact.certainty = FT_CERTAINTY_CREDENTIALS;
	assert_true(undecided(FT_MATCH_EXE, "/bin/vi", &exact));
	assert_false(undecided(FT_MATCH_COMM, "vi", &exact));

	/* One kind says no for certain. */
	add(m, FT_MATCH_COMM, "vi", false);
	add(m, FT_MATCH_PID, "9", false);
	assert_false(ft_match_is_undecided(m, &none));

	ft_match_free(m);
	m = new_match();
	add(m, FT_MATCH_TREE, "8", false);
	ft_match_set_below(m, is_below_nobody_knows, NULL);
	exact.certainty = FT_CERTAINTY_EXACT;
	assert_false(ft_match_process(m, &exact));
	assert_true(ft_match_is_undecided(m, &exact));
	assert_int_equal(ft_match_get_tree(m, 0), 8);
	assert_int_equal(ft_match_get_tree(m, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_needs_process),
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_roots),
		cmocka_unit_test(test_rename),
		cmocka_unit_test(test_rename_half_known),
		cmocka_unit_test(test_path_unknown),
		cmocka_unit_test(test_process_unknown),
		cmocka_unit_test(test_kinds_are_and),
		cmocka_unit_test(test_ambiguous),
		cmocka_unit_test(test_undecided),
		cmocka_unit_test(test_another),
		cmocka_unit_test(test_lost_and_gap_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
