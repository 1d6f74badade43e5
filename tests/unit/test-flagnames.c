/* SPDX-License-Identifier: MIT */
/* Flag sets by name, against the headers where they have the names. */
#include <errno.h>
#include <linux/fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "inspect/flagnames.h"

struct truth {
	enum ft_flag_set set;
	const char *name;
	uint64_t bits;
};

#define INIT(NAME)                                                                       \
	{                                                                                \
		FT_FLAGS_FAN_INIT, #NAME, NAME                                           \
	}
#define MARK(NAME)                                                                       \
	{                                                                                \
		FT_FLAGS_FAN_MARK, #NAME, NAME                                           \
	}
#define MASK(NAME)                                                                       \
	{                                                                                \
		FT_FLAGS_FAN_MASK, #NAME, NAME                                           \
	}
#define ININIT(NAME)                                                                     \
	{                                                                                \
		FT_FLAGS_IN_INIT, #NAME, NAME                                            \
	}
#define IN(NAME)                                                                         \
	{                                                                                \
		FT_FLAGS_IN_MASK, #NAME, NAME                                            \
	}
#define O(NAME)                                                                          \
	{                                                                                \
		FT_FLAGS_OPEN, #NAME, NAME                                               \
	}
#define DN(NAME)                                                                         \
	{                                                                                \
		FT_FLAGS_DN_MASK, #NAME, NAME                                            \
	}

/* What the oldest headers that this builds with do not have stands as the kernel's
 * numbers. */
static const struct truth truths[] = {
	INIT(FAN_CLASS_NOTIF),
	INIT(FAN_CLASS_CONTENT),
	INIT(FAN_CLASS_PRE_CONTENT),
	INIT(FAN_CLOEXEC),
	INIT(FAN_NONBLOCK),
	INIT(FAN_UNLIMITED_QUEUE),
	INIT(FAN_UNLIMITED_MARKS),
	INIT(FAN_ENABLE_AUDIT),
	INIT(FAN_REPORT_PIDFD),
	INIT(FAN_REPORT_TID),
	INIT(FAN_REPORT_FID),
	INIT(FAN_REPORT_DIR_FID),
	INIT(FAN_REPORT_NAME),
	INIT(FAN_REPORT_TARGET_FID),
	{FT_FLAGS_FAN_INIT, "FAN_REPORT_FD_ERROR", 0x2000},
	{FT_FLAGS_FAN_INIT, "FAN_REPORT_MNT", 0x4000},
	MARK(FAN_MARK_ADD),
	MARK(FAN_MARK_REMOVE),
	MARK(FAN_MARK_FLUSH),
	MARK(FAN_MARK_INODE),
	MARK(FAN_MARK_MOUNT),
	MARK(FAN_MARK_FILESYSTEM),
	{FT_FLAGS_FAN_MARK, "FAN_MARK_MNTNS", 0x110},
	MARK(FAN_MARK_DONT_FOLLOW),
	MARK(FAN_MARK_ONLYDIR),
	MARK(FAN_MARK_IGNORED_MASK),
	MARK(FAN_MARK_IGNORED_SURV_MODIFY),
	MARK(FAN_MARK_EVICTABLE),
	MARK(FAN_MARK_IGNORE),
	MASK(FAN_ACCESS),
	MASK(FAN_MODIFY),
	MASK(FAN_ATTRIB),
	MASK(FAN_CLOSE_WRITE),
	MASK(FAN_CLOSE_NOWRITE),
	MASK(FAN_OPEN),
	MASK(FAN_OPEN_EXEC),
	MASK(FAN_CREATE),
	MASK(FAN_DELETE),
	MASK(FAN_RENAME),
	MASK(FAN_MOVED_FROM),
	MASK(FAN_MOVED_TO),
	MASK(FAN_DELETE_SELF),
	MASK(FAN_MOVE_SELF),
	MASK(FAN_FS_ERROR),
	MASK(FAN_OPEN_PERM),
	MASK(FAN_ACCESS_PERM),
	MASK(FAN_OPEN_EXEC_PERM),
	MASK(FAN_Q_OVERFLOW),
	MASK(FAN_EVENT_ON_CHILD),
	MASK(FAN_ONDIR),
	{FT_FLAGS_FAN_MASK, "FAN_PRE_ACCESS", 0x00100000},
	{FT_FLAGS_FAN_MASK, "FAN_MNT_ATTACH", 0x01000000},
	{FT_FLAGS_FAN_MASK, "FAN_MNT_DETACH", 0x02000000},
	ININIT(IN_CLOEXEC),
	ININIT(IN_NONBLOCK),
	IN(IN_ACCESS),
	IN(IN_MODIFY),
	IN(IN_ATTRIB),
	IN(IN_CLOSE_WRITE),
	IN(IN_CLOSE_NOWRITE),
	IN(IN_OPEN),
	IN(IN_MOVED_FROM),
	IN(IN_MOVED_TO),
	IN(IN_CREATE),
	IN(IN_DELETE),
	IN(IN_DELETE_SELF),
	IN(IN_MOVE_SELF),
	IN(IN_UNMOUNT),
	IN(IN_Q_OVERFLOW),
	IN(IN_IGNORED),
	IN(IN_ONLYDIR),
	IN(IN_DONT_FOLLOW),
	IN(IN_EXCL_UNLINK),
	IN(IN_MASK_CREATE),
	IN(IN_MASK_ADD),
	IN(IN_ISDIR),
	IN(IN_ONESHOT),
	O(O_RDONLY),
	O(O_WRONLY),
	O(O_RDWR),
	O(O_CREAT),
	O(O_EXCL),
	O(O_NOCTTY),
	O(O_TRUNC),
	O(O_APPEND),
	O(O_NONBLOCK),
	O(O_SYNC),
	O(O_DSYNC),
	O(FASYNC),
	O(O_DIRECT),
	O(O_LARGEFILE),
	O(O_TMPFILE),
	O(O_DIRECTORY),
	O(O_NOFOLLOW),
	O(O_NOATIME),
	O(O_CLOEXEC),
	O(O_PATH),
	DN(DN_ACCESS),
	DN(DN_MODIFY),
	DN(DN_CREATE),
	DN(DN_DELETE),
	DN(DN_RENAME),
	DN(DN_ATTRIB),
	DN(DN_MULTISHOT),
};

