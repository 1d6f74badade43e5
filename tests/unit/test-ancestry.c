/* SPDX-License-Identifier: MIT */
/* Who is below a root, of histories that are made up: what was forked there, wherever it
 * has gone since, and nobody who only has a number of there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>

#include "proc/history.h"

enum { TICK = 10000000, INIT = 1, SHELL = 10, ROOT = 20, OTHER = 30, CHILD = 40 };

/* Seeds are from this tick, all else is from later ones. */
enum { SEEDED = 5 * TICK };

static int setup(void **state)
{
	struct ft_history *h = malloc(sizeof(*h));

	if (!h)
		return -1;
	ft_history_init(h, 0, TICK);
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	struct ft_history *h = *state;

	ft_history_fini(h);
	assert_true(h->bytes == 0);
	free(h);
	return 0;
}

/* start in ticks. */
static void seed(struct ft_history *h, pid_t ppid, pid_t pid, int64_t start, int64_t time)
{
	const struct ft_step step = {.kind = FT_STEP_SEED,
				     .pid = pid,
				     .ppid = ppid,
				     .start = start * TICK,
				     .time = time,
				     .text = {.exe = FT_SPAN("/seeded")}};

	ft_history_add(h, &step);
}

static void fork_at(struct ft_history *h, pid_t parent, pid_t child, int64_t time)
{
	const struct ft_step step = {.kind = FT_STEP_FORK,
				     .pid = child,
				     .ppid = parent,
				     .source = parent,
				     .time = time,
				     .start = time};

	ft_history_add(h, &step);
}

/* Its parent at that time may be another than the one that forked it. */
static void exec_at(struct ft_history *h, pid_t ppid, pid_t pid, int64_t start,
		    int64_t time)
{
	const struct ft_step step = {.kind = FT_STEP_EXEC,
				     .pid = pid,
				     .ppid = ppid,
				     .time = time,
				     .start = start,
				     .text = {.exe = FT_SPAN("/executed")}};

	ft_history_add(h, &step);
}

static void end_at(struct ft_history *h, pid_t pid, int64_t start, int64_t time)
{
	const struct ft_step step = {
		.kind = FT_STEP_END, .pid = pid, .start = start, .time = time};

	ft_history_add(h, &step);
}

static int is_below_at(struct ft_history *h, pid_t pid, pid_t root, int64_t time)
{
	struct ft_attribution a;

	ft_history_begin(h, time, time);
	ft_history_find(h, &(struct ft_question){.pid = pid}, &a);
	assert_non_null(a.process);
	return ft_history_is_below(h, a.process, root);
}

/* init, a shell, what the shell runs, and another; as /proc lists them: by number. */
static void seed_all(struct ft_history *h)
{
	ft_history_begin_seeding(h);
	seed(h, 0, INIT, 0, SEEDED);
	seed(h, ROOT, 5, 4, SEEDED); /* the numbers went round */
	seed(h, INIT, SHELL, 1, SEEDED);
	seed(h, 5, 15, 4, SEEDED);
	seed(h, SHELL, ROOT, 2, SEEDED);
	seed(h, INIT, OTHER, 2, SEEDED);
	ft_history_end_seeding(h, SEEDED);
}

static void test_seeded(void **state)
{
	struct ft_history *h = *state;
	const int64_t now = SEEDED + TICK;

	seed_all(h);
	assert_int_equal(ft_history_add_root(h, ROOT), 0);
	assert_int_equal(ft_history_add_root(h, ROOT), 0);
	assert_int_equal(h->roots_count, 1);
	assert_true(is_below_at(h, ROOT, ROOT, now));
	assert_true(is_below_at(h, 5, ROOT, now));
	assert_true(is_below_at(h, 15, ROOT, now));
	assert_false(is_below_at(h, SHELL, ROOT, now));
	assert_false(is_below_at(h, OTHER, ROOT, now));
	assert_false(is_below_at(h, INIT, ROOT, now));
	/* Nobody asked for it. */
	assert_false(is_below_at(h, ROOT, SHELL, now));
}

static void test_no_such_root(void **state)
{
	struct ft_history *h = *state;

	seed_all(h);
	end_at(h, OTHER, 2 * TICK, SEEDED + TICK);
	assert_int_equal(ft_history_add_root(h, OTHER), -ESRCH);
	assert_int_equal(ft_history_add_root(h, 77), -ESRCH);
	fork_at(h, INIT, 77, SEEDED + 2 * TICK);
	assert_false(is_below_at(h, 77, 77, SEEDED + 3 * TICK));
	for (pid_t pid = 100; pid < 100 + FT_TRACKER_ROOTS; pid++) {
		fork_at(h, INIT, pid, SEEDED + 2 * TICK);
		assert_int_equal(ft_history_add_root(h, pid), 0);
	}
	assert_int_equal(ft_history_add_root(h, ROOT), -E2BIG);
	assert_true(is_below_at(h, 163, 163, SEEDED + 3 * TICK));
	assert_false(is_below_at(h, 163, 162, SEEDED + 3 * TICK));
}

