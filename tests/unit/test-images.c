/* SPDX-License-Identifier: MIT */
/* The bounds of what a tracker keeps, and what happens at them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "proc/execs.h"
#include "proc/images.h"

static const struct ft_proc_stat some_stat = {.ppid = 1, .comm_len = 1, .comm = "c"};

static struct ft_pid *get_with_image(struct ft_images *m, pid_t pid)
{
	struct ft_pid *p = ft_images_get(m, pid);

	if (p && !p->now)
		ft_images_replace(m, p, ft_image_new(m, pid, &some_stat));
	return p;
}

/* Within one backlog nothing that was handed out goes; the next one may take the places.
 */
static void test_full_in_one_backlog(void **state)
{
	_cleanup_(ft_images_fini) struct ft_images m = {0};

	ft_images_begin(&m);
	for (pid_t pid = 1; pid <= FT_IMAGES_MAX; pid++)
		assert_non_null(get_with_image(&m, pid));
	assert_null(ft_images_get(&m, FT_IMAGES_MAX + 1));
	for (pid_t pid = 1; pid <= FT_IMAGES_MAX; pid++)
		assert_int_equal(ft_images_find(&m, pid)->pid, pid);
	ft_images_begin(&m);
	assert_non_null(ft_images_get(&m, FT_IMAGES_MAX + 1));
	assert_int_equal(m.table.count, FT_IMAGES_MAX);
}

/* The one longest not asked for goes first, not the one that came first. */
static void test_least_recently_used(void **state)
{
	_cleanup_(ft_images_fini) struct ft_images m = {0};

	ft_images_begin(&m);
	for (pid_t pid = 1; pid <= FT_IMAGES_MAX; pid++)
		assert_non_null(get_with_image(&m, pid));
	ft_images_begin(&m);
	assert_non_null(ft_images_get(&m, 1));
	assert_non_null(ft_images_get(&m, 3));
	assert_non_null(get_with_image(&m, FT_IMAGES_MAX + 1));
	assert_non_null(get_with_image(&m, FT_IMAGES_MAX + 2));
	assert_non_null(ft_images_find(&m, 1));
	assert_null(ft_images_find(&m, 2));
	assert_non_null(ft_images_find(&m, 3));
	assert_null(ft_images_find(&m, 4));
	assert_non_null(ft_images_find(&m, 5));
}

/* What was handed out stays as it is until the next backlog, whatever takes its place
 * (the sanitizers look on). */
static void test_replaced_stays(void **state)
{
	_cleanup_(ft_images_fini) struct ft_images m = {0};
	const struct ft_process *handed[4];

	ft_images_begin(&m);
	struct ft_pid *p = get_with_image(&m, 5);
	for (size_t i = 0; i < FT_ARRAY_SIZE(handed); i++) {
		handed[i] = &p->now->process;
		ft_images_replace(&m, p, ft_image_new(&m, 5, &some_stat));
	}
	ft_images_remove(&m, p);
	for (size_t i = 0; i < FT_ARRAY_SIZE(handed); i++) {
		assert_int_equal(handed[i]->pid, 5);
		assert_int_equal(handed[i]->id, i + 1);
		assert_int_equal(handed[i]->comm.data[0], 'c');
	}
	ft_images_begin(&m);
	assert_null(m.retired);
	assert_null(ft_images_find(&m, 5));
}

static void test_execs(void **state)
{
	_cleanup_(ft_execs_fini) struct ft_execs x = {0};

	assert_false(ft_execs_is_told(&x, 1, 0));
	for (pid_t pid = 1; pid < 5000; pid++)
		ft_execs_add(&x, pid, 1000 + pid);
	for (pid_t pid = 1; pid < 5000; pid++) {
		assert_true(ft_execs_is_told(&x, pid, 1000 + pid - 1));
		assert_false(ft_execs_is_told(&x, pid, 1000 + pid));
	}
	assert_false(ft_execs_is_told(&x, 5000, 0));
	assert_int_equal(x.count, 4999);
	/* Again, later. */
	for (pid_t pid = 1; pid < 5000; pid += 2)
		ft_execs_add(&x, pid, 9000);
	for (pid_t pid = 1; pid < 5000; pid++)
		assert_int_equal(ft_execs_is_told(&x, pid, 8999), pid % 2);
	assert_int_equal(x.count, 4999);
}

/* Of nobody nothing is known, and it takes no place. */
static void test_execs_no_pid(void **state)
{
	_cleanup_(ft_execs_fini) struct ft_execs x = {0};

	ft_execs_add(&x, 0, 1);
	ft_execs_add(&x, -1, 1);
	assert_int_equal(x.count, 0);
	ft_execs_add(&x, 1, 1);
	assert_true(ft_execs_is_told(&x, 0, 5));
	assert_false(ft_execs_is_told(&x, 1, 5));
}

/* Past the bound nobody is said not to have executed, until all that was forgotten is too
 * old to matter. */
static void test_execs_full(void **state)
{
	_cleanup_(ft_execs_fini) struct ft_execs x = {0};

	for (pid_t pid = 1; pid <= FT_EXECS_MAX; pid++)
		ft_execs_add(&x, pid, pid);
	assert_false(ft_execs_is_told(&x, FT_EXECS_MAX + 1, 0));
	ft_execs_add(&x, FT_EXECS_MAX + 1, FT_EXECS_MAX + 1);
	for (pid_t pid = 1; pid <= FT_EXECS_MAX + 2; pid++) {
		assert_true(ft_execs_is_told(&x, pid, FT_EXECS_MAX));
		assert_false(ft_execs_is_told(&x, pid, FT_EXECS_MAX + 1));
	}
	ft_execs_add(&x, 7, FT_EXECS_MAX + 9);
	assert_true(ft_execs_is_told(&x, 7, FT_EXECS_MAX + 8));
	assert_false(ft_execs_is_told(&x, 8, FT_EXECS_MAX + 8));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full_in_one_backlog),
		cmocka_unit_test(test_least_recently_used),
		cmocka_unit_test(test_replaced_stays),
		cmocka_unit_test(test_execs),
		cmocka_unit_test(test_execs_no_pid),
		cmocka_unit_test(test_execs_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
