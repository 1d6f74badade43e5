/* SPDX-License-Identifier: MIT */
/* Text, CSV and raw paths against lines written by hand; columns; what happens without
 * memory. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "event/mask.h"
#include "format-fixture.h"
#include "output/output.h"

static void test_csv(void **state)
{
	_cleanup_format_ struct ft_format *f = make(&(struct ft_output_config){
		.format = FT_FORMAT_CSV, .columns = "seq,events,path,args,count"});
	_cleanup_format_ struct ft_format *g = make(&(struct ft_output_config){
		.format = FT_FORMAT_CSV, .columns = "path,pid"});
	_cleanup_bytes_ struct ft_bytes out = {0};
	struct ft_event ev = created;

	ft_format_begin(f, &out);
	assert_string_equal(ft_bytes_cstr(&out), "seq,events,path,args,count\n");
	ev.path = FT_SPAN("/a,\"b\"\n");
	expect(f, &ev, 5,
	       "5,\"create,open,modify,close_write\",\"/a,\"\"b\"\"\\n\",touch a.txt,\n");
	expect(f, &lost, 6, "6,lost,,,812\n");
	expect(g, &lost, 6,
	       "*** LOST 812 records (buffer): the event buffer was full,\n");
}

static void test_raw(void **state)
{
	_cleanup_format_ struct ft_format *f =
		make(&(struct ft_output_config){.format = FT_FORMAT_RAW});
	_cleanup_bytes_ struct ft_bytes out = {0};
	struct ft_event ev = created;

	ev.path = FT_SPAN("/new\n");
	ev.old_path = FT_SPAN("/old\xff");
	ft_format_put(f, &out, &ev, 1);
	ft_format_put(f, &out, &lost, 2);
	ft_format_put(f, &out, &gap, 3);
	assert_int_equal(out.len, 12);
	assert_memory_equal(out.data, "/old\xff\0/new\n\0", 12);
}

static void test_text(void **state)
{
	_cleanup_format_ struct ft_format *f =
		make(&(struct ft_output_config){.format = FT_FORMAT_TEXT, .utc = true});
	_cleanup_format_ struct ft_format *local = make(&(struct ft_output_config){
		.format = FT_FORMAT_TEXT, .columns = "time,seq"});
	struct ft_event ev = created;

	expect(f, &ev, 1,
	       "12:00:00.123  touch(4711)             create,open,modify,close_write  "
	       "/srv/a.txt\n");
	ev.mask = FT_EV_RENAME;
	ev.old_path = FT_SPAN("/srv/b");
	expect(f, &ev, 1,
	       "12:00:00.123  touch(4711)             rename                    "
	       "/srv/b -> /srv/a.txt\n");
	ev.process = NULL;
	ev.old_path.len = 0;
	ev.certainty = FT_CERTAINTY_NONE;
	expect(f, &ev, 1,
	       "12:00:00.123  (4711)                  rename                    "
	       "/srv/a.txt\n");
	ev.pid = 0;
	expect(f, &ev, 1,
	       "12:00:00.123  -                       rename                    "
	       "/srv/a.txt\n");
	expect(f, &lost, 1,
	       "12:00:00.123  *** LOST 812 records (buffer): the event buffer was "
	       "full\n");
	expect(f, &gap, 1,
	       "12:00:00.123  *** GAP nobody was watching from "
	       "2026-11-20T11:59:57.123456789Z "
	       "to 2026-11-20T11:59:59.123456789Z: killed\n");
	expect(local, &created, 1, "14:00:00.123  1\n");
	ev.time_ns = -1;
	expect(local, &ev, 2, "01:59:59.999  2\n");
}

static void test_text_ambiguous(void **state)
{
	_cleanup_format_ struct ft_format *f = make(&(struct ft_output_config){
		.format = FT_FORMAT_TEXT, .columns = "process"});
	struct ft_process sh = {.id = 8, .pid = 4711, .comm = FT_SPAN("sh")};
	const struct ft_process *candidates[] = {&sh, &touch, &sh};
	struct ft_event ev = created;

	ev.certainty = FT_CERTAINTY_AMBIGUOUS;
	expect(f, &ev, 1, "touch(4711)?\n");
	ev.process = NULL;
	ev.candidates = candidates;
	ev.candidates_count = 3;
	expect(f, &ev, 1, "sh|touch(4711)?\n");
}

static void test_text_color(void **state)
{
	_cleanup_format_ struct ft_format *f = make(&(struct ft_output_config){
		.format = FT_FORMAT_TEXT, .columns = "comm,events", .color = true});
	struct ft_event ev = created;

	ev.mask = FT_EV_DELETE;
	expect(f, &ev, 1, "\033[36mtouch\033[0m            \033[31mdelete\033[0m\n");
}

static void test_text_decision(void **state)
{
	_cleanup_format_ struct ft_format *f = make(&(struct ft_output_config){
		.format = FT_FORMAT_TEXT, .decisions = true, .utc = true});
	_cleanup_format_ struct ft_format *colored = make(&(struct ft_output_config){
		.format = FT_FORMAT_TEXT, .columns = "decision", .color = true});
	struct ft_decision d = denial;
	struct ft_event ev = denied;

	expect(f, &denied, 1,
	       "12:00:00.123  touch(4711)             deny        open_perm              "
	       " "
	       "  /srv/a.txt  ssh-keys      rule\n");
	expect(colored, &denied, 1, "\033[1;31mdeny\033[0m\n");
	ev.decision = &d;
	d.answered = FT_VERDICT_ALLOW;
	d.rule = FT_SPAN("a\nb\033\xff");
	d.reason.len = 0;
	expect(f, &ev, 1,
	       "12:00:00.123  touch(4711)             would deny  open_perm              "
	       " "
	       "  /srv/a.txt  a\\nb\\x1b\\xff  -\n");
	expect(colored, &ev, 1, "\033[33mwould deny\033[0m\n");
	d.verdict = FT_VERDICT_ALLOW;
	expect(colored, &ev, 1, "\033[32mallow\033[0m\n");
	expect(colored, &created, 1, "-\n");
}

static void test_csv_decision(void **state)
{
	_cleanup_format_ struct ft_format *f = make(&(struct ft_output_config){
		.format = FT_FORMAT_CSV,
		.columns = "verdict,answered,rule,mode,reason,us,error"});
	_cleanup_format_ struct ft_format *own = make(
		&(struct ft_output_config){.format = FT_FORMAT_CSV, .decisions = true});
	_cleanup_bytes_ struct ft_bytes out = {0};
	struct ft_decision d = denial;
	struct ft_event ev = denied;

	ev.decision = &d;
	d.error = EBUSY;
	expect(f, &ev, 1, "deny,deny,ssh-keys,enforce,rule,41,EBUSY\n");
	expect(f, &denied, 1, "deny,deny,ssh-keys,enforce,rule,41,\n");
	expect(f, &created, 1, ",,,,,,\n");
	expect(f, &gap, 1,
	       "*** GAP nobody was watching from "
	       "2026-11-20T11:59:57.123456789Z to "
	       "2026-11-20T11:59:59.123456789Z: killed,,,,,,\n");
	ft_format_begin(own, &out);
	assert_non_null(strstr(ft_bytes_cstr(&out),
			       ",reason,verdict,answered,rule,mode,error,us\n"));
}

static void expect_cut(const char *path, unsigned int width, const char *line)
{
	_cleanup_format_ struct ft_format *f = make(&(struct ft_output_config){
		.format = FT_FORMAT_TEXT, .columns = "path", .width = width});
	struct ft_event ev = created;

	ev.path = ft_span_of(path);
	expect(f, &ev, 1, line);
}

static void test_text_width(void **state)
{
	expect_cut("/home/user/project/main.c", 25, "/home/user/project/main.c\n");
	expect_cut("/home/user/project/main.c", 24, "/home/u…r/project/main.c\n");
	expect_cut("/home/user/project/main.c", 16, "/home…ect/main.c\n");
	expect_cut("/home/user/project/main.c", 3, "….c\n");
	expect_cut("/home/user/project/main.c", 1, "…\n");
	/* An escape and a wide character are there or not. */
	expect_cut("/a\n\n\n\n\n\n\n\n\n\n\n\nz", 16, "/a\\n…\\n\\n\\n\\nz\n");
	expect_cut("/漢字漢字漢字漢字漢字漢字", 16, "/漢字…字漢字漢字\n");
	expect_cut("/a\x01\x01\x01\x01\x01", 16, "/a…\\x01\\x01\n");
	/* Combining marks stay with their letter. */
	expect_cut("/eeeee\xcc\x81\xcc\x81"
		   "eeeeeeeeeeeee",
		   16, "/eeee…eeeeeeeeee\n");
	expect_cut("/eeee\xcc\x81"
		   "eeeeeeeeeeeeeee",
		   16, "/eeee\xcc\x81…eeeeeeeeee\n");
}

