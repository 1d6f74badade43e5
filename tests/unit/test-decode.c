/* SPDX-License-Identifier: MIT */
/* Records made byte by byte: what they say, and that broken ones are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/fanotify.h>

#include "base/cleanup.h"
#include "event/mask.h"
#include "kernel/abi.h"
#include "kernel/decode.h"
#include "raw-records.h"

/* A copy of exactly its size, so that the sanitizers see a read beyond the end. */
static int decode_copy(const char *data, size_t n, struct ft_record *ret, char **ret_copy)
{
	*ret_copy = malloc(n ? n : 1);
	assert_non_null(*ret_copy);
	memcpy(*ret_copy, data, n);
	return ft_decode(*ret_copy, n, ret);
}

static int refuse(const char *data, size_t n)
{
	struct ft_record r;
	char *copy;
	int e = decode_copy(data, n, &r, &copy);

	free(copy);
	return e;
}

static void test_metadata(void **state)
{
	struct raw w = {0};
	struct ft_record r;

	raw_begin(&w, FAN_OPEN | FAN_ONDIR, 4711, 9);
	assert_int_equal(ft_decode_size(w.data, w.len), 24);
	assert_int_equal(ft_decode(w.data, w.len, &r), 0);
	assert_int_equal(r.mask, FAN_OPEN | FAN_ONDIR);
	assert_int_equal(r.pid, 4711);
	assert_int_equal(r.fd, 9);
	assert_int_equal(r.pidfd, -1);
	assert_int_equal(r.object.len + r.place.dir.len + r.place.name.len, 0);
	assert_int_equal(r.old_place.dir.len + r.old_place.name.len, 0);
	assert_int_equal(r.mnt_id, 0);
	assert_false(r.has_error);
}

/* FD_ERROR tells why there is no descriptor in its place. */
static void test_fd_error(void **state)
{
	struct raw w = {0};
	struct ft_record r;

	raw_begin(&w, FAN_OPEN, 1, -EMFILE);
	assert_int_equal(ft_decode(w.data, w.len, &r), 0);
	assert_int_equal(r.fd, -EMFILE);
}

static void test_create(void **state)
{
	struct raw w = {0};
	struct ft_record r;

	raw_begin(&w, FAN_CREATE, 7, FAN_NOFD);
	raw_info_fid(&w, FT_INFO_DFID_NAME, "parent", "name\n\x1b\xff");
	raw_info_fid(&w, FT_INFO_FID, "object##", NULL);
	assert_int_equal(ft_decode(w.data, w.len, &r), 0);
	assert_true(raw_is_key(r.place.dir, "parent"));
	assert_true(raw_is_name(r.place.name, "name\n\x1b\xff"));
	assert_true(raw_is_key(r.object, "object##"));
	assert_int_equal(r.old_place.dir.len, 0);
}

static void test_rename(void **state)
{
	struct raw w = {0};
	struct ft_record r;

	raw_begin(&w, FT_EV_RENAME | FAN_ONDIR, 7, FAN_NOFD);
	raw_info_fid(&w, FT_INFO_OLD_DFID_NAME, "from", "a");
	raw_info_fid(&w, FT_INFO_NEW_DFID_NAME, "whereto", "bb");
	raw_info_fid(&w, FT_INFO_FID, "moved", NULL);
	assert_int_equal(ft_decode(w.data, w.len, &r), 0);
	assert_true(raw_is_key(r.old_place.dir, "from"));
	assert_true(raw_is_name(r.old_place.name, "a"));
	assert_true(raw_is_key(r.place.dir, "whereto"));
	assert_true(raw_is_name(r.place.name, "bb"));
	assert_true(raw_is_key(r.object, "moved"));
}

static void test_dfid(void **state)
{
	struct raw w = {0};
	struct ft_record r;

	raw_begin(&w, FAN_OPEN | FAN_ONDIR, 7, FAN_NOFD);
	raw_info_fid(&w, FT_INFO_DFID, "directory", NULL);
	assert_int_equal(ft_decode(w.data, w.len, &r), 0);
	assert_true(raw_is_key(r.place.dir, "directory"));
	assert_int_equal(r.place.name.len, 0);
	assert_int_equal(r.object.len, 0);
}

