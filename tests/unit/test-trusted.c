/* SPDX-License-Identifier: MIT */
/* Who could change or replace a policy, on each part of the way to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/trusted.h"

enum { ANOTHER = 12345 };

/* /tmp/xxx/dir/file, and the folder is where we are. */
struct place {
	char folder[64];
	int before;
};

static void write_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
}

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	snprintf(p->folder, sizeof(p->folder), "/tmp/trusted-XXXXXX");
	p->before = open(".", O_PATH | O_CLOEXEC);
	umask(022);
	if (!mkdtemp(p->folder) || chdir(p->folder) < 0 || mkdir("dir", 0755) < 0)
		return -1;
	write_file("dir/file");
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;
	char command[128];
	int r = fchdir(p->before);

	close(p->before);
	snprintf(command, sizeof(command), "rm -rf %s", p->folder);
	r |= system(command);
	free(p);
	return r;
}

static int result(const char *path, const char *named)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes why = {0};
	_cleanup_close_ int fd = -1;
	char byte = 0;
	int r = ft_trusted_open(path, &fd, &why);

	if (r == 0) {
		assert_int_equal(read(fd, &byte, 1), 1);
		assert_int_equal(byte, 'x');
	} else {
		assert_int_equal(fd, -1);
		if (!strstr(ft_bytes_cstr(&why), named))
			fail_msg("'%s' does not name %s", why.data, named);
	}
	return r;
}

static void test_right(void **state)
{
	const struct place *p = *state;
	char absolute[128];

	snprintf(absolute, sizeof(absolute), "%s//dir/./file", p->folder);
	assert_int_equal(result(absolute, ""), 0);
	assert_int_equal(result("dir/file", ""), 0);
	assert_int_equal(result("./dir/../dir/file", ""), 0);
}

static void test_modes(void **state)
{
	assert_int_equal(chmod("dir/file", 0664), 0);
	assert_int_equal(result("dir/file", "dir/file:"), -EPERM);
	assert_int_equal(chmod("dir/file", 0646), 0);
	assert_int_equal(result("dir/file", "dir/file:"), -EPERM);
	assert_int_equal(chmod("dir/file", 0600), 0);
	assert_int_equal(result("dir/file", ""), 0);

	assert_int_equal(chmod("dir", 0777), 0);
	assert_int_equal(result("dir/file", "dir:"), -EPERM);
	assert_int_equal(chmod("dir", 0775), 0);
	assert_int_equal(result("dir/file", "dir:"), -EPERM);
	assert_int_equal(chmod("dir", 01777), 0);
	assert_int_equal(result("dir/file", ""), 0);
	assert_int_equal(chmod("dir", 0755), 0);

	/* A directory above. */
	assert_int_equal(chmod(".", 0777), 0);
	assert_int_equal(result("dir/file", "/tmp/trusted-"), -EPERM);
}

static void test_links(void **state)
{
	assert_int_equal(symlink("dir/file", "link"), 0);
	assert_int_equal(result("link", ""), 0);
	assert_int_equal(symlink("link", "chain"), 0);
	assert_int_equal(result("chain", ""), 0);
	assert_int_equal(symlink("loop", "loop"), 0);
	assert_int_equal(result("loop", "loop"), -ELOOP);
	assert_int_equal(symlink("nowhere", "dangling"), 0);
	assert_int_equal(result("dangling", "nowhere"), -ENOENT);

	/* Who can make the link anew says which file it is. */
	assert_int_equal(mkdir("open", 0755), 0);
	assert_int_equal(symlink("../dir/file", "open/link"), 0);
	assert_int_equal(result("open/link", ""), 0);
	assert_int_equal(chmod("open", 0777), 0);
	assert_int_equal(result("open/link", "open:"), -EPERM);
}

static void test_kinds(void **state)
{
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(result("fifo", "fifo:"), -EINVAL);
	assert_int_equal(result("dir", "dir:"), -EINVAL);
	assert_int_equal(result("dir/file/more", "dir/file:"), -ENOTDIR);
	assert_int_equal(result("dir/none", "dir/none:"), -ENOENT);
	assert_int_equal(result("/dev/null", "/dev/null:"), -EINVAL);
}

static void test_owners(void **state)
{
	if (geteuid() != 0)
		skip();
	assert_int_equal(chown("dir/file", ANOTHER, -1), 0);
	assert_int_equal(result("dir/file", "dir/file:"), -EPERM);
	assert_int_equal(chown("dir/file", 0, -1), 0);
	assert_int_equal(chown("dir", ANOTHER, -1), 0);
	assert_int_equal(result("dir/file", "dir:"), -EPERM);
	assert_int_equal(chown("dir", 0, -1), 0);

	assert_int_equal(symlink("dir/file", "link"), 0);
	assert_int_equal(lchown("link", ANOTHER, -1), 0);
	assert_int_equal(result("link", "link:"), -EPERM);

	/* Another user's own file is the user's own. */
	assert_int_equal(chmod(".", 0755), 0);
	assert_int_equal(chown("dir/file", ANOTHER, -1), 0);
	assert_int_equal(seteuid(ANOTHER), 0);
	assert_int_equal(result("dir/file", ""), 0);
	assert_int_equal(seteuid(0), 0);
}

/* Of a service, but of no person. */
static void test_sockets(void **state)
{
	static const struct {
		uid_t owner;
		int result;
	} cases[] = {{0, 0}, {33, 0}, {999, 0}, {1000, -EPERM}, {ANOTHER, -EPERM}};
	_cleanup_(ft_bytes_fini) struct ft_bytes why = {0};

	if (geteuid() != 0)
		skip();
	assert_int_equal(mknod("dir/socket", S_IFSOCK | 0666, 0), 0);
	assert_int_equal(ft_trusted_check_socket("dir/none", &why), -ENOENT);
	for (size_t i = 0; i < FT_ARRAY_SIZE(cases); i++) {
		assert_int_equal(chown("dir", cases[i].owner, -1), 0);
		assert_int_equal(ft_trusted_check_socket("dir/socket", &why),
				 cases[i].result);
		if (cases[i].result < 0)
			assert_non_null(strstr(ft_bytes_cstr(&why), "dir: "));
		/* A policy is believed of nobody but root. */
		assert_int_equal(result("dir/file", "dir:"),
				 cases[i].owner == 0 ? 0 : -EPERM);
	}
	assert_int_equal(chown("dir", 33, -1), 0);
	assert_int_equal(chmod("dir", 0775), 0);
	assert_int_equal(ft_trusted_check_socket("dir/socket", &why), -EPERM);
	assert_int_equal(chmod("dir", 01777), 0);
	assert_int_equal(ft_trusted_check_socket("dir/socket", &why), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_right), TEST(test_modes),  TEST(test_links),
		TEST(test_kinds), TEST(test_owners), TEST(test_sockets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
