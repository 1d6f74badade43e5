/* SPDX-License-Identifier: MIT */
/* ECS and OCSF against their field lists. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "format-fixture.h"
#include "json-check.h"
#include "output/output.h"

enum { FIELDS_MAX = 128 };

struct field {
	char name[80];
	char type[16];
	char values[256]; /* " a b ", empty: any */
	bool required;
	bool seen;
};

struct fields {
	struct field list[FIELDS_MAX];
	size_t count;
	const char *own; /* below it, what a record must have is not ours to say */
};

static void load_fields(struct fields *ret, const char *name)
{
	const char *root = getenv("FANTAIL_SOURCE");
	_cleanup_free_ char *path = NULL;
	_cleanup_file_ FILE *file = NULL;
	char line[512];

	assert_non_null(root);
	assert_true(asprintf(&path, "%s/tests/unit/%s", root, name) > 0);
	file = fopen(path, "re");
	assert_non_null(file);
	*ret = (struct fields){0};
	while (fgets(line, sizeof(line), file)) {
		struct field *f = &ret->list[ret->count];
		char flag[4] = "";
		int at = 0;

		if (line[0] == '#')
			continue;
		assert_true(ret->count < FIELDS_MAX);
		line[strcspn(line, "\n")] = '\0';
		assert_true(sscanf(line, "%79s %15s%n %3s%n", f->name, f->type, &at, flag,
				   &at) >= 2);
		f->required = flag[0] == '*';
		if (line[at])
			assert_true(snprintf(f->values, sizeof(f->values), "%s ",
					     line + at) > 0);
		ret->count++;
	}
	assert_true(ret->count > 20);
}

static bool is_date(struct ft_span raw)
{
	int y, mo, d, h, mi, s, n, end = 0;
	char text[31];

	if (raw.len != 30)
		return false;
	memcpy(text, raw.data, 30);
	text[30] = '\0';
	return sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%9dZ%n", &y, &mo, &d, &h, &mi, &s,
		      &n, &end) == 7 &&
	       end == 30;
}

static bool type_fits(const char *type, char json, struct ft_span raw)
{

	switch (type[0]) {
	case 'o':
		return json == '{';
	case 'a':
		return json == '[' && raw.len > 2;
	case 'b':
		return json == 'b';
	case 'l':
		return json == 'n' && !memchr(raw.data, '.', raw.len);
	case 'd':
		return json == 's' && is_date(raw);
	default:
		return json == 's' && raw.len > 0;
	}
}

static void check_field(void *data, const char *path, char json, struct ft_span raw)
{
	struct fields *fields = data;
	char value[256];

	for (size_t i = 0; i < fields->count; i++) {
		struct field *f = &fields->list[i];

		if (strcmp(f->name, path) != 0)
			continue;
		f->seen = true;
		/* The array itself and then its elements come under one name. */
		if (f->type[0] == 'a' && json != '[') {
			assert_true(json == 's' || json == '{');
		} else if (!type_fits(f->type, json, raw)) {
			fail_msg("%s: not a %s: %.*s", path, f->type, (int)raw.len,
				 raw.data);
		}
		if (f->values[0] && json != '[') {
			snprintf(value, sizeof(value), " %.*s ", (int)raw.len, raw.data);
			if (!strstr(f->values, value))
				fail_msg("%s: not a value of the schema:%s", path, value);
		}
		return;
	}
	fail_msg("%s is not in the field list", path);
}

static void check_line(struct fields *fields, struct ft_span line)
{
	assert_true(line.len > 0 && line.data[line.len - 1] == '\n');
	for (size_t i = 0; i < fields->count; i++)
		fields->list[i].seen = false;
	assert_true(json_check((struct ft_span){line.data, line.len - 1}, check_field,
			       fields));
	for (size_t i = 0; i < fields->count; i++) {
		if (fields->list[i].required && !fields->list[i].seen)
			fail_msg("%s is missing: %.*s", fields->list[i].name,
				 (int)line.len, line.data);
	}
}

/* Every event bit, with all and with nothing known, and the records that are no events.
 */
