/* SPDX-License-Identifier: MIT */
/* Whose image it was, of histories that are made up: each test says what was done when,
 * and who must be told for which window. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "proc/history.h"

enum { TICK = 10000000, PARENT = 10, CHILD = 20, WALL = 1000 };

static int setup(void **state)
{
	struct ft_history *h = malloc(sizeof(*h));

	if (!h)
		return -1;
	ft_history_init(h, WALL, TICK);
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

static void seed(struct ft_history *h, pid_t pid, const char *exe, int64_t time)
{
	const struct ft_step step = {
		.kind = FT_STEP_SEED,
		.pid = pid,
		.ppid = 1,
		.time = time,
		.has_ids = true,
		.has_executed = true,
		.comm = ft_span_of(exe),
		.text = {.exe = ft_span_of(exe), .cgroup = FT_SPAN("/seeded")},
	};

	ft_history_add(h, &step);
}

static void fork_at(struct ft_history *h, pid_t parent, pid_t child, int64_t time)
{
	const struct ft_step step = {
		.kind = FT_STEP_FORK,
		.pid = child,
		.ppid = parent,
		.source = parent,
		.time = time,
		.start = time,
		.has_ids = true,
		.comm = FT_SPAN("forked"),
	};

	ft_history_add(h, &step);
}

/* start: of the process. */
static void exec_at(struct ft_history *h, pid_t pid, const char *exe, int64_t start,
		    int64_t time)
{
	const struct ft_step step = {
		.kind = FT_STEP_EXEC,
		.pid = pid,
		.ppid = PARENT,
		.time = time,
		.start = start,
		.has_ids = true,
		.comm = ft_span_of(exe),
		.text = {.exe = ft_span_of(exe), .args = ft_span_of(exe)},
	};

	ft_history_add(h, &step);
}

static void end_at(struct ft_history *h, pid_t pid, int64_t start, int64_t time)
{
	const struct ft_step step = {
		.kind = FT_STEP_END, .pid = pid, .time = time, .start = start};

	ft_history_add(h, &step);
}

static void ids_at(struct ft_history *h, pid_t pid, uid_t uid, int64_t time, bool mixed)
{
	const struct ft_step step = {
		.kind = FT_STEP_IDS,
		.pid = pid,
		.time = time,
		.has_ids = true,
		.uid = uid,
		.is_mixed = mixed,
	};

	ft_history_add(h, &step);
}

static void comm_at(struct ft_history *h, pid_t pid, const char *comm, int64_t time)
{
	const struct ft_step step = {
		.kind = FT_STEP_COMM,
		.pid = pid,
		.time = time,
		.has_ids = true,
		.comm = ft_span_of(comm),
	};

	ft_history_add(h, &step);
}

static struct ft_attribution find(struct ft_history *h, pid_t pid, int64_t from,
				  int64_t to)
{
	struct ft_attribution a;

	ft_history_begin(h, from, to);
	ft_history_find(h, &(struct ft_question){.pid = pid}, &a);
	return a;
}

static void assert_text(struct ft_span got, const char *expect)
{
	assert_int_equal(got.len, strlen(expect));
	assert_memory_equal(got.data, expect, got.len);
}

static void assert_exact(const struct ft_attribution *a, const char *exe)
{
	assert_int_equal(a->certainty, FT_CERTAINTY_EXACT);
	assert_text(a->process->exe, exe);
	assert_int_equal(a->candidates_count, 0);
}

static void assert_candidates(const struct ft_attribution *a, size_t n,
			      const char *const exes[])
{
	assert_int_equal(a->certainty, FT_CERTAINTY_AMBIGUOUS);
	assert_int_equal(a->candidates_count, n);
	for (size_t i = 0; i < n; i++)
		assert_text(a->candidates[i]->exe, exes[i]);
}

static void test_unknown(void **state)
{
	struct ft_attribution a = find(*state, 5, 1, 2);

	assert_int_equal(a.certainty, FT_CERTAINTY_NONE);
	assert_null(a.process);
}

