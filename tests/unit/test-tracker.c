/* SPDX-License-Identifier: MIT */
/* Who is said to have done it, against who did: live children, whose images the test
 * knows because it made them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tracking.h"

/* Of /proc/PID/cgroup, read in another way than the tracker does. */
static void read_cgroup(pid_t pid, char *out, size_t size)
{
	char path[64], line[4096], systemd[4096] = "";

	out[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "0::", 3) == 0)
			snprintf(out, size, "%s", line + 3);
		else if (strstr(line, ":name=systemd:"))
			snprintf(systemd, sizeof(systemd), "%s", strrchr(line, ':') + 1);
	}
	fclose(file);
	if (systemd[0] && strlen(out) <= 1)
		snprintf(out, size, "%s", systemd);
}

static int64_t wall_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

/* Every field that is told, of a program with arguments that are hard to tell apart. */
static void test_all_fields(void **state)
{
	struct fixture *f = *state;
	struct child_exec x = {
		f->first, "odd) (name\n", {"", "two words", "new\nline", "\xff"}};
	int64_t earliest = wall_now() - 2 * 10000000, latest;
	char cgroup[4096], comm[32], expect[256];
	int n;

	struct child c = child_fork(child_exec_now, &x);
	latest = wall_now();
	child_wait_ready(&c);
	struct ft_attribution a = find_in(f, c.pid, child_next_tick());
	assert_only(&a, FT_CERTAINTY_AMBIGUOUS, c.pid, "first");
	const struct ft_process *p = a.process;
	assert_text(p->exe, f->first);
	n = snprintf(expect, sizeof(expect), "odd) (name\n%c" CHILD_FLAG "%c", 0, 0);
	assert_true(p->args.len > (size_t)n);
	assert_memory_equal(p->args.data, expect, n);
	const char tail[] = "\0\0two words\0new\nline\0\xff";
	assert_memory_equal(p->args.data + p->args.len - sizeof(tail), tail,
			    sizeof(tail));
	assert_false(p->args_cut);
	assert_true(p->has_ids);
	assert_int_equal(p->uid, geteuid());
	assert_int_equal(p->gid, getegid());
	assert_true(p->has_ppid);
	assert_int_equal(p->ppid, getpid());
	assert_in_range(p->start_ns, earliest, latest);
	read_cgroup(c.pid, cgroup, sizeof(cgroup));
	assert_text(p->cgroup, cgroup);
	assert_true(p->parents_count >= 1);
	own_comm(comm);
	assert_int_equal(p->parents[0].pid, getpid());
	assert_text(p->parents[0].comm, comm);
	assert_text(p->parents[0].exe, f->self);
	if (getppid() > 0) {
		assert_true(p->parents_count >= 2);
		assert_int_equal(p->parents[1].pid, getppid());
	}
	assert_int_equal(child_end(&c), 0);
}

/* Seen before, with the same addresses after. */
static void test_seen_before(void **state)
{
	struct fixture *f = *state;

	if (!has_random_addresses())
		skip();
	struct child c = exec_child(f->first);
	int64_t from = child_next_tick();
	struct ft_attribution a = find_in(f, c.pid, from);
	assert_only(&a, FT_CERTAINTY_AMBIGUOUS, c.pid, "first");
	uint64_t id = a.process->id;
	/* Records from before it was first seen: still not. */
	a = find_in(f, c.pid, from);
	assert_only(&a, FT_CERTAINTY_AMBIGUOUS, c.pid, "first");
	a = find_in(f, c.pid, child_now());
	assert_only(&a, FT_CERTAINTY_EXACT, c.pid, "first");
	assert_int_equal(a.process->id, id);
	assert_text(a.process->exe, f->first);
	assert_int_equal(child_end(&c), 0);
}

static void test_seeded(void **state)
{
	struct fixture *f = *state;

	if (!has_random_addresses())
		skip();
	struct child c = exec_child(f->first);
	child_next_tick();
	reopen(f);
	struct ft_attribution a = find_in(f, c.pid, child_now());
	assert_only(&a, FT_CERTAINTY_EXACT, c.pid, "first");
	assert_text(a.process->exe, f->first);
	assert_int_equal(a.process->ppid, getpid());
	assert_true(a.process->parents_count >= 1);
	assert_true(a.process->has_ids);
	assert_int_equal(f->drained, 0);
	assert_int_equal(child_end(&c), 0);
}