static void check_all(enum ft_format_kind kind, const char *list)
{
	_cleanup_format_ struct ft_format *f =
		make(&(struct ft_output_config){.format = kind});
	_cleanup_bytes_ struct ft_bytes out = {0};
	const struct ft_process *candidates[] = {&touch, &touch};
	struct ft_process odd = touch;
	struct ft_decision decision = denial;
	const struct ft_mask_name *names;
	struct fields fields;
	size_t count;

	load_fields(&fields, list);
	odd.id = 1000;
	odd.args_cut = true;
	odd.comm = odd.exe = odd.cgroup = odd.args = FT_SPAN("\xff");
	names = ft_mask_names(&count);
	for (size_t i = 0; i < 4 * count + 2; i++) {
		struct ft_event ev = created;

		ev.mask = names[i / 4 % count].bit;
		if (i % 4 == 1) {
			ev.old_path = FT_SPAN("/\xff");
			ev.path = FT_SPAN("/\xfe/.\xfd");
			ev.fs = ev.dev = FT_SPAN("\xfe");
			ev.process = &odd;
			ev.certainty = FT_CERTAINTY_AMBIGUOUS;
			ev.candidates = candidates;
			ev.candidates_count = 2;
			ev.after_ns = NOON - 1000000000;
			ev.dir = true;
		} else if (i % 4 == 2) {
			ev = (struct ft_event){.time_ns = NOON, .mask = ev.mask};
		} else if (i % 4 == 3) {
			ev.process = NULL;
			ev.certainty = FT_CERTAINTY_NONE;
			ev.path_source = FT_PATH_PARTIAL;
			ev.path = FT_SPAN("a.txt");
			ev.has_error = true;
			ev.error = ENOSPC;
			ev.error_count = 2;
			ev.mnt_id = 77;
		}
		/* Every verdict with every answer, with and without a rule. */
		ev.decision = i % 8 > 3 ? &decision : NULL;
		decision.verdict = i / 8 % 2 ? FT_VERDICT_ALLOW : FT_VERDICT_DENY;
		decision.answered = i / 16 % 2 ? FT_VERDICT_ALLOW : FT_VERDICT_DENY;
		decision.rule = i / 4 % 3 ? FT_SPAN("r\xff") : (struct ft_span){0};
		decision.reason = i / 4 % 5 ? FT_SPAN("\xff") : (struct ft_span){0};
		decision.error = i / 32 % 2 ? EBUSY : 0;
		if (i >= 4 * count)
			ev = i == 4 * count ? lost : gap;
		ft_bytes_clear(&out);
		ft_format_put(f, &out, &ev, i + 1);
		assert_int_equal(out.failed, 0);
		check_line(&fields, ft_bytes_span(&out));
	}
}

static void test_ecs_fields(void **state)
{
	check_all(FT_FORMAT_ECS, "ecs-fields.txt");
}

static void test_ocsf_fields(void **state)
{
	check_all(FT_FORMAT_OCSF, "ocsf-fields.txt");
}

static void expect_part(enum ft_format_kind kind, const struct ft_event *ev,
			const char *part)
{
	_cleanup_format_ struct ft_format *f =
		make(&(struct ft_output_config){.format = kind});
	_cleanup_bytes_ struct ft_bytes out = {0};

	ft_format_put(f, &out, ev, 1);
	if (!strstr(ft_bytes_cstr(&out), part))
		fail_msg("%s is not in %s", part, ft_bytes_cstr(&out));
}

static void test_ecs_values(void **state)
{
	struct ft_event ev = created;

	expect_part(FT_FORMAT_ECS, &ev,
		    "\"@timestamp\":\"2026-11-20T12:00:00.123456789Z\"");
	expect_part(
		FT_FORMAT_ECS, &ev,
		"\"type\":[\"access\",\"change\",\"creation\"],\"action\":\"create\"");
	expect_part(FT_FORMAT_ECS, &ev,
		    "\"file\":{\"path\":\"/srv/a.txt\",\"directory\":\"/srv\","
		    "\"name\":\"a.txt\",\"extension\":\"txt\",\"inode\":\"12\"}");
	expect_part(FT_FORMAT_ECS, &ev,
		    "\"args\":[\"touch\",\"a.txt\"],\"args_count\":2,"
		    "\"command_line\":\"touch "
		    "a.txt\",\"parent\":{\"pid\":4700,\"name\":\"bash\"");
	expect_part(FT_FORMAT_ECS, &lost, "\"kind\":\"pipeline_error\"");
	expect_part(
		FT_FORMAT_ECS, &lost,
		"\"fantail\":{\"events\":[\"lost\"],\"count\":812,\"where\":\"buffer\"}");
	ev.path = FT_SPAN("/.profile");
	expect_part(FT_FORMAT_ECS, &ev,
		    "\"directory\":\"/\",\"name\":\".profile\",\"inode\"");
	ev.path = FT_SPAN("/");
	ev.dir = true;
	expect_part(FT_FORMAT_ECS, &ev,
		    "\"file\":{\"path\":\"/\",\"name\":\"/\",\"type\":\"dir\",\"inode\"");
}

