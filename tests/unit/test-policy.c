/* SPDX-License-Identifier: MIT */
/* Policies: what is refused, what is told of them, and the documented cases of deciding
 * one by one. Random ones are in test-decide.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "event/mask.h"
#include "guard/pathindex.h"
#include "guard/policy.h"

#define VALUES(...)                                                                      \
	{                                                                                \
		(const char *const[]){__VA_ARGS__},                                      \
			FT_ARRAY_SIZE(((const char *const[]){__VA_ARGS__}))              \
	}

static const struct ft_object ssh = {1, 100, 5}, other = {1, 101, 6}, key = {1, 50, 3};

static struct ft_policy *new_policy(enum ft_verdict fallback)
{
	const struct ft_policy_config config = {.fallback = fallback, .timeout_ns = 7};
	struct ft_policy *p;

	assert_int_equal(ft_policy_new(&p, &config), 0);
	assert_int_equal(ft_policy_config(p)->timeout_ns, 7);
	return p;
}

static void add(struct ft_policy *p, struct ft_rule_spec spec)
{
	const char *error = NULL, *bad = NULL;

	if (!spec.name)
		spec.name = "r";
	if (ft_policy_add_rule(p, &spec, &error, &bad) < 0)
		fail_msg("%s: %s", bad ? bad : "", error);
}

/* The ssh keys of the manual: its program may, nobody else. */
static struct ft_policy *ssh_keys(void)
{
	struct ft_policy *p = new_policy(FT_VERDICT_ALLOW);

	add(p, (struct ft_rule_spec){.name = "users",
				     .path = VALUES("/home/*/.ssh/id_*"),
				     .exe = VALUES("/usr/bin/ssh"),
				     .verdict = FT_RULE_ALLOW});
	add(p, (struct ft_rule_spec){.name = "keys",
				     .path = VALUES("/home/*/.ssh/id_*"),
				     .verdict = FT_RULE_DENY});
	ft_policy_set_literal(p, 0, &ssh);
	return p;
}

static struct ft_facts facts(const char *path, const struct ft_object *exe,
			     const char *exe_path)
{
	return (struct ft_facts){.event = FT_EV_OPEN_PERM,
				 .path = ft_span_of(path),
				 .object = key,
				 .exe = exe ? *exe : (struct ft_object){0},
				 .exe_path = ft_span_of(exe_path)};
}

static void check(const struct ft_policy *p, struct ft_facts f, int rule,
		  enum ft_rule_verdict verdict, unsigned int depends)
{
	struct ft_outcome o;

	ft_policy_decide(p, &f, &o);
	assert_int_equal(o.rule, rule);
	assert_int_equal(o.verdict, verdict);
	assert_int_equal(o.depends, depends);
}

static void test_ssh_keys(void **state)
{
	const unsigned int both = FT_DEPENDS_PATH | FT_DEPENDS_PROCESS, claims[] = {1};
	struct ft_policy *p = ssh_keys();
	struct ft_facts linked = facts("/tmp/link", &other, "/usr/bin/cat");

	check(p, facts("/home/u/.ssh/id_rsa", &ssh, "/usr/bin/ssh"), 0, FT_RULE_ALLOW,
	      both);
	/* The same program under another name, and one that replaced it. */
	check(p, facts("/home/u/.ssh/id_rsa", &ssh, "/tmp/x"), 0, FT_RULE_ALLOW, both);
	check(p, facts("/home/u/.ssh/id_rsa", &other, "/usr/bin/ssh"), 1, FT_RULE_DENY,
	      both);
	/* Whose program is not known is nobody who may. */
	check(p, facts("/home/u/.ssh/id_rsa", NULL, "/usr/bin/ssh"), 1, FT_RULE_DENY,
	      both);
	check(p, facts("/home/u/.ssh/config", &other, "/usr/bin/cat"), -1, FT_RULE_ALLOW,
	      FT_DEPENDS_PATH);
	/* Under another name it is protected by its object. */
	check(p, linked, -1, FT_RULE_ALLOW, FT_DEPENDS_PATH);
	linked.claims = claims;
	linked.claims_count = 1;
	check(p, linked, 1, FT_RULE_DENY, FT_DEPENDS_PATH);
	ft_policy_free(p);
}

