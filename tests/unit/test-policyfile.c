/* SPDX-License-Identifier: MIT */
/* Policy files: what is said, and where the errors are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "event/mask.h"
#include "policy/policyfile.h"

#define MINIMAL "version: 1\nrules:\n  - {name: a, path: /a, verdict: deny}\n"

static char *errors_of(const char *text)
{
	struct ft_policyfile f;
	char *error = NULL;

	assert_int_equal(
		ft_policyfile_parse(&f, "p", ft_span_of(text), NULL, NULL, &error),
		-EINVAL);
	assert_non_null(error);
	return error;
}

static void read_good(struct ft_policyfile *f, const char *text)
{
	_cleanup_free_ char *error = NULL;
	int r = ft_policyfile_parse(f, "p", ft_span_of(text), NULL, NULL, &error);

	if (r < 0)
		fail_msg("%s\n%s", text, error ? error : "no message");
}

struct wrong {
	const char *text;
	const char *error;
};

static void check_all(const struct wrong *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		_cleanup_free_ char *error = errors_of(cases[i].text);

		assert_string_equal(error, cases[i].error);
	}
}

static void test_yaml(void **state)
{
	static const struct wrong cases[] = {
		{"", "p: empty; a policy begins with 'version: 1'"},
		{"# nothing\n", "p: empty; a policy begins with 'version: 1'"},
		{"version: 1\nversion: 1\n" MINIMAL,
		 "p:2:1: 'version' stands here once more, it is in line 1 "
		 "already\n"
		 "p:3:1: 'version' stands here once more, it is in line 1 "
		 "already"},
		{"a: &x 1\n",
		 "p:1:4: anchors (&) and tags (!) are not taken; quote what begins "
		 "so"},
		{"a: *x\n", "p:1:4: aliases (*) are not taken; quote what begins so"},
		{"a: !!str 1\n",
		 "p:1:4: anchors (&) and tags (!) are not taken; quote what "
		 "begins so"},
		{"a: &x [1]\n", "p:1:4: anchors (&) and tags (!) are not taken"},
		{MINIMAL "---\n" MINIMAL,
		 "p:4:1: a second document begins; a policy is one"},
		{"%YAML 1.1\n---\n" MINIMAL, "p:1:1: directives (%) are not taken"},
		{"? [a]\n: b\n", "p:1:3: a key is expected, a word; not a list or a map"},
		{"a: \"x\\0y\"\n", "p:1:4: no word or path holds a zero byte"},
		{"a: [[[[[[[[1]]]]]]]]\n", "p:1:11: lists and maps are more than 8 deep"},
		{"a: [1, 2\nb: 3\n",
		 "p:2:2: not YAML: did not find expected ',' or ']', while "
		 "parsing a flow sequence that begins in line 1"},
		{"a: *.c\n",
		 "p:1:5: not YAML: did not find expected alphabetic or numeric "
		 "character, while scanning an alias (quote globs: '*.c')"},
		{"a:\n\t- b\n",
		 "p:2:1: not YAML: found character that cannot start any token, while "
		 "scanning for the next token (indent by blanks, not by tabs)"},
		{"a: \"\xff\"\n",
		 "p:1:5: invalid leading UTF-8 octet; a policy is UTF-8 text"},
	};

	check_all(cases, FT_ARRAY_SIZE(cases));
}

static void test_top(void **state)
{
	static const struct wrong cases[] = {
		{"[1]\n", "p:1:1: a policy is expected, keys with values; not a list"},
		{"version: 2\nrules: [{name: a, path: /a, verdict: deny}]\n",
		 "p:1:10: version 1 is expected, the only one there is"},
		{"version: 1\n", "p:1:1: a policy needs 'rules'"},
		{"version: 1\nrules: []\n",
		 "p:2:8: a list of rules is expected, each a '- name: ...'"},
		{MINIMAL "mod: observe\n",
		 "p:4:1: 'mod' is no key of a policy, did you mean "
		 "'mode'?"},
		{MINIMAL "<<: 1\n",
		 "p:4:1: '<<' is no key of a policy; its keys are version, "
		 "mode, default, timeout, on_timeout, watch, rules, scanners"},
		{MINIMAL "mode: enforcing\n",
		 "p:4:7: enforce or observe is expected, not 'enforcing'"},
		{MINIMAL "default: [deny]\n",
		 "p:4:10: allow or deny is expected, not a list"},
		{MINIMAL "timeout: 5\n",
		 "p:4:10: a duration from 10ms to 10m is expected, "
		 "like 5s, not '5'"},
		{MINIMAL "timeout: 11m\n",
		 "p:4:10: a duration from 10ms to 10m is expected, "
		 "like 5s, not '11m'"},
		{MINIMAL "on_timeout:\n",
		 "p:4:12: allow or deny is expected, not nothing"},
		{MINIMAL "watch: [/a, b]\n",
		 "p:4:13: an absolute path is expected, one that "
		 "begins with '/', not 'b'"},
		{MINIMAL "watch: []\n",
		 "p:4:8: a path or a list is expected, and this list is empty"},
		{MINIMAL "watch: /a/../b\n",
		 "p:4:8: a path without '//', '.' and '..' is "
		 "expected, not '/a/../b'"},
	};

	check_all(cases, FT_ARRAY_SIZE(cases));
}

#define RULE(text) "version: 1\nwatch: /\nrules:\n  - {" text "}\n"

static void test_rules(void **state)
{
	static const struct wrong cases[] = {
		{RULE("path: /a, verdict: deny"), "p:4:5: a rule needs 'name'"},
		{RULE("name: a b, verdict: deny"),
		 "p:4:12: a name of at most 64 letters, digits and . _ - is expected, "
		 "not "
		 "'a b'"},
		{RULE("name: a"),
		 "p:4:5: a rule needs 'verdict: allow', 'verdict: deny' or "
		 "'scan: SCANNER'"},
		{RULE("name: a, verdict: maybe"),
		 "p:4:24: allow or deny is expected, not 'maybe'"},
		{RULE("name: a, verdict: deny, scan: x"),
		 "p:4:36: 'verdict' or 'scan' is expected, not both"},
		{RULE("name: a, scan: x, error: deny"),
		 "p:4:21: the name of a scanner is expected, 'x' is none of 'scanners'"},
		{RULE("name: a, verdict: deny, infected: deny"),
		 "p:4:40: 'infected' goes with 'scan', this rule has a 'verdict'"},
		{RULE("name: a, verdict: deny, events: [open, read]"),
		 "p:4:45: open, exec, access or pre_access is expected, not 'read'"},
		{RULE("name: a, verdict: deny, path: [/a, b/*]"),
		 "p:4:41: an absolute path is expected, one that begins with '/', not "
		 "'b/*'"},
		{RULE("name: a, verdict: deny, path: '/a[b'"),
		 "p:4:36: a path or glob is expected: unterminated [ in glob: /a[b"},
		{RULE("name: a, verdict: deny, exe: {a: b}"),
		 "p:4:35: a path or a list is expected, not keys with values"},
		{RULE("name: a, verdict: deny, uid: [root, no-such-user-here]"),
		 "p:4:42: a user is expected, 'no-such-user-here': there is none of this "
		 "name"},
		{RULE("name: a, verdict: deny, gid: 4294967295"),
		 "p:4:35: a group is expected, '4294967295': out of range"},
		{RULE("name: a, verdict: deny, comm: ''"),
		 "p:4:36: a word is expected, not nothing"},
		{RULE("name: a, verdict: deny, audit: yes"),
		 "p:4:37: false or true is expected, not 'yes'"},
		{RULE("name: a, verdict: deny, errno: ENOENT"),
		 "p:4:37: EPERM, EIO, EBUSY, ETXTBSY, EAGAIN or EDQUOT is expected, not "
		 "'ENOENT'"},
		{RULE("name: a, verdict: allow, errno: EIO"),
		 "p:4:38: 'errno' is what a denial gives, this rule allows"},
		{RULE("name: a, verdict: deny, paths: /a"),
		 "p:4:30: 'paths' is no key of a rule, did you mean 'path'?"},
		{RULE("name: a, verdict: deny}\n  - {name: a, verdict: allow"),
		 "p:5:12: another rule is called 'a' already"},
		{"version: 1\nrules:\n  - name: a\n    verdict: deny\n",
		 "p:3:5: 'watch' is needed: this rule has no 'path' that says where to "
		 "look"},
		{"version: 1\nrules: [{name: a, path: /a, verdict: allow}]\n",
		 "p:2:8: a rule that denies or scans is expected: these allow, as the "
		 "default "
		 "does"},
		{"version: 1\ndefault: deny\nrules: [{name: a, path: /a, verdict: "
		 "allow}]\n",
		 "p:3:8: 'watch' is needed: 'default: deny' alone does not say where to "
		 "look"},
	};

	check_all(cases, FT_ARRAY_SIZE(cases));
}

#define SCAN(text)                                                                       \
	RULE("name: a, path: /a, scan: s, error: deny") "scanners:\n  " text "\n"

static void test_scanners(void **state)
{
	static const struct wrong cases[] = {
		{RULE("name: a, path: /a, scan: s, max_size: 0") "scanners: {s: {type: "
								 "yara, "
								 "rules: /r}}\n",
		 "p:4:5: a rule that scans needs 'error: allow' or 'error: deny', for "
		 "when "
		 "the scanner fails\n"
		 "p:4:44: a size like 512K, 100M or 2G is expected, not '0'"},
		{SCAN("s: {type: clamav, socket: /s}"),
		 "p:4:31: the name of a scanner is expected, 's' is none of 'scanners'\n"
		 "p:6:13: clamd, yara or sha256 is expected, not 'clamav'"},
		{SCAN("s: {type: clamd, rules: /s}"),
		 "p:6:6: a scanner of type 'clamd' needs 'socket'\n"
		 "p:6:27: a scanner of type 'clamd' has a 'socket', no 'rules'"},
		{SCAN("s: {type: sha256, list: l}"),
		 "p:6:27: an absolute path is expected, one that begins with '/', not "
		 "'l'"},
		{SCAN("s: clamd"),
		 "p:4:31: the name of a scanner is expected, 's' is none of 'scanners'\n"
		 "p:6:6: a scanner is expected, keys with values; not a word"},
		{RULE("name: a, path: /a, scan: s, error: deny") "scanners: [s]\n",
		 "p:4:31: the name of a scanner is expected, 's' is none of 'scanners'\n"
		 "p:5:11: names of scanners are expected, each with its 'type'"},
	};

	check_all(cases, FT_ARRAY_SIZE(cases));
}

/* Each is told, in the order of the file, and no more than twenty; one error a line,
 * whatever stands in the file. */
