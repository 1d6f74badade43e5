/* SPDX-License-Identifier: MIT */
/* What is read of a process, against what the process is and says of itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/prctl.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "child.h"
#include "proc/procfs.h"

static void assert_span(struct ft_span got, const void *expect, size_t n)
{
	assert_int_equal(got.len, n);
	assert_memory_equal(got.data, expect, n);
}

static const char some_stat[] = "4711 (a) (b c) S 17 4711 4711 34816 4711 4194304 103 0 "
				"0 0 1 2 0 0 20 0 3 0 119270 2998272 409 "
				"18446744073709551615 26001 27002 28003 0 0 0 0 0 0 0 0 "
				"0 17 0 0 0 0 0 0 45004 46005 47006 48007 "
				"49008 50009 51010 0\n";

static void test_parse_stat(void **state)
{
	const uint64_t layout[] = {26001, 27002, 28003, 45004, 47006,
				   48007, 49008, 50009, 51010};
	struct ft_proc_stat s;

	assert_int_equal(ft_procfs_parse_stat(ft_span_of(some_stat), &s), 0);
	assert_span((struct ft_span){s.comm, s.comm_len}, "a) (b c", 7);
	assert_int_equal(s.state, 'S');
	assert_int_equal(s.ppid, 17);
	assert_int_equal(s.flags, FT_PF_RANDOMIZE);
	assert_int_equal(s.threads, 3);
	assert_int_equal(s.start, 119270);
	assert_memory_equal(s.layout, layout, sizeof(layout));
}

/* The kernel sends it whole; whatever else this may be handed, it says no and reads
 * nothing past the end. */
static void test_parse_stat_cut(void **state)
{
	size_t needed = strlen(some_stat) - strlen(" 0\n");
	struct ft_proc_stat s;

	for (size_t n = 0; n < needed - strlen("51010") + 1; n++) {
		_cleanup_free_ char *copy = malloc(n + 1);
		assert_non_null(copy);
		memcpy(copy, some_stat, n);
		assert_int_equal(ft_procfs_parse_stat((struct ft_span){copy, n}, &s),
				 -EINVAL);
	}
}

static void test_parse_stat_bad(void **state)
{
	const char *const bad[] = {
		"1 a S 1 2 3",
		") (",
		"1 (a)",
		"1 (a) ",
		"1 (a) S",
		"1 (a)S 1 2 3",
		"1 (a) S 99999999999999999999 4711 4711 34816 4711 4194304 103 0 0 0 1 2 "
		"0 0 20 0 3 0 119270 1 "
		"409 1 26001 27002 28003 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 1 1 1 1 1 1 1 "
		"0\n",
		"1 (a) S x 4711 4711 34816 4711 4194304 103 0 0 0 1 2 0 0 20 0 3 0 "
		"119270 1 "
		"409 1 26001 27002 28003 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 1 1 1 1 1 1 1 "
		"0\n",
	};
	struct ft_proc_stat s;

	for (size_t i = 0; i < FT_ARRAY_SIZE(bad); i++)
		assert_int_equal(ft_procfs_parse_stat(ft_span_of(bad[i]), &s), -EINVAL);
}

static void assert_cgroup(const char *text, const char *expect)
{
	struct ft_span got = ft_procfs_parse_cgroup(ft_span_of(text));

	assert_int_equal(got.len, strlen(expect));
	if (got.len > 0)
		assert_memory_equal(got.data, expect, got.len);
}

static void test_parse_cgroup(void **state)
{
	assert_cgroup("", "");
	assert_cgroup("0::/a.slice/b.scope\n", "/a.slice/b.scope");
	assert_cgroup("0::/no/newline", "/no/newline");
	assert_cgroup("2:cpu,cpuacct:/c\n1:name=systemd:/s\n", "/s");
	assert_cgroup("2:cpu,cpuacct:/c\n", "");
	assert_cgroup("2:cpu:/c\n1:name=systemd:/s\n0::/u\n", "/u");
	assert_cgroup("1:name=systemd:/s\n0::/\n", "/s");
	assert_cgroup("2:cpu:/c\n0::/\n", "/");
	assert_cgroup("5:x:name=systemd:/no\n0::/a:b::c\n", "/a:b::c");
	assert_cgroup("10::/no\ngarbage\n::\n", "");
}

