/* SPDX-License-Identifier: MIT */
/* Records and handles of this kernel, against stat(2) and name_to_handle_at(2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "event/mask.h"
#include "kernel/abi.h"
#include "kernel/decode.h"
#include "raw-records.h"

struct folder {
	char path[64];
	char type[16];
};

/* A private folder on each filesystem at hand whose handles' layout is known. */
static int make_folder(struct folder *f, const char *base)
{
	struct statfs sfs;

	snprintf(f->path, sizeof(f->path), "%s/fantail-decode-XXXXXX", base);
	if (!mkdtemp(f->path) || statfs(f->path, &sfs) < 0)
		return -1;
	switch (sfs.f_type) {
	case 0xef53:
		strcpy(f->type, "ext4");
		return 0;
	case 0x01021994:
		strcpy(f->type, "tmpfs");
		return 0;
	case 0x58465342:
		strcpy(f->type, "xfs");
		return 0;
	case 0x9123683e:
		strcpy(f->type, "btrfs");
		return 0;
	}
	rmdir(f->path);
	return -1;
}

static void make_file(const char *folder, const char *name, char *ret_path)
{
	int fd;

	snprintf(ret_path, PATH_MAX, "%s/%s", folder, name);
	fd = open(ret_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
}

static bool read_key(const char *path, struct raw *ret)
{
	union {
		struct file_handle h;
		char space[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} u;
	int mount_id;

	u.h.handle_bytes = MAX_HANDLE_SZ;
	if (name_to_handle_at(AT_FDCWD, path, &u.h, &mount_id, 0) < 0)
		return false;
	ret->len = 0;
	raw_put_key(ret, 1, u.h.handle_type, (const char *)u.h.f_handle,
		    u.h.handle_bytes);
	return true;
}

static unsigned int check_inodes(const char *base)
{
	char path[PATH_MAX];
	struct raw key;
	struct folder f;
	unsigned int checked = 0;

	if (make_folder(&f, base) < 0)
		return 0;
	make_file(f.path, "file", path);
	for (int i = 0; i < 2; i++) {
		const char *p = i == 0 ? path : f.path;
		struct ft_span span;
		struct stat st;
		uint64_t inode = 0;

		assert_int_equal(stat(p, &st), 0);
		if (!read_key(p, &key))
			continue;
		span = (struct ft_span){key.data, key.len};
		assert_true(ft_decode_inode(span, f.type, &inode));
		assert_true(inode == st.st_ino);
		/* A handle that is cut is not read beyond its end. */
		for (span.len = 0; span.len < 16 + 4; span.len++)
			assert_false(ft_decode_inode(span, f.type, &inode));
		checked++;
	}
	unlink(path);
	rmdir(f.path);
	return checked;
}

static void test_inode(void **state)
{
	static const char *const bases[] = {"/tmp", "/dev/shm", "/var/tmp", "."};
	unsigned int checked = 0;

	for (size_t i = 0; i < FT_ARRAY_SIZE(bases); i++)
		checked += check_inodes(bases[i]);
	if (checked == 0)
		skip();
}

/* The handle that fanotify tells is the one that name_to_handle_at(2) tells; its fsid is
 * statfs's. */
static bool is_key_of(struct ft_span key, const char *path)
{
	struct statfs sfs;
	struct raw own;

	assert_int_equal(statfs(path, &sfs), 0);
	if (!read_key(path, &own))
		return false;
	memcpy(own.data, &sfs.f_fsid, 8);
	return ft_span_equal(key, (struct ft_span){own.data, own.len});
}

static void check_real(const char *data, size_t n, const struct folder *f,
		       const char *path)
{
	uint64_t seen = 0;

	while (n > 0) {
		ssize_t size = ft_decode_size(data, n);
		struct ft_record r;

		assert_true(size > 0);
		assert_int_equal(ft_decode(data, n, &r), 0);
		assert_int_equal(r.pid, getpid());
		assert_int_equal(r.fd, FAN_NOFD);
		assert_true(is_key_of(r.place.dir, f->path));
		assert_true(is_key_of(r.object, path));
		assert_true(raw_is_name(r.place.name,
					r.mask & FAN_CREATE ? "first" : "second") ||
			    (r.mask & FT_EV_RENAME));
		if (r.mask & FT_EV_RENAME) {
			assert_true(raw_is_name(r.old_place.name, "first"));
			assert_true(raw_is_name(r.place.name, "second"));
			assert_true(is_key_of(r.old_place.dir, f->path));
		}
		seen |= r.mask;
		data += size;
		n -= (size_t)size;
	}
	assert_true((seen & FAN_CREATE) && (seen & FT_EV_RENAME) && (seen & FAN_ATTRIB));
}

static void test_real_records(void **state)
{
	_Alignas(8) char data[4096];
	char first[PATH_MAX], second[PATH_MAX];
	_cleanup_close_ int group = -1;
	struct folder f;
	ssize_t n;

	group = fanotify_init(FT_INIT_DFID_NAME_TARGET | FAN_CLOEXEC | FAN_NONBLOCK, 0);
	if (group < 0 || make_folder(&f, "/tmp") < 0)
		skip();
	assert_int_equal(
		fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_ONLYDIR,
			      FAN_CREATE | FT_EV_RENAME | FAN_ATTRIB | FAN_EVENT_ON_CHILD,
			      AT_FDCWD, f.path),
		0);
	make_file(f.path, "first", first);
	snprintf(second, sizeof(second), "%s/second", f.path);
	assert_int_equal(rename(first, second), 0);
	assert_int_equal(chmod(second, 0400), 0);
	n = read(group, data, sizeof(data));
	assert_true(n > 0);
	check_real(data, (size_t)n, &f, second);
	assert_int_equal(unlink(second), 0);
	assert_int_equal(rmdir(f.path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inode),
		cmocka_unit_test(test_real_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