/* Fork, exec, a file, the end: after the exec. */
static void test_short_life(void **state)
{
	struct ft_history *h = *state;

	seed(h, PARENT, "/sh", 50);
	fork_at(h, PARENT, CHILD, 100);
	comm_at(h, CHILD, "/touch", 119);
	exec_at(h, CHILD, "/touch", 100, 120);
	end_at(h, CHILD, 100, 140);
	struct ft_attribution a = find(h, CHILD, 121, 1000);
	assert_exact(&a, "/touch");
	assert_int_equal(a.process->ppid, PARENT);
	assert_int_equal(a.process->start_ns, WALL + 100);
	assert_text(a.process->args, "/touch");
	assert_text(a.process->comm, "/touch");
	/* No cgroup of its own was told: it is the parent's. */
	assert_text(a.process->cgroup, "/seeded");
	assert_int_equal(a.process->parents_count, 1);
	assert_int_equal(a.process->parents[0].pid, PARENT);
	assert_text(a.process->parents[0].exe, "/sh");
}

static void move_at(struct ft_history *h, pid_t pid, const char *cgroup, int64_t time)
{
	const struct ft_step step = {
		.kind = FT_STEP_CGROUP,
		.pid = pid,
		.time = time,
		.has_ids = true,
		.text = {.cgroup = ft_span_of(cgroup)},
	};

	ft_history_add(h, &step);
}

static void assert_file(struct ft_history *h, pid_t pid, int64_t at, uint64_t ino)
{
	struct ft_attribution a = find(h, pid, at, at);

	assert_int_equal(a.certainty, FT_CERTAINTY_EXACT);
	assert_int_equal(a.process->exe_ino, ino);
	assert_int_equal(a.process->exe_dev, ino == 0 ? 0 : 8);
}

/* The file stays until something else is executed, whoever was forked and moved. */
static void test_file(void **state)
{
	struct ft_step step = {.kind = FT_STEP_EXEC,
			       .pid = PARENT,
			       .start = 50,
			       .time = 100,
			       .has_ids = true,
			       .file = {8, 5},
			       .text = {.exe = FT_SPAN("/five")}};
	struct ft_history *h = *state;

	seed(h, PARENT, "/sh", 50);
	assert_file(h, PARENT, 60, 0);
	ft_history_add(h, &step);
	fork_at(h, PARENT, CHILD, 110);
	move_at(h, CHILD, "/moved", 120);
	assert_file(h, CHILD, 130, 5);
	assert_text(find(h, CHILD, 130, 130).process->cgroup, "/moved");
	step.pid = CHILD;
	step.start = 110;
	step.time = 140;
	step.file.ino = 6;
	ft_history_add(h, &step);
	assert_file(h, CHILD, 150, 6);
	assert_file(h, PARENT, 150, 5);
}

/* The window ends before the exec: it was the fork. */
static void test_before_exec(void **state)
{
	struct ft_history *h = *state;

	seed(h, PARENT, "/sh", 50);
	fork_at(h, PARENT, CHILD, 100);
	exec_at(h, CHILD, "/touch", 100, 120);
	struct ft_attribution a = find(h, CHILD, 60, 119);
	assert_exact(&a, "/sh");
	assert_text(a.process->comm, "forked");
	a = find(h, CHILD, 121, 200);
	assert_exact(&a, "/touch");
}

static void test_fork_alone(void **state)
{
	struct ft_history *h = *state;

	seed(h, PARENT, "/sh", 50);
	fork_at(h, PARENT, CHILD, 100);
	end_at(h, CHILD, 100, 120);
	struct ft_attribution a = find(h, CHILD, 60, 200);
	assert_exact(&a, "/sh");
	assert_int_equal(a.process->pid, CHILD);
}

/* All in one window: it was the one or the other. */
static void test_fork_and_exec(void **state)
{
	static const char *const both[] = {"/cat", "/sh"};
	struct ft_history *h = *state;

	seed(h, PARENT, "/sh", 50);
	fork_at(h, PARENT, CHILD, 100);
	exec_at(h, CHILD, "/cat", 100, 120);
	struct ft_attribution a = find(h, CHILD, 60, 200);
	assert_candidates(&a, 2, both);
	assert_int_equal(a.process->id, 0);
	assert_int_equal(a.process->exe.len, 0);
	assert_int_equal(a.process->ppid, PARENT);
}