static void test_many(void **state)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes text = {0}, wanted = {0};
	_cleanup_free_ char *error = NULL;

	ft_bytes_put_str(&text, "version: 3\nrules:\n");
	ft_bytes_put_str(&wanted,
			 "p:1:10: version 1 is expected, the only one there is\n");
	for (int i = 0; i < 30; i++)
		ft_bytes_printf(&text, "  - {name: a%d, verdict: deny, nope%d: 1}\n", i,
				i);
	for (int i = 0; i < 19; i++)
		ft_bytes_printf(
			&wanted,
			"p:%d:%d: 'nope%d' is no key of a rule; its keys are name, "
			"events, path, exe, uid, gid, comm, container, verdict, scan, "
			"clean, infected, error, max_size, audit, errno%s",
			i + 3, i < 10 ? 31 : 32, i, i < 18 ? "\n" : "");
	error = errors_of(ft_bytes_cstr(&text));
	assert_string_equal(error, ft_bytes_cstr(&wanted));
}

static void test_hostile(void **state)
{
	_cleanup_free_ char *error = errors_of("\"a\\nb\\e[2J\": 1\n");

	assert_non_null(strstr(error, "p:1:1: 'a\\nb\\x1b[2J' is no key of a policy"));
	assert_null(strchr(strchr(error, '\n') + 1, '\x1b'));
}