struct fixture {
	int proc;
	struct ft_bytes text;
	char dir[64];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f || ft_procfs_open(&f->proc) < 0)
		return -1;
	strcpy(f->dir, "/tmp/fantail-procfs-XXXXXX");
	*state = f;
	return mkdtemp(f->dir) ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	int r = rmdir(f->dir);

	close(f->proc);
	ft_bytes_fini(&f->text);
	free(f);
	return r;
}

static struct ft_proc_stat read_stat(struct fixture *f, pid_t pid)
{
	struct ft_proc_stat s;

	assert_int_equal(ft_procfs_read_stat(f->proc, pid, &f->text, &s), 0);
	return s;
}

/* The flags that two proofs stand on, as this kernel has them. */
static void test_flags(void **state)
{
	struct fixture *f = *state;
	struct child_exec x = {"/proc/self/exe", "x", {0}};
	struct child c = child_fork(child_exec_later, &x);

	child_wait_ready(&c);
	struct ft_proc_stat forked = read_stat(f, c.pid);
	assert_true(ft_proc_stat_is_forked(&forked));
	child_step(&c);
	struct ft_proc_stat executed = read_stat(f, c.pid);
	assert_false(ft_proc_stat_is_forked(&executed));
	assert_int_equal(executed.start, forked.start);
	assert_false(ft_proc_stat_is_continued(&forked, &executed));
	assert_true(ft_proc_stat_is_continued(&forked, &forked));
	assert_int_equal(child_end(&c), 0);
}

/* The same program executed again: nothing differs but the addresses. */
static void test_continued(void **state)
{
	struct fixture *f = *state;
	struct child_exec x = {"/proc/self/exe", "x", {"then", "/proc/self/exe", "x"}};
	struct child c = child_fork(child_exec_now, &x);

	child_wait_ready(&c);
	struct ft_proc_stat first = read_stat(f, c.pid), again = read_stat(f, c.pid);
	if (first.flags & FT_PF_RANDOMIZE)
		assert_true(ft_proc_stat_is_continued(&first, &again));
	else
		assert_false(ft_proc_stat_is_continued(&first, &again));
	child_step(&c);
	struct ft_proc_stat second = read_stat(f, c.pid);
	assert_int_equal(second.start, first.start);
	assert_false(ft_proc_stat_is_continued(&first, &second));
	assert_int_equal(child_end(&c), 0);
}

static void name_oneself(int ready, int go, void *data)
{
	prctl(PR_SET_NAME, data);
	child_hold(ready, go, NULL);
}

static void test_comm(void **state)
{
	static const char *const names[] = {
		"plain",       "with space", ") (", "a) S 1 2",	     "new\nline",
		"back\\slash", "\\n",	     "\\",  "tab\t\x1b[31m", "bad\xff\xfe",
		")",	       "((((",	     "",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < FT_ARRAY_SIZE(names); i++) {
		struct child c = child_fork(name_oneself, (void *)names[i]);
		child_wait_ready(&c);
		struct ft_proc_stat s = read_stat(f, c.pid);
		assert_int_equal(s.comm_len, strlen(names[i]));
		assert_memory_equal(s.comm, names[i], s.comm_len);
		assert_int_equal(s.ppid, getpid());
		assert_int_equal(child_end(&c), 0);
	}
}

static void test_no_such_process(void **state)
{
	struct fixture *f = *state;
	struct child c = child_fork(child_hold, NULL);
	struct ft_proc_stat s;
	uid_t uid;
	gid_t gid;

	child_wait_ready(&c);
	assert_int_equal(child_end(&c), 0);
	assert_int_equal(ft_procfs_read_stat(f->proc, c.pid, &f->text, &s), -ESRCH);
	assert_false(ft_procfs_read_ids(f->proc, c.pid, &uid, &gid));
	ft_procfs_read_exe(f->proc, c.pid, &f->text);
	assert_int_equal(f->text.len, 0);
	assert_false(ft_procfs_read_args(f->proc, c.pid, &f->text));
	assert_int_equal(f->text.len, 0);
	ft_procfs_read_cgroup(f->proc, c.pid, &f->text);
	assert_int_equal(f->text.len, 0);
	assert_int_equal(ft_procfs_read_object(f->proc, c.pid).ino, 0);
}