/* One that executes again and again: every image that reaches into the window. */
static void test_exec_chain(void **state)
{
	static const char *const all[] = {"/c", "/b", "/a", "/sh"};
	struct ft_history *h = *state;

	seed(h, PARENT, "/sh", 50);
	fork_at(h, PARENT, CHILD, 100);
	exec_at(h, CHILD, "/a", 100, 110);
	exec_at(h, CHILD, "/b", 100, 120);
	exec_at(h, CHILD, "/c", 100, 130);
	struct ft_attribution a = find(h, CHILD, 60, 200);
	assert_candidates(&a, 4, all);
	a = find(h, CHILD, 125, 200);
	assert_candidates(&a, 2, all);
	/* What ended when the window began may have done it. */
	a = find(h, CHILD, 130, 200);
	assert_candidates(&a, 2, all);
	a = find(h, CHILD, 131, 200);
	assert_exact(&a, "/c");
	a = find(h, CHILD, 111, 119);
	assert_exact(&a, "/a");
}

/* More than are listed: ambiguous all the same. */
static void test_many_execs(void **state)
{
	struct ft_history *h = *state;

	fork_at(h, PARENT, CHILD, 100);
	for (int i = 0; i < 3 * FT_HISTORY_CANDIDATES; i++)
		exec_at(h, CHILD, i % 2 ? "/odd" : "/even", 100, 110 + i);
	struct ft_attribution a = find(h, CHILD, 60, 200);
	assert_int_equal(a.certainty, FT_CERTAINTY_AMBIGUOUS);
	assert_int_equal(a.candidates_count, FT_HISTORY_CANDIDATES);
	assert_true(a.may_be_another);
	assert_int_equal(a.process->id, 0);
}

/* What those in the list share is not told, if others are not in it. */
static void test_shared_by_all(void **state)
{
	struct ft_history *h = *state;

	fork_at(h, 11, CHILD, 80);
	end_at(h, CHILD, 80, 90);
	fork_at(h, PARENT, CHILD, 100);
	for (int i = 0; i < FT_HISTORY_CANDIDATES; i++)
		exec_at(h, CHILD, "/same", 100, 110 + i);
	struct ft_attribution a = find(h, CHILD, 118, 200);
	assert_int_equal(a.process->ppid, PARENT);
	a = find(h, CHILD, 60, 200);
	assert_true(a.may_be_another);
	assert_false(a.process->has_ppid);
	assert_int_equal(a.process->exe.len, 0);
	assert_int_equal(a.process->start_ns, 0);
}

static void test_number_taken_again(void **state)
{
	static const char *const all[] = {"/new", "", "/old", ""};
	struct ft_history *h = *state;
	struct ft_attribution a;

	fork_at(h, PARENT, CHILD, 100);
	exec_at(h, CHILD, "/old", 100, 110);
	/* The end is told late: after the number was taken again. */
	fork_at(h, PARENT, CHILD, 200);
	end_at(h, CHILD, 100, 205);
	exec_at(h, CHILD, "/new", 200, 210);
	a = find(h, CHILD, 60, 300);
	assert_candidates(&a, 4, all);
	assert_int_equal(a.process->start_ns, 0);
	a = find(h, CHILD, 111, 150);
	assert_exact(&a, "/old");
	a = find(h, CHILD, 211, 300);
	assert_exact(&a, "/new");
	/* Still alive: that end was the other's. */
	a = find(h, CHILD, 1000, 2000);
	assert_exact(&a, "/new");
}

