/* SPDX-License-Identifier: MIT */
/* The PATHs under inode marks: where they are now, and whether they were moved. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "kernel/abi.h"
#include "kernel/group.h"
#include "session/session.h"

void ft_root_fini(struct ft_root *root)
{
	if (root->fd >= 0)
		close(root->fd);
	free(root->path);
	free(root->above);
}

/* "/" as the empty string. */
static size_t bare_len(const char *path)
{
	return strcmp(path, "/") == 0 ? 0 : strlen(path);
}

static bool is_removed(struct ft_bytes *path)
{
	static const char deleted[] = " (deleted)";
	size_t n = sizeof(deleted) - 1;

	return path->len > n && memcmp(path->data + path->len - n, deleted, n) == 0 &&
	       access(ft_bytes_cstr(path), F_OK) < 0;
}

/* Its path as of now; false: it cannot be said. */
static bool read_path(const struct ft_session *s, const struct ft_root *root,
		      struct ft_bytes *out)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes inner = {0};
	const struct ft_mount *m = ft_mounts_find(&s->view.mounts, root->mount_id);
	char link[32];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", root->fd);
	if (!m || ft_file_readlink(AT_FDCWD, link, &inner) < 0 || inner.len == 0)
		return false;
	ft_bytes_clear(out);
	if (root->is_private)
		ft_bytes_put(out, m->mountpoint, bare_len(m->mountpoint));
	if (!root->is_private || inner.len > 1 || out->len == 0)
		ft_bytes_put_span(out, ft_bytes_span(&inner));
	return !out->failed && !is_removed(out);
}

/* The path inside the filesystem. */
static int inner_of(const struct ft_session *s, const struct ft_root *root,
		    struct ft_bytes *out)
{
	const struct ft_mount *m = ft_mounts_find(&s->view.mounts, root->mount_id);
	size_t skip;

	if (!m)
		return -ENOENT;
	skip = bare_len(m->mountpoint);
	ft_bytes_clear(out);
	ft_bytes_put(out, m->root, bare_len(m->root));
	if (bare_len(root->path) > skip)
		ft_bytes_put_str(out, root->path + skip);
	return out->failed;
}

int ft_root_anchor(struct ft_source *src, const struct ft_root *root)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes inner = {0};
	struct ft_node *n;
	int r;

	r = inner_of(src->session, root, &inner);
	if (r < 0)
		return r;
	n = ft_dirtree_get(&src->resolver.tree, ft_key_span(&root->key));
	if (!n)
		return -ENOMEM;
	return ft_dirtree_anchor(&src->resolver.tree, n, ft_bytes_span(&inner));
}

static int mark_above(struct ft_source *src, struct ft_root *root, const char *path)
{
	_cleanup_close_ int fd = -1;
	struct ft_key *list;
	struct ft_key key;
	uint64_t fsid;
	int r;

	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = ft_handle_fsid(fd, &fsid);
	if (r == 0)
		r = ft_handle_key(fd, "", fsid, &key);
	if (r == 0)
		r = ft_group_mark(src->group,
				  FT_MARK_ADD | FT_MARK_INODE | FT_MARK_ONLYDIR,
				  FT_EV_MOVE_SELF | FT_EV_ONDIR, fd, ".");
	if (r < 0)
		return r;
	list = reallocarray(root->above, root->above_count + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	root->above = list;
	list[root->above_count++] = key;
	return 0;
}

/*
 * A rename to and fro leaves the path as it was: it is seen by the marks of the
 * directories on the way. Those that one may not read take none, and go without.
 */
static void mark_way(struct ft_source *src, struct ft_root *root)
{
	_cleanup_free_ char *path = strdup(root->path);
	char *slash = path;

	root->above_count = 0;
	while (slash && bare_len(path) > 0) {
		(void)mark_above(src, root, path);
		slash = strrchr(path, '/');
		if (slash)
			*slash = '\0';
	}
}

bool ft_root_is_moved_by(const struct ft_source *src, const struct ft_record *rec)
{
	struct ft_span key = rec->place.dir.len > 0 ? rec->place.dir : rec->object;

	for (size_t i = 0; i < src->roots_count; i++)
		for (size_t k = 0; k < src->roots[i].above_count; k++)
			if (ft_span_equal(ft_key_span(&src->roots[i].above[k]), key))
				return true;
	return false;
}

void ft_root_refresh(struct ft_source *src)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes path = {0};

	for (size_t i = 0; i < src->roots_count; i++) {
		struct ft_root *root = &src->roots[i];
		char *copy;

		if (!read_path(src->session, root, &path) ||
		    strcmp(ft_bytes_cstr(&path), root->path) == 0)
			continue;
		copy = strdup(ft_bytes_cstr(&path));
		if (!copy)
			continue;
		free(root->path);
		root->path = copy;
		mark_way(src, root);
		if (ft_root_anchor(src, root) == 0)
			src->resolver.moved_blindly = true;
	}
}

/* The same through a private mount: a descriptor on the mount that people see would keep
 * it from being unmounted. */
static int open_private(const struct ft_session *s, int mount_id, const char *path)
{
	_cleanup_close_ int top = -1, clone = -1;
	const struct ft_mount *m = ft_mounts_find(&s->view.mounts, mount_id);
	const char *below;
	int fd;

	if (!m)
		return -ENOENT;
	top = open(m->mountpoint, O_PATH | O_CLOEXEC);
	if (top < 0 || ft_mounts_id_of(top) != mount_id)
		return -ENOENT;
	clone = ft_handle_clone_mount(top);
	if (clone < 0)
		return clone;
	below = path + bare_len(m->mountpoint);
	below += *below == '/';
	fd = openat(clone, *below ? below : ".", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int open_root(const struct ft_session *s, struct ft_root *root, const char *path)
{
	int fd, r;

	root->fd = open(path, O_PATH | O_CLOEXEC);
	if (root->fd < 0)
		return -errno;
	root->mount_id = ft_mounts_id_of(root->fd);
	root->path = strdup(path);
	r = root->path ? ft_handle_fsid(root->fd, &root->fsid) : -ENOMEM;
	if (r == 0)
		r = ft_handle_key(root->fd, "", root->fsid, &root->key);
	if (r < 0)
		return r;
	fd = open_private(s, root->mount_id, path);
	if (fd < 0)
		return 0;
	close(root->fd);
	root->fd = fd;
	root->is_private = true;
	return 0;
}

int ft_root_add(struct ft_source *src, const char *path, struct ft_root **ret)
{
	struct ft_root *list, *root;
	int r;

	list = reallocarray(src->roots, src->roots_count + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	src->roots = list;
	root = &list[src->roots_count];
	*root = (struct ft_root){.fd = -1};
	r = open_root(src->session, root, path);
	if (r < 0) {
		ft_root_fini(root);
		return r;
	}
	src->roots_count++;
	mark_way(src, root);
	*ret = root;
	return ft_root_anchor(src, root);
}

void ft_root_drop(struct ft_source *src, uint64_t fsid)
{
	for (size_t i = src->roots_count; i-- > 0;) {
		if (src->roots[i].fsid != fsid)
			continue;
		ft_root_fini(&src->roots[i]);
		src->roots[i] = src->roots[--src->roots_count];
	}
}