static void change_ids(int ready, int go, void *data)
{
	if (setresgid(7, 8, 9) < 0 || setresuid(4, 5, 6) < 0)
		_exit(1);
	child_hold(ready, go, NULL);
}

/* Effective, not real or saved, also of one that may not be traced, as it is after a
 * change of ids. */
static void test_ids(void **state)
{
	struct fixture *f = *state;
	struct child c;
	uid_t uid;
	gid_t gid;

	assert_true(ft_procfs_read_ids(f->proc, getpid(), &uid, &gid));
	assert_int_equal(uid, geteuid());
	assert_int_equal(gid, getegid());
	if (geteuid() != 0)
		return;
	c = child_fork(change_ids, NULL);
	child_wait_ready(&c);
	assert_true(ft_procfs_read_ids(f->proc, c.pid, &uid, &gid));
	assert_int_equal(uid, 5);
	assert_int_equal(gid, 8);
	assert_int_equal(child_end(&c), 0);
}

static void check_args(struct fixture *f, const struct child_exec *x)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes expect = {0};
	struct child c = child_fork(child_exec_now, (void *)x);
	char fds[2][16];

	child_wait_ready(&c);
	bool is_cut = ft_procfs_read_args(f->proc, c.pid, &f->text);
	/* The child's numbers of its pipes are told by what it was given: they are the
	 * third and fourth. */
	const char *at = f->text.data;
	for (int i = 0; i < 2; i++)
		at += strlen(at) + 1;
	for (int i = 0; i < 2; i++) {
		snprintf(fds[i], sizeof(fds[i]), "%d", atoi(at));
		at += strlen(at) + 1;
	}
	const char *const start[] = {x->name, CHILD_FLAG, fds[0], fds[1]};
	for (size_t i = 0; i < FT_ARRAY_SIZE(start); i++)
		ft_bytes_put(&expect, start[i], strlen(start[i]) + 1);
	for (size_t i = 0; i < CHILD_ARGS_MAX && x->extra[i]; i++)
		ft_bytes_put(&expect, x->extra[i], strlen(x->extra[i]) + 1);
	assert_int_equal(is_cut, expect.len > FT_PROC_ARGS_MAX);
	if (is_cut) {
		expect.len = FT_PROC_ARGS_MAX;
		expect.data[expect.len - 1] = '\0';
	}
	assert_span(ft_bytes_span(&f->text), expect.data, expect.len);
	assert_int_equal(child_end(&c), 0);
}

static void test_args(void **state)
{
	struct fixture *f = *state;
	struct child_exec x = {"/proc/self/exe",
			       "my) (name",
			       {"a b", "", "new\nline", "\xff\x1b[0m", ""}};
	char *long_one = malloc(10000);

	assert_non_null(long_one);
	check_args(f, &x);
	/* Around the bound, byte by byte. */
	for (size_t n = FT_PROC_ARGS_MAX - 60; n < FT_PROC_ARGS_MAX + 2; n++) {
		memset(long_one, 'l', n);
		long_one[n] = '\0';
		check_args(f, &(struct child_exec){"/proc/self/exe", "x", {long_one}});
	}
	memset(long_one, 'l', 9999);
	long_one[9999] = '\0';
	check_args(f, &(struct child_exec){
			      "/proc/self/exe", "x", {long_one, long_one, "end"}});
	free(long_one);
}

static void assert_exe(struct fixture *f, pid_t pid, const char *expect)
{
	ft_procfs_read_exe(f->proc, pid, &f->text);
	assert_string_equal(f->text.len ? ft_bytes_cstr(&f->text) : "", expect);
}

