/* SPDX-License-Identifier: MIT */
/* From a directory inside a filesystem to the path seen, and whether it is watched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "path/view.h"

/*
 * 8:1 is the root, 8:2 is /data, a bind mount of /data/pub stands at /srv/pub, 8:3 covers
 * the middle of it; /old is under another mount of the same place, and 0:9 shows only a
 * part of its filesystem.
 */
static const char table[] = "20 1 8:1 / / rw - ext4 a rw\n"
			    "21 20 8:2 / /data rw - xfs b rw\n"
			    "22 20 8:2 /pub /srv/pub rw - xfs b rw\n"
			    "23 21 8:3 / /data/pub/deep rw - ext4 c rw\n"
			    "24 20 8:4 / /old rw - ext4 d rw\n"
			    "25 24 8:5 / /old rw - ext4 e rw\n"
			    "26 20 0:9 /@home /home rw - btrfs f rw\n"
			    "27 20 8:6 / /a rw - ext4 g rw\n"
			    "28 20 8:7 / /ab rw - ext4 h rw\n";

struct world {
	struct ft_view view;
	struct ft_dirtree tree;
};

static void world_fini(struct world *w)
{
	ft_view_fini(&w->view);
	ft_dirtree_fini(&w->tree);
}

#define _cleanup_world_ _cleanup_(world_fini)

static void use_mounts(struct world *w, const char *text)
{
	struct ft_mounts m;

	assert_int_equal(ft_mounts_parse(&m, ft_span_of(text)), 0);
	/* What ft_mounts_read finds out: a mount under another at the same place. */
	for (size_t i = 0; i < m.count; i++)
		for (size_t k = 0; k < m.count; k++)
			if (m.list[k].parent_id == m.list[i].id &&
			    strcmp(m.list[k].mountpoint, m.list[i].mountpoint) == 0)
				m.list[i].visible = false;
	ft_view_take_mounts(&w->view, &m);
	assert_null(m.list);
}

static void init(struct world *w)
{
	*w = (struct world){0};
	assert_int_equal(ft_view_init(&w->view), 0);
	use_mounts(w, table);
}

static struct ft_target *add_target(struct world *w, enum ft_scope scope,
				    const char *path, const char *dev, int mount_id)
{
	struct ft_view *v = &w->view;
	struct ft_target *t;

	v->targets = realloc(v->targets, (v->targets_count + 1) * sizeof(*t));
	assert_non_null(v->targets);
	t = &v->targets[v->targets_count++];
	*t = (struct ft_target){.scope = scope, .mount_id = mount_id, .is_dir = true};
	t->path = path ? strdup(path) : NULL;
	t->dev = dev ? strdup(dev) : NULL;
	return t;
}

/* The node of a path inside a filesystem; each directory's key is its device and path. */
static struct ft_node *node(struct world *w, const char *dev, const char *inner)
{
	char key[200], up[200];
	struct ft_node *n;
	char *slash;

	snprintf(key, sizeof(key), "%s:%s", dev, inner);
	n = ft_dirtree_get(&w->tree, ft_span_of(key));
	assert_non_null(n);
	if (inner[0] == '\0') {
		assert_int_equal(ft_dirtree_anchor(&w->tree, n, FT_SPAN("")), 0);
		return n;
	}
	snprintf(up, sizeof(up), "%s", inner);
	slash = strrchr(up, '/');
	*slash = '\0';
	if (n->state != FT_NODE_PLACED)
		assert_int_equal(ft_dirtree_place(&w->tree, n, node(w, dev, up),
						  ft_span_of(slash + 1)),
				 0);
	return n;
}

static const struct ft_dir_view *look(struct world *w, const char *dev, const char *inner)
{
	char own_dev[16], type[] = "ext4";
	struct ft_filesystem fs = {.dev = own_dev, .type = type, .mount_fd = -1};

	snprintf(own_dev, sizeof(own_dev), "%s", dev);
	return ft_view_of_dir(&w->view, &w->tree, &fs, node(w, dev, inner));
}

