/* SPDX-License-Identifier: MIT */
/* Begins and ends of calls, joined, against a list of what was begun and ended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "inspect/callqueue.h"
#include "wire-call.h"

static void put(struct ft_callqueue *q, const struct wire_call *w)
{
	ft_callqueue_put(q, &w->head);
}

static void expect_call(struct ft_callqueue *q, unsigned int tid, long long ret,
			const char *pathname)
{
	_cleanup_free_ struct ft_whole_call *call = ft_callqueue_take(q);

	assert_non_null(call);
	assert_int_equal(call->wire.tid, tid);
	assert_int_equal(call->wire.ret, ret);
	if (pathname)
		assert_string_equal(call->text + call->wire.base_len, pathname);
	else
		assert_int_equal(call->wire.pathname_len, 0);
}

static void expect_none(struct ft_callqueue *q)
{
	assert_null(ft_callqueue_take(q));
	assert_int_equal(q->bytes, 0);
}

static void test_calls_of_threads_cross(void **state)
{
	_cleanup_(ft_callqueue_fini) struct ft_callqueue q = {0};
	struct wire_call a = wire_begin(FT_CALL_INOTIFY_ADD_WATCH, 1, 100);
	struct wire_call b = wire_begin(FT_CALL_INOTIFY_ADD_WATCH, 2, 101), end;

	wire_put_pathname(&a, "a");
	wire_put_pathname(&b, "b");
	put(&q, &a);
	put(&q, &b);
	expect_none(&q);
	end = wire_end(&b, 7);
	put(&q, &end);
	end = wire_end(&a, -2);
	put(&q, &end);
	expect_call(&q, 2, 7, "b");
	expect_call(&q, 1, -2, "a");
	expect_none(&q);
	assert_int_equal(q.open.count, 0);
	assert_int_equal(q.lost, 0);
}

static void test_ends_without_a_begin(void **state)
{
	_cleanup_(ft_callqueue_fini) struct ft_callqueue q = {0};
	struct wire_call a = wire_begin(FT_CALL_INOTIFY_INIT, 1, 100), end;

	end = wire_end(&a, 3);
	put(&q, &end);
	expect_none(&q);
	/* Of another call of the thread, whose begin was not told. */
	put(&q, &a);
	end.head.time = 99;
	put(&q, &end);
	expect_none(&q);
}

static void test_a_begin_whose_end_was_lost(void **state)
{
	_cleanup_(ft_callqueue_fini) struct ft_callqueue q = {0};
	struct wire_call a = wire_begin(FT_CALL_INOTIFY_INIT, 1, 100);
	struct wire_call b = wire_begin(FT_CALL_FANOTIFY_INIT, 1, 200), end;

	put(&q, &a);
	put(&q, &b);
	end = wire_end(&b, 5);
	put(&q, &end);
	expect_call(&q, 1, 5, NULL);
	expect_none(&q);
}

static void test_a_pathname_that_comes_late(void **state)
{
	_cleanup_(ft_callqueue_fini) struct ft_callqueue q = {0};
	struct wire_call a = wire_begin(FT_CALL_INOTIFY_ADD_WATCH, 1, 100), end;
	_cleanup_free_ struct ft_whole_call *call = NULL;

	wire_put_base(&a, "/cwd/of/it");
	put(&q, &a);
	end = wire_end(&a, 1);
	wire_put_pathname(&end, "x");
	put(&q, &end);
	call = ft_callqueue_take(&q);
	assert_non_null(call);
	assert_int_equal(call->wire.base_len, a.head.base_len);
	assert_memory_equal(call->text, a.text, a.head.base_len);
	assert_string_equal(call->text + call->wire.base_len, "x");
	assert_true(call->wire.flags & FT_CALLWIRE_BASE);
}

/* An absolute one begins at the root, which is then told with it. */
static void test_a_late_pathname_with_its_own_base(void **state)
{
	_cleanup_(ft_callqueue_fini) struct ft_callqueue q = {0};
	struct wire_call a = wire_begin(FT_CALL_INOTIFY_ADD_WATCH, 1, 100), end;
	_cleanup_free_ struct ft_whole_call *call = NULL;

	wire_put_base(&a, "/cwd/of/it");
	put(&q, &a);
	end = wire_end(&a, 1);
	wire_put_base(&end, "/");
	wire_put_pathname(&end, "/x");
	put(&q, &end);
	call = ft_callqueue_take(&q);
	assert_non_null(call);
	assert_int_equal(call->wire.base_len, 0);
	assert_string_equal(call->text, "/x");
}

