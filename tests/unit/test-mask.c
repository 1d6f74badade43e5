/* SPDX-License-Identifier: MIT */
/* Event bits against the kernel's numbers and the contract of the command line. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/fanotify.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "event/event.h"
#include "event/mask.h"

/* Bits younger than the oldest headers that this builds with stand as the kernel's
 * numbers. */
static const struct {
	const char *name;
	uint64_t bit;
} truth[] = {
	{"access", FAN_ACCESS},
	{"modify", FAN_MODIFY},
	{"attrib", FAN_ATTRIB},
	{"close_write", FAN_CLOSE_WRITE},
	{"close_nowrite", FAN_CLOSE_NOWRITE},
	{"open", FAN_OPEN},
	{"open_exec", FAN_OPEN_EXEC},
	{"create", FAN_CREATE},
	{"delete", FAN_DELETE},
	{"rename", FAN_RENAME},
	{"moved_from", FAN_MOVED_FROM},
	{"moved_to", FAN_MOVED_TO},
	{"delete_self", FAN_DELETE_SELF},
	{"move_self", FAN_MOVE_SELF},
	{"fs_error", FAN_FS_ERROR},
	{"mnt_attach", 0x01000000},
	{"mnt_detach", 0x02000000},
	{"open_perm", FAN_OPEN_PERM},
	{"access_perm", FAN_ACCESS_PERM},
	{"open_exec_perm", FAN_OPEN_EXEC_PERM},
	{"pre_access", 0x00100000},
};

static const struct {
	const char *word;
	unsigned int group;
	uint64_t bits;
} groups[] = {
	{"read", FT_GROUP_READ, FAN_ACCESS},
	{"write", FT_GROUP_WRITE, FAN_MODIFY | FAN_CLOSE_WRITE},
	{"exec", FT_GROUP_EXEC, FAN_OPEN_EXEC},
	{"change", FT_GROUP_CHANGE,
	 FAN_CREATE | FAN_DELETE | FAN_RENAME | FAN_MODIFY | FAN_CLOSE_WRITE |
		 FAN_ATTRIB},
	{"all", FT_GROUP_ALL,
	 FAN_ACCESS | FAN_MODIFY | FAN_ATTRIB | FAN_CLOSE_WRITE | FAN_CLOSE_NOWRITE |
		 FAN_OPEN | FAN_OPEN_EXEC | FAN_CREATE | FAN_DELETE | FAN_RENAME |
		 FAN_MOVED_FROM | FAN_MOVED_TO | FAN_DELETE_SELF | FAN_MOVE_SELF |
		 FAN_FS_ERROR | 0x03000000},
};

static void test_names_are_the_kernels(void **state)
{
	size_t count;
	const struct ft_mask_name *names = ft_mask_names(&count);

	assert_int_equal(count, FT_ARRAY_SIZE(truth));
	for (size_t i = 0; i < count; i++) {
		assert_string_equal(ft_mask_name(names[i].bit), names[i].name);
		assert_true(strlen(names[i].meaning) > 0);
	}
	for (size_t i = 0; i < FT_ARRAY_SIZE(truth); i++) {
		uint64_t mask = 0;

		assert_int_equal(ft_mask_parse(truth[i].name, &mask, NULL), 0);
		assert_int_equal(mask, truth[i].bit);
		assert_string_equal(ft_mask_name(truth[i].bit), truth[i].name);
	}
	assert_int_equal(FT_EV_Q_OVERFLOW, FAN_Q_OVERFLOW);
	assert_int_equal(FT_EV_ONDIR, FAN_ONDIR);
}

static void test_no_other_bit_has_a_name(void **state)
{
	uint64_t named = 0;

	for (size_t i = 0; i < FT_ARRAY_SIZE(truth); i++)
		named |= truth[i].bit;
	for (int i = 0; i < 64; i++) {
		uint64_t bit = UINT64_C(1) << i;

		assert_int_equal(ft_mask_name(bit) != NULL, (named & bit) != 0);
	}
	assert_null(ft_mask_name(0));
	assert_null(ft_mask_name(FAN_OPEN | FAN_ACCESS));
}

static void test_groups(void **state)
{
	for (size_t i = 0; i < FT_ARRAY_SIZE(groups); i++) {
		uint64_t mask = 0;

		assert_int_equal(ft_mask_parse(groups[i].word, &mask, NULL), 0);
		assert_int_equal(mask, groups[i].bits);
		assert_int_equal(ft_mask_of_group(groups[i].group), groups[i].bits);
	}
	assert_int_equal(FT_MASK_ASK, FAN_OPEN_PERM | FAN_ACCESS_PERM |
					      FAN_OPEN_EXEC_PERM | 0x00100000);
	assert_int_equal(ft_mask_of_group(FT_GROUP_ASK), FT_MASK_ASK);
	assert_int_equal(ft_mask_of_group(FT_GROUP_READ | FT_GROUP_EXEC),
			 FAN_ACCESS | FAN_OPEN_EXEC);
	assert_int_equal(FT_MASK_DEFAULT, ft_mask_of_group(FT_GROUP_CHANGE) | FAN_OPEN |
						  FAN_OPEN_EXEC | FAN_FS_ERROR);
}