static void test_ids(void **state)
{
	struct ft_history *h = *state;

	seed(h, CHILD, "/daemon", 50);
	ids_at(h, CHILD, 0, 90, false); /* nothing new */
	struct ft_attribution a = find(h, CHILD, 60, 200);
	assert_exact(&a, "/daemon");
	uint64_t id = a.process->id;
	ids_at(h, CHILD, 65534, 100, false);
	a = find(h, CHILD, 60, 200);
	assert_int_equal(a.certainty, FT_CERTAINTY_AMBIGUOUS);
	assert_int_equal(a.candidates_count, 2);
	assert_int_equal(a.candidates[0]->uid, 65534);
	assert_int_equal(a.candidates[1]->uid, 0);
	assert_int_equal(a.candidates[1]->id, id);
	assert_false(a.process->has_ids);
	assert_text(a.process->exe, "/daemon");
	a = find(h, CHILD, 101, 200);
	assert_exact(&a, "/daemon");
	assert_int_equal(a.process->uid, 65534);
	assert_int_not_equal(a.process->id, id);
}

/* Back to what they were: both times, and the time in between. */
static void test_ids_to_and_fro(void **state)
{
	struct ft_history *h = *state;

	seed(h, CHILD, "/daemon", 50);
	ids_at(h, CHILD, 65534, 100, false);
	ids_at(h, CHILD, 0, 110, false);
	struct ft_attribution a = find(h, CHILD, 60, 200);
	assert_int_equal(a.certainty, FT_CERTAINTY_AMBIGUOUS);
	assert_false(a.process->has_ids);
	a = find(h, CHILD, 111, 200);
	assert_exact(&a, "/daemon");
	assert_int_equal(a.process->uid, 0);
}

/* Threads one after the other: until the last one has them, both are. */
static void test_mixed_ids(void **state)
{
	struct ft_history *h = *state;
	struct ft_attribution a;

	seed(h, CHILD, "/daemon", 50);
	ids_at(h, CHILD, 5, 100, true);
	ids_at(h, CHILD, 5, 101, true);
	for (int64_t from = 60; from < 1000; from += 100) {
		a = find(h, CHILD, from, from + 100);
		assert_int_equal(a.certainty, FT_CERTAINTY_AMBIGUOUS);
		assert_int_equal(a.candidates_count, 2);
		assert_false(a.process->has_ids);
	}
	ids_at(h, CHILD, 5, 1000, false);
	a = find(h, CHILD, 1001, 2000);
	assert_exact(&a, "/daemon");
	assert_int_equal(a.process->uid, 5);
	/* An exec leaves one thread. */
	ids_at(h, CHILD, 6, 2000, true);
	exec_at(h, CHILD, "/next", 0, 2100);
	a = find(h, CHILD, 2101, 2200);
	assert_exact(&a, "/next");
}

static void test_names(void **state)
{
	struct ft_history *h = *state;

	seed(h, CHILD, "/daemon", 50);
	comm_at(h, CHILD, "worker", 100);
	struct ft_attribution a = find(h, CHILD, 60, 200);
	assert_int_equal(a.certainty, FT_CERTAINTY_AMBIGUOUS);
	assert_int_equal(a.process->comm.len, 0);
	assert_text(a.process->exe, "/daemon");
	a = find(h, CHILD, 101, 200);
	assert_exact(&a, "/daemon");
	assert_text(a.process->comm, "worker");
}

/* The look at /proc is newer than what the ring still had of the process. */
static void test_older_than_seed(void **state)
{
	struct ft_history *h = *state;

	seed(h, CHILD, "/now", 100);
	exec_at(h, CHILD, "/then", 0, 90);
	ids_at(h, CHILD, 7, 95, false);
	end_at(h, CHILD, 0, 99);
	struct ft_attribution a = find(h, CHILD, 110, 200);
	assert_exact(&a, "/now");
	assert_int_equal(a.process->uid, 0);
	/* A child of one whose image at that time is not known. */
	fork_at(h, CHILD, 30, 80);
	a = find(h, 30, 110, 200);
	assert_int_equal(a.certainty, FT_CERTAINTY_CREDENTIALS);
	assert_int_equal(a.process->ppid, CHILD);
	assert_int_equal(a.process->exe.len, 0);
}