static void test_text_width_of_a_line(void **state)
{
	_cleanup_format_ struct ft_format *f = make(&(struct ft_output_config){
		.format = FT_FORMAT_TEXT, .columns = "pid,path,exe,seq", .width = 50});
	struct ft_event ev = created;

	ev.path = FT_SPAN("/one/very/long/path/that/does/not/fit/here.txt");
	expect(f, &ev, 1, "4711  /one/ver…not/fit/here.txt  /usr/bin/touch  1\n");
}

/* No path is cut for the blanks of another column. */
static void test_text_width_of_blanks(void **state)
{
	_cleanup_format_ struct ft_format *wide = make(&(struct ft_output_config){
		.format = FT_FORMAT_TEXT, .columns = "pid,events,path", .width = 41});
	_cleanup_format_ struct ft_format *narrow = make(&(struct ft_output_config){
		.format = FT_FORMAT_TEXT, .columns = "pid,events,path", .width = 35});
	struct ft_event ev = created;

	ev.mask = FT_EV_CREATE;
	ev.path = FT_SPAN("/srv/a");
	expect(wide, &ev, 1, "4711     create                    /srv/a\n");
	ev.path = FT_SPAN("/srv/files/42.jpeg");
	expect(narrow, &ev, 1, "4711     create  /srv/files/42.jpeg\n");
}

