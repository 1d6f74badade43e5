/* SPDX-License-Identifier: MIT */
/* JSON against lines written by hand. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "format-fixture.h"
#include "output/output.h"

#define PROCESS                                                                          \
	"\"pid\":4711,\"process\":{\"certainty\":\"exact\",\"comm\":\"touch\","          \
	"\"exe\":\"/usr/bin/touch\",\"args\":[\"touch\",\"a.txt\"],\"uid\":0,"           \
	"\"user\":\"root\",\"gid\":0,\"ppid\":4700,"                                     \
	"\"start\":\"2026-11-20T11:59:59.123456789Z\",\"cgroup\":\"/user.slice\","       \
	"\"container\":\"0123abcd\",\"parents\":[{\"pid\":4700,\"comm\":\"bash\","       \
	"\"exe\":\"/usr/bin/bash\"}]}"

static void test_json_event(void **state)
{
	_cleanup_format_ struct ft_format *f =
		make(&(struct ft_output_config){.format = FT_FORMAT_JSON});
	const char *line =
		"{\"time\":\"2026-11-20T12:00:00.123456789Z\",\"seq\":1,"
		"\"events\":[\"create\",\"open\",\"modify\",\"close_write\"],"
		"\"path\":\"/srv/a.txt\",\"dir\":false,\"path_source\":\"event\","
		"\"inode\":12,\"dev\":\"8:1\",\"fs\":\"ext4\"," PROCESS "}\n";

	expect(f, &created, 1, line);
	/* Once more, from what is kept. */
	expect(f, &created, 1, line);
}

static void test_json_what_is_kept_is_not_mixed_up(void **state)
{
	_cleanup_format_ struct ft_format *f =
		make(&(struct ft_output_config){.format = FT_FORMAT_JSON});
	struct ft_process p = {.has_ids = false};
	struct ft_event ev = created;
	char comm[16], line[512], path[16], dev[16];

	/* More images, sets, times and filesystems than any table holds, each of them
	 * twice. */
	for (unsigned int i = 0; i < 2000; i++) {
		unsigned int n = i / 2;

		p.id = n + 1;
		p.comm = (struct ft_span){comm, (size_t)sprintf(comm, "c%u", n)};
		ev.process = &p;
		ev.pid = (pid_t)i % 7 + 1;
		ev.time_ns = NOON + n * 300000001LL;
		ev.inode = n;
		ev.mask = n % 3 ? FT_EV_OPEN : FT_EV_DELETE | FT_EV_ATTRIB;
		ev.path = (struct ft_span){path, (size_t)sprintf(path, "/%u", i)};
		ev.dev = (struct ft_span){dev, (size_t)sprintf(dev, "%u:1", n % 5)};
		sprintf(line,
			"{\"time\":\"2026-11-20T12:%02u:%02u.%09uZ\",\"seq\":%u,"
			"\"events\":[%s],"
			"\"path\":\"%s\",\"dir\":false,\"path_source\":\"event\","
			"\"inode\":%u,"
			"\"dev\":\"%s\",\"fs\":\"ext4\",\"pid\":%d,\"process\":{"
			"\"certainty\":\"exact\",\"comm\":\"%s\"}}\n",
			(unsigned int)((ev.time_ns - NOON + 123456789) / 60000000000),
			(unsigned int)((ev.time_ns - NOON + 123456789) / 1000000000 % 60),
			(unsigned int)((ev.time_ns - NOON + 123456789) % 1000000000), i,
			n % 3 ? "\"open\"" : "\"attrib\",\"delete\"", path, n, dev,
			ev.pid, comm);
		expect(f, &ev, i, line);
	}
}

