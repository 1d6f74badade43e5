/* SPDX-License-Identifier: MIT */
/* Which records a canary takes for its own, and what it finds wrong with them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "inspect/canary.h"

enum { PID = 4711 };

#define ALL                                                                              \
	(FT_EV_CREATE | FT_EV_MODIFY | FT_EV_CLOSE_WRITE | FT_EV_RENAME | FT_EV_DELETE)

static struct ft_canary canary;
static struct ft_process process = {.pid = PID, .exe = {"/bin/fantail", 12}};

static int set_up(void **state)
{
	canary = (struct ft_canary){.dir = strdup("/mnt/d"),
				    .pid = PID,
				    .missing = ALL,
				    .is_certain = true,
				    .ended = -1};
	ft_bytes_put_lit(&canary.exe, "/bin/fantail");
	return 0;
}

static int tear_down(void **state)
{
	free(canary.dir);
	ft_bytes_fini(&canary.exe);
	return 0;
}

static struct ft_event event(uint64_t mask, const char *path, const char *old_path)
{
	return (struct ft_event){.kind = FT_KIND_EVENT,
				 .mask = mask,
				 .path = ft_span_of(path),
				 .old_path = ft_span_of(old_path),
				 .pid = PID,
				 .certainty = FT_CERTAINTY_EXACT,
				 .process = &process};
}

static bool take(uint64_t mask, const char *path, const char *old_path)
{
	struct ft_event ev = event(mask, path, old_path);

	return ft_canary_take(&canary, &ev);
}

static void test_back(void **state)
{
	assert_true(take(FT_EV_CREATE | FT_EV_OPEN | FT_EV_MODIFY | FT_EV_CLOSE_WRITE,
			 "/mnt/d/made", NULL));
	assert_true(take(FT_EV_RENAME, "/mnt/d/moved", "/mnt/d/made"));
	assert_false(ft_canary_is_back(&canary));
	assert_true(take(FT_EV_DELETE, "/mnt/d/moved", NULL));
	assert_true(ft_canary_is_back(&canary));
	assert_true(canary.is_certain);
	assert_false(canary.is_other || canary.is_anonymous);
	assert_int_equal(canary.misplaced, 0);
}

static void test_before_rename(void **state)
{
	canary.missing = FT_EV_RENAME;
	assert_true(take(FT_EV_MOVED_FROM, "/mnt/d/made", NULL));
	assert_false(ft_canary_is_back(&canary));
	assert_true(take(FT_EV_MOVED_TO, "/mnt/d/moved", NULL));
	assert_true(ft_canary_is_back(&canary));
}

static void test_others(void **state)
{
	struct ft_event ev = event(FT_EV_CREATE, "/mnt/d2/made", NULL);

	ev.pid = 1;
	assert_false(ft_canary_take(&canary, &ev));
	ev.path = FT_SPAN("/mnt/d");
	assert_false(ft_canary_take(&canary, &ev));
	ev.kind = FT_KIND_LOST;
	ev.path = FT_SPAN("/mnt/d/made");
	assert_false(ft_canary_take(&canary, &ev));
	assert_int_equal(canary.missing, ALL);
}

static void test_misplaced(void **state)
{
	/* Its own, by the process: the path is wrong, or not told. */
	assert_true(take(FT_EV_CREATE, "/elsewhere/made", NULL));
	assert_true(take(FT_EV_DELETE, NULL, NULL));
	assert_true(take(FT_EV_RENAME, "/mnt/d/moved", "/mnt/d/other"));
	assert_true(take(FT_EV_MODIFY, "/mnt/d/moved", NULL));
	assert_int_equal(canary.misplaced,
			 FT_EV_CREATE | FT_EV_DELETE | FT_EV_RENAME | FT_EV_MODIFY);
	assert_int_equal(canary.missing, ALL);
}

static void test_process(void **state)
{
	struct ft_process other = {.pid = PID, .exe = {"/bin/other", 10}};
	struct ft_event ev = event(FT_EV_CREATE, "/mnt/d/made", NULL);

	ev.certainty = FT_CERTAINTY_AMBIGUOUS;
	ft_canary_take(&canary, &ev);
	assert_false(canary.is_certain);
	assert_false(canary.is_other);
	ev.process = &other;
	ft_canary_take(&canary, &ev);
	assert_true(canary.is_other);
	ev.pid = 0;
	ft_canary_take(&canary, &ev);
	assert_true(canary.is_anonymous);
}

/* Where it cannot do its part it ends, and says why. */
static void test_failing(void **state)
{
	char dir[] = "/tmp/fantail-test-XXXXXX", path[64];
	struct ft_canary c;

	assert_non_null(mkdtemp(dir));
	assert_int_equal(ft_canary_send(&c, dir, true), 0);
	assert_int_equal(ft_canary_fini(&c), 0);
	/* The name is taken. */
	snprintf(path, sizeof(path), "%s/made", dir);
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(ft_canary_send(&c, dir, true), 0);
	siginfo_t info;
	assert_int_equal(waitid(P_PID, (id_t)c.pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(ft_canary_fini(&c), -EEXIST);
	assert_int_equal(ft_canary_send(&c, "/no/such", true), -ENOENT);
	ft_canary_fini(&c);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/moved", dir);
	unlink(path);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_before_rename, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_others, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_misplaced, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_process, set_up, tear_down),
		cmocka_unit_test(test_failing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
