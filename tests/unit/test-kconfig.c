/* SPDX-License-Identifier: MIT */
/* The text of a kernel's configuration. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "inspect/kconfig.h"

static void assert_value(const char *text, const char *option, const char *value)
{
	struct ft_span got = ft_kconfig_get(ft_span_of(text), option);

	assert_true(ft_span_equal(got, ft_span_of(value)));
}

static void test_get(void **state)
{
	static const char text[] = "# Automatically generated\n"
				   "CONFIG_FANOTIFY_ACCESS_PERMISSIONS=y\n"
				   "# CONFIG_FANOTIFY is not set\n"
				   "CONFIG_HZ=250\n"
				   "CONFIG_CC=\"gcc = 12\"\n"
				   "CONFIG_LAST=m";

	assert_value(text, "CONFIG_FANOTIFY", "");
	assert_value(text, "CONFIG_FANOTIFY_ACCESS_PERMISSIONS", "y");
	assert_value(text, "CONFIG_HZ", "250");
	assert_value(text, "CONFIG_CC", "\"gcc = 12\"");
	assert_value(text, "CONFIG_LAST", "m");
	assert_value(text, "CONFIG_LAS", "");
	assert_value("", "CONFIG_HZ", "");
	assert_value("CONFIG_HZ", "CONFIG_HZ", "");
	assert_value("\n\nCONFIG_HZ=\n", "CONFIG_HZ", "");
}

/* gzip(1) makes it. */
static void test_gunzip(void **state)
{
	char path[] = "/tmp/fantail-test-XXXXXX", command[128];
	struct ft_bytes out = {0};
	int fd = mkstemp(path), r;

	assert_true(fd >= 0);
	snprintf(command, sizeof(command), "seq 20000 | gzip > %s", path);
	assert_int_equal(system(command), 0);
	r = ft_kconfig_gunzip(path, FT_KCONFIG_MAX, &out);
	if (r != -ENOSYS) {
		assert_int_equal(r, 0);
		assert_int_equal(out.len, 108894);
		assert_memory_equal(out.data, "1\n2\n3\n", 6);
		assert_memory_equal(out.data + out.len - 6, "20000\n", 6);
		ft_bytes_clear(&out);
		assert_int_equal(ft_kconfig_gunzip(path, 1000, &out), -EFBIG);
		/* Cut off. */
		assert_int_equal(ftruncate(fd, 5000), 0);
		ft_bytes_clear(&out);
		assert_true(ft_kconfig_gunzip(path, FT_KCONFIG_MAX, &out) < 0);
	}
	assert_int_equal(ft_kconfig_gunzip("/no/such", FT_KCONFIG_MAX, &out), -ENOENT);
	close(fd);
	unlink(path);
	ft_bytes_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_gunzip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
