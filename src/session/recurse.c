/* SPDX-License-Identifier: MIT */
/* Where a filesystem cannot be marked as a whole: a mark on each directory, new ones
 * followed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "kernel/abi.h"
#include "kernel/group.h"
#include "session/session.h"

/* Directories nested deeper than this are not followed: a path that long cannot be opened
 * either. */
enum { DEPTH_MAX = 2048, PEEK_MAX = 1024 };

struct listing {
	struct ft_source *src;
	const struct ft_root *root;
	bool is_new; /* what is found in it appeared before its mark: told as created */
};

static void read_root(const struct ft_root *root, struct ft_bytes *out)
{
	char link[32];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", root->fd);
	if (ft_file_readlink(AT_FDCWD, link, out) < 0)
		ft_bytes_clear(out);
}

/* The path inside the filesystem, of a path that is seen through the mount that fd is on.
 */
static int inner_of(struct ft_session *s, int fd, const char *path, struct ft_bytes *out)
{
	const struct ft_mount *m = ft_mounts_find(&s->view.mounts, ft_mounts_id_of(fd));
	size_t skip;

	if (!m)
		return -ENOENT;
	skip = strcmp(m->mountpoint, "/") == 0 ? 0 : strlen(m->mountpoint);
	ft_bytes_clear(out);
	if (strcmp(m->root, "/") != 0)
		ft_bytes_put_str(out, m->root);
	if (strlen(path) > skip && strcmp(path, "/") != 0)
		ft_bytes_put_str(out, path + skip);
	return out->failed;
}

static int anchor_root(struct ft_source *src, struct ft_root *root)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes inner = {0};
	struct ft_node *n;
	int r;

	r = inner_of(src->session, root->fd, root->path, &inner);
	if (r < 0)
		return r;
	n = ft_dirtree_get(&src->resolver.tree, ft_key_span(&root->key));
	if (!n)
		return -ENOMEM;
	return ft_dirtree_anchor(&src->resolver.tree, n, ft_bytes_span(&inner));
}

void ft_recurse_refresh(struct ft_source *src)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes path = {0};

	for (size_t i = 0; i < src->roots_count; i++) {
		struct ft_root *root = &src->roots[i];

		read_root(root, &path);
		if (path.len == 0 || strcmp(ft_bytes_cstr(&path), root->path) == 0)
			continue;
		free(root->path);
		root->path = strdup(ft_bytes_cstr(&path));
		if (!root->path || anchor_root(src, root) < 0)
			continue;
		src->resolver.moved_blindly = true;
	}
}

static int mark_directory(struct ft_source *src, int fd)
{
	uint64_t mask = (src->mask & ~(uint64_t)FT_EV_FS_ERROR) | FT_EV_ON_CHILD;
	int r = ft_group_mark(src->group, FT_MARK_ADD | FT_MARK_INODE | FT_MARK_ONLYDIR,
			      mask, fd, ".");

	if (r == -ENOSPC) {
		ft_session_notice(
			src->session, FT_NOTICE_MARKS,
			"out of marks: not every directory is watched (raise "
			"fs.fanotify.max_user_marks, or run with CAP_SYS_ADMIN)");
		ft_session_tell_lost(src->session, FT_LOST_KERNEL, 0, false);
	}
	return r;
}

/* Is its creation still in the queue? Then that record tells it. */
static bool is_queued(struct ft_source *src, struct ft_span dir, struct ft_span name)
{
	struct ft_record rec;

	for (unsigned int i = 0; i < PEEK_MAX && ft_backlog_peek(&src->backlog, i, &rec);
	     i++)
		if (ft_span_equal(rec.place.dir, dir) &&
		    ft_span_equal(rec.place.name, name))
			return true;
	return false;
}

static void tell_found(const struct listing *l, struct ft_span dir_key,
		       struct ft_span dir, const struct dirent *entry)
{
	struct ft_session *s = l->src->session;
	struct ft_bytes *path;
	struct ft_event *ev;