static void test_pidfd(void **state)
{
	struct raw w = {0};
	struct ft_record r;

	raw_begin(&w, FAN_OPEN, 7, FAN_NOFD);
	raw_info_begin(&w, FT_INFO_PIDFD);
	raw_put_u32(&w, 33);
	raw_info_end(&w);
	assert_int_equal(ft_decode(w.data, w.len, &r), 0);
	assert_int_equal(r.pidfd, 33);
	raw_set_info_len(&w, 7);
	raw_set_event_len(&w, 24 + 7);
	assert_int_equal(refuse(w.data, 24 + 7), -EBADMSG);
}

/* An error of the filesystem as a whole comes with a handle of no bytes. */
static void test_error(void **state)
{
	struct raw w = {0};
	struct ft_record r;

	raw_begin(&w, FAN_FS_ERROR, 0, FAN_NOFD);
	raw_info_begin(&w, FT_INFO_ERROR);
	raw_put_u32(&w, EIO);
	raw_put_u32(&w, 12);
	raw_info_end(&w);
	raw_info_begin(&w, FT_INFO_FID);
	raw_put_key(&w, 1, 0, "", 0);
	raw_info_end(&w);
	assert_int_equal(ft_decode(w.data, w.len, &r), 0);
	assert_true(r.has_error);
	assert_int_equal(r.error, EIO);
	assert_int_equal(r.error_count, 12);
	/* The filesystem, and no object. */
	assert_int_equal(r.object.len, FT_KEY_HEADER);
	assert_memory_equal(r.object.data, "\1\0\0\0\0\0\0\0", FT_KEY_FSID);
}

static void test_range_and_mount(void **state)
{
	struct raw w = {0};
	struct ft_record r;

	raw_begin(&w, FT_EV_MNT_ATTACH, 0, FAN_NOFD);
	raw_info_begin(&w, FT_INFO_RANGE);
	raw_put_u32(&w, 0);
	raw_put_u64(&w, 4096);
	raw_put_u64(&w, 512);
	raw_info_end(&w);
	raw_info_begin(&w, FT_INFO_MNT);
	raw_put_u32(&w, 0);
	raw_put_u64(&w, 0x8000000000000123u);
	raw_info_end(&w);
	assert_int_equal(ft_decode(w.data, w.len, &r), 0);
	assert_true(r.mnt_id == 0x8000000000000123u);
	raw_set_info_len(&w, 15);
	raw_set_event_len(&w, (uint32_t)(w.len - w.record - 1));
	assert_int_equal(refuse(w.data, w.len - 1), -EBADMSG);
}

/* Whatever a later kernel adds, of whatever length, hides nothing that comes after it. */
static void test_unknown_types(void **state)
{
	static const uint8_t types[] = {0, 8, 9, 11, 13, 99, 255};

	for (size_t i = 0; i < FT_ARRAY_SIZE(types); i++) {
		for (size_t bytes = 0; bytes < 40; bytes++) {
			struct raw w = {0};
			struct ft_record r;

			raw_begin(&w, FAN_CREATE, 7, FAN_NOFD);
			raw_info_begin(&w, types[i]);
			for (size_t k = 0; k < bytes; k++)
				raw_put(&w, "\xff", 1);
			raw_info_end(&w);
			raw_info_fid(&w, FT_INFO_DFID_NAME, "dir", "x");
			assert_int_equal(ft_decode(w.data, w.len, &r), 0);
			assert_true(raw_is_key(r.place.dir, "dir"));
			assert_true(raw_is_name(r.place.name, "x"));
		}
	}
}

/* Metadata may grow; what follows begins where metadata_len says. */
static void test_longer_metadata(void **state)
{
	struct raw w = {0};
	struct ft_record r;
	uint16_t metadata_len = 32;

	raw_begin(&w, FAN_CREATE, 7, FAN_NOFD);
	raw_put_u64(&w, UINT64_MAX);
	memcpy(w.data + offsetof(struct fanotify_event_metadata, metadata_len),
	       &metadata_len, sizeof(metadata_len));
	raw_info_fid(&w, FT_INFO_DFID_NAME, "dir", "x");
	assert_int_equal(ft_decode(w.data, w.len, &r), 0);
	assert_true(raw_is_name(r.place.name, "x"));
}

static void make_full(struct raw *w)
{
	raw_begin(w, FT_EV_RENAME, 7, FAN_NOFD);
	raw_info_fid(w, FT_INFO_OLD_DFID_NAME, "old", "name");
	raw_info_fid(w, FT_INFO_NEW_DFID_NAME, "new", "other");
	raw_info_fid(w, FT_INFO_FID, "object", NULL);
	raw_info_begin(w, FT_INFO_PIDFD);
	raw_put_u32(w, 3);
	raw_info_end(w);
}

