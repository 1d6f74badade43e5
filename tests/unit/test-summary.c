/* SPDX-License-Identifier: MIT */
/* Sets of what was done: what belongs into which, and how they are printed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "output/summary.h"

#include "format-fixture.h"
#include "json-check.h"

static const struct ft_process mv = {
	.id = 8, .pid = 4712, .comm = {"mv", 2}, .exe = {"/usr/bin/mv", 11}};

static void cleanup_summary(struct ft_summary *s)
{
	ft_summary_fini(s);
}

#define _cleanup_summary_ _cleanup_(cleanup_summary)

static void did(struct ft_summary *s, uint64_t mask, const char *path)
{
	const struct ft_event ev = {.path_source = FT_PATH_EVENT,
				    .mask = mask & ~(uint64_t)FT_EV_ONDIR,
				    .dir = mask & FT_EV_ONDIR,
				    .path = ft_span_of(path),
				    .pid = touch.pid,
				    .certainty = FT_CERTAINTY_EXACT,
				    .process = &touch};

	ft_summary_add(s, &ev);
}

static void moved(struct ft_summary *s, const char *old_path, const char *path)
{
	const struct ft_event ev = {.path_source = FT_PATH_EVENT,
				    .mask = FT_EV_RENAME,
				    .path = ft_span_of(path),
				    .old_path = ft_span_of(old_path),
				    .pid = mv.pid,
				    .certainty = FT_CERTAINTY_EXACT,
				    .process = &mv};

	ft_summary_add(s, &ev);
}

/* wanted: the paths, a space after each. */
static void expect_set(const struct ft_summary *s, enum ft_summary_set set,
		       const char *wanted)
{
	_cleanup_bytes_ struct ft_bytes got = {0};
	_cleanup_free_ struct ft_summary_path **list = NULL;
	size_t count;

	assert_int_equal(ft_summary_list_paths(s, set, &list, &count), 0);
	for (size_t i = 0; i < count; i++) {
		ft_bytes_put_span(&got, list[i]->path);
		ft_bytes_put_char(&got, ' ');
	}
	assert_string_equal(ft_bytes_cstr(&got), wanted);
}

/* Content was read; or, as a map is read, opened and closed again. */
static void test_read(void **state)
{
	_cleanup_summary_ struct ft_summary s = {0};

	did(&s, FT_EV_ACCESS, "/accessed");
	did(&s, FT_EV_OPEN | FT_EV_CLOSE_NOWRITE, "/merged");
	did(&s, FT_EV_OPEN, "/apart");
	did(&s, FT_EV_OPEN, "/open");
	did(&s, FT_EV_CLOSE_NOWRITE, "/inherited");
	did(&s, FT_EV_CLOSE_NOWRITE, "/apart");
	did(&s, FT_EV_OPEN | FT_EV_CLOSE_WRITE, "/written");
	did(&s, FT_EV_OPEN | FT_EV_ACCESS | FT_EV_CLOSE_NOWRITE | FT_EV_ONDIR, "/dir");
	expect_set(&s, FT_SUMMARY_READ, "/accessed /apart /merged ");
	expect_set(&s, FT_SUMMARY_WRITTEN, "/written ");
}

static void test_other_sets(void **state)
{
	_cleanup_summary_ struct ft_summary s = {0};

	did(&s, FT_EV_CREATE | FT_EV_MODIFY, "/b");
	did(&s, FT_EV_CREATE | FT_EV_ONDIR, "/a");
	did(&s, FT_EV_CREATE, "/a/b");
	did(&s, FT_EV_DELETE, "/a/b");
	did(&s, FT_EV_DELETE | FT_EV_ONDIR, "/a");
	did(&s, FT_EV_CLOSE_WRITE, "/c");
	did(&s, FT_EV_OPEN | FT_EV_OPEN_EXEC, "/bin/x");
	did(&s, FT_EV_ATTRIB, "/only-attrib");
	expect_set(&s, FT_SUMMARY_CREATED, "/a /a/b /b ");
	expect_set(&s, FT_SUMMARY_DELETED, "/a /a/b ");
	expect_set(&s, FT_SUMMARY_WRITTEN, "/b /c ");
	expect_set(&s, FT_SUMMARY_EXECUTED, "/bin/x ");
	expect_set(&s, FT_SUMMARY_READ, "");
}

