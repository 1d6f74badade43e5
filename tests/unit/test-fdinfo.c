/* SPDX-License-Identifier: MIT */
/* The text of groups as kernels print it, and as none would. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "inspect/fdinfo.h"
#include "inspect/overlay.h"
#include "kernel/abi.h"
#include "kernel/decode.h"

/* Linux 6.18: a group of class content on ext4 and tmpfs. */
static const char fanotify_text[] =
	"pos:\t0\n"
	"flags:\t02\n"
	"mnt_id:\t17\n"
	"ino:\t26\n"
	"fanotify flags:34 event-flags:88000\n"
	"fanotify ino:3ad sdev:fe00000 mflags:40 mask:0 ignored_mask:2 fhandle-bytes:8 "
	"fhandle-type:1 f_handle:ad03000000000000\n"
	"fanotify ino:35d sdev:fe00000 mflags:640 mask:0 ignored_mask:40000002 "
	"fhandle-bytes:8 fhandle-type:1 f_handle:5d03000000000000\n"
	"fanotify sdev:1b mflags:0 mask:10020 ignored_mask:0\n"
	"fanotify mnt_id:1e mflags:0 mask:20 ignored_mask:0\n"
	"fanotify mnt_ns:4026531832 mflags:0 mask:3000000 ignored_mask:0\n"
	"fanotify ino:23e sdev:1b mflags:200 mask:8000020 ignored_mask:0 fhandle-bytes:c "
	"fhandle-type:1 f_handle:f2b851bd3e02000000000000\n";

static const char inotify_text[] =
	"pos:\t0\n"
	"flags:\t00\n"
	"mnt_id:\t17\n"
	"ino:\t26\n"
	"inotify wd:4 ino:2 sdev:fe00000 mask:2 ignored_mask:0 fhandle-bytes:8 "
	"fhandle-type:1 f_handle:0200000000000000\n"
	"inotify wd:2 ino:10ebec sdev:800015 mask:80000002 ignored_mask:0 \n"
	"inotify wd:1 ino:7 sdev:28 mask:fff ignored_mask:0 fhandle-bytes:24 "
	"fhandle-type:f8 f_handle:"
	"00000000fb21000153d2429e6f494798bd99a30fd624ec3cd7e74bd20700000000000000\n";

static void assert_key(const struct ft_group_text *g, const struct ft_mark *m,
		       int32_t type, const char *handle, size_t n)
{
	struct ft_span key = ft_group_key(g, m);
	const char fsid[FT_KEY_FSID] = {0};
	uint32_t header[2] = {(uint32_t)n, (uint32_t)type};

	assert_int_equal(key.len, FT_KEY_HEADER + n);
	assert_memory_equal(key.data, fsid, sizeof(fsid));
	assert_memory_equal(key.data + FT_KEY_FSID, header, sizeof(header));
	assert_memory_equal(key.data + FT_KEY_HEADER, handle, n);
}

static void test_fanotify(void **state)
{
	struct ft_group_text g = {.kind = FT_GROUP_KIND_FANOTIFY};
	const struct ft_mark *m;

	assert_int_equal(ft_fdinfo_parse(&g, ft_span_of(fanotify_text)), 0);
	assert_int_equal(g.flags, 0x34);
	assert_int_equal(g.event_f_flags, 0x88000);
	assert_true(ft_group_is_asked(&g));
	assert_int_equal(g.marks_count, 6);
	assert_int_equal(g.unknown, 0);
	m = g.marks;
	assert_int_equal(m[0].type, FT_MARK_OF_INODE);
	assert_int_equal(m[0].ino, 0x3ad);
	assert_int_equal(m[0].major, 254);
	assert_int_equal(m[0].minor, 0);
	assert_int_equal(m[0].flags, 0x40);
	assert_int_equal(m[0].mask, 0);
	assert_int_equal(m[0].ignored_mask, 2);
	assert_key(&g, &m[0], 1, "\xad\x03\0\0\0\0\0\0", 8);
	assert_int_equal(m[1].flags,
			 FT_MARK_EVICTABLE | FT_MARK_IGNORE | FT_MARK_IGNORE_SURV);
	assert_int_equal(m[1].ignored_mask, 0x40000002);
	assert_int_equal(m[2].type, FT_MARK_OF_FILESYSTEM);
	assert_int_equal(m[2].major, 0);
	assert_int_equal(m[2].minor, 27);
	assert_int_equal(m[2].mask, 0x10020);
	assert_int_equal(ft_group_key(&g, &m[2]).len, 0);
	assert_int_equal(m[3].type, FT_MARK_OF_MOUNT);
	assert_int_equal(m[3].mount_id, 30);
	assert_int_equal(m[4].type, FT_MARK_OF_MNTNS);
	assert_int_equal(m[4].mntns, 4026531832);
	assert_int_equal(m[5].flags, FT_MARK_EVICTABLE);
	assert_key(&g, &m[5], 1, "\xf2\xb8\x51\xbd\x3e\x02\0\0\0\0\0\0", 12);
	ft_group_text_fini(&g);
}

