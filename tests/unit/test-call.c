/* SPDX-License-Identifier: MIT */
/* Calls by name, as text, and as JSON. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "format-fixture.h"

static const struct ft_call marked = {
	.kind = FT_CALL_FANOTIFY_MARK,
	.ret = -ENOENT,
	.fd = 3,
	.dirfd = AT_FDCWD,
	.flags = {0x101, {"FAN_MARK_ADD|FAN_MARK_FILESYSTEM", 32}},
	.mask = {0x20, {"FAN_OPEN", 8}},
	.has_pathname = true,
	.pathname = {"a\n\xff", 3},
	.group = 2,
	.has_group_flags = true,
	.group_flags = {0, {"FAN_CLASS_NOTIF", 15}},
	.mount_namespace = 77,
	.alert = {"filesystem mark", 15},
};

static struct ft_event event_of(const struct ft_call *call)
{
	return (struct ft_event){.time_ns = NOON,
				 .call = call,
				 .has_error = call->ret < 0,
				 .error = call->ret < 0 ? (int)-call->ret : 0,
				 .path = {"/srv/a\n\xff", 8},
				 .path_source = FT_PATH_EVENT,
				 .pid = 4711,
				 .certainty = FT_CERTAINTY_EXACT};
}

static void test_names(void **state)
{
	struct ft_span bad = {0};
	unsigned int kinds = 0;

	for (unsigned int i = 0; i < FT_CALL_COUNT; i++) {
		const char *name = ft_call_info((enum ft_call_kind)i)->name;

		assert_int_equal(ft_call_parse(name, &kinds, NULL), 0);
		if (i != FT_CALL_DNOTIFY)
			assert_int_equal(kinds, 1u << i);
	}
	assert_int_equal(ft_call_parse("all", &kinds, NULL), 0);
	assert_int_equal(kinds, (1u << FT_CALL_COUNT) - 1);
	assert_int_equal(ft_call_parse("fanotify,dnotify", &kinds, NULL), 0);
	assert_int_equal(kinds, 1u << FT_CALL_FANOTIFY_INIT |
					1u << FT_CALL_FANOTIFY_MARK |
					1u << FT_CALL_DNOTIFY);
	assert_int_equal(ft_call_parse("inotify,open", &kinds, &bad), -EINVAL);
	assert_true(ft_span_equal(bad, FT_SPAN("open")));
	assert_int_equal(ft_call_parse("", &kinds, &bad), -EINVAL);
	assert_int_equal(ft_call_parse("inotify,", &kinds, &bad), -EINVAL);
}

static void expect_text(const struct ft_call *call, const char *error, const char *text)
{
	_cleanup_bytes_ struct ft_bytes out = {0};

	ft_call_format(&out, call, error);
	assert_string_equal(ft_bytes_cstr(&out), text);
}

static void test_text(void **state)
{
	const struct ft_call_flags init = {1, {"FAN_CLOEXEC", 11}};
	struct ft_call call = {.kind = FT_CALL_FANOTIFY_INIT,
			       .ret = 3,
			       .flags = init,
			       .event_f_flags = {0, {"O_RDONLY", 8}}};

	expect_text(&call, NULL, "fanotify_init(FAN_CLOEXEC, O_RDONLY) = 3");
	expect_text(&marked, "ENOENT",
		    "fanotify_mark(3, FAN_MARK_ADD|FAN_MARK_FILESYSTEM, FAN_OPEN, "
		    "AT_FDCWD, \"a\n\xff\") = -1 ENOENT");
	call = (struct ft_call){.kind = FT_CALL_INOTIFY_INIT, .ret = -4000};
	expect_text(&call, NULL, "inotify_init() = -1 errno 4000");
	call = (struct ft_call){.kind = FT_CALL_INOTIFY_ADD_WATCH,
				.fd = 4,
				.mask = {2, {"IN_MODIFY", 9}},
				.is_null = true};
	expect_text(&call, NULL, "inotify_add_watch(4, NULL, IN_MODIFY) = 0");
	call.is_null = false;
	expect_text(&call, NULL, "inotify_add_watch(4, ?, IN_MODIFY) = 0");
	call = (struct ft_call){.kind = FT_CALL_INOTIFY_RM_WATCH, .fd = 4, .wd = -1};
	expect_text(&call, NULL, "inotify_rm_watch(4, -1) = 0");
	call = (struct ft_call){.kind = FT_CALL_DNOTIFY, .fd = 5, .mask = {0, {"0", 1}}};
	expect_text(&call, NULL, "fcntl(5, F_NOTIFY, 0) = 0");
}

static void test_json(void **state)
{
	const struct ft_output_config c = {
		.format = FT_FORMAT_JSON,
		.columns = "events,call,path,path_source,ret,error,alert"};
	const struct ft_event ev = event_of(&marked);
	_cleanup_format_ struct ft_format *f = make(&c);

	expect(f, &ev, 1,
	       "{\"events\":[\"fanotify_mark\"],\"call\":{\"fanotify_fd\":3,\"flags\":"
	       "257,"
	       "\"flags_names\":[\"FAN_MARK_ADD\",\"FAN_MARK_FILESYSTEM\"],\"mask\":32,"
	       "\"mask_names\":[\"FAN_OPEN\"],\"dirfd\":-100,\"pathname\":\"a\\n\uFFFD\","
	       "\"pathname_base64\":\"YQr/\",\"group\":2,\"group_flags\":0,"
	       "\"group_flags_names\":[\"FAN_CLASS_NOTIF\"],\"mount_namespace\":77},"
	       "\"path\":\"/srv/a\\n\uFFFD\",\"path_base64\":\"L3Nydi9hCv8=\","
	       "\"path_source\":\"event\",\"ret\":-2,\"alert\":\"filesystem mark\","
	       "\"error\":\"ENOENT\"}\n");
}

static void test_columns(void **state)
{
	const struct ft_output_config c = {
		.format = FT_FORMAT_TEMPLATE,
		.template_text = "{events}|{ret}|{error}|{error_count}|{alert}|{call}"};
	struct ft_event ev = event_of(&marked);
	_cleanup_format_ struct ft_format *f = make(&c);

	expect(f, &ev, 1,
	       "fanotify_mark|-2|ENOENT||filesystem mark|fanotify_mark(3, "
	       "FAN_MARK_ADD|FAN_MARK_FILESYSTEM, FAN_OPEN, AT_FDCWD, \"a\\n\\xff\") = "
	       "-1 ENOENT\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