static void test_text_rename(void **state)
{
	_cleanup_format_ struct ft_format *f = make(&(struct ft_output_config){
		.format = FT_FORMAT_TEXT, .columns = "path,seq", .width = 31});
	struct ft_event ev = created;

	ev.old_path = FT_SPAN("/tmp/upload/part.1");
	ev.path = FT_SPAN("/srv/files/album/42");
	expect(f, &ev, 1, "/tm…d/part.1 -> /sr…album/42  1\n");
	/* What one does not need the other has. */
	ev.path = FT_SPAN("/srv/42");
	expect(f, &ev, 1, "/tmp/…load/part.1 -> /srv/42  1\n");
	ev.old_path = FT_SPAN("/a");
	ev.path = FT_SPAN("/srv/files/album/42/full");
	expect(f, &ev, 1, "/a -> /srv/fi…/album/42/full  1\n");
	ev.path = (struct ft_span){0};
	ev.old_path = FT_SPAN("/srv/files/album/42/full/size");
	expect(f, &ev, 1, "/srv/fi…um/42/full/size -> ?  1\n");
}

static void put_line(const struct ft_output_config *c, const struct ft_event *ev,
		     struct ft_bytes *out)
{
	_cleanup_format_ struct ft_format *f = make(c);

	ft_format_put(f, out, ev, 1);
	assert_true(out->len > 0 && out->data[out->len - 1] == '\n');
	out->len--;
	if (ft_escape_width(ft_bytes_span(out)) > c->width)
		fail_msg("wider than %u: %s", c->width, ft_bytes_cstr(out));
}

static void expect_shown(struct ft_bytes *line, const char *what)
{
	if (!strstr(ft_bytes_cstr(line), what))
		fail_msg("no '%s' in: %s", what, ft_bytes_cstr(line));
}

static void check_width(const char *columns, unsigned int width)
{
	_cleanup_bytes_ struct ft_bytes line = {0}, renamed = {0};
	struct ft_output_config c = {
		.format = FT_FORMAT_TEXT, .columns = columns, .width = width};
	struct ft_event ev = created;

	ev.mask = ft_mask_of_group(FT_GROUP_ALL);
	ev.path = FT_SPAN("/srv/漢字/files/album/of/the/last/summer/42.jpeg");
	put_line(&c, &ev, &line);
	ev.old_path = FT_SPAN("/tmp/incoming/upload/of/somebody/else/part.1");
	put_line(&c, &ev, &renamed);
	if (columns || width < 80)
		return;
	expect_shown(&line, "14:00:00.123  touch(4711)");
	expect_shown(&line, "create,");
	expect_shown(&line, "/sr");
	expect_shown(&line, "42.jpeg");
	expect_shown(&renamed, "/tm");
	expect_shown(&renamed, "/part.1 -> /sr");
	expect_shown(&renamed, "42.jpeg");
}