static void check_exe(struct fixture *f, const char *name)
{
	_cleanup_free_ char *path = NULL;
	struct child_exec x = {.name = "x"};
	struct stat st;

	assert_true(asprintf(&path, "%s/%s", f->dir, name) > 0);
	x.path = path;
	child_copy_self(path);
	assert_int_equal(stat(path, &st), 0);
	struct child c = child_fork(child_exec_now, &x);
	child_wait_ready(&c);
	assert_exe(f, c.pid, path);
	assert_int_equal(ft_procfs_read_object(f->proc, c.pid).ino, st.st_ino);
	assert_int_equal(ft_procfs_read_object(f->proc, c.pid).dev, st.st_dev);
	assert_int_equal(unlink(path), 0);
	assert_exe(f, c.pid, path);
	/* Another file under that very name is not the one that runs. */
	child_copy_self(path);
	assert_exe(f, c.pid, path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(child_end(&c), 0);
}

static void test_exe(void **state)
{
	struct fixture *f = *state;

	check_exe(f, "plain");
	check_exe(f, "odd )( \n\x1b\xff name");
	check_exe(f, "really (deleted)");
	check_exe(f, "really (deleted) (deleted)");
	check_exe(f, "(deleted)");
}

/* A file whose name is that of another one with the kernel's mark of deletion. */
static void test_exe_impostor(void **state)
{
	struct fixture *f = *state;
	char path[128], impostor[160];

	snprintf(path, sizeof(path), "%s/prog", f->dir);
	snprintf(impostor, sizeof(impostor), "%s (deleted)", path);
	child_copy_self(path);
	child_copy_self(impostor);
	struct child c = child_fork(child_exec_now,
				    &(struct child_exec){.path = path, .name = "x"});
	child_wait_ready(&c);
	assert_int_equal(unlink(path), 0);
	assert_exe(f, c.pid, path);
	assert_int_equal(child_end(&c), 0);
	assert_int_equal(unlink(impostor), 0);
}

static void test_kernel_thread(void **state)
{
	struct fixture *f = *state;
	struct ft_proc_stat s;

	if (ft_procfs_read_stat(f->proc, 2, &f->text, &s) < 0 ||
	    !(s.flags & FT_PF_KTHREAD))
		skip();
	assert_true(ft_proc_stat_is_forked(&s));
	assert_span((struct ft_span){s.comm, s.comm_len}, "kthreadd", 8);
	assert_exe(f, 2, "");
	assert_false(ft_procfs_read_args(f->proc, 2, &f->text));
	assert_int_equal(f->text.len, 0);
}

static void test_zombie(void **state)
{
	struct fixture *f = *state;
	struct child c = child_fork(child_hold, NULL);
	siginfo_t info;

	child_wait_ready(&c);
	struct ft_proc_stat alive = read_stat(f, c.pid);
	assert_int_equal(kill(c.pid, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, c.pid, &info, WEXITED | WNOWAIT), 0);
	struct ft_proc_stat zombie = read_stat(f, c.pid);
	assert_false(ft_proc_stat_is_dead(&alive));
	assert_true(ft_proc_stat_is_dead(&zombie));
	assert_true(ft_proc_stat_is_forked(&zombie));
	assert_true(ft_proc_stat_is_continued(&alive, &zombie));
	assert_exe(f, c.pid, "");
	child_end(&c);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_stat),
		cmocka_unit_test(test_parse_stat_cut),
		cmocka_unit_test(test_parse_stat_bad),
		cmocka_unit_test(test_parse_cgroup),
		cmocka_unit_test_setup_teardown(test_flags, setup, teardown),
		cmocka_unit_test_setup_teardown(test_continued, setup, teardown),
		cmocka_unit_test_setup_teardown(test_comm, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_such_process, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ids, setup, teardown),
		cmocka_unit_test_setup_teardown(test_args, setup, teardown),
		cmocka_unit_test_setup_teardown(test_exe, setup, teardown),
		cmocka_unit_test_setup_teardown(test_exe_impostor, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kernel_thread, setup, teardown),
		cmocka_unit_test_setup_teardown(test_zombie, setup, teardown),
	};

	if (child_main(argc, argv))
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
