/* SPDX-License-Identifier: MIT */
/* The tree of directories against path strings; its bounds, and its cost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "kernel/decode.h"
#include "path/dirtree.h"

enum {
	DIRS = 60,
	STEPS = 4000,
	MANY = 100000,
	MANY_BYTES_MAX = 16 << 20,
	DEEP = 5000,
	PATH_SIZE = 1024,
};

/* ext4's key: fsid, length, type, inode, generation. */
static struct ft_span key_of(char *out, uint32_t inode)
{
	uint32_t words[6] = {0x1234, 0x5678, 8, 1, inode, 99};

	memcpy(out, words, sizeof(words));
	return (struct ft_span){out, sizeof(words)};
}

static struct ft_node *get(struct ft_dirtree *t, uint32_t inode)
{
	char key[24];
	struct ft_node *n = ft_dirtree_get(t, key_of(key, inode));

	assert_non_null(n);
	return n;
}

static struct ft_node *find(struct ft_dirtree *t, uint32_t inode)
{
	char key[24];

	return ft_dirtree_find(t, key_of(key, inode));
}

static void place(struct ft_dirtree *t, uint32_t inode, uint32_t parent, const char *name)
{
	assert_int_equal(
		ft_dirtree_place(t, get(t, inode), get(t, parent), ft_span_of(name)), 0);
}

static void anchor(struct ft_dirtree *t, uint32_t inode, const char *name)
{
	assert_int_equal(ft_dirtree_anchor(t, get(t, inode), ft_span_of(name)), 0);
}

static bool has_path(struct ft_dirtree *t, uint32_t inode, const char *path)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes out = {0};
	const struct ft_node *root;

	return ft_node_path(get(t, inode), &out, &root) == 0 &&
	       ft_span_equal(ft_bytes_span(&out), ft_span_of(path));
}

/* ---- the naive model: every directory is a path string; a rename rewrites all that
 * begin with it ---- */

struct model {
	char path[DIRS][PATH_SIZE];
	bool there[DIRS]; /* 0 is the root, always */
	uint64_t random;
	unsigned int names;
};

static unsigned int draw(struct model *m, unsigned int n)
{
	m->random = ft_hash_u64(m->random, 1);
	return (unsigned int)(m->random >> 20) % n;
}