	if (!(s->events & FT_EV_CREATE))
		return;
	ft_source_drain(l->src);
	if (is_queued(l->src, dir_key, ft_span_of(entry->d_name)))
		return;
	ev = ft_session_new_pending(s);
	if (!ev) {
		ft_session_tell_lost(s, FT_LOST_BUFFER, 1, true);
		return;
	}
	path = &s->pending_path[s->pending_count - 1];
	ft_bytes_put_span(path, dir);
	ft_bytes_put_char(path, '/');
	ft_bytes_put_str(path, entry->d_name);
	ev->mask = FT_EV_CREATE;
	ev->path = ft_bytes_span(path);
	ev->path_source = FT_PATH_NOW;
	ev->dir = entry->d_type == DT_DIR;
}

static void follow(const struct listing *l, int fd, struct ft_node *n,
		   struct ft_span path, int depth);

static void follow_entry(const struct listing *l, int dir_fd, struct ft_node *parent,
			 struct ft_span dir, const struct dirent *entry, int depth)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes path = {0};
	_cleanup_close_ int fd = -1;
	struct ft_node *n;
	struct ft_key key;

	fd = openat(dir_fd, entry->d_name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || ft_mounts_id_of(fd) != ft_mounts_id_of(dir_fd) ||
	    ft_handle_key(fd, "", l->root->fsid, &key) < 0)
		return;
	n = ft_dirtree_get(&l->src->resolver.tree, ft_key_span(&key));
	if (!n || ft_dirtree_place(&l->src->resolver.tree, n, parent,
				   ft_span_of(entry->d_name)) < 0)
		return;
	ft_bytes_put_span(&path, dir);
	ft_bytes_put_char(&path, '/');
	ft_bytes_put_str(&path, entry->d_name);
	follow(l, fd, n, ft_bytes_span(&path), depth + 1);
}

/* Marks first, lists second: what appears in between is in the queue, or in the list, or
 * in both. */
static void follow(const struct listing *l, int fd, struct ft_node *n,
		   struct ft_span path, int depth)
{
	const struct dirent *entry;
	int list_fd;
	DIR *d;

	if (depth > DEPTH_MAX || mark_directory(l->src, fd) < 0 || !l->root->recurse)
		return;
	n->marked = true;
	list_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = list_fd < 0 ? NULL : fdopendir(list_fd);
	if (!d) {
		if (list_fd >= 0)
			close(list_fd);
		return;
	}
	while ((entry = readdir(d))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (l->is_new)
			tell_found(l, ft_node_key(n), path, entry);
		if (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN)
			follow_entry(l, fd, n, path, entry, depth);
	}
	closedir(d);
}

/*
 * Before 5.17 a record does not say which directory it is about: the one that has the
 * name by now.
 */
static struct ft_node *place_found(struct ft_source *src, const struct ft_record *rec,
				   struct ft_span key)
{
	struct ft_dirtree *t = &src->resolver.tree;
	struct ft_node *parent = ft_dirtree_find(t, rec->place.dir);
	struct ft_node *n = parent ? ft_dirtree_get(t, key) : NULL;

	return n && ft_dirtree_place(t, n, parent, rec->place.name) == 0 ? n : NULL;
}

static const struct ft_root *root_of(const struct ft_source *src, struct ft_span key)
{
	for (size_t i = 0; i < src->roots_count; i++)
		if (src->roots[i].recurse && key.len >= FT_KEY_FSID &&
		    memcmp(&src->roots[i].fsid, key.data, FT_KEY_FSID) == 0)
			return &src->roots[i];
	return NULL;
}

/* A new directory, or one that was moved in. */
void ft_recurse_follow(struct ft_source *src, const struct ft_record *rec,
		       struct ft_span path)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes copy = {0};
	struct listing l = {.src = src, .is_new = rec->mask & FT_EV_CREATE};
	_cleanup_close_ int fd = -1;
	struct ft_node *n;
	struct ft_key key;

	l.root = root_of(src, rec->place.dir);
	/* A name without a directory is nothing to open. */
	if (!l.root || path.len == 0 || path.data[0] != '/')
		return;
	ft_bytes_put_span(&copy, path);
	fd = open(ft_bytes_cstr(&copy), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || ft_handle_key(fd, "", l.root->fsid, &key) < 0)
		return;
	/* Another directory of that name by now: its own record follows. */
	if (rec->object.len > 0 && !ft_span_equal(ft_key_span(&key), rec->object))
		return;
	n = rec->object.len > 0 ? ft_dirtree_find(&src->resolver.tree, rec->object)
				: place_found(src, rec, ft_key_span(&key));
	/* It was found in the listing of its parent, or has only been renamed. */
	if (!n || n->marked)
		return;
	follow(&l, fd, n, ft_bytes_span(&copy), 0);
}

