/* SPDX-License-Identifier: MIT */
/* Lives of processes: what is said of the dead, of those who take their pids, of
 * families. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sys/mount.h>

#include "tracking.h"

static void test_dead(void **state)
{
	struct fixture *f = *state;
	struct child unseen = exec_child(f->first), seen = exec_child(f->first);
	int64_t from = child_next_tick();

	reopen(f);
	find_in(f, seen.pid, from);
	from = child_now();
	child_end(&seen);
	struct ft_attribution a = find_in(f, seen.pid, from);
	assert_only(&a, FT_CERTAINTY_AMBIGUOUS, seen.pid, "first");
	assert_text(a.process->exe, f->first);
	/* It was gone before that: what has this pid now is somebody else. */
	a = find_in(f, seen.pid, child_now());
	assert_int_equal(a.certainty, FT_CERTAINTY_NONE);
	assert_null(a.process);
	assert_int_equal(child_end(&unseen), 0);
	ops->close(f->t);
	f->t = NULL;
	reopen(f);
	for (int i = 0; i < 3; i++) {
		a = find_in(f, unseen.pid, from);
		ops->find(f->t, &(struct ft_question){.pid = unseen.pid}, &a);
		assert_int_equal(a.certainty, FT_CERTAINTY_NONE);
		assert_null(a.process);
		assert_int_equal(a.candidates_count, 0);
	}
}

static void wait_zombie(pid_t pid)
{
	siginfo_t info;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, pid, &info, WEXITED | WNOWAIT), 0);
}

static void test_zombie(void **state)
{
	struct fixture *f = *state;
	struct child executed = exec_child(f->first),
		     forked = child_fork(child_hold, NULL);
	struct child unseen = exec_child(f->second);
	char comm[32];

	own_comm(comm);
	child_wait_ready(&forked);
	child_next_tick();
	f->is_seen = true;
	ops->begin(f->t, child_now(), child_now());
	struct ft_attribution a;
	ops->find(f->t, &(struct ft_question){.pid = executed.pid}, &a);
	ops->find(f->t, &(struct ft_question){.pid = forked.pid}, &a);
	int64_t from = child_now();
	wait_zombie(executed.pid);
	wait_zombie(forked.pid);
	wait_zombie(unseen.pid);
	ops->begin(f->t, from, child_now());
	/* It may have executed something before it died. */
	ops->find(f->t, &(struct ft_question){.pid = executed.pid}, &a);
	assert_only(&a, FT_CERTAINTY_AMBIGUOUS, executed.pid, "first");
	assert_text(a.process->exe, f->first);
	/* This one has not: the flag outlives it. */
	ops->find(f->t, &(struct ft_question){.pid = forked.pid}, &a);
	assert_only(&a, FT_CERTAINTY_EXACT, forked.pid, comm);
	assert_text(a.process->exe, f->self);
	ops->find(f->t, &(struct ft_question){.pid = unseen.pid}, &a);
	assert_only(&a, FT_CERTAINTY_AMBIGUOUS, unseen.pid, "second");
	assert_int_equal(a.process->exe.len, 0);
	assert_int_equal(a.process->ppid, getpid());
	child_end(&executed);
	child_end(&forked);
	child_end(&unseen);
}

/* Between two programs that execute each other all the time, no look may mix them up. */
static void test_torn(void **state)
{
	struct fixture *f = *state;
	struct child_exec x = {f->first, f->first, {"cycle", "300", f->first, f->second}};
	struct child c = child_fork(child_exec_now, &x);
	int status, looks = 0;
	char byte;

	fcntl(c.ready, F_SETFL, O_NONBLOCK);
	while (read(c.ready, &byte, 1) != 1) {
		assert_int_equal(waitpid(c.pid, &status, WNOHANG), 0);
		struct ft_attribution a = find_in(f, c.pid, child_now());
		for (size_t i = 0; i < a.candidates_count; i++) {
			const struct ft_process *p = a.candidates[i];
			if (p->args.len == 0 ||
			    !(is_text(p->comm, "first") || is_text(p->comm, "second")))
				continue;
			assert_text(p->exe,
				    is_text(p->comm, "first") ? f->first : f->second);
			assert_string_equal(p->args.data, is_text(p->comm, "first")
								  ? f->first
								  : f->second);
			looks++;
		}
	}
	assert_true(looks > 0);
	assert_int_equal(child_end(&c), 0);
}

static void *just_wait(void *data)
{
	char c;

	return read(*(int *)data, &c, 1) < 0 ? data : NULL;
}

static void exec_beside_thread(int ready, int go, void *data)
{
	int never[2];
	pthread_t thread;

	if (pipe2(never, O_CLOEXEC) < 0 ||
	    pthread_create(&thread, NULL, just_wait, &never[0]) != 0)
		_exit(124);
	child_exec_later(ready, go, data);
}

/* Its OPEN_EXEC may have been told before `from`, the new image come later, and the other
 * thread written in between. */