static const char *text(enum ft_flag_set set, uint64_t value)
{
	static struct ft_bytes bytes;

	ft_bytes_clear(&bytes);
	ft_flagnames_format(&bytes, set, value, "|");
	return ft_bytes_cstr(&bytes);
}

static const struct ft_flag_name *entry(const struct truth *truth)
{
	size_t count;
	const struct ft_flag_name *names = ft_flagnames_table(truth->set, &count);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(names[i].name, truth->name) == 0)
			return &names[i];
	}
	return NULL;
}

static void test_names_are_the_headers(void **state)
{
	size_t total = 0;

	for (int set = 0; set < FT_FLAGS_COUNT; set++) {
		size_t count;

		ft_flagnames_table(set, &count);
		total += count;
	}
	assert_int_equal(total, FT_ARRAY_SIZE(truths));
	for (size_t i = 0; i < FT_ARRAY_SIZE(truths); i++) {
		const struct ft_flag_name *found = entry(&truths[i]);

		if (!found)
			fail_msg("%s has no entry", truths[i].name);
		assert_int_equal(found->bits, truths[i].bits);
	}
}

static bool holds(const struct ft_flagnames *decoded, const char *name)
{
	for (size_t i = 0; i < decoded->count; i++) {
		if (strcmp(decoded->names[i], name) == 0)
			return true;
	}
	return false;
}

/* Each name, decoded from its own value alone: there, and nothing left over. */
static void test_each_name_names_itself(void **state)
{
	for (size_t i = 0; i < FT_ARRAY_SIZE(truths); i++) {
		struct ft_flagnames decoded;

		ft_flagnames_decode(truths[i].set, truths[i].bits, &decoded);
		assert_true(holds(&decoded, truths[i].name));
		assert_int_equal(decoded.unknown, 0);
	}
}