static void test_literals(void **state)
{
	struct ft_policy *p = new_policy(FT_VERDICT_ALLOW);
	const struct ft_literal *l;
	size_t n;

	add(p, (struct ft_rule_spec){.path = VALUES("/etc/\\*", "/etc/*x"),
				     .exe = VALUES("/bin/bad", "/opt/**"),
				     .verdict = FT_RULE_DENY});
	l = ft_policy_literals(p, &n);
	assert_int_equal(n, 2);
	assert_string_equal(l[0].path, "/etc/*");
	assert_int_equal(l[0].kind, FT_LITERAL_PATH);
	assert_string_equal(l[1].path, "/bin/bad");
	assert_int_equal(l[1].kind, FT_LITERAL_EXE);
	ft_policy_set_literal(p, 0, &key);
	ft_policy_set_literal(p, 1, &ssh);
	/* Strict by name, too. */
	check(p, facts("/etc/*", &other, "/bin/bad"), 0, FT_RULE_DENY, 3);
	check(p, facts("/elsewhere", &ssh, "/bin/good"), 0, FT_RULE_DENY, 3);
	check(p, facts("/elsewhere", NULL, NULL), 0, FT_RULE_DENY, 3);
	check(p, facts("/elsewhere", &other, "/bin/good"), -1, FT_RULE_ALLOW,
	      FT_DEPENDS_PROCESS);
	assert_string_equal(ft_policy_globs(p, &n)[0].pattern, "/etc/*x");
	assert_int_equal(n, 1);
	ft_policy_free(p);
}

/* Below a `**` it may be; a glob that has an end it cannot match. */
static void test_path_too_long(void **state)
{
	struct ft_policy *p = new_policy(FT_VERDICT_ALLOW);
	const struct ft_object object = {.dev = 1, .ino = 9};
	struct ft_facts f = facts("", &object, NULL);

	add(p,
	    (struct ft_rule_spec){.path = VALUES("/srv/**"), .verdict = FT_RULE_ALLOW});
	add(p,
	    (struct ft_rule_spec){.path = VALUES("/srv/*/*"), .verdict = FT_RULE_DENY});
	check(p, f, -1, FT_RULE_ALLOW, FT_DEPENDS_PATH);
	add(p, (struct ft_rule_spec){.path = VALUES("/srv/**"), .verdict = FT_RULE_DENY});
	check(p, f, -1, FT_RULE_ALLOW, FT_DEPENDS_PATH);
	f.is_path_long = true;
	check(p, f, 2, FT_RULE_DENY, FT_DEPENDS_PATH);
	ft_policy_free(p);
}

/* A later denial stands before a scan that matches by doubt alone. */
static void test_scan_in_doubt(void **state)
{
	const uid_t uid = 5;
	struct ft_process process = {.has_ids = true, .uid = 5};
	struct ft_policy *p = new_policy(FT_VERDICT_ALLOW);
	struct ft_facts f = facts("/srv/a", NULL, NULL);
	struct ft_outcome o;

	add(p, (struct ft_rule_spec){.verdict = FT_RULE_SCAN,
				     .uids = &uid,
				     .uids_count = 1,
				     .scanner = 2,
				     .on_result = {FT_VERDICT_ALLOW, FT_VERDICT_DENY,
						   FT_VERDICT_ALLOW}});
	check(p, f, 0, FT_RULE_SCAN, FT_DEPENDS_PROCESS | FT_DEPENDS_CONTENT);
	add(p, (struct ft_rule_spec){.path = VALUES("/srv/*"), .verdict = FT_RULE_DENY});
	check(p, f, 1, FT_RULE_DENY, FT_DEPENDS_PROCESS | FT_DEPENDS_PATH);
	f.process = &process;
	ft_policy_decide(p, &f, &o);
	assert_int_equal(o.rule, 0);
	assert_int_equal(ft_policy_verdict(p, &o, FT_SCAN_CLEAN), FT_VERDICT_ALLOW);
	assert_int_equal(ft_policy_verdict(p, &o, FT_SCAN_INFECTED), FT_VERDICT_DENY);
	assert_int_equal(ft_policy_verdict(p, &o, FT_SCAN_ERROR), FT_VERDICT_ALLOW);
	ft_policy_free(p);
}