static void test_json_rename_and_absent(void **state)
{
	_cleanup_format_ struct ft_format *f =
		make(&(struct ft_output_config){.format = FT_FORMAT_JSON});
	struct ft_event ev = {
		.time_ns = NOON,
		.after_ns = NOON - 200000000,
		.mask = FT_EV_RENAME,
		.dir = true,
		.path_source = FT_PATH_FIRST,
		.path = FT_SPAN("/b"),
		.old_path = FT_SPAN("/a"),
	};

	expect(f, &ev, 2,
	       "{\"time\":\"2026-11-20T12:00:00.123456789Z\","
	       "\"after\":\"2026-11-20T11:59:59.923456789Z\",\"seq\":2,\"events\":["
	       "\"rename\"],"
	       "\"path\":\"/b\",\"old_path\":\"/"
	       "a\",\"dir\":true,\"path_source\":\"first\"}\n");
	ev.pid = 9;
	ev.after_ns = 0;
	ev.path_source = FT_PATH_NONE;
	ev.path.len = ev.old_path.len = 0;
	expect(f, &ev, 3,
	       "{\"time\":\"2026-11-20T12:00:00.123456789Z\",\"seq\":3,\"events\":["
	       "\"rename\"],"
	       "\"dir\":true,\"path_source\":\"none\",\"pid\":9,"
	       "\"process\":{\"certainty\":\"none\"}}\n");
}

static void test_json_lost_and_gap(void **state)
{
	_cleanup_format_ struct ft_format *f =
		make(&(struct ft_output_config){.format = FT_FORMAT_JSON});
	struct ft_event unknown = lost;

	expect(f, &lost, 2,
	       "{\"time\":\"2026-11-20T12:00:00.123456789Z\",\"seq\":2,\"events\":["
	       "\"lost\"],"
	       "\"count\":812,\"where\":\"buffer\"}\n");
	unknown.has_count = false;
	unknown.where = FT_LOST_KERNEL;
	expect(f, &unknown, 2,
	       "{\"time\":\"2026-11-20T12:00:00.123456789Z\",\"seq\":2,\"events\":["
	       "\"lost\"],"
	       "\"where\":\"kernel\"}\n");
	expect(f, &gap, 3,
	       "{\"time\":\"2026-11-20T12:00:00.123456789Z\",\"seq\":3,\"events\":["
	       "\"gap\"],"
	       "\"from\":\"2026-11-20T11:59:57.123456789Z\","
	       "\"to\":\"2026-11-20T11:59:59.123456789Z\",\"reason\":\"killed\"}\n");
}

static void test_json_ambiguous(void **state)
{
	_cleanup_format_ struct ft_format *f = make(&(struct ft_output_config){
		.format = FT_FORMAT_JSON, .columns = "process"});
	struct ft_process sh = {.id = 8, .pid = 4711, .comm = FT_SPAN("sh")};
	struct ft_process shared = {.id = 9, .pid = 4711, .has_ppid = true, .ppid = 5};
	const struct ft_process *candidates[] = {&sh, &touch};
	struct ft_event ev = created;
	const char *line =
		"{\"events\":[\"create\",\"open\",\"modify\",\"close_write\"],"
		"\"pid\":4711,\"process\":{\"certainty\":\"ambiguous\",\"ppid\":5,"
		"\"candidates\":[{\"pid\":4711,\"comm\":\"sh\"},{\"pid\":4711,"
		"\"comm\":\"touch\",\"exe\":\"/usr/bin/touch\",\"uid\":0,\"gid\":0}]}}\n";

	ev.certainty = FT_CERTAINTY_AMBIGUOUS;
	ev.process = &shared;
	ev.candidates = candidates;
	ev.candidates_count = 2;
	expect(f, &ev, 1, line);
	/* The same id with other candidates. */
	ev.candidates_count = 1;
	expect(f, &ev, 1,
	       "{\"events\":[\"create\",\"open\",\"modify\",\"close_write\"],\"pid\":"
	       "4711,"
	       "\"process\":{\"certainty\":\"ambiguous\",\"ppid\":5,"
	       "\"candidates\":[{\"pid\":4711,\"comm\":\"sh\"}]}}\n");
}