static void test_text_never_wider(void **state)
{
	static const char *const columns[] = {
		NULL,
		"path,seq",
		"events,old_path,path",
		"process,exe,parents,events,path",
		"time,after,seq,events,path,old_path,path_source,dir,inode,dev,fs,pid,"
		"process,certainty,comm,exe,args,uid,user,gid,group,ppid,start,cgroup,"
		"container,parents",
	};

	for (size_t i = 0; i < FT_ARRAY_SIZE(columns); i++)
		for (unsigned int width = 1; width <= 160; width++)
			check_width(columns[i], width);
}

/* More ids than the table of names holds, there and back. */
static void test_names_of_ids(void **state)
{
	_cleanup_format_ struct ft_format *f = make(&(struct ft_output_config){
		.format = FT_FORMAT_TEMPLATE, .template_text = "{user},{group}"});
	struct ft_process p = {.has_ids = true};
	struct ft_event ev = {.pid = 1, .process = &p};
	char line[600];

	for (unsigned int i = 0; i < 600; i++) {
		const struct passwd *user;
		const struct group *group;

		p.uid = i < 300 ? i : 600 - i;
		p.gid = p.uid / 2;
		user = getpwuid(p.uid);
		group = getgrgid(p.gid);
		snprintf(line, sizeof(line), "%s,%s\n", user ? user->pw_name : "",
			 group ? group->gr_name : "");
		expect(f, &ev, 1, line);
	}
}

/* Nothing fits into a buffer that may not grow: the format says so and writes nowhere
 * else. */
static void test_no_memory(void **state)
{
	for (int kind = FT_FORMAT_TEXT; kind <= FT_FORMAT_RAW; kind++) {
		_cleanup_format_ struct ft_format *f = make(&(struct ft_output_config){
			.format = (enum ft_format_kind)kind, .template_text = "{path}"});

		for (size_t max = 1; max < 700; max++) {
			_cleanup_bytes_ struct ft_bytes out = {.max = max};

			ft_format_put(f, &out, &created, 1);
			assert_true(out.failed || out.len <= max);
		}
	}
}

static void test_parse_format(void **state)
{
	struct ft_output_config c = {0};

	assert_int_equal(ft_output_parse_format("ocsf", &c), 0);
	assert_int_equal(c.format, FT_FORMAT_OCSF);
	assert_int_equal(ft_output_parse_format("{path}", &c), 0);
	assert_int_equal(c.format, FT_FORMAT_TEMPLATE);
	assert_string_equal(c.template_text, "{path}");
	assert_int_equal(ft_output_parse_format("xml", &c), -EINVAL);
	assert_int_equal(ft_output_parse_format("", &c), -EINVAL);
}

static void test_columns(void **state)
{
	size_t count;
	const struct ft_column *columns = ft_columns(&count);
	_cleanup_free_ char *error = NULL;
	struct ft_format *f = NULL;

	for (size_t i = 0; i < count; i++) {
		_cleanup_format_ struct ft_format *one = make(&(struct ft_output_config){
			.format = FT_FORMAT_CSV, .columns = columns[i].name});
		_cleanup_bytes_ struct ft_bytes out = {0};

		assert_non_null(columns[i].meaning);
		ft_format_begin(one, &out);
		assert_int_equal(out.len, strlen(columns[i].name) + 1);
	}
	assert_int_equal(
		ft_format_new(&f,
			      &(struct ft_output_config){.format = FT_FORMAT_CSV,
							 .columns = "time,\033path"},
			      &error),
		-EINVAL);
	assert_string_equal(error, "unknown column '\\x1bpath', near it: path");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_text_ambiguous),
		cmocka_unit_test(test_text_color),
		cmocka_unit_test(test_text_decision),
		cmocka_unit_test(test_csv_decision),
		cmocka_unit_test(test_text_width),
		cmocka_unit_test(test_text_width_of_a_line),
		cmocka_unit_test(test_text_width_of_blanks),
		cmocka_unit_test(test_text_rename),
		cmocka_unit_test(test_text_never_wider),
		cmocka_unit_test(test_names_of_ids),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_parse_format),
		cmocka_unit_test(test_columns),
	};

	setenv("TZ", "XXX-02:00", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
