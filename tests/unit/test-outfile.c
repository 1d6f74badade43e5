/* SPDX-License-Identifier: MIT */
/* Output to a file: created, appended to, opened anew after a rotation; errors in words.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "output/output.h"

enum { READ_MAX = 1 << 20 };

static const struct ft_event event = {
	.time_ns = 1795176000123456789,
	.mask = FT_EV_OPEN,
	.path_source = FT_PATH_EVENT,
	.path = {"/srv/a-name-that-makes-the-line-a-little-longer.txt", 51},
};

static const struct ft_output_config json = {
	.format = FT_FORMAT_JSON, .columns = "seq,path", .fd = -1};

static struct ft_output *open_output(const struct ft_output_config *c)
{
	struct ft_output *o = NULL;

	assert_int_equal(ft_output_open(&o, c, NULL), 0);
	return o;
}

struct folder {
	char path[64];
	char file[80];
	char old[80];
};

static void make_folder(struct folder *f)
{
	snprintf(f->path, sizeof(f->path), "/tmp/fantail-test-XXXXXX");
	assert_non_null(mkdtemp(f->path));
	snprintf(f->file, sizeof(f->file), "%s/out", f->path);
	snprintf(f->old, sizeof(f->old), "%s/old", f->path);
}

static void remove_folder(const struct folder *f)
{
	unlink(f->file);
	unlink(f->old);
	assert_int_equal(rmdir(f->path), 0);
}

static void expect_file(const char *path, const char *content)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes text = {0};

	assert_int_equal(ft_file_read(AT_FDCWD, path, READ_MAX, &text), 0);
	assert_string_equal(ft_bytes_cstr(&text), content);
}

#define PATH "/srv/a-name-that-makes-the-line-a-little-longer.txt"

static void test_reopen(void **state)
{
	struct ft_output_config c = {.format = FT_FORMAT_CSV, .columns = "seq,path"};
	struct folder f;
	struct ft_output *o;
	struct stat st;
	int error = -1;

	make_folder(&f);
	c.file = f.file;
	umask(0);
	o = open_output(&c);
	assert_int_equal(stat(f.file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(ft_output_put(o, &event), 0);
	/* Nothing was moved: nothing changes. */
	assert_int_equal(ft_output_reopen(o), 0);
	assert_int_equal(ft_output_put(o, &event), 0);
	assert_int_equal(rename(f.file, f.old), 0);
	assert_int_equal(ft_output_reopen(o), 0);
	assert_int_equal(ft_output_put(o, &event), 0);
	ft_output_close(o, &error);
	assert_int_equal(error, 0);
	expect_file(f.old, "seq,path\n1," PATH "\n2," PATH "\n");
	expect_file(f.file, "seq,path\n3," PATH "\n");
	/* Appended: its header is there. */
	o = open_output(&c);
	assert_int_equal(ft_output_put(o, &event), 0);
	ft_output_close(o, &error);
	assert_int_equal(error, 0);
	expect_file(f.file, "seq,path\n3," PATH "\n1," PATH "\n");
	remove_folder(&f);
}

static void test_reopen_fails(void **state)
{
	struct ft_output_config c = json;
	struct folder f;
	struct ft_output *o;
	char moved[80];
	int error = -1;

	make_folder(&f);
	c.file = f.file;
	o = open_output(&c);
	snprintf(moved, sizeof(moved), "%.60s-moved", f.path);
	assert_int_equal(rename(f.path, moved), 0);
	assert_int_equal(ft_output_reopen(o), -ENOENT);
	assert_int_equal(ft_output_put(o, &event), 0);
	ft_output_close(o, &error);
	assert_int_equal(error, 0);
	assert_int_equal(rename(moved, f.path), 0);
	expect_file(f.file, "{\"seq\":1,\"events\":[\"open\"],\"path\":\"" PATH "\"}\n");
	remove_folder(&f);
}

static void expect_error(const struct ft_output_config *c, int r, const char *said)
{
	_cleanup_free_ char *error = NULL;
	struct ft_output *o = NULL;

	assert_int_equal(ft_output_open(&o, c, &error), r);
	assert_null(o);
	assert_string_equal(error, said);
}

static void test_open_errors(void **state)
{
	struct ft_output_config c = json;

	c.file = "/nonexistent/\nout";
	expect_error(&c, -ENOENT,
		     "cannot open '/nonexistent/\\nout' for output: No such file or "
		     "directory");
	c.file = "/";
	expect_error(&c, -EISDIR, "cannot open '/' for output: Is a directory");
	c.columns = "time,nme";
	expect_error(&c, -EINVAL,
		     "unknown column 'nme', columns are: time, after, seq, events, path, "
		     "old_path, "
		     "path_source, dir, inode, dev, fs, pid, process, certainty, comm, "
		     "exe, args, uid, "
		     "user, gid, group, ppid, start, cgroup, container, parents, "
		     "candidates, error, "
		     "error_count, mount_id, count, where, from, to, reason, call, ret, "
		     "alert");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reopen),
		cmocka_unit_test(test_reopen_fails),
		cmocka_unit_test(test_open_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