static bool is_below(const char *path, const char *above)
{
	size_t n = strlen(above);

	return strncmp(path, above, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

static unsigned int draw_there(struct model *m)
{
	for (;;) {
		unsigned int i = draw(m, DIRS);

		if (m->there[i])
			return i;
	}
}

/* Short ones lie in the node, long ones beside it. */
static void new_name(struct model *m, char *out)
{
	size_t n = draw(m, 3) == 0 ? 18 + draw(m, 6) : 4;

	snprintf(out, 64, "%04u", m->names++ % 10000);
	memset(out + 4, 'x', n);
	out[n] = '\0';
}

static bool make_path(char *out, const char *parent, const char *name)
{
	return snprintf(out, PATH_SIZE, "%s/%s", parent, name) < PATH_SIZE / 2;
}

static void do_make(struct model *m, struct ft_dirtree *t)
{
	unsigned int i = draw(m, DIRS), parent = draw_there(m);
	char name[64], path[PATH_SIZE];

	new_name(m, name);
	if (m->there[i] || !make_path(path, m->path[parent], name))
		return;
	place(t, i, parent, name);
	/* A new life of a handle that was buried. */
	if (get(t, i)->gone) {
		get(t, i)->gone = false;
		t->gone--;
	}
	strcpy(m->path[i], path);
	m->there[i] = true;
}

static void do_rename(struct model *m, struct ft_dirtree *t)
{
	unsigned int i = draw_there(m), parent = draw_there(m);
	char name[64], old[PATH_SIZE], path[PATH_SIZE], rest[PATH_SIZE];
	size_t n;

	new_name(m, name);
	if (i == 0)
		return;
	if (is_below(m->path[parent], m->path[i])) {
		assert_int_equal(
			ft_dirtree_place(t, get(t, i), get(t, parent), ft_span_of(name)),
			-ELOOP);
		return;
	}
	if (!make_path(path, m->path[parent], name))
		return;
	for (unsigned int k = 0; k < DIRS; k++)
		if (m->there[k] && is_below(m->path[k], m->path[i]) &&
		    strlen(m->path[k]) > PATH_SIZE / 2)
			return;
	place(t, i, parent, name);
	strcpy(old, m->path[i]);
	n = strlen(old);
	for (unsigned int k = 0; k < DIRS; k++) {
		if (!m->there[k] || !is_below(m->path[k], old))
			continue;
		strcpy(rest, m->path[k] + n);
		snprintf(m->path[k], PATH_SIZE, "%.512s%.500s", path, rest);
	}
}

/* Only an empty one can be removed; as a tombstone it keeps its path. */
static void do_remove(struct model *m, struct ft_dirtree *t)
{
	unsigned int i = draw_there(m);

	for (unsigned int k = 0; k < DIRS; k++)
		if (i == 0 || (k != i && m->there[k] && is_below(m->path[k], m->path[i])))
			return;
	ft_dirtree_bury(t, get(t, i));
	assert_true(has_path(t, i, m->path[i]));
	m->there[i] = false;
}

static void check_all(struct model *m, struct ft_dirtree *t)
{
	for (unsigned int i = 0; i < DIRS; i++)
		if (m->there[i] && !has_path(t, i, m->path[i]))
			fail_msg("directory %u is not at %s", i, m->path[i]);
}

static void run(uint64_t seed)
{
	_cleanup_(ft_dirtree_fini) struct ft_dirtree t = {0};
	_cleanup_free_ struct model *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	m->random = seed;
	m->there[0] = true;
	anchor(&t, 0, "");
	for (int i = 0; i < STEPS; i++) {
		switch (draw(m, 8)) {
		case 0:
		case 1:
		case 2:
			do_make(m, &t);
			break;
		case 3:
		case 4:
			do_rename(m, &t);
			break;
		case 5:
		case 6:
			do_remove(m, &t);
			break;
		default:
			ft_dirtree_sweep(&t);
			break;
		}
		if (i % 16 == 0)
			check_all(m, &t);
	}
	check_all(m, &t);
	assert_true(t.table.count <= DIRS);
}

static void test_random(void **state)
{
	for (uint64_t seed = 1; seed <= 20; seed++)
		run(seed);
}

/* ---- what is cached of a directory by its stamp and the epoch is noticed to be old ----
 */

static void test_stamps(void **state)
{
	_cleanup_(ft_dirtree_fini) struct ft_dirtree t = {0};
	uint32_t stamp, epoch;

	anchor(&t, 0, "");
	place(&t, 1, 0, "a");
	place(&t, 2, 1, "b");
	epoch = t.epoch;
	stamp = get(&t, 2)->stamp;
	place(&t, 2, 0, "c");
	assert_int_not_equal(get(&t, 2)->stamp, stamp);
	/* Childless: nothing else is old. */
	assert_int_equal(t.epoch, epoch);
	place(&t, 2, 1, "b");
	assert_int_equal(t.epoch, epoch);
	place(&t, 1, 0, "z");
	assert_int_not_equal(t.epoch, epoch);
	assert_true(has_path(&t, 2, "/z/b"));
}

static void test_unplaced(void **state)
{
	_cleanup_(ft_dirtree_fini) struct ft_dirtree t = {0};
	_cleanup_(ft_bytes_fini) struct ft_bytes out = {0};
	const struct ft_node *root;

	anchor(&t, 0, "/subdir");
	place(&t, 1, 0, "a");
	place(&t, 3, 2, "c");
	assert_true(has_path(&t, 0, "/subdir"));
	assert_true(has_path(&t, 1, "/subdir/a"));
	assert_int_equal(ft_node_path(get(&t, 3), &out, &root), -ENOENT);
	assert_ptr_equal(root, get(&t, 2));
	place(&t, 2, 1, "b");
	assert_true(has_path(&t, 3, "/subdir/a/b/c"));
	ft_dirtree_unplace(&t, get(&t, 1), FT_NODE_LOST);
	assert_int_equal(ft_node_path(get(&t, 3), &out, &root), -ENOENT);
	assert_ptr_equal(root, get(&t, 1));
	assert_int_equal(root->state, FT_NODE_LOST);
	place(&t, 1, 0, "x");
	assert_true(has_path(&t, 3, "/subdir/x/b/c"));
	ft_dirtree_forget_places(&t);
	assert_int_equal(get(&t, 3)->state, FT_NODE_UNPLACED);
	assert_int_equal(get(&t, 1)->children, 0);
	assert_true(has_path(&t, 0, "/subdir"));
}

/* A root stays one, whatever a record says. */
static void test_anchor(void **state)
{
	_cleanup_(ft_dirtree_fini) struct ft_dirtree t = {0};

	anchor(&t, 0, "");
	anchor(&t, 1, "");
	place(&t, 1, 0, "elsewhere");
	ft_dirtree_unplace(&t, get(&t, 1), FT_NODE_LOST);
	ft_dirtree_bury(&t, get(&t, 1));
	assert_int_equal(t.gone, 0);
	assert_true(has_path(&t, 1, ""));
	assert_int_equal(get(&t, 0)->children, 0);
	assert_int_equal(ft_dirtree_place(&t, get(&t, 0), get(&t, 0), FT_SPAN("self")),
			 -ELOOP);
}

static void test_long_names(void **state)
{
	_cleanup_(ft_dirtree_fini) struct ft_dirtree t = {0};
	char name[300], path[310];

	anchor(&t, 0, "");
	memset(name, 'n', sizeof(name));
	for (size_t n = 255; n > 0; n--) {
		name[n] = '\0';
		place(&t, 1, 0, name);
		snprintf(path, sizeof(path), "/%s", name);
		assert_true(has_path(&t, 1, path));
		place(&t, 1, 0, n % 2 ? "short" : "not that short any more");
	}
	memset(name, 'n', sizeof(name));
	assert_int_equal(
		ft_dirtree_place(&t, get(&t, 1), get(&t, 0), (struct ft_span){name, 256}),
		-ENAMETOOLONG);
	assert_int_equal(get(&t, 1)->state, FT_NODE_UNPLACED);
	assert_int_equal(get(&t, 0)->children, 0);
}

static void test_flags_of_ancestors(void **state)
{
	_cleanup_(ft_dirtree_fini) struct ft_dirtree t = {0};

	anchor(&t, 0, "");
	place(&t, 1, 0, "a");
	place(&t, 2, 1, "b");
	assert_false(ft_node_is_moving(get(&t, 2)));
	assert_false(ft_node_is_doubtful(get(&t, 2)));
	get(&t, 1)->renames_ahead = 1;
	assert_true(ft_node_is_moving(get(&t, 2)));
	assert_false(ft_node_is_moving(get(&t, 0)));
	get(&t, 1)->doubtful = true;
	assert_true(ft_node_is_doubtful(get(&t, 2)));
}

/* Past the bound, what was not used since the last sweep goes, leaves first; what is in
 * use stays right. */
static void test_bound(void **state)
{
	_cleanup_(ft_dirtree_fini) struct ft_dirtree t = {.max = 1000};
	char name[16];

	anchor(&t, 0, "");
	for (uint32_t i = 1; i <= 5000; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		place(&t, i, i <= 10 ? i - 1 : 10, name);
		if (i % 500 == 0)
			ft_dirtree_sweep(&t);
		assert_true(t.table.count <= 1000 + 500 + 1);
	}
	ft_dirtree_sweep(&t);
	assert_true(t.table.count <= 1000);
	/* Those that others stand on. */
	assert_true(has_path(&t, 10, "/n1/n2/n3/n4/n5/n6/n7/n8/n9/n10"));
}

/* Tombstones are kept for the backlog and no longer. */
static void test_tombstones(void **state)
{
	_cleanup_(ft_dirtree_fini) struct ft_dirtree t = {0};
	char name[16];

	anchor(&t, 0, "");
	for (uint32_t i = 1; i <= 1000; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		place(&t, i, i > 500 ? i - 500 : 0, name);
		ft_dirtree_bury(&t, get(&t, i));
		ft_dirtree_bury(&t, get(&t, i));
	}
	assert_int_equal(t.gone, 1000);
	assert_true(has_path(&t, 700, "/n200/n700"));
	for (int round = 0; round < 6; round++)
		ft_dirtree_sweep(&t);
	assert_true(t.gone <= 64 + t.table.count / 8);
	assert_int_equal(t.table.count, t.gone + 1);
	for (uint32_t i = 1; i <= 1000; i++)
		if (find(&t, i))
			assert_true(find(&t, i)->gone);
	assert_true(has_path(&t, 0, ""));
}

static void test_deep(void **state)
{
	_cleanup_(ft_dirtree_fini) struct ft_dirtree t = {0};
	_cleanup_(ft_bytes_fini) struct ft_bytes out = {0};
	const struct ft_node *root;
	char name[256];

	memset(name, 'd', 255);
	name[255] = '\0';
	anchor(&t, 0, "");
	for (uint32_t i = 1; i <= DEEP; i++)
		place(&t, i, i - 1, name);
	assert_int_equal(ft_node_path(get(&t, DEEP), &out, &root), 0);
	assert_int_equal(out.len, (size_t)DEEP * 256);
	for (size_t i = 0; i < out.len; i++)
		assert_int_equal(out.data[i], i % 256 ? 'd' : '/');
	/* The whole of it below one of its own: refused, and nothing is changed. */
	assert_int_equal(ft_dirtree_place(&t, get(&t, 1), get(&t, DEEP), FT_SPAN("loop")),
			 -ELOOP);
	assert_int_equal(ft_node_path(get(&t, DEEP), &out, &root), 0);
	assert_int_equal(out.len, (size_t)DEEP * 256);
}

/* To reach: 100,000 directories in 16 MiB, names of the length that they have on a Linux
 * system (12 on average, some long). */
static void test_memory(void **state)
{
	struct ft_dirtree t = {0};
	size_t before = mallinfo2().uordblks + mallinfo2().hblkhd, used;
	char name[64];

	anchor(&t, 0, "");
	for (uint32_t i = 1; i <= MANY; i++) {
		snprintf(name, sizeof(name), i % 20 ? "%012u" : "%030u", i);
		place(&t, i, i / 10, name);
	}
	used = mallinfo2().uordblks + mallinfo2().hblkhd - before;
	assert_int_equal(t.table.count, MANY + 1);
	assert_true(used <= MANY_BYTES_MAX);
	ft_dirtree_fini(&t);
	assert_true(mallinfo2().uordblks + mallinfo2().hblkhd <= before + 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_stamps),
		cmocka_unit_test(test_unplaced),
		cmocka_unit_test(test_anchor),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_flags_of_ancestors),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_tombstones),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
