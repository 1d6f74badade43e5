/* SPDX-License-Identifier: MIT */
/* Terminal columns of text, by example and against libc's. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <wchar.h>

#include <cmocka.h>

#include "base/escape.h"

static size_t width_of(const char *s)
{
	return ft_escape_width(ft_span_of(s));
}

static void test_width(void **state)
{
	assert_int_equal(ft_escape_width((struct ft_span){NULL, 0}), 0);
	assert_int_equal(width_of("/home/alice/a \"b\" \\n.txt"), 24);
	assert_int_equal(width_of("Z\xc3\xbcrich"), 6);
	assert_int_equal(width_of("Zu\xcc\x88rich"), 6);
	assert_int_equal(width_of("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e.txt"), 10);
	assert_int_equal(width_of("\xf0\x9f\x98\x80"), 2);
	assert_int_equal(width_of("\xf0\xa0\x80\x80"), 2);
	assert_int_equal(width_of("a\xe2\x80\x8b"
				  "b"),
			 2);
	/* Not valid: as wide as the one sign that stands for a byte. */
	assert_int_equal(width_of("a\xff\xe6\x97"), 4);
}

/* libc may know a younger Unicode: a few characters in a thousand may differ then. */
static void test_width_as_libc(void **state)
{
	size_t known = 0, different = 0;

	if (!setlocale(LC_CTYPE, "C.UTF-8")) {
		print_message("no locale C.UTF-8 to compare with\n");
		skip();
	}
	for (wchar_t c = 0xa0; c < 0x110000; c++) {
		int width = wcwidth(c);
		char utf8[16];
		mbstate_t shift = {0};
		size_t len = wcrtomb(utf8, c, &shift);

		if (width < 0 || len == (size_t)-1)
			continue;
		known++;
		different +=
			ft_escape_width((struct ft_span){utf8, len}) != (size_t)width;
	}
	setlocale(LC_CTYPE, "C");
	assert_true(known > 100000);
	assert_true(different * 1000 < known * 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_width),
		cmocka_unit_test(test_width_as_libc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