static void test_ocsf_values(void **state)
{
	/* The precedence: rename delete create update attrib open read. */
	static const struct {
		uint64_t mask;
		const char *part;
	} rows[] = {
		{FT_EV_RENAME | FT_EV_DELETE,
		 "\"activity_id\":5,\"activity_name\":\"Rename\""},
		{FT_EV_DELETE | FT_EV_CREATE,
		 "\"activity_id\":4,\"activity_name\":\"Delete\""},
		{FT_EV_CREATE | FT_EV_MODIFY,
		 "\"activity_id\":1,\"activity_name\":\"Create\""},
		{FT_EV_CLOSE_WRITE | FT_EV_ATTRIB, "\"activity_id\":3,"},
		{FT_EV_ATTRIB | FT_EV_OPEN, "\"activity_id\":6,"},
		{FT_EV_OPEN | FT_EV_ACCESS, "\"activity_id\":14,"},
		{FT_EV_ACCESS, "\"activity_id\":2,\"activity_name\":\"Read\""},
		{FT_EV_OPEN | FT_EV_ACCESS, "\"type_uid\":100114"},
		{FT_EV_OPEN | FT_EV_ACCESS,
		 "\"unmapped\":{\"events\":[\"open\",\"access\"]"},
	};
	struct ft_event ev = created;

	for (size_t i = 0; i < FT_ARRAY_SIZE(rows); i++) {
		ev.mask = rows[i].mask;
		expect_part(FT_FORMAT_OCSF, &ev, rows[i].part);
	}
	expect_part(FT_FORMAT_OCSF, &ev, "\"time\":1795176000123,");
	expect_part(FT_FORMAT_OCSF, &lost, "\"activity_id\":99,");
	expect_part(FT_FORMAT_OCSF, &lost, "\"count\":812");
	ev.old_path = FT_SPAN("/srv/old");
	expect_part(FT_FORMAT_OCSF, &ev,
		    "\"file\":{\"name\":\"old\",\"path\":\"/srv/old\",\"type_id\":0},"
		    "\"file_result\":{\"name\":\"a.txt\",\"path\":\"/srv/"
		    "a.txt\",\"type_id\":0}");
}

static void test_decisions(void **state)
{
	struct ft_decision observed = denial;
	struct ft_event ev = denied;

	expect_part(FT_FORMAT_ECS, &denied,
		    "\"type\":[\"access\"],\"action\":\"open_perm\","
		    "\"outcome\":\"failure\",\"reason\":\"rule\"");
	expect_part(FT_FORMAT_ECS, &denied, "\"rule\":{\"name\":\"ssh-keys\"}");
	expect_part(FT_FORMAT_ECS, &denied,
		    "\"decision\":{\"verdict\":\"deny\",\"answered\":\"deny\",");
	expect_part(FT_FORMAT_OCSF, &denied,
		    "\"action_id\":2,\"action\":\"Denied\",\"disposition_id\":2,"
		    "\"disposition\":\"Blocked\",\"status_id\":2,\"status\":\"Failure\","
		    "\"status_detail\":\"rule\",\"policy\":{\"name\":\"ssh-keys\"}");
	expect_part(FT_FORMAT_OCSF, &denied, "\"activity_id\":14,");
	expect_part(FT_FORMAT_OCSF, &denied, "\"container\",\"security_control\"]");
	expect_part(FT_FORMAT_OCSF, &created, "\"profiles\":[\"host\",\"container\"]");
	ev.decision = &observed;
	observed.answered = FT_VERDICT_ALLOW;
	observed.mode = FT_MODE_OBSERVE;
	expect_part(FT_FORMAT_ECS, &ev, "\"outcome\":\"success\"");
	expect_part(FT_FORMAT_OCSF, &ev,
		    "\"action_id\":1,\"action\":\"Allowed\",\"disposition_id\":17,"
		    "\"disposition\":\"Logged\",\"status_id\":1,");
	observed.verdict = FT_VERDICT_ALLOW;
	expect_part(FT_FORMAT_OCSF, &ev,
		    "\"action_id\":1,\"action\":\"Allowed\",\"disposition_id\":1,");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ecs_fields), cmocka_unit_test(test_ocsf_fields),
		cmocka_unit_test(test_ecs_values), cmocka_unit_test(test_ocsf_values),
		cmocka_unit_test(test_decisions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