/* Real ids: where they are others, or asked for; who logged in: where somebody did. */
static void test_json_owner(void **state)
{
	_cleanup_format_ struct ft_format *f =
		make(&(struct ft_output_config){.format = FT_FORMAT_JSON});
	_cleanup_format_ struct ft_format *g = make(&(struct ft_output_config){
		.format = FT_FORMAT_JSON, .columns = "ruid,rgid,loginuid,pidfd_id"});
	_cleanup_bytes_ struct ft_bytes out = {0};
	struct ft_process p = {
		.id = 8,
		.pid = 4711,
		.has_ids = true,
		.has_real_ids = true,
		.ruid = 1000,
		.has_login = true,
		.loginuid = 1001,
		.pidfd_id = 99,
	};
	struct ft_event ev = created;

	ev.process = &p;
	ft_format_put(f, &out, &ev, 1);
	assert_non_null(strstr(ft_bytes_cstr(&out), "\"gid\":0,\"ruid\":1000,"
						    "\"loginuid\":1001"));
	assert_null(strstr(ft_bytes_cstr(&out), "rgid"));
	assert_null(strstr(ft_bytes_cstr(&out), "pidfd_id"));
	expect(g, &ev, 1,
	       "{\"events\":[\"create\",\"open\",\"modify\",\"close_write\"],"
	       "\"process\":{\"ruid\":1000,\"rgid\":0,\"loginuid\":1001,"
	       "\"pidfd_id\":99}}\n");
	p = (struct ft_process){.id = 9, .pid = 4711};
	expect(g, &ev, 2,
	       "{\"events\":[\"create\",\"open\",\"modify\",\"close_write\"]}\n");
}

static void test_json_columns(void **state)
{
	_cleanup_format_ struct ft_format *f = make(&(struct ft_output_config){
		.format = FT_FORMAT_JSON, .columns = "path,comm,pid"});
	_cleanup_format_ struct ft_format *g = make(&(struct ft_output_config){
		.format = FT_FORMAT_JSON, .columns = "group,fs"});

	expect(f, &created, 1,
	       "{\"events\":[\"create\",\"open\",\"modify\",\"close_write\"],"
	       "\"path\":\"/srv/"
	       "a.txt\",\"pid\":4711,\"process\":{\"comm\":\"touch\"}}\n");
	expect(f, &lost, 2,
	       "{\"events\":[\"lost\"],\"count\":812,\"where\":\"buffer\"}\n");
	expect(g, &created, 1,
	       "{\"events\":[\"create\",\"open\",\"modify\",\"close_write\"],\"fs\":"
	       "\"ext4\","
	       "\"process\":{\"group\":\"root\"}}\n");
}

static void test_json_arguments(void **state)
{
	_cleanup_format_ struct ft_format *f = make(
		&(struct ft_output_config){.format = FT_FORMAT_JSON, .columns = "args"});
	_cleanup_format_ struct ft_format *none = make(&(struct ft_output_config){
		.format = FT_FORMAT_JSON, .columns = "args", .no_args = true});
	struct ft_process p = {.args = {"cat\0\0x\xff", 8}, .args_cut = true};
	struct ft_event ev = {.mask = FT_EV_OPEN, .pid = 1, .process = &p};

	expect(f, &ev, 1,
	       "{\"events\":[\"open\"],\"process\":{\"args\":[\"cat\",\"\","
	       "\"x\xef\xbf\xbd\","
	       "\"…\"],\"args_base64\":[\"Y2F0\",\"\",\"eP8=\"],\"args_cut\":true}}\n");
	expect(none, &ev, 1, "{\"events\":[\"open\"]}\n");
}

