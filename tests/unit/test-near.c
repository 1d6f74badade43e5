/* SPDX-License-Identifier: MIT */
/* How far a slip of the fingers goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/near.h"

static void test_distance(void **state)
{
	static const struct {
		const char *word;
		const char *name;
		size_t distance;
	} cases[] = {
		{"format", "format", 0},
		{"evemts", "events", 1},
		{"nto-path", "not-path", 2},
		{"colunms", "columns", 2},
		{"pathh", "path", 1},
		{"pth", "path", 1},
		/* Of a short word too little is left. */
		{"pt", "path", SIZE_MAX},
		{"uct", "utc", SIZE_MAX},
		{"no-such-option", "output", SIZE_MAX},
		{"", "x", SIZE_MAX},
		{"kitten", "sitting", SIZE_MAX},
		{"this-is-a-word-of-thirty-three-ch", "this-is-a-word-of-thirty-three-ch",
		 SIZE_MAX},
	};

	for (size_t i = 0; i < FT_ARRAY_SIZE(cases); i++)
		assert_int_equal(ft_near_distance(ft_span_of(cases[i].word),
						  ft_span_of(cases[i].name)),
				 cases[i].distance);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_distance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