/* Steps are missing: nothing is exact that reaches back to then, everything after. */
static void test_forgotten(void **state)
{
	struct ft_history *h = *state;

	seed(h, CHILD, "/a", 50);
	ft_history_forget(h, 100);
	struct ft_attribution a = find(h, CHILD, 100, 200);
	assert_int_equal(a.certainty, FT_CERTAINTY_AMBIGUOUS);
	assert_true(a.may_be_another);
	assert_int_equal(a.candidates_count, 1);
	a = find(h, CHILD, 101, 200);
	assert_exact(&a, "/a");
}

/* Seeded anew: who goes on goes on, who is not seen any more has ended. */
static void test_seeded_again(void **state)
{
	struct ft_history *h = *state;

	ft_history_begin_seeding(h);
	seed(h, CHILD, "/a", 50);
	seed(h, 30, "/gone", 51);
	ft_history_end_seeding(h, 52);
	struct ft_attribution a = find(h, CHILD, 60, 100);
	uint64_t id = a.process->id;
	ft_history_begin_seeding(h);
	seed(h, CHILD, "/a", 200);
	seed(h, PARENT, "/new", 201);
	ft_history_end_seeding(h, 202);
	a = find(h, CHILD, 60, 300);
	assert_exact(&a, "/a");
	assert_int_equal(a.process->id, id);
	a = find(h, PARENT, 210, 300);
	assert_exact(&a, "/new");
	a = find(h, 30, 210, 300);
	assert_int_equal(a.certainty, FT_CERTAINTY_NONE);
}

/* Ended images past the bound go, the first first, and are then known to be missing. */
static void test_eviction(void **state)
{
	struct ft_history *h = *state;
	const char *const name = "/a/program/with/a/name/of/its/own";
	int64_t time = 100;
	uint64_t last_id = 0;

	seed(h, PARENT, "/sh", 50);
	while (h->forgotten == 0) {
		pid_t pid = 1000 + (pid_t)(time / 10);
		fork_at(h, PARENT, pid, time);
		exec_at(h, pid, name, time, time + 1);
		end_at(h, pid, time, time + 2);
		time += 10;
		struct ft_attribution a = find(h, pid, time - 8, time);
		assert_exact(&a, name);
		assert_true(a.process->id > last_id);
		last_id = a.process->id;
		assert_true(h->bytes <= FT_HISTORY_KEEP + 4096);
	}
	assert_true(time > 10000);
	assert_true(h->forgotten < time - 1000);
	assert_int_equal(h->lost, 0);
	/* The first ones are not known any more, and that is. */
	struct ft_attribution a = find(h, 1010, 100, 103);
	assert_int_not_equal(a.certainty, FT_CERTAINTY_EXACT);
	/* Who lives is never forgotten. */
	a = find(h, PARENT, time, time + 1);
	assert_exact(&a, "/sh");
}

/* A window that needs more than there is room for is not exact, and that is counted. */
static void test_eviction_in_window(void **state)
{
	struct ft_history *h = *state;
	int64_t time = 100;

	ft_history_begin(h, 60, 61);
	while (h->bytes <= FT_HISTORY_MAX) {
		fork_at(h, PARENT, CHILD, time);
		time += 10;
	}
	struct ft_attribution a = find(h, CHILD, 60, time);
	assert_true(h->lost > 0);
	assert_true(h->bytes <= FT_HISTORY_MAX);
	assert_int_equal(a.certainty, FT_CERTAINTY_AMBIGUOUS);
	a = find(h, CHILD, time - 15, time - 10);
	assert_true(a.certainty != FT_CERTAINTY_NONE);
}

