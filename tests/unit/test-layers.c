/* SPDX-License-Identifier: MIT */
/* Layers of an overlay, as the mount table names them, and what their paths are in it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/sysmacros.h>

#include <cmocka.h>

#include "proc/layers.h"

static int parse(const char *text, struct ft_layers *ret)
{
	struct ft_mounts m;
	dev_t dev = 0;

	assert_int_equal(ft_mounts_parse(&m, ft_span_of(text)), 0);
	int r = ft_layers_of_root(&m, ret, &dev);
	ft_mounts_fini(&m);
	if (r == 0)
		assert_int_equal(dev, makedev(0, 41));
	return r;
}

static void expect_map(const struct ft_layers *l, const char *path, const char *wanted)
{
	struct ft_span got = ft_layers_map(l, ft_span_of(path));

	assert_int_equal(got.len, strlen(wanted));
	assert_true(ft_span_equal(got, ft_span_of(wanted)));
}

#define OVERLAY "20 1 0:41 / / rw - overlay overlay rw,"

static void test_upper_and_lower(void **state)
{
	struct ft_layers l;

	assert_int_equal(parse("19 1 0:4 / /proc rw - proc proc rw\n" OVERLAY
			       "lowerdir=/l/1:/l/2,upperdir=/u/diff,workdir=/u/work\n",
			       &l),
			 0);
	assert_int_equal(l.count, 3);
	expect_map(&l, "/u/diff/etc/x", "/etc/x");
	expect_map(&l, "/u/diff", "/");
	expect_map(&l, "/l/2/x", "/x");
	expect_map(&l, "/u/diffs/x", "");
	expect_map(&l, "/u/work/work/#1", "");
	expect_map(&l, "/etc/x", "");
	ft_layers_fini(&l);
}

static void test_names(void **state)
{
	struct ft_layers l;

	assert_int_equal(parse(OVERLAY "lowerdir=/a\\134:b\\054c::/d\\040e\n", &l), 0);
	assert_int_equal(l.count, 2);
	assert_false(l.has_upper);
	expect_map(&l, "/a:b,c/x", "/x");
	expect_map(&l, "/d e/x", "/x");
	ft_layers_fini(&l);
	assert_int_equal(parse(OVERLAY "lowerdir+=/a:b,datadir+=/c,upperdir=/u\n", &l),
			 0);
	expect_map(&l, "/a:b/x", "/x");
	expect_map(&l, "/c/x", "/x");
	expect_map(&l, "/u/x", "/x");
	ft_layers_fini(&l);
}

/* A directory of a lower layer may have another name in it. */
static void test_redirects(void **state)
{
	struct ft_layers l;

	assert_int_equal(parse(OVERLAY "lowerdir=/l,upperdir=/u,redirect_dir=on\n", &l),
			 0);
	expect_map(&l, "/u/x", "/x");
	expect_map(&l, "/l/x", "");
	ft_layers_fini(&l);
}

static void test_others(void **state)
{
	struct ft_layers l;

	assert_int_equal(parse("20 1 8:1 / / rw - ext4 /dev/sda1 rw\n", &l), -ENODATA);
	assert_int_equal(parse("20 1 0:41 /a / rw - overlay o rw,lowerdir=/l\n", &l),
			 -ENODATA);
	assert_int_equal(parse(OVERLAY "index=off\n", &l), -ENODATA);
	assert_int_equal(parse(OVERLAY "lowerdir=/l\n21 20 8:1 / / rw - ext4 x rw\n", &l),
			 -ENODATA);
}

/* What is not there, or was named from somewhere, is not known. */
static void test_resolve(void **state)
{
	struct ft_layers l;

	assert_int_equal(parse(OVERLAY "lowerdir=/:l/1,upperdir=/nonexistent\n", &l), 0);
	ft_layers_resolve(&l);
	assert_int_equal(l.count, 1);
	assert_false(l.has_upper);
	assert_string_equal(l.paths[0], "/");
	ft_layers_fini(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_upper_and_lower), cmocka_unit_test(test_names),
		cmocka_unit_test(test_redirects),	cmocka_unit_test(test_others),
		cmocka_unit_test(test_resolve),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