static void test_events(void **state)
{
	struct ft_policy *p = new_policy(FT_VERDICT_DENY);
	struct ft_facts f = facts("/a", NULL, NULL);

	assert_int_equal(ft_policy_events(p), 0);
	add(p, (struct ft_rule_spec){.verdict = FT_RULE_ALLOW});
	assert_int_equal(ft_policy_events(p), FT_EV_OPEN_PERM | FT_EV_OPEN_EXEC_PERM);
	check(p, f, 0, FT_RULE_ALLOW, 0);
	add(p,
	    (struct ft_rule_spec){.verdict = FT_RULE_ALLOW, .events = FT_EV_ACCESS_PERM});
	check(p, f, 0, FT_RULE_ALLOW, FT_DEPENDS_EVENT);
	f.event = FT_EV_PRE_ACCESS;
	check(p, f, -1, FT_RULE_DENY, FT_DEPENDS_EVENT);
	ft_policy_free(p);
}

static void test_needs_process(void **state)
{
	struct ft_policy *p = new_policy(FT_VERDICT_ALLOW);

	add(p, (struct ft_rule_spec){.path = VALUES("/a"), .verdict = FT_RULE_DENY});
	assert_false(ft_policy_needs_process(p));
	add(p, (struct ft_rule_spec){.comm = VALUES("c"), .verdict = FT_RULE_DENY});
	assert_true(ft_policy_needs_process(p));
	ft_policy_free(p);
}

static void test_spec_is_kept(void **state)
{
	char name[] = "name";
	struct ft_policy *p = new_policy(FT_VERDICT_ALLOW);
	const struct ft_rule_spec *s;

	add(p, (struct ft_rule_spec){.name = name,
				     .path = VALUES("/a"),
				     .verdict = FT_RULE_DENY,
				     .error = EBUSY,
				     .audit = true});
	name[0] = 'x';
	assert_int_equal(ft_policy_rules_count(p), 1);
	s = ft_rule_spec(ft_policy_rule(p, 0));
	assert_true(ft_span_equal(ft_rule_name(ft_policy_rule(p, 0)), FT_SPAN("name")));
	assert_int_equal(s->error, EBUSY);
	assert_true(s->audit);
	assert_int_equal(s->events, FT_EV_OPEN_PERM | FT_EV_OPEN_EXEC_PERM);
	assert_int_equal(s->path.count, 0);
	ft_policy_free(p);
}

static void test_refused(void **state)
{
	const struct refused {
		struct ft_rule_spec spec;
		const char *error;
		const char *bad;
	} cases[] = {
		{{.name = ""}, "rule without a name", NULL},
		{{.name = "r", .path = VALUES("/a", "b/*")},
		 "path is not absolute",
		 "b/*"},
		{{.name = "r", .exe = VALUES("/a/[")}, "unterminated [ in glob", "/a/["},
		{{.name = "r", .path = VALUES("/a", "")}, "empty value", ""},
		{{.name = "r", .events = FT_EV_OPEN},
		 "event that asks for no permission",
		 NULL},
		{{.name = "r", .verdict = FT_RULE_SCAN, .scanner = 99},
		 "no such scanner",
		 NULL},
		{{.name = "r", .verdict = FT_RULE_SCAN},
		 "a result of the scan has no verdict",
		 NULL},
		{{.name = "r", .max_size = 1}, "max_size without scan", NULL},
		{{.name = "r", .error = EIO}, "errno on a rule that never denies", NULL},
		{{.name = "r", .verdict = FT_RULE_DENY, .error = -1},
		 "errno is not positive",
		 NULL},
	};
	struct ft_policy *p = new_policy(FT_VERDICT_ALLOW);

	for (size_t i = 0; i < FT_ARRAY_SIZE(cases); i++) {
		const char *error = NULL, *bad = NULL;

		assert_int_equal(ft_policy_add_rule(p, &cases[i].spec, &error, &bad),
				 -EINVAL);
		assert_string_equal(error, cases[i].error);
		if (cases[i].bad)
			assert_string_equal(bad, cases[i].bad);
		else
			assert_null(bad);
	}
	assert_int_equal(ft_policy_rules_count(p), 0);
	ft_policy_free(p);
}