/* Below, though all in between have ended and the ancestors told are others. */
static void test_below(void **state)
{
	struct ft_history *h = *state;

	seed(h, PARENT, "/make", 50);
	seed(h, 11, "/other", 50);
	assert_int_equal(ft_history_add_root(h, PARENT), 0);
	assert_int_equal(ft_history_add_root(h, 11), 0);
	struct ft_attribution a = find(h, PARENT, 60, 70);
	assert_true(ft_history_is_below(h, a.process, PARENT));
	a = find(h, 11, 60, 70);
	assert_false(ft_history_is_below(h, a.process, PARENT));
	for (pid_t pid = 100; pid < 200; pid++) {
		fork_at(h, pid == 100 ? PARENT : pid - 1, pid, 100 + pid);
		if (pid > 100)
			end_at(h, pid - 1, 100 + pid - 1, 100 + pid);
	}
	fork_at(h, 11, 12, 400);
	/* Adopted by another: what it executes has another parent. */
	const struct ft_step adopted = {
		.kind = FT_STEP_EXEC,
		.pid = 199,
		.ppid = 11,
		.time = 500,
		.start = 299,
		.text = {.exe = FT_SPAN("/daemon")},
	};
	ft_history_add(h, &adopted);
	a = find(h, 199, 501, 600);
	assert_exact(&a, "/daemon");
	assert_int_equal(a.process->parents[0].pid, 11);
	/* Adopted is not forked. */
	assert_true(ft_history_is_below(h, a.process, PARENT));
	assert_false(ft_history_is_below(h, a.process, 11));
	a = find(h, 12, 401, 600);
	assert_false(ft_history_is_below(h, a.process, PARENT));
	assert_true(ft_history_is_below(h, a.process, 11));
}

/* Each program has a copy, and both may say the same. */
static void test_told_twice(void **state)
{
	struct ft_history *h = *state;
	struct ft_step exec = {
		.kind = FT_STEP_EXEC,
		.pid = CHILD,
		.time = 120,
		.start = 100,
		.exec_id = 7,
		.text = {.exe = FT_SPAN("/a")},
	};

	seed(h, PARENT, "/sh", 50);
	fork_at(h, PARENT, CHILD, 100);
	fork_at(h, PARENT, CHILD, 100);
	struct ft_attribution a = find(h, CHILD, 60, 110);
	assert_exact(&a, "/sh");
	ft_history_add(h, &exec);
	ft_history_add(h, &exec);
	end_at(h, CHILD, 100, 140);
	end_at(h, CHILD, 100, 140);
	a = find(h, CHILD, 121, 200);
	assert_exact(&a, "/a");
	/* The same program executed again is another image. */
	fork_at(h, PARENT, CHILD, 300);
	exec.start = 300;
	exec.time = 310;
	ft_history_add(h, &exec);
	exec.exec_id = 8;
	exec.time = 320;
	ft_history_add(h, &exec);
	a = find(h, CHILD, 311, 400);
	assert_int_equal(a.certainty, FT_CERTAINTY_AMBIGUOUS);
	assert_int_equal(a.candidates_count, 2);
}

/* What was handed out stays as it is until the next window, whatever is told meanwhile.
 */
static void test_handed_out(void **state)
{
	struct ft_history *h = *state;

	fork_at(h, PARENT, CHILD, 100);
	comm_at(h, CHILD, "/new", 119);
	struct ft_attribution a = find(h, CHILD, 119, 119);
	struct ft_process before = *a.candidates[0];
	const struct ft_process *now = a.candidates[0];
	exec_at(h, CHILD, "/new", 100, 120);
	assert_memory_equal(now, &before, sizeof(before));
	assert_text(now->comm, "/new");
}

#define HISTORY(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HISTORY(test_unknown),
		HISTORY(test_short_life),
		HISTORY(test_file),
		HISTORY(test_before_exec),
		HISTORY(test_fork_alone),
		HISTORY(test_fork_and_exec),
		HISTORY(test_exec_chain),
		HISTORY(test_many_execs),
		HISTORY(test_shared_by_all),
		HISTORY(test_number_taken_again),
		HISTORY(test_ids),
		HISTORY(test_ids_to_and_fro),
		HISTORY(test_mixed_ids),
		HISTORY(test_names),
		HISTORY(test_older_than_seed),
		HISTORY(test_forgotten),
		HISTORY(test_seeded_again),
		HISTORY(test_eviction),
		HISTORY(test_eviction_in_window),
		HISTORY(test_below),
		HISTORY(test_told_twice),
		HISTORY(test_handed_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