static void test_exec_beside_thread(void **state)
{
	struct fixture *f = *state;
	struct child_exec x = {f->first, f->first, {0}};
	struct child c = child_fork(exec_beside_thread, &x);
	char comm[32];

	own_comm(comm);
	child_wait_ready(&c);
	f->is_seen = true;
	struct ft_attribution a = find_in(f, c.pid, child_next_tick());
	assert_only(&a, FT_CERTAINTY_EXACT, c.pid, comm);
	ops->exec(f->t, &(struct ft_open_exec){.pid = c.pid});
	int64_t from = child_now();
	child_step(&c);
	a = find_in(f, c.pid, from);
	assert_two(&a, "first", comm);
	a = find_in(f, c.pid, child_now());
	assert_only(&a, FT_CERTAINTY_EXACT, c.pid, "first");
	assert_int_equal(child_end(&c), 0);
}

struct chain {
	int left;
	int ready, go;
};

/* Each forks the next, the last one says that it is there. */
static void fork_chain(int ready, int go, void *data)
{
	struct chain *chain = data;

	if (chain->left-- == 0) {
		if (write(ready, &(pid_t){getpid()}, sizeof(pid_t)) != sizeof(pid_t))
			_exit(125);
		child_wait_go(go);
		_exit(0);
	}
	pid_t pid = fork();
	if (pid == 0)
		fork_chain(ready, go, data);
	waitpid(pid, NULL, 0);
}

/* More ancestors than are kept: the nearest are, and all of them count. */
static void test_ancestors(void **state)
{
	struct fixture *f = *state;
	struct chain chain = {.left = 20};
	struct child c = child_fork(fork_chain, &chain);
	struct child other = child_fork(child_hold, NULL);
	pid_t last;

	child_wait_ready(&other);
	assert_int_equal(read(c.ready, &last, sizeof(last)), sizeof(last));
	child_next_tick();
	reopen(f);
	struct ft_attribution a = find_in(f, last, child_now());
	assert_int_equal(a.certainty, FT_CERTAINTY_EXACT);
	assert_int_equal(a.process->parents_count, 16);
	assert_int_equal(a.process->parents[0].pid, a.process->ppid);
	for (size_t i = 0; i < 16; i++)
		assert_text(a.process->parents[i].exe, f->self);
	for (size_t i = 0; i < 16; i++)
		assert_int_not_equal(a.process->parents[i].pid, c.pid);
	assert_int_equal(ops->add_root(f->t, last), 0);
	assert_int_equal(ops->add_root(f->t, a.process->ppid), 0);
	assert_int_equal(ops->add_root(f->t, c.pid), 0);
	assert_int_equal(ops->add_root(f->t, getpid()), 0);
	assert_int_equal(ops->add_root(f->t, other.pid), 0);
	assert_true(ops->is_below(f->t, a.process, last));
	assert_true(ops->is_below(f->t, a.process, a.process->ppid));
	assert_true(ops->is_below(f->t, a.process, c.pid));
	assert_true(ops->is_below(f->t, a.process, getpid()));
	assert_false(ops->is_below(f->t, a.process, other.pid));
	assert_false(ops->is_below(f->t, a.process, 0));
	/* In this order: the later one holds a copy of the earlier one's pipe. */
	child_end(&other);
	child_end(&c);
}

/* The parent dies: the process is adopted, and is still below whom it came from. */
static void leave_orphan(int ready, int go, void *data)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (write(ready, &(pid_t){getpid()}, sizeof(pid_t)) != sizeof(pid_t))
			_exit(125);
		child_wait_go(go);
		child_hold(ready, go, NULL);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void test_orphan(void **state)
{
	struct fixture *f = *state;
	struct child c = child_fork(leave_orphan, NULL);
	pid_t orphan;

	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	assert_int_equal(read(c.ready, &orphan, sizeof(orphan)), sizeof(orphan));
	struct ft_attribution a = find_in(f, orphan, child_next_tick());
	assert_int_equal(a.certainty, FT_CERTAINTY_EXACT);
	assert_int_equal(a.process->ppid, c.pid);
	assert_int_equal(ops->add_root(f->t, c.pid), 0);
	uint64_t id = a.process->id;
	int64_t from = child_now();
	assert_int_equal(kill(c.pid, SIGKILL), 0);
	assert_int_equal(waitpid(c.pid, NULL, 0), c.pid);
	a = find_in(f, orphan, from);
	assert_int_equal(a.certainty, FT_CERTAINTY_EXACT);
	assert_int_equal(a.process->ppid, getpid());
	assert_int_not_equal(a.process->id, id);
	assert_true(ops->is_below(f->t, a.process, c.pid));
	close(c.go);
	assert_int_equal(waitpid(orphan, NULL, 0), orphan);
	close(c.ready);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

static void test_no_pid(void **state)
{
	struct fixture *f = *state;
	struct ft_attribution a = find_in(f, 0, child_now());

	assert_int_equal(a.certainty, FT_CERTAINTY_NONE);
	a = find_in(f, -1, child_now());
	assert_int_equal(a.certainty, FT_CERTAINTY_NONE);
	assert_int_equal(ops->take_lost(f->t), 0);
}

/* In a process of its own, where cmocka's asserts would go on with the other tests. */
#define CHECK(condition)                                                                 \
	do {                                                                             \
		if (!(condition)) {                                                      \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);  \
			_exit(1);                                                        \
		}                                                                        \
	} while (0)