/* The number of the root is taken again, by someone else. */
static void test_root_is_reused(void **state)
{
	struct ft_history *h = *state;
	const int64_t t = SEEDED + 10 * TICK;

	seed_all(h);
	ft_history_add_root(h, ROOT);
	fork_at(h, ROOT, CHILD, t);
	exec_at(h, ROOT, CHILD, t, t + 1);
	end_at(h, ROOT, 2 * TICK, t + TICK);
	fork_at(h, OTHER, ROOT, t + 2 * TICK);
	exec_at(h, OTHER, ROOT, t + 2 * TICK, t + 2 * TICK + 1);
	fork_at(h, ROOT, 41, t + 3 * TICK);
	exec_at(h, ROOT, 41, t + 3 * TICK, t + 3 * TICK + 1);
	/* What it was when it was the root, and who was forked then. */
	assert_true(is_below_at(h, ROOT, ROOT, t));
	assert_true(is_below_at(h, CHILD, ROOT, t + 4 * TICK));
	/* And who has the number now. */
	assert_false(is_below_at(h, ROOT, ROOT, t + 4 * TICK));
	assert_false(is_below_at(h, 41, ROOT, t + 4 * TICK));
	/* A descendant's number, taken by a stranger who is not forked there. */
	end_at(h, CHILD, t, t + 5 * TICK);
	fork_at(h, OTHER, CHILD, t + 6 * TICK);
	assert_false(is_below_at(h, CHILD, ROOT, t + 7 * TICK));
	/* Its fork was not told: it is the stranger's all the same. */
	end_at(h, CHILD, t + 6 * TICK, t + 8 * TICK);
	exec_at(h, OTHER, CHILD, t + 9 * TICK, t + 10 * TICK);
	assert_false(is_below_at(h, CHILD, ROOT, t + 11 * TICK));
	exec_at(h, OTHER, 5, t + 9 * TICK, t + 10 * TICK);
	assert_false(is_below_at(h, 5, ROOT, t + 11 * TICK));
}

/* A daemon: forks twice, its parents end, init takes it, it executes, forks and executes
 * again. */
static void test_daemon(void **state)
{
	struct ft_history *h = *state;
	const int64_t t = SEEDED + 10 * TICK;

	seed_all(h);
	ft_history_add_root(h, ROOT);
	fork_at(h, ROOT, CHILD, t);
	fork_at(h, CHILD, 41, t + 10);
	end_at(h, CHILD, t, t + 20);
	assert_true(is_below_at(h, 41, ROOT, t + 21));
	end_at(h, ROOT, 2 * TICK, t + 30);
	exec_at(h, INIT, 41, t + 10, t + 40);
	fork_at(h, 41, 42, t + 50);
	end_at(h, 41, t + 10, t + 60);
	exec_at(h, INIT, 42, t + 50, t + 70);
	assert_true(is_below_at(h, 42, ROOT, t + 80));
	assert_false(is_below_at(h, INIT, ROOT, t + 80));
	assert_false(is_below_at(h, OTHER, ROOT, t + 80));
}

/* Forks of the child's in its parent's name (CLONE_PARENT) are the child's doing. */
static void test_sibling(void **state)
{
	struct ft_history *h = *state;
	const int64_t t = SEEDED + 10 * TICK;
	const struct ft_step step = {.kind = FT_STEP_FORK,
				     .pid = CHILD,
				     .ppid = SHELL,
				     .source = ROOT,
				     .time = t,
				     .start = t};

	seed_all(h);
	ft_history_add_root(h, ROOT);
	ft_history_add(h, &step);
	assert_true(is_below_at(h, CHILD, ROOT, t + 1));
	exec_at(h, SHELL, CHILD, t, t + 2);
	assert_true(is_below_at(h, CHILD, ROOT, t + 3));
}

/* Steps were lost, and /proc is read again: the orphans stay whose they are, and whose
 * fork was not told is found by its parents. */
static void test_seeded_again(void **state)
{
	struct ft_history *h = *state;
	const int64_t t = SEEDED + 10 * TICK;

	seed_all(h);
	ft_history_add_root(h, ROOT);
	fork_at(h, ROOT, 45, t);
	exec_at(h, ROOT, 45, t, t + 1);
	ft_history_begin_seeding(h);
	seed(h, 0, INIT, 0, t + TICK);
	seed(h, 43, 4, t / TICK, t + TICK);
	seed(h, INIT, OTHER, 2, t + TICK);
	seed(h, ROOT, 43, t / TICK, t + TICK);
	/* The same process, adopted, with another program. */
	seed(h, INIT, 45, t / TICK, t + TICK);
	/* Older than who has his parent's number by now. */
	seed(h, 43, 46, t / TICK - 1, t + TICK);
	seed(h, SHELL, ROOT, 2, t + TICK);
	ft_history_end_seeding(h, t + TICK);
	assert_true(is_below_at(h, 43, ROOT, t + 2 * TICK));
	assert_true(is_below_at(h, 4, ROOT, t + 2 * TICK));
	assert_true(is_below_at(h, 45, ROOT, t + 2 * TICK));
	assert_false(is_below_at(h, 46, ROOT, t + 2 * TICK));
	assert_false(is_below_at(h, OTHER, ROOT, t + 2 * TICK));
}