static void test_renames(void **state)
{
	_cleanup_summary_ struct ft_summary s = {0};
	_cleanup_free_ struct ft_summary_rename **list = NULL;
	const struct ft_event from = {.path_source = FT_PATH_EVENT,
				      .mask = FT_EV_MOVED_FROM,
				      .path = FT_SPAN("/gone"),
				      .pid = 1};
	size_t count;

	moved(&s, "/b", "/c");
	moved(&s, "/a", "/b");
	moved(&s, "/b", "/c");
	ft_summary_add(&s, &from);
	assert_int_equal(ft_summary_list_renames(&s, &list, &count), 0);
	assert_int_equal(count, 3);
	assert_true(ft_span_equal(list[0]->old_path, FT_SPAN("/a")));
	assert_true(ft_span_equal(list[0]->path, FT_SPAN("/b")));
	assert_true(ft_span_equal(list[1]->old_path, FT_SPAN("/b")));
	assert_true(ft_span_equal(list[2]->old_path, FT_SPAN("/gone")));
	assert_int_equal(list[2]->path.len, 0);
}

static void test_processes(void **state)
{
	static const struct ft_process *const both[] = {&touch, &mv};
	_cleanup_summary_ struct ft_summary s = {0};
	_cleanup_free_ struct ft_summary_process **list = NULL;
	struct ft_event ev = {.path_source = FT_PATH_EVENT,
			      .mask = FT_EV_OPEN,
			      .path = FT_SPAN("/a"),
			      .pid = 9};
	size_t count;

	ft_summary_add(&s, &ev);
	ev.certainty = FT_CERTAINTY_AMBIGUOUS;
	ev.candidates = both;
	ev.candidates_count = 2;
	ft_summary_add(&s, &ev);
	did(&s, FT_EV_OPEN, "/a");
	did(&s, FT_EV_OPEN, "/a");
	assert_int_equal(ft_summary_list_processes(&s, &list, &count), 0);
	assert_int_equal(count, 3);
	assert_int_equal(list[0]->process.pid, 9);
	assert_int_equal(list[0]->certainty, FT_CERTAINTY_NONE);
	assert_int_equal(list[1]->process.pid, touch.pid);
	assert_int_equal(list[1]->certainty, FT_CERTAINTY_EXACT);
	assert_true(ft_span_equal(list[1]->process.args, touch.args));
	assert_int_equal(list[2]->process.pid, mv.pid);
	assert_int_equal(list[2]->certainty, FT_CERTAINTY_AMBIGUOUS);
}

/* A name alone is no path, and a loss is no event. */
static void test_unplaced(void **state)
{
	_cleanup_summary_ struct ft_summary s = {0};
	struct ft_event ev = {.path_source = FT_PATH_PARTIAL,
			      .mask = FT_EV_CREATE,
			      .path = FT_SPAN("name"),
			      .pid = 9};

	ft_summary_add(&s, &ev);
	ev.path_source = FT_PATH_NONE;
	ev.path = (struct ft_span){0};
	ft_summary_add(&s, &ev);
	ft_summary_add(&s, &lost);
	assert_int_equal(s.unplaced, 2);
	expect_set(&s, FT_SUMMARY_CREATED, "");
}

/* What is past the bound is counted, what is known goes on to be noted. */
static void test_bound(void **state)
{
	_cleanup_summary_ struct ft_summary s = {0};
	char path[32];

	for (int i = 0; i < FT_SUMMARY_RENAMES_MAX; i++) {
		snprintf(path, sizeof(path), "/%d", i);
		moved(&s, path, "/x");
	}
	assert_false(ft_summary_is_cut(&s));
	moved(&s, "/0", "/x");
	assert_false(ft_summary_is_cut(&s));
	moved(&s, "/one-more", "/x");
	assert_true(ft_summary_is_cut(&s));
	assert_int_equal(s.dropped, 1);
}

static struct ft_summary_head head_of(bool complete)
{
	return (struct ft_summary_head){
		.command = {"sh\0-c\0a b", 9},
		.pid = 4711,
		.status = 137,
		.signal = 9,
		.began_ns = NOON,
		.ended_ns = NOON + 1500000000,
		.events = 3,
		.complete = complete,
	};
}

