/* SPDX-License-Identifier: MIT */
/* Findings: the verdict, the text, the JSON; limits in use, what a filesystem hides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "inspect/coverage.h"
#include "inspect/finding.h"
#include "inspect/limits.h"
#include "kernel/abi.h"
#include "output/jsonfield.h"

static void test_verdict(void **state)
{
	struct ft_findings f = {0};
	struct ft_finding *part;

	assert_int_equal(ft_findings_judge(&f), FT_JUDGEMENT_WORKS);
	/* Missing, but nothing is lost by it. */
	ft_finding_add(&f, "A", "a", FT_STATE_MISSING);
	ft_finding_add(&f, "A", "b", FT_STATE_FINE)->loses = true;
	ft_finding_add(&f, "A", "c", FT_STATE_LIMITED)->is_needed = true;
	assert_int_equal(ft_findings_judge(&f), FT_JUDGEMENT_WORKS);
	part = ft_finding_add(&f, "A", "p", FT_STATE_LIMITED);
	part->loses = part->is_part = true;
	assert_int_equal(ft_findings_judge(&f), FT_JUDGEMENT_WORKS);
	part->state = FT_STATE_MISSING;
	assert_int_equal(ft_findings_judge(&f), FT_JUDGEMENT_LOSES);
	part->state = FT_STATE_LIMITED;
	ft_finding_add(&f, "B", "d", FT_STATE_LIMITED)->loses = true;
	assert_int_equal(ft_findings_judge(&f), FT_JUDGEMENT_LOSES);
	ft_finding_add(&f, "B", "e", FT_STATE_MISSING)->is_needed = true;
	assert_int_equal(ft_findings_judge(&f), FT_JUDGEMENT_BLIND);
	ft_findings_fini(&f);
}

static void test_text(void **state)
{
	struct ft_findings f = {0};
	struct ft_bytes out = {0};

	ft_finding_tell(ft_finding_add(&f, "First", "a", FT_STATE_FINE), "good", NULL);
	ft_finding_tell(ft_finding_add(&f, "First", "bcd\n", FT_STATE_LIMITED), "so so",
			"do that");
	ft_finding_tell(ft_finding_add(&f, "Next", "e", FT_STATE_MISSING), "none", "buy");
	ft_findings_format_text(&out, &f);
	assert_string_equal(ft_bytes_cstr(&out), "What happens to files is seen here.\n"
						 "\n"
						 "First\n"
						 "  fine     a      good\n"
						 "  limited  bcd\\n  so so\n"
						 "           -> do that\n"
						 "\n"
						 "Next\n"
						 "  missing  e  none\n"
						 "           -> buy\n"
						 "\n"
						 "What happens to files is seen here.\n");
	ft_bytes_fini(&out);
	ft_findings_fini(&f);
}

/* What decided the verdict stands first, and the same advice once. */
static void test_reasons(void **state)
{
	static const char wanted[] = "Not all that happens to files is seen here.\n"
				     "  missing  b  none\n"
				     "           -> buy\n"
				     "\n"
				     "A\n"
				     "  missing  a  none\n"
				     "           -> leave\n";
	struct ft_findings f = {0};
	struct ft_bytes out = {0};

	ft_finding_tell(ft_finding_add(&f, "A", "a", FT_STATE_MISSING), "none", "leave");
	for (int i = 0; i < 2; i++) {
		struct ft_finding *finding =
			ft_finding_add(&f, "A", i ? "c" : "b", FT_STATE_MISSING);

		finding->loses = true;
		ft_finding_tell(finding, "none", "buy");
	}
	ft_findings_format_text(&out, &f);
	assert_memory_equal(ft_bytes_cstr(&out), wanted, sizeof(wanted) - 1);
	ft_bytes_fini(&out);
	ft_findings_fini(&f);
}

/* Nothing is wrong with the whole, and what is limited is said before anything else. */
static void test_limited_parts(void **state)
{
	static const char wanted[] = "What happens to files is seen here, but not all of "
				     "it on some filesystems.\n"
				     "  limited  p  so so\n"
				     "           -> do that\n"
				     "\n"
				     "A\n";
	struct ft_findings f = {0};
	struct ft_bytes out = {0};
	struct ft_finding *part;

	ft_finding_add(&f, "A", "a", FT_STATE_FINE)->loses = true;
	part = ft_finding_add(&f, "A", "p", FT_STATE_LIMITED);
	part->loses = part->is_part = true;
	ft_finding_tell(part, "so so", "do that");
	ft_findings_format_text(&out, &f);
	assert_memory_equal(ft_bytes_cstr(&out), wanted, sizeof(wanted) - 1);
	ft_bytes_fini(&out);
	ft_findings_fini(&f);
}