/* Less than the record says is there: refused at every length. */
static void test_cut_buffer(void **state)
{
	struct raw w = {0};

	make_full(&w);
	for (size_t n = 0; n < w.len; n++) {
		assert_int_equal(ft_decode_size(w.data, n), -EBADMSG);
		assert_int_equal(refuse(w.data, n), -EBADMSG);
	}
	assert_int_equal(ft_decode_size(w.data, w.len), w.len);
}

/* A record that says that it is shorter: refused, but where an info record ends. */
static void test_cut_record(void **state)
{
	struct raw w = {0}, ends = {0};
	bool is_end[256] = {false};

	make_full(&w);
	raw_begin(&ends, 0, 0, 0);
	is_end[ends.len] = true;
	raw_info_fid(&ends, FT_INFO_OLD_DFID_NAME, "old", "name");
	is_end[ends.len] = true;
	raw_info_fid(&ends, FT_INFO_NEW_DFID_NAME, "new", "other");
	is_end[ends.len] = true;
	raw_info_fid(&ends, FT_INFO_FID, "object", NULL);
	is_end[ends.len] = true;
	for (uint32_t n = 0; n < w.len; n++) {
		raw_set_event_len(&w, n);
		assert_int_equal(refuse(w.data, n), is_end[n] ? 0 : -EBADMSG);
		/* More bytes behind the record are not its own. */
		assert_int_equal(refuse(w.data, w.len), is_end[n] ? 0 : -EBADMSG);
	}
}

static void test_bad_metadata(void **state)
{
	struct raw w = {0};

	raw_begin(&w, FAN_OPEN, 1, 3);
	for (int vers = 0; vers < 256; vers++) {
		w.data[4] = (char)vers;
		assert_int_equal(ft_decode_size(w.data, w.len),
				 vers == FANOTIFY_METADATA_VERSION ? 24 : -EBADMSG);
	}
	w.data[4] = FANOTIFY_METADATA_VERSION;
	for (uint16_t len = 0; len < 100; len++) {
		memcpy(w.data + 6, &len, sizeof(len));
		assert_int_equal(ft_decode_size(w.data, w.len),
				 len == 24 ? 24 : -EBADMSG);
	}
}

static void test_bad_info_length(void **state)
{
	struct raw w = {0};
	uint16_t whole;

	raw_begin(&w, FAN_CREATE, 7, FAN_NOFD);
	raw_info_fid(&w, FT_INFO_DFID_NAME, "dir", "x");
	whole = (uint16_t)(w.len - w.info);
	for (uint16_t len = 0; len < 300; len++) {
		raw_set_info_len(&w, len);
		/* Cut into the padding is the only other way that makes sense, and what
		 * is left is no header. */
		assert_int_equal(refuse(w.data, w.len), len == whole ? 0 : -EBADMSG);
	}
	raw_set_info_len(&w, UINT16_MAX);
	assert_int_equal(refuse(w.data, w.len), -EBADMSG);
}

static void test_bad_handle_length(void **state)
{
	static const uint32_t lengths[] = {
		4, 8, 9, 128, 129, 0x7fffffff, 0x80000000, 0xfffffff0, UINT32_MAX};

	for (size_t i = 0; i < FT_ARRAY_SIZE(lengths); i++) {
		struct raw w = {0};

		raw_begin(&w, FAN_OPEN, 7, FAN_NOFD);
		raw_info_fid(&w, FT_INFO_FID, "handle##", NULL);
		memcpy(w.data + w.info + 4 + 8, &lengths[i], sizeof(lengths[i]));
		assert_int_equal(refuse(w.data, w.len), lengths[i] <= 8 ? 0 : -EBADMSG);
	}
}

static int decode_name(const char *name, size_t n)
{
	struct raw w = {0};

	raw_begin(&w, FAN_CREATE, 7, FAN_NOFD);
	raw_info_begin(&w, FT_INFO_DFID_NAME);
	raw_put_key(&w, 1, 1, "dirdir##", 8);
	raw_put(&w, name, n);
	/* No padding but what name holds: a NUL of it would end a name that has none. */
	raw_set_info_len(&w, (uint16_t)(w.len - w.info));
	raw_set_event_len(&w, (uint32_t)(w.len - w.record));
	return refuse(w.data, w.len);
}