static void test_json_head(void **state)
{
	_cleanup_bytes_ struct ft_bytes out = {0};
	struct ft_summary_head head = head_of(false);

	head.uncertain = 1;
	head.lost[FT_LOST_KERNEL] = true;
	head.lost[FT_LOST_PROCESS] = true;
	head.lost_count[FT_LOST_PROCESS] = 5;
	assert_int_equal(ft_summary_put_json(&out, NULL, &head), 0);
	assert_string_equal(
		ft_bytes_cstr(&out),
		"{\"time\":\"2026-11-20T12:00:01.623456789Z\",\"events\":[\"summary\"],"
		"\"began\":\"2026-11-20T12:00:00.123456789Z\",\"command\":[\"sh\",\"-c\","
		"\"a b\"],\"pid\":4711,\"status\":137,\"signal\":9,\"running\":false,"
		"\"count\":3,\"uncertain\":1,\"complete\":false,\"lost\":[{\"where\":"
		"\"kernel\"},"
		"{\"where\":\"process\",\"count\":5}]}");
}

static void test_json_sets(void **state)
{
	_cleanup_bytes_ struct ft_bytes out = {0};
	_cleanup_summary_ struct ft_summary s = {0};
	const struct ft_summary_head head = head_of(true);
	const char *sets;

	did(&s, FT_EV_CREATE, "/bad\xff\"\n");
	did(&s, FT_EV_CREATE, "/a");
	moved(&s, "/a", "/b");
	assert_int_equal(ft_summary_put_json(&out, &s, &head), 0);
	assert_true(json_check(ft_bytes_span(&out), NULL, NULL));
	sets = strstr(ft_bytes_cstr(&out), ",\"read\":");
	assert_non_null(sets);
	assert_string_equal(
		sets,
		",\"read\":[],\"written\":[],\"created\":[\"/a\",\"/"
		"bad\xef\xbf\xbd\\\"\\n\"],"
		"\"created_base64\":[\"L2E=\",\"L2JhZP8iCg==\"],\"deleted\":[],"
		"\"executed\":[],\"renamed\":[{\"old_path\":\"/a\",\"path\":\"/b\"}],"
		"\"processes\":[{\"pid\":4711,\"certainty\":\"exact\",\"comm\":\"touch\","
		"\"exe\":\"/usr/bin/touch\",\"args\":[\"touch\",\"a.txt\"],\"uid\":0,"
		"\"gid\":0,\"ppid\":4700,\"start\":\"2026-11-20T11:59:59.123456789Z\"},"
		"{\"pid\":4712,\"certainty\":\"exact\",\"comm\":\"mv\","
		"\"exe\":\"/usr/bin/mv\"}]}");
}

/* A name breaks no line and drives no terminal. */
static void test_text(void **state)
{
	_cleanup_bytes_ struct ft_bytes out = {0};
	_cleanup_summary_ struct ft_summary s = {0};
	struct ft_summary_head head = head_of(true);

	head.uncertain = 1;
	did(&s, FT_EV_DELETE, "/a\nwritten (1)\x1b[2J");
	moved(&s, "/a", "/b");
	assert_int_equal(ft_summary_put_text(&out, &s, &head), 0);
	assert_string_equal(ft_bytes_cstr(&out), "command  sh -c a b\n"
						 "ended    by signal 9 after 1.5 s\n"
						 "complete yes\n"
						 "program  known for certain of "
						 "2 of 3 events\n"
						 "deleted (1)\n"
						 "  /a\\nwritten (1)\\x1b[2J\n"
						 "renamed (1)\n"
						 "  /a -> /b\n"
						 "processes (2)\n"
						 "  4711 /usr/bin/touch: touch a.txt\n"
						 "  4712 /usr/bin/mv\n");
}

static void test_no_args(void **state)
{
	_cleanup_bytes_ struct ft_bytes out = {0};
	_cleanup_summary_ struct ft_summary s = {0};
	struct ft_summary_head head = head_of(true);

	head.no_args = true;
	did(&s, FT_EV_OPEN, "/a");
	assert_int_equal(ft_summary_put_text(&out, &s, &head), 0);
	assert_int_equal(ft_summary_put_json(&out, &s, &head), 0);
	assert_null(strstr(ft_bytes_cstr(&out), "a.txt"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),	  cmocka_unit_test(test_other_sets),
		cmocka_unit_test(test_renames),	  cmocka_unit_test(test_processes),
		cmocka_unit_test(test_unplaced),  cmocka_unit_test(test_bound),
		cmocka_unit_test(test_json_head), cmocka_unit_test(test_json_sets),
		cmocka_unit_test(test_text),	  cmocka_unit_test(test_no_args),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