/* A pid that was never looked at: it did not execute since it was forked. */
static void test_forked(void **state)
{
	struct fixture *f = *state;
	int64_t before = child_now();
	struct child c = child_fork(child_hold, NULL);
	char comm[32];

	child_wait_ready(&c);
	own_comm(comm);
	struct ft_attribution a = find_in(f, c.pid, before);
	assert_only(&a, FT_CERTAINTY_AMBIGUOUS, c.pid, comm);
	a = find_in(f, c.pid, child_next_tick());
	assert_only(&a, FT_CERTAINTY_EXACT, c.pid, comm);
	assert_text(a.process->exe, f->self);
	assert_int_equal(child_end(&c), 0);
}

/* Every exec would have been told, and none was. */
static void test_without_exec(void **state)
{
	struct fixture *f = *state;
	struct child c = exec_child(f->first);

	f->is_seen = true;
	struct ft_attribution a = find_in(f, c.pid, child_next_tick());
	assert_only(&a, FT_CERTAINTY_EXACT, c.pid, "first");
	assert_int_equal(f->drained, 1);
	/* Once a backlog, not once a record. */
	for (uint64_t position = 2; position < 100; position++)
		ops->find(f->t, &(struct ft_question){.pid = c.pid}, &a);
	assert_int_equal(f->drained, 1);
	assert_int_equal(child_end(&c), 0);
}

/* Each of the conditions alone makes it no proof. */
static void test_without_exec_fails(void **state)
{
	struct fixture *f = *state;
	struct child c = exec_child(f->first);
	int64_t from = child_next_tick();

	for (int broken = 0; broken < 7; broken++) {
		reopen(f);
		f->is_seen = broken != 0;
		f->drain_result = broken == 1 ? 1 : broken == 2 ? -EIO : 0;
		f->exec_at_drain = broken == 3 ? c.pid : 0;
		f->loses_at_drain = broken == 4;
		if (broken == 5)
			ops->exec(f->t, &(struct ft_open_exec){.pid = c.pid});
		struct ft_attribution a = find_in(f, c.pid, broken == 6 ? 0 : from);
		assert_only(&a, FT_CERTAINTY_AMBIGUOUS, c.pid, "first");
	}
	/* And none of them is broken: the loop has found what it should. */
	f->exec_at_drain = 0;
	reopen(f);
	f->is_seen = true;
	f->drain_result = 0;
	f->loses_at_drain = false;
	struct ft_attribution a = find_in(f, c.pid, from);
	assert_only(&a, FT_CERTAINTY_EXACT, c.pid, "first");
	/* What was read while one backlog was told counts in the next one, if that began
	 * before. */
	reopen(f);
	ops->begin(f->t, from, child_now());
	ops->exec(f->t, &(struct ft_open_exec){.pid = c.pid});
	a = find_in(f, c.pid, from);
	assert_only(&a, FT_CERTAINTY_AMBIGUOUS, c.pid, "first");
	assert_int_equal(child_end(&c), 0);
}

/* Records that may have happened after the look: what was seen then is not what they are
 * of. */
static void test_looked_too_early(void **state)
{
	struct fixture *f = *state;
	struct child c = child_fork(child_hold, NULL);
	struct ft_attribution a;

	child_wait_ready(&c);
	int64_t from = child_next_tick();
	ops->begin(f->t, from, child_now() + 1000000000000);
	ops->find(f->t, &(struct ft_question){.pid = c.pid}, &a);
	assert_int_equal(a.certainty, FT_CERTAINTY_AMBIGUOUS);
	a = find_in(f, c.pid, from);
	assert_int_equal(a.certainty, FT_CERTAINTY_EXACT);
	assert_int_equal(child_end(&c), 0);
}

/* An exec of another pid is none of this one's. */
static void test_exec_of_another(void **state)
{
	struct fixture *f = *state;
	struct child c = exec_child(f->first);
	int64_t from = child_next_tick();

	f->is_seen = true;
	ops->exec(f->t, &(struct ft_open_exec){.pid = c.pid + 1});
	f->exec_at_drain = c.pid + 2;
	struct ft_attribution a = find_in(f, c.pid, from);
	assert_only(&a, FT_CERTAINTY_EXACT, c.pid, "first");
	assert_int_equal(child_end(&c), 0);
}