static void test_json(void **state)
{
	struct ft_findings f = {0};
	struct ft_bytes out = {0};
	struct ft_finding *finding = ft_finding_add(&f, "A", "\xff", FT_STATE_LIMITED);
	size_t mark = ft_json_begin(&out);

	finding->loses = true;
	ft_finding_tell(finding, "t", "do");
	ft_json_put_u64(&finding->facts, FT_SPAN("n"), 7);
	ft_findings_format_json(&out, &f);
	ft_json_end(&out, mark);
	assert_string_equal(
		ft_bytes_cstr(&out),
		"{\"verdict\":\"loses\",\"findings\":[{\"area\":\"A\",\"name\":"
		"\"\xef\xbf\xbd\",\"name_base64\":\"/w==\",\"state\":\"limited\","
		"\"loses\":true,\"text\":\"t\",\"advice\":\"do\",\"n\":7}]}");
	ft_bytes_fini(&out);
	ft_findings_fini(&f);
}

static void test_many(void **state)
{
	struct ft_findings f = {0};

	for (int i = 0; i < 1000; i++)
		ft_bytes_printf(&ft_finding_add(&f, "A", "n", FT_STATE_FINE)->text, "%d",
				i);
	assert_int_equal(f.count, 1000);
	assert_int_equal(f.failed, 0);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(atoi(ft_bytes_cstr(&f.list[i].text)), i);
	ft_findings_fini(&f);
}

static bool uid_of(pid_t pid, uid_t *ret)
{
	if (pid == 3)
		return false;
	*ret = (uid_t)pid * 100;
	return true;
}

static void test_usage(void **state)
{
	struct ft_group_holder one = {.pid = 1}, two = {.pid = 2}, gone = {.pid = 3};
	struct ft_group groups[] = {
		{.holders = &one,
		 .text = {.kind = FT_GROUP_KIND_FANOTIFY,
			  .marks_count = 5,
			  .marks_dropped = 2}},
		{.holders = &one,
		 .text = {.kind = FT_GROUP_KIND_FANOTIFY,
			  .marks_count = 9,
			  .flags = FT_INIT_UNLIMITED_MARKS}},
		{.holders = &two,
		 .text = {.kind = FT_GROUP_KIND_FANOTIFY, .marks_count = 100}},
		{.holders = &gone,
		 .text = {.kind = FT_GROUP_KIND_INOTIFY, .marks_count = 100}},
		{.holders = &one,
		 .text = {.kind = FT_GROUP_KIND_INOTIFY, .marks_count = 4}},
	};
	struct ft_groups all = {.list = groups, .count = FT_ARRAY_SIZE(groups)};
	struct ft_usage usage;

	ft_usage_count(&all, 100, uid_of, &usage);
	assert_int_equal(usage.groups, 2);
	assert_int_equal(usage.marks, 7);
	assert_int_equal(usage.instances, 1);
	assert_int_equal(usage.watches, 4);
	ft_usage_count(&all, 7, uid_of, &usage);
	assert_int_equal(usage.groups + usage.marks + usage.instances + usage.watches, 0);
}

static void test_missed(void **state)
{
	static const char *const seen[] = {"ext4", "xfs", "btrfs", "tmpfs", "vfat", ""};
	static const char *const hidden[] = {"nfs", "nfs4", "cifs",	  "smb3",
					     "9p",  "ceph", "fuse.sshfs", "overlay"};

	for (size_t i = 0; i < FT_ARRAY_SIZE(seen); i++)
		assert_null(ft_coverage_missed(seen[i]));
	for (size_t i = 0; i < FT_ARRAY_SIZE(hidden); i++)
		assert_non_null(ft_coverage_missed(hidden[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdict), cmocka_unit_test(test_text),
		cmocka_unit_test(test_reasons), cmocka_unit_test(test_limited_parts),
		cmocka_unit_test(test_json),	cmocka_unit_test(test_many),
		cmocka_unit_test(test_usage),	cmocka_unit_test(test_missed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