static void test_bounds(void **state)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes text = {0}, values = {0}, keys = {0};
	_cleanup_free_ char *large = NULL, *many = NULL, *wide = NULL;

	ft_bytes_put_str(&text, MINIMAL);
	while (text.len <= 1 << 20)
		ft_bytes_put_str(&text, "# a comment that is no policy, over and over\n");
	large = errors_of(ft_bytes_cstr(&text));
	assert_string_equal(large, "p: larger than 1 MiB, that is no policy");

	ft_bytes_put_str(&values, "version: 1\nrules:\n  - name: a\n    verdict: deny\n"
				  "    path: [");
	for (int i = 0; i < 4097; i++)
		ft_bytes_printf(&values, "/%d, ", i);
	ft_bytes_put_str(&values, "]\n");
	many = errors_of(ft_bytes_cstr(&values));
	assert_string_equal(many, "p:5:11: more than 4096 values");

	for (int i = 0; i < 65; i++)
		ft_bytes_printf(&keys, "k%d: 1\n", i);
	wide = errors_of(ft_bytes_cstr(&keys));
	assert_string_equal(wide, "p:65:1: more than 64 keys in one map");
}

static void test_defaults(void **state)
{
	_cleanup_(ft_policyfile_fini) struct ft_policyfile f;
	const struct ft_policy_config *c;
	const struct ft_rule_spec *s;

	read_good(&f, MINIMAL);
	c = ft_policy_config(f.policy);
	assert_int_equal(c->mode, FT_MODE_ENFORCE);
	assert_int_equal(c->fallback, FT_VERDICT_ALLOW);
	assert_int_equal(c->on_timeout, FT_VERDICT_ALLOW);
	assert_int_equal(c->timeout_ns, 5000000000);
	assert_int_equal(ft_policy_rules_count(f.policy), 1);
	s = ft_rule_spec(ft_policy_rule(f.policy, 0));
	assert_string_equal(s->name, "a");
	assert_int_equal(s->verdict, FT_RULE_DENY);
	assert_int_equal(s->events, FT_EV_OPEN_PERM | FT_EV_OPEN_EXEC_PERM);
	assert_int_equal(f.watch_count, 1);
	assert_string_equal(f.watch[0], "/a");
	assert_true(f.watch_is_derived);
}