static int open_root(struct ft_root *root, const char *path)
{
	int r;

	root->fd = open(path, O_PATH | O_CLOEXEC);
	if (root->fd < 0)
		return -errno;
	r = ft_handle_fsid(root->fd, &root->fsid);
	if (r == 0)
		r = ft_handle_key(root->fd, "", root->fsid, &root->key);
	if (r == 0) {
		root->path = strdup(path);
		r = root->path ? 0 : -ENOMEM;
	}
	if (r < 0)
		close(root->fd);
	return r;
}

static int add_root(struct ft_source *src, const char *path, struct ft_root **ret)
{
	struct ft_root *list;
	int r;

	list = reallocarray(src->roots, src->roots_count + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	src->roots = list;
	list[src->roots_count] = (struct ft_root){.fd = -1};
	r = open_root(&list[src->roots_count], path);
	if (r < 0)
		return r;
	*ret = &list[src->roots_count++];
	return anchor_root(src, *ret);
}

static int mark_object(struct ft_source *src, const char *path)
{
	uint64_t mask = src->mask & ~(uint64_t)FT_EV_FS_ERROR;
	int r;

	/* Names come and go in directories: a file takes none of these. */
	mask &= ~(uint64_t)(FT_EV_CREATE | FT_EV_DELETE | FT_EV_RENAME |
			    FT_EV_MOVED_FROM | FT_EV_MOVED_TO | FT_EV_ONDIR);
	r = ft_group_mark(src->group, FT_MARK_ADD | FT_MARK_INODE,
			  mask | FT_EV_DELETE_SELF | FT_EV_MOVE_SELF, AT_FDCWD, path);
	return r;
}

static int add_directory(struct ft_source *src, const struct ft_target *t)
{
	struct listing l = {.src = src};
	struct ft_root *root;
	int r;

	r = add_root(src, t->path, &root);
	if (r < 0)
		return r;
	root->recurse = t->scope == FT_SCOPE_TREE;
	r = mark_directory(src, root->fd);
	if (r < 0)
		return r;
	l.root = root;
	follow(&l, root->fd,
	       ft_dirtree_find(&src->resolver.tree, ft_key_span(&root->key)),
	       ft_span_of(strcmp(t->path, "/") == 0 ? "" : t->path), 0);
	return 0;
}

/* A file: itself, and where its name stands. */
static int add_file(struct ft_source *src, const struct ft_target *t)
{
	_cleanup_free_ char *parent = strdup(t->path);
	struct ft_root *root;
	char *slash;
	int r;

	if (!parent)
		return -ENOMEM;
	slash = strrchr(parent, '/');
	slash[slash == parent ? 1 : 0] = '\0';
	r = add_root(src, parent, &root);
	if (r == 0 && t->scope != FT_SCOPE_FILE)
		r = mark_directory(src, root->fd);
	return r < 0 ? r : mark_object(src, t->path);
}

int ft_recurse_add_root(struct ft_source *src, const struct ft_target *t)
{
	size_t before = src->roots_count;
	int r = t->is_dir ? add_directory(src, t) : add_file(src, t);

	/* One that cannot be marked must not keep its mount busy. */
	if (r < 0 && src->roots_count > before) {
		struct ft_root *root = &src->roots[--src->roots_count];

		close(root->fd);
		free(root->path);
	}
	return r;
}

void ft_recurse_rescan(struct ft_source *src)
{
	for (size_t i = 0; i < src->roots_count; i++) {
		struct ft_root *root = &src->roots[i];
		struct listing l = {.src = src, .root = root};
		struct ft_node *n =
			ft_dirtree_get(&src->resolver.tree, ft_key_span(&root->key));

		if (n && root->recurse && anchor_root(src, root) == 0)
			follow(&l, root->fd, n,
			       ft_span_of(strcmp(root->path, "/") == 0 ? "" : root->path),
			       0);
	}
}
