/* SPDX-License-Identifier: MIT */
/* For whom it was done: users, groups and cgroups that change without an exec. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tracking.h"

enum { ROOT = 0, USER = 5, GROUP = 8 };

static void drop_root(int ready, int go, void *data)
{
	child_say(ready);
	child_wait_go(go);
	if (setresgid(GROUP, GROUP, GROUP) < 0 || setresuid(USER, USER, USER) < 0)
		_exit(123);
	child_hold(ready, go, NULL);
}

static void assert_owner(const struct ft_process *p, uid_t uid, gid_t gid)
{
	assert_true(p->has_ids);
	assert_int_equal(p->uid, uid);
	assert_int_equal(p->gid, gid);
}

/* Neither of the two is the one for certain, and nobody else can have been it. */
static void assert_either(const struct ft_attribution *a)
{
	assert_int_equal(a->certainty, FT_CERTAINTY_AMBIGUOUS);
	assert_false(a->may_be_another);
	assert_int_equal(a->candidates_count, 2);
	assert_owner(a->candidates[0], USER, GROUP);
	assert_owner(a->candidates[1], ROOT, getegid());
	assert_false(a->process->has_ids);
}

static void assert_dropped(struct fixture *f, pid_t pid)
{
	struct ft_attribution a = find_in(f, pid, child_now());

	assert_int_equal(a.certainty, FT_CERTAINTY_EXACT);
	assert_false(a.may_be_another);
	assert_owner(a.process, USER, GROUP);
}

static void test_drops_root(void **state)
{
	struct fixture *f = *state;

	if (geteuid() != ROOT)
		skip();
	struct child c = child_fork(drop_root, NULL);
	child_wait_ready(&c);
	struct ft_attribution a = find_in(f, c.pid, child_next_tick());
	assert_int_equal(a.certainty, FT_CERTAINTY_EXACT);
	assert_owner(a.process, ROOT, getegid());
	int64_t from = child_now();
	child_step(&c);
	a = find_in(f, c.pid, from);
	assert_either(&a);
	assert_text(a.process->exe, f->self);
	assert_dropped(f, c.pid);
	assert_int_equal(child_end(&c), 0);
}

/* It was there before the tracker, which has never had a record of it. */
static void test_drops_root_seeded(void **state)
{
	struct fixture *f = *state;

	if (geteuid() != ROOT)
		skip();
	struct child c = child_fork(drop_root, NULL);
	child_wait_ready(&c);
	child_next_tick();
	reopen(f);
	int64_t from = child_now();
	child_step(&c);
	struct ft_attribution a = find_in(f, c.pid, from);
	assert_either(&a);
	assert_dropped(f, c.pid);
	assert_int_equal(child_end(&c), 0);
}

/* Forked, and never looked at: who it was before is not known. */
static void test_drops_root_unseen(void **state)
{
	struct fixture *f = *state;

	if (geteuid() != ROOT)
		skip();
	struct child c = child_fork(drop_root, NULL);
	child_wait_ready(&c);
	int64_t from = child_next_tick();
	child_step(&c);
	struct ft_attribution a = find_in(f, c.pid, from);
	assert_int_equal(a.certainty, FT_CERTAINTY_AMBIGUOUS);
	assert_true(a.may_be_another);
	assert_int_equal(a.candidates_count, 1);
	assert_owner(a.candidates[0], USER, GROUP);
	assert_false(a.process->has_ids);
	assert_int_equal(a.process->cgroup.len, 0);
	assert_int_equal(a.process->pid, c.pid);
	assert_int_equal(a.process->id, 0);
	assert_text(a.process->exe, f->self);
	assert_dropped(f, c.pid);
	assert_int_equal(child_end(&c), 0);
}

/* As a program whose file says that it runs as another user leaves it: both users are its
 * own, and no privilege is needed to be the one and then the other. */
static void swap_ids(int ready, int go, void *data)
{
	if (setresgid(GROUP, GROUP, GROUP) < 0 || setresuid(USER, USER + 1, USER + 1) < 0)
		_exit(123);
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_DUMPABLE, 1);
		if (write(ready, &(pid_t){getpid()}, sizeof(pid_t)) != sizeof(pid_t))
			_exit(125);
		child_wait_go(go);
		if (setresuid(USER, USER, USER) < 0)
			_exit(126);
		child_hold(ready, go, NULL);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void test_swaps_unseen(void **state)
{
	struct fixture *f = *state;
	pid_t pid;

	if (geteuid() != ROOT)
		skip();
	struct child c = child_fork(swap_ids, NULL);
	assert_int_equal(read(c.ready, &pid, sizeof(pid)), sizeof(pid));
	int64_t from = child_next_tick();
	child_step(&c);
	struct ft_attribution a = find_in(f, pid, from);
	assert_int_equal(a.certainty, FT_CERTAINTY_AMBIGUOUS);
	assert_true(a.may_be_another);
	assert_owner(a.candidates[0], USER, GROUP);
	assert_false(a.process->has_ids);
	assert_dropped(f, pid);
	assert_int_equal(child_end(&c), 0);
}