/* path "": it is /; NULL: no mount shows it. */
static void expect(struct world *w, const char *dev, const char *inner, const char *path,
		   enum ft_inside inside)
{
	/* A second look comes from the cache. */
	for (int i = 0; i < 2; i++) {
		const struct ft_dir_view *d = look(w, dev, inner);

		assert_non_null(d);
		assert_int_equal(d->known, path != NULL);
		assert_int_equal(d->inside, inside);
		if (path && !ft_span_equal(ft_bytes_span(&d->path), ft_span_of(path)))
			fail_msg("%s%s is seen as %.*s, not %s", dev, inner,
				 (int)d->path.len, d->path.data, path);
	}
}

static void test_tree(void **state)
{
	_cleanup_world_ struct world w;

	init(&w);
	add_target(&w, FT_SCOPE_TREE, "/data/x", "8:2", 21);
	expect(&w, "8:2", "/x", "/data/x", FT_INSIDE);
	expect(&w, "8:2", "/x/y/z", "/data/x/y/z", FT_INSIDE);
	expect(&w, "8:2", "/xy", "/data/xy", FT_OUTSIDE);
	expect(&w, "8:2", "/w", "/data/w", FT_OUTSIDE);
	/* Of the names in it, x is inside. */
	expect(&w, "8:2", "", "/data", FT_EDGE);
	expect(&w, "8:1", "", "", FT_OUTSIDE);
	expect(&w, "8:1", "/data/x", NULL, FT_OUTSIDE);
	assert_true(ft_view_is_target(&w.view, FT_SPAN("/data/x")));
	assert_false(ft_view_is_target(&w.view, FT_SPAN("/data/xy")));
	assert_false(ft_view_is_target(&w.view, FT_SPAN("/data")));
}

/* A PATH that is itself a mountpoint: its filesystem's root is it; the name above is
 * another filesystem's. */
static void test_tree_is_mountpoint(void **state)
{
	_cleanup_world_ struct world w;

	init(&w);
	add_target(&w, FT_SCOPE_TREE, "/data", "8:2", 21);
	expect(&w, "8:2", "", "/data", FT_INSIDE);
	expect(&w, "8:2", "/pub", "/data/pub", FT_INSIDE);
	expect(&w, "8:1", "", "", FT_EDGE);
	expect(&w, "8:1", "/srv", "/srv", FT_OUTSIDE);
	/* Mounted below: of another filesystem, and inside. */
	expect(&w, "8:3", "", "/data/pub/deep", FT_INSIDE);
	expect(&w, "8:3", "/k", "/data/pub/deep/k", FT_INSIDE);
}

static void test_one_filesystem(void **state)
{
	_cleanup_world_ struct world w;

	init(&w);
	add_target(&w, FT_SCOPE_TREE, "/data", "8:2", 21)->one_filesystem = true;
	expect(&w, "8:2", "/pub", "/data/pub", FT_INSIDE);
	expect(&w, "8:3", "/k", "/data/pub/deep/k", FT_OUTSIDE);
	expect(&w, "8:1", "/srv", "/srv", FT_OUTSIDE);
}

static void test_root(void **state)
{
	_cleanup_world_ struct world w;

	init(&w);
	add_target(&w, FT_SCOPE_TREE, "/", "8:1", 20);
	expect(&w, "8:1", "", "", FT_INSIDE);
	expect(&w, "8:1", "/etc", "/etc", FT_INSIDE);
	expect(&w, "8:2", "", "/data", FT_INSIDE);
	expect(&w, "8:5", "/q", "/old/q", FT_INSIDE);
	expect(&w, "0:9", "/@home/me", "/home/me", FT_INSIDE);
	/* A container's filesystem, or one that is lazily unmounted. */
	expect(&w, "9:9", "/etc", NULL, FT_OUTSIDE);
	assert_true(ft_view_is_target(&w.view, FT_SPAN("/")));
}

static void test_root_of_one_filesystem(void **state)
{
	_cleanup_world_ struct world w;

	init(&w);
	add_target(&w, FT_SCOPE_TREE, "/", "8:1", 20)->one_filesystem = true;
	expect(&w, "8:1", "/etc", "/etc", FT_INSIDE);
	expect(&w, "8:2", "/pub", "/data/pub", FT_OUTSIDE);
}