static struct ft_attribution find_since(struct ft_history *h, pid_t pid, int64_t from,
					int64_t to)
{
	struct ft_attribution a;

	ft_history_begin(h, from, to);
	ft_history_find(h, &(struct ft_question){.pid = pid}, &a);
	assert_int_equal(a.certainty, FT_CERTAINTY_AMBIGUOUS);
	return a;
}

/* A descendant's number is then that of so many others that it is not listed any more. */
static void test_not_listed(void **state)
{
	struct ft_history *h = *state;
	const int64_t t = SEEDED + 10 * TICK;
	int64_t at = t + 2 * TICK;

	seed_all(h);
	ft_history_add_root(h, ROOT);
	fork_at(h, ROOT, 50, t);
	end_at(h, 50, t, t + TICK);
	for (int i = 0; i < FT_HISTORY_CANDIDATES; i++, at += 2 * TICK) {
		fork_at(h, OTHER, 50, at);
		end_at(h, 50, at, at + TICK);
	}
	struct ft_attribution a = find_since(h, 50, t, at);
	assert_int_equal(a.candidates_count, FT_HISTORY_CANDIDATES);
	assert_int_equal(ft_history_is_below(h, a.process, ROOT), 1);
	for (size_t i = 0; i < a.candidates_count; i++)
		assert_int_equal(ft_history_is_below(h, a.candidates[i], ROOT), -ENODATA);
	a = find_since(h, 50, t + TICK + 1, at);
	assert_int_equal(ft_history_is_below(h, a.process, ROOT), 0);
	assert_int_equal(ft_history_is_below(h, a.candidates[0], ROOT), 0);
}

/* Steps were lost: only who has had his number all the time is surely not below. */
static void test_not_known(void **state)
{
	struct ft_history *h = *state;
	const int64_t t = SEEDED + 10 * TICK;

	seed_all(h);
	ft_history_add_root(h, ROOT);
	fork_at(h, OTHER, 50, t + TICK);
	fork_at(h, OTHER, 51, t - TICK);
	end_at(h, 51, t - TICK, t + TICK);
	ft_history_forget(h, t + 3 * TICK);
	struct ft_attribution a = find_since(h, OTHER, t, t + 2 * TICK);
	assert_int_equal(ft_history_is_below(h, a.process, ROOT), 0);
	a = find_since(h, ROOT, t, t + 2 * TICK);
	assert_int_equal(ft_history_is_below(h, a.process, ROOT), 1);
	a = find_since(h, 50, t, t + 2 * TICK);
	assert_int_equal(ft_history_is_below(h, a.process, ROOT), -ENODATA);
	a = find_since(h, 51, t, t + 2 * TICK);
	assert_int_equal(ft_history_is_below(h, a.process, ROOT), -ENODATA);
}

#define HISTORY(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

static void go_away(struct ft_history *h, pid_t pid, int64_t start)
{
	const struct ft_step step = {
		.kind = FT_STEP_AWAY, .pid = pid, .start = start, .time = start + 1};

	ft_history_add(h, &step);
}

/* Who was in another mount namespace, of whose descendants? */
static void test_away(void **state)
{
	struct ft_history *h = *state;

	seed_all(h);
	assert_int_equal(ft_history_add_root(h, ROOT), 0);
	assert_int_equal(ft_history_add_root(h, OTHER), 0);
	fork_at(h, ROOT, 40, SEEDED + 1);
	fork_at(h, 40, 41, SEEDED + 2);
	fork_at(h, SHELL, 42, SEEDED + 3);
	go_away(h, 42, SEEDED + 3);
	/* Of one that had the number before. */
	go_away(h, 41, SEEDED - 1);
	assert_false(ft_history_was_away(h, ROOT));
	go_away(h, 41, SEEDED + 2);
	assert_true(ft_history_was_away(h, ROOT));
	assert_false(ft_history_was_away(h, OTHER));
	assert_false(ft_history_was_away(h, SHELL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HISTORY(test_away),	    HISTORY(test_seeded),
		HISTORY(test_no_such_root), HISTORY(test_root_is_reused),
		HISTORY(test_daemon),	    HISTORY(test_sibling),
		HISTORY(test_seeded_again), HISTORY(test_not_listed),
		HISTORY(test_not_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