enum { SKIPPED = 77 };

static void name_and_hold(int ready, int go, void *data)
{
	prctl(PR_SET_NAME, data);
	child_hold(ready, go, NULL);
}

/* The next process that is forked here gets this pid. */
static void choose_next_pid(pid_t pid)
{
	FILE *file = fopen("/proc/sys/kernel/ns_last_pid", "we");

	if (!file)
		_exit(SKIPPED);
	CHECK(fprintf(file, "%d", (int)pid - 1) > 0);
	CHECK(fclose(file) == 0);
}

static struct child fork_as(pid_t pid, child_fn fn, const void *data)
{
	choose_next_pid(pid);
	struct child c = child_fork(fn, (void *)data);
	CHECK(c.pid == pid);
	child_wait_ready(&c);
	return c;
}

static void check_reuse(struct fixture *f)
{
	enum { PID = 700 };
	struct child_exec x = {f->second, f->second, {0}};
	struct ft_attribution a;

	reopen(f);
	struct child c = fork_as(PID, name_and_hold, "one");
	a = find_in(f, PID, child_next_tick());
	CHECK(a.certainty == FT_CERTAINTY_EXACT && is_text(a.process->comm, "one"));
	int64_t from = child_now();
	child_end(&c);
	c = fork_as(PID, name_and_hold, "two");
	a = find_in(f, PID, from);
	CHECK(a.certainty == FT_CERTAINTY_AMBIGUOUS && a.candidates_count == 2);
	CHECK(is_text(a.candidates[0]->comm, "two") &&
	      is_text(a.candidates[1]->comm, "one"));
	CHECK(a.process->start_ns == 0 && a.process->comm.len == 0 &&
	      is_text(a.process->exe, f->self));
	a = find_in(f, PID, child_next_tick());
	CHECK(a.certainty == FT_CERTAINTY_EXACT && is_text(a.process->comm, "two"));
	/* By one that is like it in everything but when it was started. */
	from = child_now();
	child_end(&c);
	c = fork_as(PID, name_and_hold, "two");
	a = find_in(f, PID, from);
	CHECK(a.certainty == FT_CERTAINTY_AMBIGUOUS && a.candidates_count == 2);
	CHECK(a.process->start_ns == 0 && is_text(a.process->comm, "two"));
	/* Twice since it was looked at, the second time with an exec, of which all is
	 * told: the one between is not known. */
	from = child_now();
	child_end(&c);
	c = fork_as(PID, name_and_hold, "three");
	child_end(&c);
	c = fork_as(PID, child_exec_now, &x);
	f->is_seen = true;
	ops->exec(f->t, &(struct ft_open_exec){.pid = PID});
	a = find_in(f, PID, from);
	CHECK(a.certainty == FT_CERTAINTY_AMBIGUOUS &&
	      is_text(a.candidates[0]->comm, "second"));
	a = find_in(f, PID, child_next_tick());
	CHECK(a.certainty == FT_CERTAINTY_EXACT && is_text(a.process->exe, f->second));
	/* Looked at when it was free, then taken again, all since `from`. */
	from = child_now();
	child_end(&c);
	a = find_in(f, PID, from);
	CHECK(a.certainty == FT_CERTAINTY_AMBIGUOUS &&
	      is_text(a.process->exe, f->second));
	int64_t later = child_now();
	c = fork_as(PID, name_and_hold, "four");
	a = find_in(f, PID, from);
	CHECK(a.certainty == FT_CERTAINTY_AMBIGUOUS && a.candidates_count == 2);
	a = find_in(f, PID, later);
	CHECK(a.certainty == FT_CERTAINTY_AMBIGUOUS);
	CHECK(is_text(a.candidates[0]->comm, "four") && a.candidates_count == 1);
	child_end(&c);
	f->t = ops->close(f->t);
}

/* The first process of a new pid namespace, with a /proc of its own. */
static void reuse_in_namespace(struct fixture *f)
{
	if (mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("proc", "/proc", "proc", 0, NULL) < 0)
		_exit(SKIPPED);
	check_reuse(f);
	_exit(0);
}

static void unshare_and_reuse(struct fixture *f)
{
	int status;

	if (unshare(CLONE_NEWPID | CLONE_NEWNS) < 0)
		_exit(SKIPPED);
	pid_t pid = fork();
	if (pid == 0)
		reuse_in_namespace(f);
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

static void test_pid_reuse(void **state)
{
	struct fixture *f = *state;
	int status;
	pid_t pid = fork();

	if (pid == 0)
		unshare_and_reuse(f);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == SKIPPED) {
		print_message("pid namespaces and ns_last_pid need root\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

#define LIVE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		LIVE(test_dead),      LIVE(test_zombie),
		LIVE(test_torn),      LIVE(test_exec_beside_thread),
		LIVE(test_ancestors), LIVE(test_orphan),
		LIVE(test_no_pid),    LIVE(test_pid_reuse),
	};

	if (child_main(argc, argv))
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