static void test_bounds(void **state)
{
	static const char *values[FT_POLICY_VALUES_MAX + 1];
	struct ft_policy *p = new_policy(FT_VERDICT_ALLOW);
	struct ft_rule_spec spec = {.name = "r", .verdict = FT_RULE_DENY};
	char path[32];

	for (size_t i = 0; i < FT_ARRAY_SIZE(values); i++)
		values[i] = "/a/*";
	spec.path = (struct ft_values){values, FT_ARRAY_SIZE(values)};
	assert_int_equal(ft_policy_add_rule(p, &spec, NULL, NULL), -E2BIG);
	for (int i = 0; i < FT_POLICY_RULES_MAX; i++) {
		snprintf(path, sizeof(path), i % 2 ? "/d/%d" : "/d/%d*", i);
		add(p,
		    (struct ft_rule_spec){.path = VALUES(path), .verdict = FT_RULE_DENY});
	}
	spec.path.count = 1;
	assert_int_equal(ft_policy_add_rule(p, &spec, NULL, NULL), -E2BIG);
	for (int i = 0; i < FT_POLICY_RULES_MAX; i++) {
		struct ft_facts f = facts(path, NULL, NULL);
		struct ft_pathhits hits;
		int first = i;

		f.path.len = (size_t)snprintf(path, sizeof(path), "/d/%d", i);
		/* 12* has 123, too, and stands before it. */
		for (int cut = i / 10; cut > 0; cut /= 10)
			first = cut % 2 == 0 ? cut : first;
		check(p, f, first, FT_RULE_DENY, FT_DEPENDS_PATH);
		ft_policy_match(p, f.path, &hits);
		assert_int_equal(ft_policy_claims(p, &hits, 0), first);
	}
	ft_policy_free(p);
}

static void put_line(void *data, const struct ft_explained *e)
{
	struct ft_bytes *b = data;

	ft_bytes_printf(b, "%d %s%s%s\n", e->rule, e->matches ? "yes" : e->key,
			e->by_object ? " object" : "", e->by_doubt ? " doubt" : "");
}

static void check_told(const struct ft_policy *p, struct ft_facts f, const char *expected)
{
	struct ft_bytes told = {0};
	struct ft_outcome o;

	ft_policy_explain(p, &f, put_line, &told, &o);
	assert_string_equal(ft_bytes_cstr(&told), expected);
	ft_bytes_fini(&told);
}

static void test_explain(void **state)
{
	const unsigned int claims[] = {1};
	struct ft_policy *p = ssh_keys();
	struct ft_facts f = facts("/x", &other, "/bin/cat");

	check_told(p, f, "0 path\n1 path\n-1 yes\n");
	f.claims = claims;
	f.claims_count = 1;
	check_told(p, f, "0 path\n1 yes object\n");
	check_told(p, facts("/home/u/.ssh/id_x", &other, "/bin/cat"), "0 exe\n1 yes\n");
	check_told(p, facts("/home/u/.ssh/id_x", NULL, NULL), "0 exe doubt\n1 yes\n");
	check_told(p, facts("/home/u/.ssh/id_x", &ssh, NULL), "0 yes\n");
	f = facts("/home/u/.ssh/id_x", &ssh, NULL);
	f.event = FT_EV_ACCESS_PERM;
	check_told(p, f, "0 events\n1 events\n-1 yes\n");
	ft_policy_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ssh_keys),
		cmocka_unit_test(test_literals),
		cmocka_unit_test(test_path_too_long),
		cmocka_unit_test(test_scan_in_doubt),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_needs_process),
		cmocka_unit_test(test_spec_is_kept),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_explain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