static void test_json_bad_utf8(void **state)
{
	_cleanup_format_ struct ft_format *f = make(&(struct ft_output_config){
		.format = FT_FORMAT_JSON, .columns = "path,old_path"});
	struct ft_event ev = {.mask = FT_EV_RENAME,
			      .path = FT_SPAN("/\xff\xfe"),
			      .old_path = FT_SPAN("/ok")};

	expect(f, &ev, 1,
	       "{\"events\":[\"rename\"],\"path\":\"/\xef\xbf\xbd\xef\xbf\xbd\","
	       "\"path_base64\":\"L//+\",\"old_path\":\"/ok\"}\n");
}

static void test_json_error_and_mount(void **state)
{
	_cleanup_format_ struct ft_format *f = make(&(struct ft_output_config){
		.format = FT_FORMAT_JSON, .columns = "dir,error,error_count,mount_id"});
	struct ft_event error = {.mask = FT_EV_FS_ERROR,
				 .has_error = true,
				 .error = EIO,
				 .error_count = 3};
	struct ft_event mount = {.mask = FT_EV_MNT_ATTACH, .mnt_id = 4294967300};

	expect(f, &error, 1,
	       "{\"events\":[\"fs_error\"],\"error\":\"EIO\",\"error_count\":3}\n");
	expect(f, &mount, 1, "{\"events\":[\"mnt_attach\"],\"mount_id\":4294967300}\n");
}

static void test_json_decision(void **state)
{
	_cleanup_format_ struct ft_format *f =
		make(&(struct ft_output_config){.format = FT_FORMAT_JSON});
	_cleanup_format_ struct ft_format *g = make(&(struct ft_output_config){
		.format = FT_FORMAT_JSON, .columns = "rule,decision"});
	_cleanup_format_ struct ft_format *h = make(
		&(struct ft_output_config){.format = FT_FORMAT_JSON, .columns = "error"});
	struct ft_decision d = denial;
	struct ft_event ev = denied;

	expect(f, &denied, 1,
	       "{\"time\":\"2026-11-20T12:00:00.123456789Z\",\"seq\":1,"
	       "\"events\":[\"open_perm\"],\"path\":\"/srv/a.txt\",\"dir\":false,"
	       "\"path_source\":\"now\"," PROCESS
	       ",\"decision\":{\"verdict\":\"deny\",\"answered\":\"deny\","
	       "\"rule\":\"ssh-keys\",\"mode\":\"enforce\",\"reason\":\"rule\","
	       "\"us\":41}}\n");
	ev.decision = &d;
	d.answered = FT_VERDICT_ALLOW;
	d.mode = FT_MODE_OBSERVE;
	d.rule.len = 0;
	d.reason = FT_SPAN("found \xff\033\n");
	d.error = EBUSY;
	expect(g, &ev, 1,
	       "{\"events\":[\"open_perm\"],\"decision\":{\"verdict\":\"deny\","
	       "\"answered\":\"allow\",\"mode\":\"observe\","
	       "\"reason\":\"found \xef\xbf\xbd\\u001b\\n\","
	       "\"reason_base64\":\"Zm91bmQg/xsK\",\"errno\":\"EBUSY\",\"us\":41}}\n");
	expect(h, &ev, 1,
	       "{\"events\":[\"open_perm\"],\"decision\":{\"errno\":\"EBUSY\"}}\n");
	expect(h, &denied, 1, "{\"events\":[\"open_perm\"]}\n");
	expect(g, &created, 1,
	       "{\"events\":[\"create\",\"open\",\"modify\",\"close_write\"]}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_event),
		cmocka_unit_test(test_json_what_is_kept_is_not_mixed_up),
		cmocka_unit_test(test_json_rename_and_absent),
		cmocka_unit_test(test_json_lost_and_gap),
		cmocka_unit_test(test_json_ambiguous),
		cmocka_unit_test(test_json_owner),
		cmocka_unit_test(test_json_columns),
		cmocka_unit_test(test_json_arguments),
		cmocka_unit_test(test_json_bad_utf8),
		cmocka_unit_test(test_json_error_and_mount),
		cmocka_unit_test(test_json_decision),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
