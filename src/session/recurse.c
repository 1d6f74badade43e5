/* SPDX-License-Identifier: MIT */
/* Where a filesystem cannot be marked as a whole: a mark on each directory, new ones
 * followed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
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
	bool again;  /* what is marked already is listed, too */
};

static int mark_directory(struct ft_source *src, int fd)
{
	uint64_t mask = (src->mask & ~(uint64_t)FT_EV_FS_ERROR) | FT_EV_ON_CHILD;

	return ft_group_mark(src->group, FT_MARK_ADD | FT_MARK_INODE | FT_MARK_ONLYDIR,
			     mask, fd, ".");
}

/* A directory that nobody could put a mark on in time: what happened in it is not known.
 */
static void tell_gone(struct ft_source *src)
{
	if (!src->told_gone)
		ft_session_tell_lost(src->session, FT_LOST_KERNEL, 0, false);
	src->told_gone = true;
}

/* One that could not be opened; what is no directory, or none any more, is none to mark.
 */
static void tell_unopened(struct ft_source *src, struct ft_span path, int why)
{
	if (why != -ENOENT && why != -ENOTDIR && why != -ELOOP)
		ft_marking_miss(src->session, path, why);
}

/*
 * A directory is opened to be listed: a record of that for each one would fill the queue.
 * An ignore mark on it hides that from the mark above it, too. Before 6.0 it hides what
 * is done to its files as well.
 */
static void hush(const struct ft_source *src, int fd, unsigned int command)
{
	uint64_t mask = src->mask & (FT_EV_OPEN | FT_EV_ACCESS | FT_EV_CLOSE_NOWRITE);

	if (mask && ft_group_mark(src->group, command | FT_MARK_IGNORE_SURV,
				  mask | FT_EV_ONDIR, fd, ".") == -EINVAL)
		ft_group_mark(src->group, command | FT_MARK_IGNORED_MASK_SURV, mask, fd,
			      ".");
}

/* Its entries, each a byte of type and a name that ends in NUL. 0 or -errno. */
static int list_directory(const struct ft_source *src, int fd, struct ft_bytes *out)
{
	const struct dirent *entry;
	int list_fd, r;
	DIR *d;

	hush(src, fd, FT_MARK_ADD);
	list_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = list_fd < 0 ? -errno : 0;
	d = list_fd < 0 ? NULL : fdopendir(list_fd);
	while (d && (entry = readdir(d))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		ft_bytes_put_char(out, (char)entry->d_type);
		ft_bytes_put(out, entry->d_name, strlen(entry->d_name) + 1);
	}
	if (d)
		closedir(d);
	else if (list_fd >= 0)
		close(list_fd);
	hush(src, fd, FT_MARK_REMOVE);
	return r < 0 ? r : out->failed;
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
		       struct ft_span dir, const char *name, bool is_dir)
{
	struct ft_session *s = l->src->session;
	struct ft_bytes *path;
	struct ft_event *ev;

	if (!(s->events & FT_EV_CREATE) || is_queued(l->src, dir_key, ft_span_of(name)))
		return;
	ev = ft_session_new_pending(s);
	if (!ev) {
		ft_session_tell_lost(s, FT_LOST_BUFFER, 1, true);
		return;
	}
	path = &s->pending_path[s->pending_count - 1];
	ft_bytes_put_span(path, dir);
	ft_bytes_put_char(path, '/');
	ft_bytes_put_str(path, name);
	ev->mask = FT_EV_CREATE;
	ev->path = ft_bytes_span(path);
	ev->path_source = FT_PATH_NOW;
	ev->dir = is_dir;
}

/*
 * Where it was found, but for one that is known: the records at hand may be older than
 * what was found, and tell when it comes there.
 */
static int place_listed(struct ft_source *src, struct ft_node *n, struct ft_node *parent,
			struct ft_span name)
{
	struct ft_resolver *r = &src->resolver;
	const struct ft_move *m;
	struct ft_node *from;

	if (n->state == FT_NODE_ANCHOR)
		return 0;
	if (n->state == FT_NODE_PLACED) {
		/* For a rename that does not say where to: there was no mark yet. */
		if (n->marked &&
		    (n->parent != parent || !ft_span_equal(ft_node_name(n), name)))
			ft_memory_put(&r->memory, ft_node_key(n),
				      &(struct ft_place){ft_node_key(parent), name},
				      false);
		return 0;
	}
	/* Only what has a mark has records that could be older. */
	if (n->marked && ft_source_drain(src) != 0) {
		n->doubtful = true;
		r->doubts++;
	}
	m = ft_ahead_find(&r->ahead, ft_node_key(n));
	if (!m)
		return ft_dirtree_place(&r->tree, n, parent, name);
	from = m->from.dir.len > 0 ? ft_dirtree_get(&r->tree, m->from.dir) : NULL;
	return from ? ft_dirtree_place(&r->tree, n, from, m->from.name) : 0;
}

static void follow(const struct listing *l, int fd, struct ft_node *n,
		   struct ft_span path, int depth);

/* True: it had a mark before, so that it did not come into being here. */
static bool follow_entry(const struct listing *l, int dir_fd, struct ft_node *parent,
			 struct ft_span dir, const char *name, int depth)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes path = {0};
	_cleanup_close_ int fd = -1;
	struct ft_node *n;
	struct ft_key key;

	ft_bytes_put_span(&path, dir);
	ft_bytes_put_char(&path, '/');
	ft_bytes_put_str(&path, name);
	fd = openat(dir_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && l->is_new)
		tell_gone(l->src);
	else if (fd < 0)
		tell_unopened(l->src, ft_bytes_span(&path), -errno);
	if (fd < 0 || ft_mounts_id_of(fd) != ft_mounts_id_of(dir_fd) ||
	    ft_handle_key(fd, "", l->root->fsid, &key) < 0)
		return false;
	n = ft_dirtree_get(&l->src->resolver.tree, ft_key_span(&key));
	if (!n || place_listed(l->src, n, parent, ft_span_of(name)) < 0)
		return false;
	if (n->marked && !l->again)
		return true;
	follow(l, fd, n, ft_bytes_span(&path), depth + 1);
	return false;
}