static void test_all_keys(void **state)
{
	_cleanup_(ft_policyfile_fini) struct ft_policyfile f;
	const struct ft_rule_spec *s;

	read_good(&f,
		  "version: 1\nmode: observe\ndefault: deny\ntimeout: 1.5s\n"
		  "on_timeout: deny\nwatch: [/srv/, /home]\nrules:\n"
		  "- name: full\n  events: [access, pre_access]\n  path: [/a, '/b/**']\n"
		  "  exe: /bin/sh\n  uid: [root, 7]\n  gid: root\n  comm: [a, b]\n"
		  "  container: 0123456789ab\n  scan: y\n  clean: deny\n"
		  "  infected: allow\n  error: allow\n  max_size: 1K\n  audit: true\n"
		  "  errno: EBUSY\n"
		  "scanners:\n  c: {type: clamd, socket: /s}\n"
		  "  y: {type: yara, rules: /r}\n");
	assert_int_equal(ft_policy_config(f.policy)->mode, FT_MODE_OBSERVE);
	assert_int_equal(ft_policy_config(f.policy)->fallback, FT_VERDICT_DENY);
	assert_int_equal(ft_policy_config(f.policy)->on_timeout, FT_VERDICT_DENY);
	assert_int_equal(ft_policy_config(f.policy)->timeout_ns, 1500000000);
	assert_int_equal(f.watch_count, 2);
	assert_string_equal(f.watch[0], "/srv");
	assert_false(f.watch_is_derived);
	s = ft_rule_spec(ft_policy_rule(f.policy, 0));
	assert_int_equal(s->events, FT_EV_ACCESS_PERM | FT_EV_PRE_ACCESS);
	assert_int_equal(s->verdict, FT_RULE_SCAN);
	assert_int_equal(s->on_result[FT_SCAN_CLEAN], FT_VERDICT_DENY);
	assert_int_equal(s->on_result[FT_SCAN_INFECTED], FT_VERDICT_ALLOW);
	assert_int_equal(s->on_result[FT_SCAN_ERROR], FT_VERDICT_ALLOW);
	assert_int_equal(s->max_size, 1024);
	assert_int_equal(s->error, EBUSY);
	assert_true(s->audit);
	assert_string_equal(f.scanners[s->scanner].name, "y");
	assert_int_equal(f.scanners[s->scanner].type, FT_SCANNER_YARA);
	assert_string_equal(f.scanners[s->scanner].file, "/r");
	assert_true(ft_policy_needs_process(f.policy));
}

