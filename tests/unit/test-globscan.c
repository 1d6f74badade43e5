/* SPDX-License-Identifier: MIT */
/* What a glob names on disk, against every path that there is and the glob itself. */
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "match/match.h"
#include "session/globscan.h"

enum { PATHS_MAX = 256 };

struct paths {
	char *list[PATHS_MAX];
	size_t count;
};

static char base[] = "/tmp/fantail-globscan-XXXXXX";
static struct paths all;

static void add(struct paths *p, struct ft_span path)
{
	assert_true(p->count < PATHS_MAX);
	p->list[p->count++] = ft_span_dup(path);
}

static void clear(struct paths *p)
{
	while (p->count > 0)
		free(p->list[--p->count]);
}

static bool has(const struct paths *p, const char *path)
{
	for (size_t i = 0; i < p->count; i++)
		if (strcmp(p->list[i], path) == 0)
			return true;
	return false;
}

static int see(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	if (type != FTW_D)
		add(&all, ft_span_of(path));
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static void make(const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", base, name);
	for (char *p = path + strlen(base) + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = '\0';
		mkdir(path, 0700);
	}
	close(open(path, O_CREAT | O_WRONLY, 0600));
}

static int setup(void **state)
{
	static const char *const names[] = {"a",	"b.txt",       "d/a",
					    "d/b.txt",	"d/e/a",       "d/e/b.txt",
					    "d/e/f/a",	"g/.ssh/id_x", "h/.ssh/id_y",
					    "h/.ssh/k", "we*ird/a",    "we[ird/a"};
	char link[512], to[512];

	if (!mkdtemp(base))
		return -1;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		make(names[i]);
	/* A link to a directory is a file here, and is not followed. */
	snprintf(link, sizeof(link), "%s/link", base);
	snprintf(to, sizeof(to), "%s/d", base);
	if (symlink(to, link) < 0)
		return -1;
	return nftw(base, see, 16, FTW_PHYS);
}

static int teardown(void **state)
{
	clear(&all);
	return nftw(base, remove_one, 16, FTW_PHYS | FTW_DEPTH);
}

static void take(void *data, struct ft_span path)
{
	add(data, path);
}

static void check(const char *pattern)
{
	struct paths found = {0};
	struct ft_glob *glob;
	char whole[512];

	snprintf(whole, sizeof(whole), "%s%s", base, pattern);
	assert_int_equal(ft_glob_new(&glob, whole, NULL), 0);
	ft_globscan(whole, take, &found);
	for (size_t i = 0; i < all.count; i++)
		if (ft_glob_match(glob, ft_span_of(all.list[i]), NULL, 0) &&
		    !has(&found, all.list[i]))
			fail_msg("%s: %s was not found", whole, all.list[i]);
	for (size_t i = 0; i < found.count; i++)
		if (!has(&all, found.list[i]))
			fail_msg("%s: %s is not there", whole, found.list[i]);
	/* Where no `**` is, nothing but what it names is listed. */
	for (size_t i = 0; i < found.count && !strstr(pattern, "**"); i++)
		if (!ft_glob_match(glob, ft_span_of(found.list[i]), NULL, 0))
			fail_msg("%s: %s is not meant", whole, found.list[i]);
	clear(&found);
	ft_glob_free(glob);
}

static void finds_what_the_glob_names(void **state)
{
	static const char *const patterns[] = {
		"/*",	     "/**",	  "/*.txt",	  "/d/*",	 "/d/**",
		"/**/a",     "/**/*.txt", "/*/.ssh/id_*", "/?/.ssh/*",	 "/d/e/**/a",
		"/d/**/f/*", "/[dg]/**",  "/we\\*ird/*",  "/we\\[ird/a", "/none/*",
		"/d/*/*",    "/**/e/**"};

	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
		check(patterns[i]);
}

static void everything_below(void **state)
{
	struct paths found = {0};
	char dir[512];

	snprintf(dir, sizeof(dir), "%s/d", base);
	ft_globscan_below(ft_span_of(dir), take, &found);
	assert_int_equal(found.count, 5);
	clear(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_the_glob_names),
		cmocka_unit_test(everything_below),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