/* What stands below a mountpoint is not seen; the same through another mount may be. */
static void test_covered(void **state)
{
	_cleanup_world_ struct world w;

	init(&w);
	add_target(&w, FT_SCOPE_TREE, "/", "8:1", 20);
	expect(&w, "8:1", "/data", NULL, FT_OUTSIDE);
	expect(&w, "8:1", "/data/secret", NULL, FT_OUTSIDE);
	expect(&w, "8:1", "/database", "/database", FT_INSIDE);
	expect(&w, "8:4", "/q", NULL, FT_OUTSIDE);
	expect(&w, "8:2", "/pub/deep", "/srv/pub/deep", FT_INSIDE);
	expect(&w, "8:2", "/pub/deep/er", "/srv/pub/deep/er", FT_INSIDE);
	expect(&w, "8:2", "/pub/deeper", "/data/pub/deeper", FT_INSIDE);
	/* A subvolume that is mounted nowhere. */
	expect(&w, "0:9", "/@other/me", NULL, FT_OUTSIDE);
	expect(&w, "0:9", "/@homes/me", NULL, FT_OUTSIDE);
}

/* As seen through the mount that PATH came by, though another shows it by a shorter path.
 */
static void test_bind(void **state)
{
	_cleanup_world_ struct world w;

	init(&w);
	add_target(&w, FT_SCOPE_TREE, "/srv/pub", "8:2", 22);
	expect(&w, "8:2", "/pub", "/srv/pub", FT_INSIDE);
	expect(&w, "8:2", "/pub/x", "/srv/pub/x", FT_INSIDE);
	expect(&w, "8:2", "/public", "/data/public", FT_OUTSIDE);
	expect(&w, "8:2", "/other", "/data/other", FT_OUTSIDE);
}

/* Seen through no mount of its own: the shortest that shows it, wherever that stands in
 * the table. */
static void test_shortest(void **state)
{
	static const char reversed[] = "20 1 8:1 / / rw - ext4 a rw\n"
				       "22 20 8:2 /pub /srv/pub rw - xfs b rw\n"
				       "21 20 8:2 / /data rw - xfs b rw\n";
	_cleanup_world_ struct world w;

	init(&w);
	add_target(&w, FT_SCOPE_TREE, "/", "8:1", 20);
	expect(&w, "8:2", "/pub/x", "/data/pub/x", FT_INSIDE);
	use_mounts(&w, reversed);
	expect(&w, "8:2", "/pub/x", "/data/pub/x", FT_INSIDE);
	/* Inside by a longer path rather than outside by a shorter one. */
	free(w.view.targets[0].path);
	w.view.targets[0].path = strdup("/srv");
	use_mounts(&w, table);
	expect(&w, "8:2", "/pub/x", "/srv/pub/x", FT_INSIDE);
	expect(&w, "8:2", "/other", "/data/other", FT_OUTSIDE);
}

/* Scope mount: what that mount shows, and nothing else of its filesystem. */
static void test_mount(void **state)
{
	_cleanup_world_ struct world w;

	init(&w);
	add_target(&w, FT_SCOPE_MOUNT, "/srv/pub/x", "8:2", 22);
	expect(&w, "8:2", "/pub", "/srv/pub", FT_INSIDE);
	expect(&w, "8:2", "/pub/y", "/srv/pub/y", FT_INSIDE);
	expect(&w, "8:2", "/other", "/data/other", FT_OUTSIDE);
	expect(&w, "8:2", "", "/data", FT_OUTSIDE);
	expect(&w, "8:1", "/srv", "/srv", FT_OUTSIDE);
	use_mounts(&w, "20 1 8:1 / / rw - ext4 a rw\n");
	expect(&w, "8:2", "/pub", NULL, FT_OUTSIDE);
}

/* Two PATHs on one filesystem, each through its own mount: the first that holds it says
 * the path. */
static void test_two_targets(void **state)
{
	_cleanup_world_ struct world w;

	init(&w);
	add_target(&w, FT_SCOPE_TREE, "/srv/pub/x", "8:2", 22);
	add_target(&w, FT_SCOPE_TREE, "/data", "8:2", 21);
	expect(&w, "8:2", "/pub/x/y", "/srv/pub/x/y", FT_INSIDE);
	expect(&w, "8:2", "/pub/z", "/data/pub/z", FT_INSIDE);
	/* At the edge of the first, inside of the second. */
	expect(&w, "8:2", "/pub", "/data/pub", FT_INSIDE);
}

