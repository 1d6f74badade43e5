/* SPDX-License-Identifier: MIT */
/* The buffer that grows to a bound, and its numbers against printf's. */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/hash.h"

static void assert_bytes(const struct ft_bytes *b, const char *expect)
{
	assert_int_equal(b->failed, 0);
	assert_int_equal(b->len, strlen(expect));
	assert_memory_equal(b->data, expect, b->len);
}

static void check_u64(uint64_t v)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes b = {0};
	char expect[32];

	snprintf(expect, sizeof(expect), "%" PRIu64, v);
	ft_bytes_put_u64(&b, v);
	assert_bytes(&b, expect);
	ft_bytes_clear(&b);
	snprintf(expect, sizeof(expect), "%" PRId64, (int64_t)v);
	ft_bytes_put_i64(&b, (int64_t)v);
	assert_bytes(&b, expect);
}

static void test_numbers(void **state)
{
	uint64_t ten = 1, random = 1;

	for (int i = 0; i < 20; i++, ten *= 10) {
		for (uint64_t d = 0; d < 3; d++) {
			check_u64(ten - d);
			check_u64(ten + d);
			check_u64(-ten + d);
		}
	}
	for (int i = 0; i < 64; i++) {
		check_u64(UINT64_C(1) << i);
		check_u64((UINT64_C(1) << i) - 1);
	}
	for (int i = 0; i < 10000; i++) {
		random = ft_hash_u64(random, i);
		check_u64(random >> i % 64);
		check_u64(i);
	}
}

static void test_grows(void **state)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes b = {0};

	assert_string_equal(ft_bytes_cstr(&b), "");
	for (int i = 0; i < 100000; i++)
		ft_bytes_put_char(&b, (char)(i % 251));
	assert_int_equal(b.failed, 0);
	assert_int_equal(b.len, 100000);
	assert_true(b.cap < 2 * 100000 + 128);
	for (int i = 0; i < 100000; i++)
		assert_int_equal((unsigned char)b.data[i], i % 251);
	ft_bytes_fini(&b);
	assert_null(b.data);
	ft_bytes_put_lit(&b, "again");
	assert_string_equal(ft_bytes_cstr(&b), "again");
}

static void test_puts(void **state)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes b = {0};

	ft_bytes_put_str(&b, "a");
	ft_bytes_put_lit(&b, "bc");
	ft_bytes_put_span(&b, FT_SPAN("de"));
	ft_bytes_put_span(&b, (struct ft_span){0});
	ft_bytes_put(&b, NULL, 0);
	ft_bytes_printf(&b, "%s-%d", "f", 7);
	ft_bytes_printf(&b, "%s", "");
	assert_bytes(&b, "abcdef-7");
	assert_string_equal(ft_bytes_cstr(&b), "abcdef-7");
	assert_true(ft_span_equal(ft_bytes_span(&b), ft_span_of("abcdef-7")));
	assert_false(ft_span_equal(ft_bytes_span(&b), ft_span_of("abcdef-8")));
	assert_int_equal(ft_span_of(NULL).len, 0);
}

/* Each length around the sizes at which the buffer grows, once fresh and once with
 * something in it. */
static void test_printf(void **state)
{
	char expect[700];

	for (int before = 0; before < 3; before++) {
		for (int n = 0; n < 600; n++) {
			_cleanup_(ft_bytes_fini) struct ft_bytes b = {0};

			memset(expect, '.', before);
			snprintf(expect + before, sizeof(expect) - before, "%0*d|", n,
				 42);
			ft_bytes_put(&b, "..", before);
			ft_bytes_printf(&b, "%0*d|", n, 42);
			assert_bytes(&b, expect);
			assert_string_equal(ft_bytes_cstr(&b), expect);
		}
	}
}

static void test_bound(void **state)
{
	for (size_t max = 1; max < 300; max++) {
		_cleanup_(ft_bytes_fini) struct ft_bytes b = {.max = max};

		for (size_t i = 0; i < max; i++)
			ft_bytes_put_char(&b, 'x');
		ft_bytes_printf(&b, "%s", "");
		assert_int_equal(b.failed, 0);
		assert_int_equal(strlen(ft_bytes_cstr(&b)), max);
		ft_bytes_put_char(&b, 'y');
		assert_int_equal(b.failed, -ENOBUFS);
		assert_int_equal(b.len, max);
		assert_string_equal(ft_bytes_cstr(&b), "");
		assert_int_equal(ft_bytes_reserve(&b, 1), -ENOBUFS);
	}
}

/* What was put after a put that failed must not look as if nothing was missing before it.
 */
static void test_failed_stays(void **state)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes b = {.max = 100};
	char big[101] = {0};

	ft_bytes_put_lit(&b, "kept");
	ft_bytes_put(&b, big, sizeof(big));
	ft_bytes_put_lit(&b, "lost");
	ft_bytes_put_u64(&b, 1);
	ft_bytes_printf(&b, "%d", 1);
	assert_int_equal(b.failed, -ENOBUFS);
	assert_int_equal(b.len, 4);

	ft_bytes_clear(&b);
	for (int i = 0; i < 10; i++)
		ft_bytes_put_lit(&b, "0123456789");
	assert_int_equal(b.failed, 0);
	assert_int_equal(b.len, 100);
	ft_bytes_clear(&b);
	ft_bytes_printf(&b, "%0101d", 1);
	assert_int_equal(b.failed, -ENOBUFS);
	assert_int_equal(b.len, 0);
}

static void test_reserve(void **state)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes b = {0};

	assert_int_equal(ft_bytes_reserve(&b, 0), 0);
	assert_int_equal(ft_bytes_reserve(&b, 1000), 0);
	assert_true(b.cap >= 1000);
	char *data = b.data;
	for (int i = 0; i < 100; i++)
		ft_bytes_put_lit(&b, "0123456789");
	assert_ptr_equal(b.data, data);
	assert_int_equal(ft_bytes_reserve(&b, SIZE_MAX), -ENOBUFS);
	ft_bytes_clear(&b);
	assert_int_equal(ft_bytes_reserve(&b, SIZE_MAX / 2 + 1), -ENOBUFS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers), cmocka_unit_test(test_grows),
		cmocka_unit_test(test_puts),	cmocka_unit_test(test_printf),
		cmocka_unit_test(test_bound),	cmocka_unit_test(test_failed_stays),
		cmocka_unit_test(test_reserve),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