/* What is asked for by each key is what decides. */
static void test_decides(void **state)
{
	_cleanup_(ft_policyfile_fini) struct ft_policyfile f;
	struct ft_process p = {.has_ids = true, .uid = 7, .gid = 3, .comm = {"b", 1}};
	struct ft_facts facts = {
		.event = FT_EV_OPEN_PERM, .path = FT_SPAN("/b/c"), .process = &p};
	struct ft_outcome o;

	read_good(&f, "version: 1\nrules:\n"
		      "- {name: a, path: '/b/**', uid: [0, 7], gid: 3, comm: [a, b], "
		      "verdict: allow}\n"
		      "- {name: d, path: '/b/**', verdict: deny}\n");
	ft_policy_decide(f.policy, &facts, &o);
	assert_int_equal(o.rule, 0);
	p.uid = 8;
	ft_policy_decide(f.policy, &facts, &o);
	assert_int_equal(o.rule, 1);
	p.uid = 0;
	p.gid = 4;
	ft_policy_decide(f.policy, &facts, &o);
	assert_int_equal(o.rule, 1);
	p.gid = 3;
	p.comm = FT_SPAN("c");
	ft_policy_decide(f.policy, &facts, &o);
	assert_int_equal(o.rule, 1);
	facts.path = FT_SPAN("/b");
	ft_policy_decide(f.policy, &facts, &o);
	assert_int_equal(o.rule, -1);
}

static void test_derived(void **state)
{
	static const char *const wanted[] = {"/", "/home", "/srv/a", "/srv/x"};
	_cleanup_(ft_policyfile_fini) struct ft_policyfile f;

	read_good(&f, "version: 1\nrules:\n"
		      "- {name: a, path: /allowed/elsewhere, verdict: allow}\n"
		      "- {name: b, path: ['/home/*/x', '/home/a*'], verdict: deny}\n"
		      "- {name: c, path: ['/srv/a/**', /srv/x, '/*'], verdict: deny}\n");
	assert_int_equal(f.watch_count, FT_ARRAY_SIZE(wanted));
	for (size_t i = 0; i < f.watch_count; i++)
		assert_string_equal(f.watch[i], wanted[i]);
}

static void count(void *data, const char *text)
{
	assert_non_null(strstr(text, "p:3:30: /no/such/program: "));
	++*(int *)data;
}

static void test_warning(void **state)
{
	static const char text[] = "version: 1\nrules:\n  - {name: a, exe: [/bin/sh, "
				   "/no/such/*], path: /a, verdict: deny}\n";
	static const char warned[] = "version: 1\nrules:\n  - {name: a, exe: [/bin/sh, "
				     "/no/such/program], path: /a, verdict: deny}\n";
	_cleanup_(ft_policyfile_fini) struct ft_policyfile quiet = {0}, f = {0};
	char *error = NULL;
	int warnings = 0;

	assert_int_equal(ft_policyfile_parse(&quiet, "p", ft_span_of(text), count,
					     &warnings, &error),
			 0);
	assert_int_equal(warnings, 0);
	assert_int_equal(ft_policyfile_parse(&f, "p", ft_span_of(warned), count,
					     &warnings, &error),
			 0);
	assert_int_equal(warnings, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_yaml),	 cmocka_unit_test(test_top),
		cmocka_unit_test(test_rules),	 cmocka_unit_test(test_scanners),
		cmocka_unit_test(test_many),	 cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_bounds),	 cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_all_keys), cmocka_unit_test(test_decides),
		cmocka_unit_test(test_derived),	 cmocka_unit_test(test_warning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