/* Marks first, lists second: what appears in between is in the queue, or in the list, or
 * in both. */
static void follow(const struct listing *l, int fd, struct ft_node *n,
		   struct ft_span path, int depth)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes names = {0};
	int r = depth > DEPTH_MAX ? -ENAMETOOLONG : mark_directory(l->src, fd);

	if (r < 0 && !n->marked)
		ft_marking_miss(l->src->session, path, r);
	if (r < 0 || !l->root->recurse)
		return;
	n->marked = true;
	n->is_new = false;
	r = list_directory(l->src, fd, &names);
	if (r < 0)
		ft_marking_miss(l->src->session, path, r);
	if (l->is_new)
		ft_source_drain(l->src);
	for (size_t i = 0; i < names.len; i += strlen(names.data + i) + 1) {
		unsigned char type = (unsigned char)names.data[i++];
		const char *name = names.data + i;
		bool is_known = false;

		if (type == DT_DIR || type == DT_UNKNOWN)
			is_known = follow_entry(l, fd, n, path, name, depth);
		if (l->is_new && !is_known)
			tell_found(l, ft_node_key(n), path, name, type == DT_DIR);
	}
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

/* Its directory by the path that it has now; another one of that name has its own record.
 */
static int open_moved(const struct ft_root *root, const struct ft_record *rec,
		      struct ft_span path, struct ft_key *ret_key)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes copy = {0};
	_cleanup_close_ int fd = -1;

	/* A name without a directory is nothing to open. */
	if (path.len == 0 || path.data[0] != '/')
		return -ENOENT;
	ft_bytes_put_span(&copy, path);
	fd = open(ft_bytes_cstr(&copy), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (ft_handle_key(fd, "", root->fsid, ret_key) < 0 ||
	    (rec->object.len > 0 && !ft_span_equal(ft_key_span(ret_key), rec->object)))
		return -ENOENT;
	return ft_take_fd(fd);
}

/* Will no record that is still to come bring it here? */
static bool is_gone(const struct ft_source *src, const struct ft_record *rec, int fd)
{
	if (rec->object.len == 0)
		return fd == -ENOENT && (rec->mask & FT_EV_CREATE) &&
		       !src->resolver.has_objects;
	return (rec->mask & FT_EV_DELETE) || rec->place.dir.len == 0;
}

/* A new directory, one that was moved, or one that is gone. */
void ft_recurse_follow(struct ft_source *src, const struct ft_record *rec,
		       struct ft_span path)
{
	struct listing l = {.src = src, .is_new = rec->mask & FT_EV_CREATE};
	_cleanup_close_ int fd = -1;
	struct ft_node *n = NULL;
	struct ft_key key;

	l.root = root_of(src, rec->place.dir.len > 0 ? rec->place.dir : rec->object);
	if (!l.root)
		return;
	if (rec->object.len > 0) {
		n = ft_dirtree_find(&src->resolver.tree, rec->object);
		/* It was found in the listing of its parent, or has only been renamed. */
		if (!n || n->marked)
			return;
		n->is_new = n->is_new || l.is_new;
		l.is_new = n->is_new;
	}
	fd = rec->mask & FT_EV_DELETE ? -ENOENT : open_moved(l.root, rec, path, &key);
	if (fd < 0) {
		if (l.is_new && is_gone(src, rec, fd))
			tell_gone(src);
		else
			tell_unopened(src, path, fd);
		return;
	}
	if (!n)
		n = place_found(src, rec, ft_key_span(&key));
	if (n && !n->marked)
		follow(&l, fd, n, path, 0);
	ft_marking_tell_missed(src->session);
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

	r = ft_root_add(src, t->path, &root);
	if (r < 0)
		return r;
	root->recurse = t->scope == FT_SCOPE_TREE && !src->session->tops_only;
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
	r = ft_root_add(src, parent, &root);
	if (r == 0 && t->scope != FT_SCOPE_FILE)
		r = mark_directory(src, root->fd);
	return r < 0 ? r : mark_object(src, t->path);
}

int ft_recurse_add_root(struct ft_source *src, const struct ft_target *t)
{
	size_t before = src->roots_count;
	int r = t->is_dir ? add_directory(src, t) : add_file(src, t);

	/* One that cannot be marked must not keep its mount busy. */
	if (r < 0 && src->roots_count > before)
		ft_root_fini(&src->roots[--src->roots_count]);
	return r;
}

void ft_recurse_rescan(struct ft_source *src)
{
	ft_resolver_forget(&src->resolver);
	ft_memory_clear(&src->resolver.memory);
	for (size_t i = 0; i < src->roots_count; i++) {
		struct ft_root *root = &src->roots[i];
		struct listing l = {.src = src, .root = root, .again = true};
		struct ft_node *n =
			ft_dirtree_get(&src->resolver.tree, ft_key_span(&root->key));

		if (n && root->recurse && ft_root_anchor(src, root) == 0)
			follow(&l, root->fd, n,
			       ft_span_of(strcmp(root->path, "/") == 0 ? "" : root->path),
			       0);
	}
}