/*
 * first runs, writes, executes second, writes; then all of it is read. Wherever an
 * OPEN_EXEC is said to stand, if it is said at all, and whatever is known of the
 * filesystem: nobody may be said to have done it for certain.
 */
static void check_write_then_exec(struct fixture *f, bool is_seen, const uint64_t *told,
				  size_t n)
{
	struct child_exec x = {f->first, f->first, {"then", f->second, f->second}};
	struct child c = child_fork(child_exec_now, &x);
	struct ft_attribution a;
	int64_t from;

	child_wait_ready(&c);
	child_next_tick();
	reopen(f);
	f->is_seen = false;
	find_in(f, c.pid, child_now());
	from = child_now();
	if (has_random_addresses()) {
		a = find_in(f, c.pid, from);
		assert_only(&a, FT_CERTAINTY_EXACT, c.pid, "first");
	}
	child_step(&c);
	f->is_seen = is_seen;
	for (size_t i = 0; i < n; i++)
		ops->exec(f->t,
			  &(struct ft_open_exec){.pid = c.pid, .position = told[i]});
	ops->begin(f->t, from, child_now());
	for (uint64_t position = 0; position < 12; position++) {
		ops->find(f->t, &(struct ft_question){.pid = c.pid}, &a);
		assert_two(&a, "second", "first");
		/* A third one may have run between them. */
		assert_true(a.may_be_another);
		assert_text(a.candidates[0]->exe, f->second);
		assert_text(a.candidates[1]->exe, f->first);
		/* What they share stands above, and nothing else. */
		assert_int_equal(a.process->exe.len, 0);
		assert_int_equal(a.process->comm.len, 0);
		assert_int_equal(a.process->args.len, 0);
		assert_true(a.process->has_ids);
		assert_int_equal(a.process->ppid, getpid());
		assert_int_equal(a.process->start_ns, a.candidates[0]->start_ns);
		assert_int_equal(a.process->parents_count,
				 a.candidates[0]->parents_count);
	}
	if (has_random_addresses()) {
		a = find_in(f, c.pid, child_now());
		assert_only(&a, FT_CERTAINTY_EXACT, c.pid, "second");
		assert_text(a.process->exe, f->second);
	}
	assert_int_equal(child_end(&c), 0);
}

static void test_write_then_exec(void **state)
{
	static const uint64_t told[][3] = {{5, 6, 7}, {0, 0, 0}, {9, 3, 1000}};
	struct fixture *f = *state;

	check_write_then_exec(f, false, NULL, 0);
	for (size_t i = 0; i < FT_ARRAY_SIZE(told); i++) {
		for (size_t n = 1; n <= 3; n++) {
			check_write_then_exec(f, false, told[i], n);
			check_write_then_exec(f, true, told[i], n);
		}
	}
}

/* The same program again, with other arguments: only the addresses tell. */
static void test_exec_of_itself(void **state)
{
	struct fixture *f = *state;
	struct child_exec x = {f->first, f->first, {"then", f->first, f->first, "again"}};
	struct child c = child_fork(child_exec_now, &x);

	child_wait_ready(&c);
	child_next_tick();
	find_in(f, c.pid, child_now());
	int64_t from = child_now();
	child_step(&c);
	struct ft_attribution a = find_in(f, c.pid, from);
	assert_two(&a, "first", "first");
	assert_text(a.process->exe, f->first);
	assert_int_equal(a.process->args.len, 0);
	assert_memory_equal(a.candidates[0]->args.data + a.candidates[0]->args.len - 6,
			    "again", 6);
	assert_int_equal(child_end(&c), 0);
}

/* An OPEN_EXEC that came to nothing: the image is the same as before, and that is proven.
 */
static void test_failed_exec(void **state)
{
	struct fixture *f = *state;

	if (!has_random_addresses())
		skip();
	struct child c = exec_child(f->first);
	child_next_tick();
	find_in(f, c.pid, child_now());
	int64_t from = child_now();
	ops->exec(f->t, &(struct ft_open_exec){.pid = c.pid});
	struct ft_attribution a = find_in(f, c.pid, from);
	assert_only(&a, FT_CERTAINTY_EXACT, c.pid, "first");
	assert_int_equal(child_end(&c), 0);
}

static void exec_without_random(int ready, int go, void *data)
{
	if (personality(ADDR_NO_RANDOMIZE) < 0)
		_exit(122);
	child_do_exec(data, ready, go);
}

