/* SPDX-License-Identifier: MIT */
/* Templates: what they become, and what is said of bad ones. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "output/output.h"

static const struct ft_process touch = {.id = 1, .pid = 4711, .comm = {"touch", 5}};

static const struct ft_event created = {
	.time_ns = 1795176000123456789,
	.mask = FT_EV_CREATE | FT_EV_OPEN,
	.path = {"/srv/a\nb", 8},
	.pid = 4711,
	.certainty = FT_CERTAINTY_EXACT,
	.process = &touch,
};

static const struct ft_event lost = {
	.kind = FT_KIND_LOST,
	.time_ns = 1795176000123456789,
	.where = FT_LOST_KERNEL,
};

static void expect(const char *text, const struct ft_event *ev, const char *line)
{
	const struct ft_output_config c = {.format = FT_FORMAT_TEMPLATE,
					   .template_text = text};
	_cleanup_(ft_bytes_fini) struct ft_bytes out = {0};
	struct ft_format *f = NULL;

	assert_int_equal(ft_format_new(&f, &c, NULL), 0);
	ft_format_put(f, &out, ev, 3);
	ft_format_free(f);
	assert_string_equal(ft_bytes_cstr(&out), line);
}

static void expect_error(const char *text, const char *error)
{
	const struct ft_output_config c = {.format = FT_FORMAT_TEMPLATE,
					   .template_text = text};
	_cleanup_free_ char *said = NULL;
	struct ft_format *f = NULL;

	assert_int_equal(ft_format_new(&f, &c, &said), -EINVAL);
	assert_null(f);
	assert_non_null(said);
	assert_string_equal(said, error);
}

static void test_columns(void **state)
{
	expect("{time} {comm}({pid}) {events} {path}", &created,
	       "2026-11-20T12:00:00.123456789Z touch(4711) create,open /srv/a\\nb\n");
	expect("{seq}", &created, "3\n");
	expect("{path}{seq}{old_path}{seq}", &created, "/srv/a\\nb33\n");
	expect("no column", &created, "no column\n");
	expect("", &created, "\n");
}

static void test_escapes(void **state)
{
	expect("{{{seq}}}", &created, "{3}\n");
	expect("{{seq}}", &created, "{seq}\n");
	expect("{seq}}x", &created, "3}x\n");
	expect("a\\tb\\\\{seq}", &created, "a\tb\\3\n");
	expect("{seq}\\n", &created, "3\n");
	expect("{seq}\\n\\n", &created, "3\n\n");
	expect("%s%n{seq}", &created, "%s%n3\n");
	expect("\\n{seq}", &created, "\n3\n");
}

/* A template that could not say it has the words of text in its place. */
static void test_lost(void **state)
{
	expect("{events} {where} {path}", &lost, "lost kernel \n");
	expect("{path}", &lost,
	       "*** LOST an unknown number of records (kernel): the kernel's queue was "
	       "full, or something could not be marked\n");
}

static void test_errors(void **state)
{
	char many[2048], longer[8192];

	expect_error("{pth}", "unknown column 'pth', near it: path");
	expect_error("{ path}", "unknown column ' path', near it: path");
	expect_error("{timestamp}", "unknown column 'timestamp', near it: time");
	expect_error("{evnets}", "unknown column 'evnets', near it: events");
	expect_error("a {path", "template: '{' without '}' at '{path'");
	expect_error("{seq}\\q",
		     "template: unknown escape (\\n, \\t and \\\\ are known) at '\\\\q'");
	expect_error("\\",
		     "template: unknown escape (\\n, \\t and \\\\ are known) at '\\\\'");
	for (size_t i = 0; i < 300; i++)
		memcpy(many + 5 * i, "{seq}", 6);
	expect_error(many, "template: too many columns at ''");
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	expect_error(longer,
		     "template: longer than 4096 bytes at 'xxxxxxxxxxxxxxxxxxxx'");
}

static void test_far_from_any_column(void **state)
{
	const struct ft_output_config c = {.format = FT_FORMAT_TEMPLATE,
					   .template_text = "{zzzzzzzzzz}"};
	_cleanup_free_ char *said = NULL;
	struct ft_format *f = NULL;

	assert_int_equal(ft_format_new(&f, &c, &said), -EINVAL);
	assert_non_null(
		strstr(said, "unknown column 'zzzzzzzzzz', columns are: time, after, "));
	assert_non_null(strstr(said, ", reason"));
	assert_null(strchr(said, '\n'));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_far_from_any_column),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