static uint64_t bits_of(enum ft_flag_set set, const char *name)
{
	for (size_t i = 0; i < FT_ARRAY_SIZE(truths); i++) {
		if (truths[i].set == set && strcmp(truths[i].name, name) == 0)
			return truths[i].bits;
	}
	fail_msg("%s is not a name of its set", name);
	return 0;
}

/* Names and what they leave are the value again, whatever the value: no bit is told
 * twice under names of one field, and none is lost. */
static void check_whole(enum ft_flag_set set, uint64_t value)
{
	struct ft_flagnames decoded;
	uint64_t all = 0;

	ft_flagnames_decode(set, value, &decoded);
	for (size_t i = 0; i < decoded.count; i++)
		all |= bits_of(set, decoded.names[i]);
	assert_int_equal(all & decoded.unknown, 0);
	assert_int_equal(all | decoded.unknown, value);
}

static void test_nothing_is_lost(void **state)
{
	uint64_t random = 88172645463325252u;

	for (int set = 0; set < FT_FLAGS_COUNT; set++) {
		for (int bit = 0; bit < 64; bit++)
			check_whole(set, UINT64_C(1) << bit);
		check_whole(set, 0);
		check_whole(set, UINT64_MAX);
		for (int i = 0; i < 5000; i++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			check_whole(set, random);
			check_whole(set, random & UINT32_MAX);
		}
	}
}

static void test_fields(void **state)
{
	assert_string_equal(text(FT_FLAGS_FAN_INIT, 0), "FAN_CLASS_NOTIF");
	assert_string_equal(text(FT_FLAGS_FAN_INIT, 0x5),
			    "FAN_CLASS_CONTENT|FAN_CLOEXEC");
	assert_string_equal(text(FT_FLAGS_FAN_INIT, 0x9),
			    "FAN_CLASS_PRE_CONTENT|FAN_CLOEXEC");
	assert_string_equal(text(FT_FLAGS_FAN_INIT, 0xc), "0xc");
	assert_string_equal(text(FT_FLAGS_FAN_MARK, 0x1), "FAN_MARK_ADD|FAN_MARK_INODE");
	assert_string_equal(text(FT_FLAGS_FAN_MARK, 0x11), "FAN_MARK_ADD|FAN_MARK_MOUNT");
	assert_string_equal(text(FT_FLAGS_FAN_MARK, 0x101),
			    "FAN_MARK_ADD|FAN_MARK_FILESYSTEM");
	assert_string_equal(text(FT_FLAGS_FAN_MARK, 0x111),
			    "FAN_MARK_ADD|FAN_MARK_MNTNS");
	assert_string_equal(text(FT_FLAGS_OPEN, O_RDWR | O_CLOEXEC), "O_RDWR|O_CLOEXEC");
	assert_string_equal(text(FT_FLAGS_OPEN, O_ACCMODE), "0x3");
	assert_string_equal(text(FT_FLAGS_OPEN, O_SYNC), "O_RDONLY|O_SYNC");
	assert_string_equal(text(FT_FLAGS_OPEN, O_DSYNC), "O_RDONLY|O_DSYNC");
	assert_string_equal(text(FT_FLAGS_OPEN, O_TMPFILE | O_WRONLY),
			    "O_WRONLY|O_TMPFILE");
	assert_string_equal(text(FT_FLAGS_OPEN, O_DIRECTORY), "O_RDONLY|O_DIRECTORY");
}

static void test_what_has_no_name(void **state)
{
	assert_string_equal(text(FT_FLAGS_IN_MASK, 0), "0");
	assert_string_equal(text(FT_FLAGS_IN_MASK, 0x00100000), "0x100000");
	assert_string_equal(text(FT_FLAGS_IN_MASK, IN_OPEN | 0x00100000),
			    "IN_OPEN|0x100000");
	assert_string_equal(text(FT_FLAGS_FAN_MASK, FAN_OPEN | UINT64_C(1) << 63),
			    "FAN_OPEN|0x8000000000000000");
	assert_string_equal(text(FT_FLAGS_DN_MASK, DN_MULTISHOT | DN_CREATE),
			    "DN_CREATE|DN_MULTISHOT");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_are_the_headers),
		cmocka_unit_test(test_each_name_names_itself),
		cmocka_unit_test(test_nothing_is_lost),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_what_has_no_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
