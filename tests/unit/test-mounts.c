/* SPDX-License-Identifier: MIT */
/* The mount table: from text of other machines, and this machine's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kernel/mounts.h"
#include "kernel/server.h"

/* From Debian machines; a btrfs with subvolumes, a bind mount, an unmounted root,
 * propagation of every kind. */
static const char table[] =
	"22 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw,errors=remount-ro\n"
	"23 22 0:21 / /proc rw,nosuid shared:13 - proc proc rw\n"
	"36 22 0:32 /@home /home rw,noatime shared:18 - btrfs /dev/sdb1 "
	"rw,subvolid=257,subvol=/@home\n"
	"37 22 0:32 /@srv/data /srv rw,noatime shared:19 master:4 propagate_from:2 - "
	"btrfs /dev/sdb1 rw\n"
	"38 22 259:2 /var/lib/x /mnt/bind rw,relatime - ext4 /dev/nvme0n1p2 rw\n"
	"39 22 8:17 / /media/a\\040b\\011c\\012d\\134e rw unbindable - vfat "
	"//server/sh\\040are ro\n"
	"40 22 8:17 /old//deleted /mnt/gone ro - ext4 /dev/sdc1 ro\n"
	"41 22 0:44 net:[4026532281] /run/netns/x rw shared:2 - nsfs nsfs rw\n"
	"42 22 0:45 / /mnt/empty rw - tmpfs  rw\n"
	"43 22 0:46 / /mnt/hash\\043 rw - fuse.sshfs user@host: rw\n"
	"2147483647 22 0:47 / /big rw - tmpfs none rw\n";

static void check(const struct ft_mount *m, int id, const char *dev, const char *root,
		  const char *mountpoint, const char *type)
{
	assert_int_equal(m->id, id);
	assert_string_equal(m->dev, dev);
	assert_string_equal(m->root, root);
	assert_string_equal(m->mountpoint, mountpoint);
	assert_string_equal(m->type, type);
	assert_true(m->visible);
}

static void test_table(void **state)
{
	_cleanup_(ft_mounts_fini) struct ft_mounts m = {0};

	assert_int_equal(ft_mounts_parse(&m, FT_SPAN(table)), 0);
	assert_int_equal(m.count, 11);
	check(&m.list[0], 22, "259:2", "/", "/", "ext4");
	assert_int_equal(m.list[0].parent_id, 1);
	assert_string_equal(m.list[0].source, "/dev/nvme0n1p2");
	check(&m.list[1], 23, "0:21", "/", "/proc", "proc");
	check(&m.list[2], 36, "0:32", "/@home", "/home", "btrfs");
	check(&m.list[3], 37, "0:32", "/@srv/data", "/srv", "btrfs");
	check(&m.list[4], 38, "259:2", "/var/lib/x", "/mnt/bind", "ext4");
	check(&m.list[5], 39, "8:17", "/", "/media/a b\tc\nd\\e", "vfat");
	assert_string_equal(m.list[5].source, "//server/sh are");
	check(&m.list[6], 40, "8:17", "/old//deleted", "/mnt/gone", "ext4");
	check(&m.list[7], 41, "0:44", "net:[4026532281]", "/run/netns/x", "nsfs");
	check(&m.list[8], 42, "0:45", "/", "/mnt/empty", "tmpfs");
	assert_string_equal(m.list[8].source, "");
	check(&m.list[9], 43, "0:46", "/", "/mnt/hash#", "fuse.sshfs");
	assert_int_equal(m.list[10].id, INT32_MAX);
	for (size_t i = 0; i < m.count; i++)
		assert_ptr_equal(ft_mounts_find(&m, m.list[i].id), &m.list[i]);
	assert_null(ft_mounts_find(&m, 1));
}