static void test_similar_names(void **state)
{
	_cleanup_world_ struct world w;

	init(&w);
	add_target(&w, FT_SCOPE_TREE, "/a", "8:6", 27);
	expect(&w, "8:6", "/x", "/a/x", FT_INSIDE);
	expect(&w, "8:7", "/x", "/ab/x", FT_OUTSIDE);
	expect(&w, "8:1", "/a b", "/a b", FT_OUTSIDE);
	assert_true(ft_path_is_below(FT_SPAN("/a/b"), FT_SPAN("/a")));
	assert_true(ft_path_is_below(FT_SPAN("/a"), FT_SPAN("/a")));
	assert_false(ft_path_is_below(FT_SPAN("/ab"), FT_SPAN("/a")));
	assert_false(ft_path_is_below(FT_SPAN("/"), FT_SPAN("/a")));
	assert_true(ft_path_is_below(FT_SPAN("/a"), FT_SPAN("")));
	assert_true(ft_path_is_below((struct ft_span){0}, FT_SPAN("")));
}

static void test_directory(void **state)
{
	_cleanup_world_ struct world w;

	init(&w);
	add_target(&w, FT_SCOPE_DIRECTORY, "/data/x", "8:2", 21);
	expect(&w, "8:2", "/x", "/data/x", FT_INSIDE);
	expect(&w, "8:2", "/x/y", "/data/x/y", FT_OUTSIDE);
	expect(&w, "8:2", "", "/data", FT_EDGE);
	assert_true(ft_view_is_target(&w.view, FT_SPAN("/data/x")));
}

static void test_filesystem(void **state)
{
	_cleanup_world_ struct world w;

	init(&w);
	add_target(&w, FT_SCOPE_FILESYSTEM, "/data/x", "8:2", 21);
	expect(&w, "8:2", "", "/data", FT_INSIDE);
	expect(&w, "8:2", "/elsewhere", "/data/elsewhere", FT_INSIDE);
	expect(&w, "8:3", "/k", "/data/pub/deep/k", FT_OUTSIDE);
	expect(&w, "8:1", "/data", NULL, FT_OUTSIDE);
	/* No mount shows it any more, and it is of that filesystem all the same. */
	use_mounts(&w, "20 1 8:1 / / rw - ext4 a rw\n");
	expect(&w, "8:2", "/elsewhere", NULL, FT_INSIDE);
}

static void test_all(void **state)
{
	_cleanup_world_ struct world w;

	init(&w);
	add_target(&w, FT_SCOPE_FILESYSTEM, NULL, NULL, 0);
	expect(&w, "8:1", "", "", FT_INSIDE);
	expect(&w, "8:2", "/pub/x", "/data/pub/x", FT_INSIDE);
	expect(&w, "8:3", "/k", "/data/pub/deep/k", FT_INSIDE);
	expect(&w, "9:9", "/k", NULL, FT_INSIDE);
}

/* A PATH that is a file: by its name in its directory, and by its object. */
static void test_file_path(void **state)
{
	_cleanup_world_ struct world w;
	struct ft_target *t;

	init(&w);
	t = add_target(&w, FT_SCOPE_TREE, "/data/x/file", "8:2", 21);
	t->is_dir = false;
	memcpy(t->key.data, "key of the file, 24 byte", 24);
	t->key.len = 24;
	expect(&w, "8:2", "/x", "/data/x", FT_EDGE);
	expect(&w, "8:2", "/x/file", "/data/x/file", FT_OUTSIDE);
	expect(&w, "8:2", "", "/data", FT_OUTSIDE);
	assert_true(ft_view_is_target(&w.view, FT_SPAN("/data/x/file")));
	assert_true(ft_view_is_object(&w.view, FT_SPAN("key of the file, 24 byte")));
	assert_false(ft_view_is_object(&w.view, FT_SPAN("key of the file, 24 bite")));
	assert_false(ft_view_is_object(&w.view, (struct ft_span){0}));
}

static void test_scope_file(void **state)
{
	_cleanup_world_ struct world w;
	struct ft_target *t;

	init(&w);
	t = add_target(&w, FT_SCOPE_FILE, "/data/x/file", "8:2", 21);
	t->is_dir = false;
	memcpy(t->key.data, "key of the file, 24 byte", 24);
	t->key.len = 24;
	/* Its directory is seen as the PATH came, but its name is not it: that may be
	 * another's tomorrow. */
	expect(&w, "8:2", "/x", "/data/x", FT_EDGE);
	assert_false(ft_view_is_target(&w.view, FT_SPAN("/data/x/file")));
	assert_true(ft_view_is_object(&w.view, FT_SPAN("key of the file, 24 byte")));
}