static void test_bad_names(void **state)
{
	char longest[257];

	assert_int_equal(decode_name("ok\0", 3), 0);
	assert_int_equal(decode_name(".\0", 2), 0);
	assert_int_equal(decode_name("", 0), -EBADMSG);
	assert_int_equal(decode_name("\0", 1), -EBADMSG);
	assert_int_equal(decode_name("abcd", 4), -EBADMSG);
	assert_int_equal(decode_name("a/b\0", 4), -EBADMSG);
	assert_int_equal(decode_name("/\0", 2), -EBADMSG);
	assert_int_equal(decode_name("a\0/b\0", 5), 0);
	memset(longest, 'x', sizeof(longest));
	longest[255] = '\0';
	assert_int_equal(decode_name(longest, 256), 0);
	longest[255] = 'x';
	longest[256] = '\0';
	assert_int_equal(decode_name(longest, 257), -EBADMSG);
}

/* The kernel aligns records to 4 bytes only. */
static void test_alignment(void **state)
{
	struct raw w = {0};
	struct ft_record r;
	ssize_t first;

	raw_begin(&w, FAN_CREATE, 7, FAN_NOFD);
	raw_info_fid(&w, FT_INFO_DFID_NAME, "12345678", "uvxyz");
	first = ft_decode_size(w.data, w.len);
	assert_int_equal(first % 8, 4);
	raw_begin(&w, FAN_DELETE, 8, FAN_NOFD);
	raw_info_fid(&w, FT_INFO_DFID_NAME, "12345678", "abc");
	assert_int_equal(ft_decode_size(w.data + first, w.len - (size_t)first),
			 w.len - (size_t)first);
	assert_int_equal(ft_decode(w.data + first, w.len - (size_t)first, &r), 0);
	assert_int_equal(r.mask, FAN_DELETE);
	assert_true(raw_is_name(r.place.name, "abc"));
}

/* Handles of layouts that were measured; of others nothing is said. */
static void test_inode_layouts(void **state)
{
	static const struct {
		const char *fs;
		int32_t type;
		const char *handle;
		size_t n;
		bool known;
		uint64_t inode;
	} cases[] = {
		{"ext4", 1, "\x0c\0\0\0gggg", 8, true, 12},
		{"ext2", 1, "\x0d\0\0\0gggg", 8, true, 13},
		{"f2fs", 1, "\x04\0\0\0gggg", 8, true, 4},
		{"xfs", 1, "\x80\0\0\0gggg", 8, true, 128},
		{"xfs", 0x81, "\x80\0\0\0\1\0\0\0gggg", 12, true, 0x100000080},
		{"btrfs", 0x4d, "\1\1\0\0\0\0\0\0\5\0\0\0\0\0\0\0gggg", 20, true, 257},
		{"tmpfs", 1, "gggg\2\0\0\0\1\0\0\0", 12, true, 0x100000002},
		{"ext4", 2, "\x0c\0\0\0gggg", 8, false, 0},
		{"ext4", 1, "\x0c\0\0", 3, false, 0},
		{"tmpfs", 1, "gggg\2\0\0\0", 8, false, 0},
		{"xfs", 0x81, "\x80\0\0\0", 4, false, 0},
		{"ext4", 1, "", 0, false, 0},
		{"overlay", 0xf8, "\x0c\0\0\0gggg", 8, false, 0},
		{"fuse", 0x81, "\x0c\0\0\0gggg", 8, false, 0},
	};

	for (size_t i = 0; i < FT_ARRAY_SIZE(cases); i++) {
		struct raw key = {0};
		uint64_t inode = 0;

		raw_put_key(&key, 1, cases[i].type, cases[i].handle, cases[i].n);
		assert_int_equal(ft_decode_inode((struct ft_span){key.data, key.len},
						 cases[i].fs, &inode),
				 cases[i].known);
		assert_true(inode == cases[i].inode);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_metadata),
		cmocka_unit_test(test_fd_error),
		cmocka_unit_test(test_create),
		cmocka_unit_test(test_rename),
		cmocka_unit_test(test_dfid),
		cmocka_unit_test(test_pidfd),
		cmocka_unit_test(test_error),
		cmocka_unit_test(test_range_and_mount),
		cmocka_unit_test(test_unknown_types),
		cmocka_unit_test(test_longer_metadata),
		cmocka_unit_test(test_cut_buffer),
		cmocka_unit_test(test_cut_record),
		cmocka_unit_test(test_bad_metadata),
		cmocka_unit_test(test_bad_info_length),
		cmocka_unit_test(test_bad_handle_length),
		cmocka_unit_test(test_bad_names),
		cmocka_unit_test(test_alignment),
		cmocka_unit_test(test_inode_layouts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