/* A user's own process, which is what most are: it was nobody else, at the first look. */
static void become_user(int ready, int go, void *data)
{
	if (setresgid(GROUP, GROUP, GROUP) < 0 || setresuid(USER, USER, USER) < 0 ||
	    prctl(PR_SET_DUMPABLE, 1) < 0)
		_exit(123);
	pid_t pid = fork();
	if (pid == 0) {
		if (write(ready, &(pid_t){getpid()}, sizeof(pid_t)) != sizeof(pid_t))
			_exit(125);
		child_wait_go(go);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void test_user_unseen(void **state)
{
	struct fixture *f = *state;
	pid_t pid;

	if (geteuid() != ROOT)
		skip();
	struct child c = child_fork(become_user, NULL);
	assert_int_equal(read(c.ready, &pid, sizeof(pid)), sizeof(pid));
	child_next_tick();
	assert_dropped(f, pid);
	assert_int_equal(child_end(&c), 0);
}

/* Where cgroups of version 2 are mounted; false: nowhere. */
static bool find_cgroups(char path[PATH_MAX])
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[2 * PATH_MAX];
	bool found = false;

	assert_non_null(file);
	while (!found && fgets(line, sizeof(line), file))
		found = strstr(line, " - cgroup2 ") &&
			sscanf(line, "%*s %*s %*s %*s %4095s", path) == 1;
	fclose(file);
	return found;
}

static bool move_to(const char *cgroup, pid_t pid)
{
	char number[16];
	_cleanup_close_ int dir = open(cgroup, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int fd = openat(dir, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	int n = snprintf(number, sizeof(number), "%d", (int)pid);

	return fd >= 0 && write(fd, number, n) == n;
}

static void check_moved(struct fixture *f, const struct child *c, const char *cgroup)
{
	const char *name = strrchr(cgroup, '/');
	struct ft_attribution a = find_in(f, c->pid, child_next_tick());

	assert_int_equal(a.certainty, FT_CERTAINTY_EXACT);
	assert_null(memmem(a.process->cgroup.data, a.process->cgroup.len, name,
			   strlen(name)));
	uint64_t id = a.process->id;
	a = find_in(f, c->pid, child_now());
	assert_int_equal(a.process->id, id);
	int64_t from = child_now();
	if (!move_to(cgroup, c->pid)) {
		print_message("processes cannot be moved to %s\n", cgroup);
		return;
	}
	a = find_in(f, c->pid, from);
	assert_int_equal(a.certainty, FT_CERTAINTY_AMBIGUOUS);
	assert_int_equal(a.candidates_count, 2);
	assert_false(a.may_be_another);
	assert_int_equal(a.process->cgroup.len, 0);
	assert_int_equal(a.candidates[1]->id, id);
	a = find_in(f, c->pid, child_now());
	assert_int_equal(a.certainty, FT_CERTAINTY_EXACT);
	assert_non_null(memmem(a.process->cgroup.data, a.process->cgroup.len, name,
			       strlen(name)));
}

static void test_moved(void **state)
{
	char top[PATH_MAX], cgroup[PATH_MAX + 32];

	if (!find_cgroups(top))
		skip();
	snprintf(cgroup, sizeof(cgroup), "%s/fantail-test-%d", top, (int)getpid());
	if (mkdir(cgroup, 0755) < 0)
		skip();
	struct child c = child_fork(child_hold, NULL);
	child_wait_ready(&c);
	check_moved(*state, &c, cgroup);
	assert_int_equal(child_end(&c), 0);
	assert_int_equal(rmdir(cgroup), 0);
}

#define LIVE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		LIVE(test_drops_root),	      LIVE(test_drops_root_seeded),
		LIVE(test_drops_root_unseen), LIVE(test_swaps_unseen),
		LIVE(test_user_unseen),	      LIVE(test_moved),
	};

	if (child_main(argc, argv))
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