static void test_inotify(void **state)
{
	struct ft_group_text g = {.kind = FT_GROUP_KIND_INOTIFY};
	const struct ft_mark *m;

	assert_int_equal(ft_fdinfo_parse(&g, ft_span_of(inotify_text)), 0);
	assert_false(ft_group_is_asked(&g));
	assert_int_equal(g.marks_count, 3);
	assert_int_equal(g.unknown, 0);
	m = g.marks;
	assert_int_equal(m[0].wd, 4);
	assert_int_equal(m[0].ino, 2);
	assert_int_equal(m[0].mask, 2);
	assert_key(&g, &m[0], 1, "\x02\0\0\0\0\0\0\0", 8);
	assert_int_equal(m[1].major, 8);
	assert_int_equal(m[1].minor, 21);
	assert_int_equal(m[1].mask, 0x80000002);
	assert_int_equal(ft_group_key(&g, &m[1]).len, 0);
	assert_int_equal(m[2].mask, 0xfff);
	ft_group_text_fini(&g);
}

/* What is inside the handle of an overlay's inode. */
static void test_overlay(void **state)
{
	struct ft_group_text g = {.kind = FT_GROUP_KIND_INOTIFY};
	struct ft_overlay_handle h;

	assert_int_equal(ft_fdinfo_parse(&g, ft_span_of(inotify_text)), 0);
	assert_int_equal(ft_overlay_decode(ft_group_key(&g, &g.marks[2]), &h), 0);
	assert_int_equal(h.type, 1);
	assert_int_equal(h.fid.len, 12);
	assert_memory_equal(h.fid.data, "\xd7\xe7\x4b\xd2\x07\0\0\0\0\0\0\0", 12);
	/* One that is no overlay's. */
	assert_int_equal(ft_overlay_decode(ft_group_key(&g, &g.marks[0]), &h), -EBADMSG);
	ft_group_text_fini(&g);
}

/* Not one of these is a mark, and each is counted. */
static void test_bad_lines(void **state)
{
	static const char *const lines[] = {
		"fanotify flags:34",
		"fanotify flags:x event-flags:0",
		"fanotify flags:100000000 event-flags:0",
		"fanotify",
		"fanotify ",
		"fanotify ino:",
		"fanotify ino:1",
		"fanotify ino:1 sdev:1",
		"fanotify ino:1 sdev:100000000 mflags:0 mask:0 ignored_mask:0 ",
		"fanotify ino:11111111111111111 sdev:1 mflags:0 mask:0 ignored_mask:0 ",
		"fanotify ino:1 sdev:1 mflags:0 mask:0",
		"fanotify ino:1 sdev:1 mask:0 mflags:0 ignored_mask:0 ",
		"fanotify mnt_id:80000000 mflags:0 mask:0 ignored_mask:0",
		"fanotify mnt_id:-1 mflags:0 mask:0 ignored_mask:0",
		"fanotify mnt_ns:abc mflags:0 mask:0 ignored_mask:0",
		"fanotify ino:1 sdev:1 mflags:0 mask:0 ignored_mask:0 fhandle-bytes:8",
		"fanotify ino:1 sdev:1 mflags:0 mask:0 ignored_mask:0 fhandle-bytes:2 "
		"fhandle-type:1 f_handle:00",
		"fanotify ino:1 sdev:1 mflags:0 mask:0 ignored_mask:0 fhandle-bytes:1 "
		"fhandle-type:1 f_handle:0000",
		"fanotify ino:1 sdev:1 mflags:0 mask:0 ignored_mask:0 fhandle-bytes:1 "
		"fhandle-type:1 f_handle:0g",
		"fanotify ino:1 sdev:1 mflags:0 mask:0 ignored_mask:0 fhandle-bytes:81 "
		"fhandle-type:1 f_handle:00",
		"fanotify something:1",
	};

	for (size_t i = 0; i < FT_ARRAY_SIZE(lines); i++) {
		struct ft_group_text g = {.kind = FT_GROUP_KIND_FANOTIFY};

		assert_int_equal(ft_fdinfo_take_line(&g, ft_span_of(lines[i])), 0);
		if (g.unknown != 1 || g.marks_count != 0)
			fail_msg("taken for a mark: %s", lines[i]);
		ft_group_text_fini(&g);
	}
}

static void test_other_lines(void **state)
{
	struct ft_group_text g = {.kind = FT_GROUP_KIND_FANOTIFY};

	assert_int_equal(ft_fdinfo_parse(&g, FT_SPAN("pos:\t0\n\n\nfanotifyx ino:1\n"
						     "inotify wd:1 ino:2 sdev:3 mask:2 "
						     "ignored_mask:0 ")),
			 0);
	assert_int_equal(g.unknown, 0);
	assert_int_equal(g.marks_count, 0);
	ft_group_text_fini(&g);
}

/* Past the bound marks are counted, not kept. */
static void test_bound(void **state)
{
	struct ft_group_text g = {.kind = FT_GROUP_KIND_INOTIFY};
	char line[80];
	int n;

	for (size_t i = 0; i < FT_GROUP_MARKS_MAX + 3; i++) {
		n = snprintf(line, sizeof(line),
			     "inotify wd:%zx ino:2 sdev:3 mask:2 ignored_mask:0 ", i);
		assert_int_equal(
			ft_fdinfo_take_line(&g, (struct ft_span){line, (size_t)n}), 0);
	}
	assert_int_equal(g.marks_count, FT_GROUP_MARKS_MAX);
	assert_int_equal(g.marks_dropped, 3);
	assert_int_equal(g.marks[FT_GROUP_MARKS_MAX - 1].wd, FT_GROUP_MARKS_MAX - 1);
	ft_group_text_fini(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fanotify),    cmocka_unit_test(test_inotify),
		cmocka_unit_test(test_overlay),	    cmocka_unit_test(test_bad_lines),
		cmocka_unit_test(test_other_lines), cmocka_unit_test(test_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