/* What is no escape of the kernel's is as it stands. */
static void test_escapes(void **state)
{
	static const struct {
		const char *in;
		const char *out;
	} cases[] = {
		{"/a\\040", "/a "},
		{"/\\04", "/\\04"},
		{"/\\", "/\\"},
		{"/\\089", "/\\089"},
		{"/\\0401", "/ 1"},
		{"/\\134040", "/\\040"},
		{"/\\xff", "/\\xff"},
		{"/\\040\\040x", "/  x"},
		{"/\xc3\xa4\xff", "/\xc3\xa4\xff"},
		{"/\\303\\244", "/\xc3\xa4"},
	};

	for (size_t i = 0; i < FT_ARRAY_SIZE(cases); i++) {
		_cleanup_(ft_mounts_fini) struct ft_mounts m = {0};
		char line[128];

		snprintf(line, sizeof(line), "1 2 8:1 / %s rw - ext4 src rw",
			 cases[i].in);
		assert_int_equal(ft_mounts_parse(&m, ft_span_of(line)), 0);
		assert_int_equal(m.count, 1);
		assert_string_equal(m.list[0].mountpoint, cases[i].out);
	}
}

static void test_refused(void **state)
{
	static const char *const cases[] = {
		"\n",
		"x 2 8:1 / /a rw - ext4 src rw\n",
		"1 y 8:1 / /a rw - ext4 src rw\n",
		"-1 2 8:1 / /a rw - ext4 src rw\n",
		"2147483648 2 8:1 / /a rw - ext4 src rw\n",
		"99999999999999999999 2 8:1 / /a rw - ext4 src rw\n",
		"1 2 8:1 / /a rw shared:1 ext4 src rw\n",
		"1 2 8:1 / /a\n",
		"1\n",
		"1 2 8:1 / /a rw - ext4 src rw\n1 2\n",
		"1 2 8:1 / /a rw - ext4 src rw\n\n1 2 8:1 / /a rw - ext4 src rw\n",
	};

	for (size_t i = 0; i < FT_ARRAY_SIZE(cases); i++) {
		struct ft_mounts m = {0};

		assert_int_equal(ft_mounts_parse(&m, ft_span_of(cases[i])), -EBADMSG);
		assert_int_equal(m.count, 0);
		assert_null(m.list);
	}
}

static void test_empty(void **state)
{
	struct ft_mounts m = {0};

	assert_int_equal(ft_mounts_parse(&m, FT_SPAN("")), 0);
	assert_int_equal(m.count, 0);
	ft_mounts_fini(&m);
}

/* A mountpoint of a page and more, and more mounts than any block of the list. */
static void test_large(void **state)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes text = {0};
	_cleanup_(ft_mounts_fini) struct ft_mounts m = {0};

	for (int i = 1; i <= 1000; i++) {
		ft_bytes_printf(&text, "%d %d 8:%d / /", i, i - 1, i);
		for (int k = 0; k < (i == 500 ? 100000 : 10); k++)
			ft_bytes_put_lit(&text, "\\040");
		ft_bytes_printf(&text, "%d rw - ext4 src rw\n", i);
	}
	assert_int_equal(text.failed, 0);
	assert_int_equal(ft_mounts_parse(&m, ft_bytes_span(&text)), 0);
	assert_int_equal(m.count, 1000);
	for (int i = 1; i <= 1000; i++) {
		char end[8];
		size_t n = (size_t)snprintf(end, sizeof(end), "%d", i),
		       spaces = i == 500 ? 100000 : 10;

		assert_int_equal(m.list[i - 1].id, i);
		assert_int_equal(strlen(m.list[i - 1].mountpoint), 1 + spaces + n);
		assert_string_equal(m.list[i - 1].mountpoint + 1 + spaces, end);
	}
}

/* Every cut of a good table is refused, or a table of fewer or other mounts: never a
 * crash. */
static void test_cut(void **state)
{
	for (size_t n = 0; n < sizeof(table) - 1; n++) {
		struct ft_mounts m = {0};
		char *copy = malloc(n ? n : 1);
		int r;

		assert_non_null(copy);
		memcpy(copy, table, n);
		r = ft_mounts_parse(&m, (struct ft_span){copy, n});
		assert_true(r == 0 || r == -EBADMSG);
		assert_true(m.count <= 11);
		free(copy);
		ft_mounts_fini(&m);
	}
}

static void test_pseudo(void **state)
{
	static const char *const pseudo[] = {"proc",   "sysfs", "cgroup2",
					     "devpts", "nsfs",	"bpf"};
	static const char *const real[] = {"ext4",  "xfs",     "btrfs",
					   "tmpfs", "overlay", "fuse.sshfs",
					   "nfs4",  "vfat",    ""};

	for (size_t i = 0; i < FT_ARRAY_SIZE(pseudo); i++)
		assert_true(ft_mounts_is_pseudo(pseudo[i]));
	for (size_t i = 0; i < FT_ARRAY_SIZE(real); i++)
		assert_false(ft_mounts_is_pseudo(real[i]));
}