static void test_lists(void **state)
{
	uint64_t mask = 0;

	assert_int_equal(ft_mask_parse("open,close_write", &mask, NULL), 0);
	assert_int_equal(mask, FAN_OPEN | FAN_CLOSE_WRITE);
	assert_int_equal(ft_mask_parse("exec,read,access", &mask, NULL), 0);
	assert_int_equal(mask, FAN_OPEN_EXEC | FAN_ACCESS);
	assert_int_equal(ft_mask_parse("all,open_perm", &mask, NULL), 0);
	assert_int_equal(mask, groups[4].bits | FAN_OPEN_PERM);
}

static void test_bad_lists(void **state)
{
	static const struct {
		const char *list;
		const char *bad;
	} lists[] = {
		{"", ""},
		{",", ""},
		{"open,", ""},
		{",open", ""},
		{"open,,access", ""},
		{"opened", "opened"},
		{"ope", "ope"},
		{"OPEN", "OPEN"},
		{"open,FAN_OPEN,x", "FAN_OPEN"},
		{"open, access", " access"},
		{"ask", "ask"},
		{"ondir", "ondir"},
		{"q_overflow", "q_overflow"},
		{"open|access", "open|access"},
	};

	for (size_t i = 0; i < FT_ARRAY_SIZE(lists); i++) {
		uint64_t mask = 77;
		struct ft_span bad = FT_SPAN("unset");

		assert_int_equal(ft_mask_parse(lists[i].list, &mask, &bad), -EINVAL);
		assert_true(ft_span_equal(bad, ft_span_of(lists[i].bad)));
		assert_int_equal(ft_mask_parse(lists[i].list, &mask, NULL), -EINVAL);
		assert_int_equal(mask, 77);
	}
}

static void check_format(uint64_t mask, const char *sep, const char *expect)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes b = {0};

	ft_mask_format(&b, mask, sep);
	assert_string_equal(ft_bytes_cstr(&b), expect);
}

static void test_format(void **state)
{
	check_format(0, ",", "");
	check_format(FAN_OPEN, ",", "open");
	check_format(FAN_CLOSE_WRITE | FAN_CREATE | FAN_MODIFY | FAN_OPEN, ",",
		     "create,open,modify,close_write");
	check_format(FAN_CLOSE_WRITE | FAN_CREATE | FAN_MODIFY | FAN_OPEN, "\",\"",
		     "create\",\"open\",\"modify\",\"close_write");
	check_format(FAN_DELETE | FAN_CREATE | FAN_ONDIR | FAN_Q_OVERFLOW, "|",
		     "create|delete");
	check_format(FAN_EVENT_ON_CHILD, ",", "");
}

/* Every set of two bits, and the whole. */
static void test_round_trip(void **state)
{
	for (size_t i = 0; i < FT_ARRAY_SIZE(truth); i++) {
		for (size_t j = 0; j < FT_ARRAY_SIZE(truth); j++) {
			_cleanup_(ft_bytes_fini) struct ft_bytes b = {0};
			uint64_t set = truth[i].bit | truth[j].bit, mask = 0;

			ft_mask_format(&b, set, ",");
			assert_int_equal(ft_mask_parse(ft_bytes_cstr(&b), &mask, NULL),
					 0);
			assert_int_equal(mask, set);
		}
	}
	_cleanup_(ft_bytes_fini) struct ft_bytes all = {0};
	uint64_t mask = 0;
	ft_mask_format(&all, UINT64_MAX, ",");
	assert_int_equal(ft_mask_parse(ft_bytes_cstr(&all), &mask, NULL), 0);
	assert_int_equal(mask, groups[4].bits | FT_MASK_ASK);
}

static void test_names_of_an_event(void **state)
{
	assert_string_equal(ft_path_source_name(FT_PATH_NONE), "none");
	assert_string_equal(ft_path_source_name(FT_PATH_PARTIAL), "partial");
	assert_string_equal(ft_path_source_name(FT_PATH_NOW), "now");
	assert_string_equal(ft_path_source_name(FT_PATH_FIRST), "first");
	assert_string_equal(ft_path_source_name(FT_PATH_EVENT), "event");
	assert_string_equal(ft_certainty_name(FT_CERTAINTY_NONE), "none");
	assert_string_equal(ft_certainty_name(FT_CERTAINTY_CREDENTIALS), "credentials");
	assert_string_equal(ft_certainty_name(FT_CERTAINTY_AMBIGUOUS), "ambiguous");
	assert_string_equal(ft_certainty_name(FT_CERTAINTY_EXACT), "exact");
	assert_string_equal(ft_lost_where_name(FT_LOST_KERNEL), "kernel");
	assert_string_equal(ft_lost_where_name(FT_LOST_BUFFER), "buffer");
	assert_string_equal(ft_lost_where_name(FT_LOST_OUTPUT), "output");
	assert_string_equal(ft_lost_where_name(FT_LOST_PROCESS), "process");
	assert_string_equal(ft_lost_where_name(FT_LOST_DESCRIPTOR), "descriptor");
	assert_string_equal(ft_lost_where_name(FT_LOST_JOURNAL), "journal");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_are_the_kernels),
		cmocka_unit_test(test_no_other_bit_has_a_name),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_bad_lists),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_names_of_an_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