/* A cached directory is seen anew when it or one above it moved, or a mount came. */
static void test_cache(void **state)
{
	_cleanup_world_ struct world w;
	_cleanup_(ft_bytes_fini) struct ft_bytes text = {0};

	init(&w);
	add_target(&w, FT_SCOPE_TREE, "/data/x", "8:2", 21);
	expect(&w, "8:2", "/x/y/z", "/data/x/y/z", FT_INSIDE);
	assert_int_equal(ft_dirtree_place(&w.tree, node(&w, "8:2", "/x/y"),
					  node(&w, "8:2", ""), FT_SPAN("w")),
			 0);
	expect(&w, "8:2", "/x/y/z", "/data/w/z", FT_OUTSIDE);
	assert_int_equal(ft_dirtree_place(&w.tree, node(&w, "8:2", "/x/y"),
					  node(&w, "8:2", "/x"), FT_SPAN("v")),
			 0);
	expect(&w, "8:2", "/x/y/z", "/data/x/v/z", FT_INSIDE);
	ft_bytes_put_str(&text, table);
	ft_bytes_put_lit(&text, "40 21 8:8 / /data/x/v rw - ext4 z rw\n");
	use_mounts(&w, ft_bytes_cstr(&text));
	expect(&w, "8:2", "/x/y/z", NULL, FT_OUTSIDE);
	expect(&w, "8:8", "/z", "/data/x/v/z", FT_INSIDE);
	use_mounts(&w, table);
	expect(&w, "8:2", "/x/y/z", "/data/x/v/z", FT_INSIDE);
}

static void test_not_placed(void **state)
{
	_cleanup_world_ struct world w;
	char dev[] = "8:1", type[] = "ext4";
	struct ft_filesystem fs = {.dev = dev, .type = type, .mount_fd = -1};

	init(&w);
	add_target(&w, FT_SCOPE_TREE, "/", "8:1", 20);
	assert_null(ft_view_of_dir(&w.view, &w.tree, &fs,
				   ft_dirtree_get(&w.tree, FT_SPAN("unplaced"))));
}

/* More directories than the cache has slots: each is still seen as itself. */
static void test_many(void **state)
{
	_cleanup_world_ struct world w;
	char inner[32], path[40];

	init(&w);
	add_target(&w, FT_SCOPE_TREE, "/data", "8:2", 21);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 2 * FT_VIEW_CACHE; i++) {
			snprintf(inner, sizeof(inner), "/d%d", i);
			snprintf(path, sizeof(path), "/data%s", inner);
			expect(&w, "8:2", inner, path, FT_INSIDE);
		}
	}
}

/* Paths of FD mode and of mounts. */
static void test_has_path(void **state)
{
	_cleanup_world_ struct world w;

	init(&w);
	add_target(&w, FT_SCOPE_TREE, "/data/x", "8:2", 21);
	assert_true(ft_view_has_path(&w.view, FT_SPAN("/data/x"), "8:2"));
	assert_true(ft_view_has_path(&w.view, FT_SPAN("/data/x/y/z"), "8:2"));
	assert_true(ft_view_has_path(&w.view, FT_SPAN("/data/x/y"), "8:3"));
	assert_false(ft_view_has_path(&w.view, FT_SPAN("/data/xy"), "8:2"));
	assert_false(ft_view_has_path(&w.view, FT_SPAN("/data"), "8:2"));
	assert_false(ft_view_has_path(&w.view, FT_SPAN("/"), "8:1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_tree_is_mountpoint),
		cmocka_unit_test(test_one_filesystem),
		cmocka_unit_test(test_root),
		cmocka_unit_test(test_root_of_one_filesystem),
		cmocka_unit_test(test_covered),
		cmocka_unit_test(test_bind),
		cmocka_unit_test(test_shortest),
		cmocka_unit_test(test_mount),
		cmocka_unit_test(test_two_targets),
		cmocka_unit_test(test_similar_names),
		cmocka_unit_test(test_directory),
		cmocka_unit_test(test_filesystem),
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_file_path),
		cmocka_unit_test(test_scope_file),
		cmocka_unit_test(test_cache),
		cmocka_unit_test(test_not_placed),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_has_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
