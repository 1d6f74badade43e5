/* SPDX-License-Identifier: MIT */
/* What /proc says of a thread that waits. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "inspect/bounded.h"
#include "inspect/waiter.h"

static void test_syscall(void **state)
{
	struct ft_syscall s;

	assert_int_equal(ft_waiter_parse_syscall(
				 FT_SPAN("257 0xffffff9c 0x7ffd6bd099cc 0x0 0x0 0x1 0x2 "
					 "0x7ffd6bd08ef0 0x7f1e7a53e011\n"),
				 &s),
			 0);
	assert_int_equal(s.number, 257);
	assert_int_equal((int)s.args[0], AT_FDCWD);
	assert_true(s.args[1] == 0x7ffd6bd099cc);
	assert_true(s.args[5] == 2);
	assert_false(s.is_compat);
	assert_int_equal(ft_waiter_parse_syscall(FT_SPAN("running\n"), &s), 0);
	assert_int_equal(s.number, -1);
	assert_int_equal(ft_waiter_parse_syscall(FT_SPAN("-1 0x0 0x0\n"), &s), 0);
	assert_int_equal(s.number, -1);
	assert_int_equal(
		ft_waiter_parse_syscall(FT_SPAN("5 0x8 0x0 0x0 0x0 0x0 0x0 0xffd6bd08 "
						"0xf7fe7549\n"),
					&s),
		0);
	assert_int_equal(s.is_compat, sizeof(long) > 4);
}

static void test_bad_syscall(void **state)
{
	static const char *const bad[] = {
		"",
		"\n",
		"257",
		"257 0x1 0x2 0x3 0x4 0x5 0x6 0x7",
		"257 0x1 0x2 0x3 0x4 0x5 zz 0x7 0x8",
		"-5 0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8",
		"257 -0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8",
		"18446744073709551615 0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8",
		"openat 0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8",
		"99999999999999999999999 0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8",
		"257 0x11111111111111111 0x2 0x3 0x4 0x5 0x6 0x7 0x8",
	};
	struct ft_syscall s;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(ft_waiter_parse_syscall(ft_span_of(bad[i]), &s),
				 -EBADMSG);
}

static void test_sched(void **state)
{
	static const char text[] =
		"cat (12, #threads: 1)\n---\n"
		"se.exec_start                                :      12847326.726083\n"
		"se.vruntime                                  :           210.018355\n";
	int64_t ns = 0;

	assert_int_equal(ft_waiter_parse_sched(FT_SPAN(text), &ns), 0);
	assert_true(ns == 12847326726083);
	assert_int_equal(ft_waiter_parse_sched(FT_SPAN(""), &ns), -EBADMSG);
	assert_int_equal(ft_waiter_parse_sched(FT_SPAN("se.exec_start"), &ns), -EBADMSG);
	assert_int_equal(ft_waiter_parse_sched(FT_SPAN("se.exec_start : 12"), &ns),
			 -EBADMSG);
	assert_int_equal(ft_waiter_parse_sched(FT_SPAN("se.exec_start : 1.12"), &ns),
			 -EBADMSG);
	assert_int_equal(
		ft_waiter_parse_sched(FT_SPAN("se.exec_start : 99999999999999999.123456"),
				      &ns),
		-EBADMSG);
}

static void test_held(void **state)
{
	struct ft_span none = {0};

	assert_true(ft_waiter_is_held(FT_SPAN("fanotify_handle_event"), none));
	assert_true(ft_waiter_is_held(
		FT_SPAN("0"),
		FT_SPAN("[<0>] fanotify_get_response+0x1/0x2\n[<0>] fsnotify+0x1\n")));
	assert_false(ft_waiter_is_held(FT_SPAN("0"), none));
	assert_false(ft_waiter_is_held(FT_SPAN("do_wait"), FT_SPAN("[<0>] do_wait+0x1")));
	assert_false(ft_waiter_is_held(none, none));
}

/* A child in a call that is known, by its own /proc. */
static void test_real(void **state)
{
	struct ft_bytes text = {0};
	struct ft_syscall s = {0};
	char path[64], byte;
	int in[2], out[2];
	pid_t child;

	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	child = fork();
	if (child == 0) {
		close(in[1]);
		(void)!write(out[1], "x", 1);
		(void)!read(in[0], &byte, 1);
		_exit(0);
	}
	close(in[0]);
	assert_int_equal(read(out[0], &byte, 1), 1);
	snprintf(path, sizeof(path), "/proc/%d/syscall", (int)child);
	/* Until it is in the call that it goes to next. */
	for (int i = 0; i < 100000 && s.number != SYS_read; i++) {
		ft_bytes_clear(&text);
		if (ft_file_read(AT_FDCWD, path, 4096, &text) < 0)
			break;
		assert_int_equal(ft_waiter_parse_syscall(ft_bytes_span(&text), &s), 0);
		sched_yield();
	}
	if (text.len > 0) {
		assert_int_equal(s.number, SYS_read);
		assert_int_equal((int)s.args[0], in[0]);
		assert_true(s.args[1] == (uintptr_t)&byte);
	}
	close(in[1]);
	assert_int_equal(waitpid(child, NULL, 0), child);
	ft_bytes_fini(&text);
}

/* ---- what is done for a bounded time ---- */

static void say(void *data, struct ft_bytes *out)
{
	ft_bytes_put_str(out, data);
}

static void hang(void *data, struct ft_bytes *out)
{
	for (;;)
		pause();
}

static void crash(void *data, struct ft_bytes *out)
{
	ft_bytes_put_lit(out, "half");
	_exit(1);
}

static void flood(void *data, struct ft_bytes *out)
{
	for (int i = 0; i <= FT_BOUNDED_MAX; i++)
		ft_bytes_put_char(out, 'x');
}

static void test_bounded(void **state)
{
	struct ft_bytes out = {0};

	assert_int_equal(ft_bounded_run(say, (void *)"said", 10000, &out), 0);
	assert_string_equal(ft_bytes_cstr(&out), "said");
	ft_bytes_clear(&out);
	assert_int_equal(ft_bounded_run(hang, NULL, 50, &out), -ETIMEDOUT);
	assert_int_equal(ft_bounded_run(crash, NULL, 10000, &out), -ECHILD);
	assert_int_equal(ft_bounded_run(flood, NULL, 10000, &out), -ECHILD);
	/* None is left. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	ft_bytes_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_syscall), cmocka_unit_test(test_bad_syscall),
		cmocka_unit_test(test_sched),	cmocka_unit_test(test_held),
		cmocka_unit_test(test_real),	cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