/* ---- this machine ---- */

/* libc's reader of the other file that the kernel writes of the same mounts, in the same
 * order. */
static void test_against_mntent(void **state)
{
	_cleanup_(ft_mounts_fini) struct ft_mounts m = {0};
	FILE *f = setmntent("/proc/self/mounts", "re");
	struct mntent *e;
	size_t i = 0;

	assert_non_null(f);
	assert_int_equal(ft_mounts_read(&m), 0);
	assert_true(m.count > 0);
	while ((e = getmntent(f))) {
		assert_true(i < m.count);
		assert_string_equal(m.list[i].mountpoint, e->mnt_dir);
		assert_string_equal(m.list[i].type, e->mnt_type);
		assert_string_equal(m.list[i].source, e->mnt_fsname);
		i++;
	}
	assert_int_equal(i, m.count);
	endmntent(f);
}

/* A visible mount is what its mountpoint leads to: stat(2) finds its device there (btrfs
 * shows one of its own). */
static void test_against_stat(void **state)
{
	_cleanup_(ft_mounts_fini) struct ft_mounts m = {0};
	size_t checked = 0;

	assert_int_equal(ft_mounts_read(&m), 0);
	for (size_t i = 0; i < m.count; i++) {
		const struct ft_mount *mount = &m.list[i];
		char dev[32];
		struct stat st;

		if (ft_mounts_is_pseudo(mount->type) || !mount->visible ||
		    strcmp(mount->type, "btrfs") == 0)
			continue;
		assert_int_equal(lstat(mount->mountpoint, &st), 0);
		snprintf(dev, sizeof(dev), "%u:%u", major(st.st_dev), minor(st.st_dev));
		assert_string_equal(mount->dev, dev);
		checked++;
	}
	assert_true(checked > 0);
}

/* The mount of a descriptor, as its fdinfo has it. */
static void test_id_of(void **state)
{
	_cleanup_(ft_mounts_fini) struct ft_mounts m = {0};
	int fd = open("/", O_PATH | O_CLOEXEC), id = -1;
	char path[64], line[64];
	FILE *f;

	assert_true(fd >= 0);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "mnt_id: %d", &id) == 1)
			break;
	fclose(f);
	assert_int_equal(ft_mounts_id_of(fd), id);
	assert_int_equal(ft_mounts_read(&m), 0);
	/* In a chroot the root may be of no mount in the table. */
	if (ft_mounts_find(&m, id))
		assert_string_equal(ft_mounts_find(&m, id)->mountpoint, "/");
	close(fd);
	assert_int_equal(ft_mounts_id_of(fd), -EBADF);
}

/* What has a server, and what lies behind it; the last two are each other's parents. */
static void test_server(void **state)
{
	static const char text[] = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
				   "2 1 0:30 / /a rw - fuse.sshfs host: rw\n"
				   "3 2 0:31 / /a/b rw - tmpfs none rw\n"
				   "4 3 0:32 / /a/b/c rw - tmpfs none rw\n"
				   "5 1 0:33 / /ab rw - tmpfs none rw\n"
				   "6 1 0:34 / /n rw - nfs4 host:/ rw\n"
				   "7 8 0:35 / /x rw - tmpfs none rw\n"
				   "8 7 0:36 / /x/y rw - tmpfs none rw\n";
	static const bool asked[] = {false, true, true, true, false, true, false, false};
	_cleanup_(ft_mounts_fini) struct ft_mounts m = {0};

	assert_int_equal(ft_mounts_parse(&m, FT_SPAN(text)), 0);
	assert_int_equal(m.count, FT_ARRAY_SIZE(asked));
	for (size_t i = 0; i < m.count; i++)
		assert_int_equal(ft_server_is_asked(&m, &m.list[i]), asked[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_pseudo),
		cmocka_unit_test(test_against_mntent),
		cmocka_unit_test(test_against_stat),
		cmocka_unit_test(test_id_of),
		cmocka_unit_test(test_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
