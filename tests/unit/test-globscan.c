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

#include "base/cleanup.h"
#include "base/file.h"
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

static int open_dir(void *data, struct ft_span path)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes text = {0};
	_cleanup_close_ int root = ft_file_open_path(AT_FDCWD, base), fd = -1;
	size_t n = strlen(base);

	if (path.len > n)
		ft_bytes_put(&text, path.data + n + 1, path.len - n - 1);
	fd = ft_file_open_within(root, ft_bytes_cstr(&text));
	return fd < 0 ? fd : ft_file_open_dir(fd, ".");
}

static void take(void *data, int dirfd, const char *name, struct ft_span path)
{
	add(data, path);
}

static void check(const char *pattern)
{
	struct paths found = {0};
	const struct ft_globscan scan = {open_dir, take, &found};
	struct ft_glob *glob;
	char whole[512];

	snprintf(whole, sizeof(whole), "%s%s", base, pattern);
	assert_int_equal(ft_glob_new(&glob, whole, NULL), 0);
	assert_int_equal(ft_globscan(&scan, whole), 0);
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
	const struct ft_globscan scan = {open_dir, take, &found};
	char dir[512];

	snprintf(dir, sizeof(dir), "%s/d", base);
	assert_int_equal(ft_globscan_below(&scan, ft_span_of(dir)), 0);
	assert_int_equal(found.count, 5);
	clear(&found);
}

/* A chain of directories below `top`, and in the last one a file, of which the inode is
 * returned. */
static ino_t make_chain(const char *top, const char *name, unsigned int levels)
{
	int dir = open(base, O_PATH | O_CLOEXEC), next;
	struct stat st;

	for (unsigned int i = 0; i < levels; i++) {
		const char *part = i == 0 ? top : name;

		assert_int_equal(mkdirat(dir, part, 0700), 0);
		next = openat(dir, part, O_PATH | O_CLOEXEC);
		assert_true(next >= 0);
		close(dir);
		dir = next;
	}
	next = openat(dir, "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_int_equal(fstat(next, &st), 0);
	close(next);
	close(dir);
	return st.st_ino;
}

struct deep {
	ino_t wanted;
	size_t path_len;
	unsigned int found;
};

static void take_deep(void *data, int dirfd, const char *name, struct ft_span path)
{
	struct deep *d = data;
	struct stat st;

	assert_int_equal(fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	d->found += st.st_ino == d->wanted;
	d->path_len = path.len;
}

static struct deep scan_chain(const char *top, const char *name, unsigned int levels,
			      int wanted)
{
	struct deep d = {.wanted = make_chain(top, name, levels)};
	const struct ft_globscan scan = {open_dir, take_deep, &d};
	char command[600], dir[512];

	snprintf(dir, sizeof(dir), "%s/%s", base, top);
	assert_int_equal(ft_globscan_below(&scan, ft_span_of(dir)), wanted);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	assert_int_equal(system(command), 0);
	return d;
}

/* A path that no call takes is found all the same; past the bound it is said. */
static void deep_directories(void **state)
{
	char name[201];
	struct deep d;

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	d = scan_chain("long", name, 30, 0);
	assert_int_equal(d.found, 1);
	assert_true(d.path_len > 4096);
	assert_int_equal(scan_chain("deep", "n", FT_GLOBSCAN_DEPTH + 1, 0).found, 1);
	assert_int_equal(scan_chain("deeper", "n", FT_GLOBSCAN_DEPTH + 2, 1).found, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_the_glob_names),
		cmocka_unit_test(everything_below),
		cmocka_unit_test(deep_directories),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