/* A descriptor that is no place has none, and not that of the current directory. */
static void test_a_late_pathname_that_begins_nowhere(void **state)
{
	_cleanup_(ft_callqueue_fini) struct ft_callqueue q = {0};
	struct wire_call a = wire_begin(FT_CALL_INOTIFY_ADD_WATCH, 1, 100), end;
	_cleanup_free_ struct ft_whole_call *call = NULL;

	wire_put_base(&a, "/cwd/of/it");
	put(&q, &a);
	end = wire_end(&a, 1);
	wire_put_pathname(&end, "/proc/self/fd/3");
	end.head.link_len = 15;
	put(&q, &end);
	call = ft_callqueue_take(&q);
	assert_non_null(call);
	assert_int_equal(call->wire.base_len, 0);
	assert_int_equal(call->wire.link_len, 15);
	assert_false(call->wire.flags & FT_CALLWIRE_BASE);
}

static void test_the_group_of_the_end(void **state)
{
	_cleanup_(ft_callqueue_fini) struct ft_callqueue q = {0};
	struct wire_call a = wire_begin(FT_CALL_FANOTIFY_INIT, 1, 100), end;
	_cleanup_free_ struct ft_whole_call *call = NULL;

	put(&q, &a);
	end = wire_end(&a, 3);
	end.head.group = 0xffff1234;
	end.head.group_flags = 0x200;
	put(&q, &end);
	call = ft_callqueue_take(&q);
	assert_int_equal(call->wire.group, 0xffff1234);
	assert_int_equal(call->wire.group_flags, 0x200);
}

static void put_whole(struct ft_callqueue *q, unsigned int tid)
{
	struct wire_call a = wire_begin(FT_CALL_INOTIFY_INIT, tid, 100);
	struct wire_call end = wire_end(&a, 3);

	put(q, &a);
	put(q, &end);
}

/* What is lost has its place among what is not. */
static void test_losses_stand_where_they_were(void **state)
{
	_cleanup_(ft_callqueue_fini) struct ft_callqueue q = {0};

	ft_callqueue_lose(&q, 1);
	put_whole(&q, 1);
	put_whole(&q, 2);
	ft_callqueue_lose(&q, 2);
	ft_callqueue_lose(&q, 3);
	put_whole(&q, 3);
	assert_int_equal(ft_callqueue_take_lost(&q), 1);
	expect_call(&q, 1, 3, NULL);
	assert_int_equal(ft_callqueue_take_lost(&q), 0);
	expect_call(&q, 2, 3, NULL);
	assert_int_equal(ft_callqueue_take_lost(&q), 5);
	expect_call(&q, 3, 3, NULL);
	assert_int_equal(ft_callqueue_take_lost(&q), 0);
	ft_callqueue_lose(&q, 7);
	assert_int_equal(ft_callqueue_take_lost(&q), 7);
}

static void test_bounds(void **state)
{
	_cleanup_(ft_callqueue_fini) struct ft_callqueue q = {0};
	struct wire_call a, end;
	unsigned int over = 10;

	for (unsigned int i = 0; i < FT_CALLWIRE_OPEN_MAX + over; i++) {
		a = wire_begin(FT_CALL_INOTIFY_INIT, 1 + i, i);
		put(&q, &a);
	}
	assert_int_equal(q.open.count, FT_CALLWIRE_OPEN_MAX);
	assert_int_equal(ft_callqueue_take_lost(&q), over);
	memset(a.text, 'x', sizeof(a.text));
	for (unsigned int i = 0; !q.last || q.last->lost == 0; i++) {
		a = wire_begin(FT_CALL_INOTIFY_ADD_WATCH, 1, i);
		a.head.pathname_len = WIRE_TEXT;
		put(&q, &a);
		end = wire_end(&a, 0);
		put(&q, &end);
		assert_true(i <= FT_CALLQUEUE_MAX / WIRE_TEXT);
	}
	assert_true(q.bytes <= FT_CALLQUEUE_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls_of_threads_cross),
		cmocka_unit_test(test_ends_without_a_begin),
		cmocka_unit_test(test_a_begin_whose_end_was_lost),
		cmocka_unit_test(test_a_pathname_that_comes_late),
		cmocka_unit_test(test_a_late_pathname_with_its_own_base),
		cmocka_unit_test(test_a_late_pathname_that_begins_nowhere),
		cmocka_unit_test(test_the_group_of_the_end),
		cmocka_unit_test(test_losses_stand_where_they_were),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