/* Addresses that are always the same prove nothing; that every exec is told still does.
 */
static void test_no_random_addresses(void **state)
{
	struct fixture *f = *state;
	struct child_exec x = {f->first, f->first, {"then", f->first, f->first}};
	struct child c = child_fork(exec_without_random, &x);
	uint64_t id = 0;

	child_wait_ready(&c);
	child_next_tick();
	for (int i = 0; i < 3; i++) {
		struct ft_attribution a = find_in(f, c.pid, child_now());
		assert_only(&a, FT_CERTAINTY_AMBIGUOUS, c.pid, "first");
		/* What looks the same is the same text for whoever caches it. */
		assert_true(id == 0 || a.process->id == id);
		id = a.process->id;
	}
	f->is_seen = true;
	int64_t from = child_now();
	struct ft_attribution a = find_in(f, c.pid, from);
	assert_only(&a, FT_CERTAINTY_EXACT, c.pid, "first");
	f->is_seen = false;
	a = find_in(f, c.pid, from);
	assert_only(&a, FT_CERTAINTY_AMBIGUOUS, c.pid, "first");
	/* It executes itself, at the same addresses: was it the one, or the other? */
	from = child_now();
	child_step(&c);
	a = find_in(f, c.pid, from);
	assert_int_equal(a.certainty, FT_CERTAINTY_AMBIGUOUS);
	assert_int_equal(child_end(&c), 0);
}

static void rename_itself(int ready, int go, void *data)
{
	prctl(PR_SET_NAME, "old name");
	child_say(ready);
	child_wait_go(go);
	prctl(PR_SET_NAME, "new name");
	child_hold(ready, go, NULL);
}

/* One image, but with which of its names? */
static void test_renamed(void **state)
{
	struct fixture *f = *state;
	struct child c = child_fork(rename_itself, NULL);

	child_wait_ready(&c);
	struct ft_attribution a = find_in(f, c.pid, child_next_tick());
	assert_only(&a, FT_CERTAINTY_EXACT, c.pid, "old name");
	int64_t from = child_now();
	child_step(&c);
	a = find_in(f, c.pid, from);
	assert_two(&a, "new name", "old name");
	assert_false(a.may_be_another);
	assert_text(a.process->exe, f->self);
	assert_int_equal(a.process->comm.len, 0);
	a = find_in(f, c.pid, child_now());
	assert_only(&a, FT_CERTAINTY_EXACT, c.pid, "new name");
	assert_int_equal(child_end(&c), 0);
}

static void test_health(void **state)
{
	struct fixture *f = *state;
	struct ft_tracker_health health;

	ops->get_health(f->t, &health);
	/* Who runs this, and whoever began it. */
	assert_true(health.processes >= 2);
	assert_int_equal(health.dropped, 0);
	assert_int_equal(health.missed, 0);
}

static void test_none(void **state)
{
	const struct ft_tracker_host host = {0};
	struct ft_tracker *t = NULL;
	struct ft_attribution a = {.certainty = FT_CERTAINTY_EXACT};

	assert_int_equal(ft_tracker_none.open(&t, &host), 0);
	ft_tracker_none.begin(t, 0, child_now());
	ft_tracker_none.exec(t, &(struct ft_open_exec){.pid = getpid()});
	ft_tracker_none.find(t, &(struct ft_question){.pid = getpid()}, &a);
	assert_int_equal(a.certainty, FT_CERTAINTY_NONE);
	assert_null(a.process);
	assert_int_equal(a.candidates_count, 0);
	assert_int_equal(ft_tracker_none.take_lost(t), 0);
	assert_null(ft_tracker_none.close(t));
	assert_null(ft_tracker_none.close(NULL));
}

#define LIVE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		LIVE(test_all_fields),	     LIVE(test_seen_before),
		LIVE(test_seeded),	     LIVE(test_forked),
		LIVE(test_without_exec),     LIVE(test_without_exec_fails),
		LIVE(test_looked_too_early), LIVE(test_exec_of_another),
		LIVE(test_write_then_exec),  LIVE(test_exec_of_itself),
		LIVE(test_failed_exec),	     LIVE(test_no_random_addresses),
		LIVE(test_renamed),	     LIVE(test_health),
		cmocka_unit_test(test_none),
	};

	if (child_main(argc, argv))
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
