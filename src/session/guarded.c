/* SPDX-License-Identifier: MIT */
/* Guarded filesystems. */
#include "session/guarded.h"

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
#include "kernel/handle.h"
#include "path/view.h"

static int compare_ids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int read_visible(struct ft_guards *g)
{
	g->visible = calloc(g->mounts.count + 1, sizeof(*g->visible));
	if (!g->visible)
		return -ENOMEM;
	for (size_t i = 0; i < g->mounts.count; i++) {
		struct ft_identity id;

		if (!g->mounts.list[i].visible ||
		    ft_identity_read(AT_FDCWD, g->mounts.list[i].mountpoint, false, &id) <
			    0)
			continue;
		g->visible[g->visible_count++] = id.mnt_id;
	}
	qsort(g->visible, g->visible_count, sizeof(*g->visible), compare_ids);
	return 0;
}

int ft_guards_init(struct ft_guards *g)
{
	int r;

	memset(g, 0, sizeof(*g));
	g->links = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (g->links < 0)
		return -errno;
	r = ft_mounts_read(&g->mounts);
	return r < 0 ? r : read_visible(g);
}

void ft_guards_fini(struct ft_guards *g)
{
	for (size_t i = 0; i < g->count; i++) {
		if (g->list[i].mount_fd >= 0)
			close(g->list[i].mount_fd);
		free(g->resolved[i]);
	}
	ft_mounts_fini(&g->mounts);
	free(g->visible);
	if (g->links >= 0)
		close(g->links);
	memset(g, 0, sizeof(*g));
	g->links = -1;
}

/* A mount that shows the whole filesystem, else this one. */
static const struct ft_mount *widest(const struct ft_guards *g, const struct ft_mount *m)
{
	for (size_t i = 0; i < g->mounts.count; i++) {
		const struct ft_mount *other = &g->mounts.list[i];

		if (other->visible && strcmp(other->dev, m->dev) == 0 &&
		    strcmp(other->root, "/") == 0)
			return other;
	}
	return m;
}

static int clone_of(const struct ft_mount *m)
{
	_cleanup_close_ int fd = open(m->mountpoint, O_PATH | O_CLOEXEC);

	return fd < 0 ? -errno : ft_handle_clone_mount(fd);
}

static bool is_shared(const struct ft_guards *g, const struct ft_mount *wide)
{
	for (size_t i = 0; i < g->count; i++)
		if (g->list[i].wide == wide)
			return true;
	return false;
}

static int fill(struct ft_guards *g, struct ft_guarded *e)
{
	_cleanup_close_ int fd = open(e->path, O_PATH | O_CLOEXEC);
	struct ft_identity id;
	int r;

	if (fd < 0)
		return -errno;
	r = ft_identity_read(fd, "", false, &id);
	if (r < 0)
		return r;
	e->st_dev = id.object.dev;
	e->mnt_id = id.mnt_id;
	e->mount = ft_mounts_find(&g->mounts, ft_mounts_id_of(fd));
	if (!e->mount)
		return -EXDEV;
	e->wide = widest(g, e->mount);
	if (is_shared(g, e->wide))
		return 0;
	e->mount_fd = clone_of(e->wide);
	return e->mount_fd < 0 ? e->mount_fd : 0;
}

int ft_guards_add(struct ft_guards *g, const char *path)
{
	struct ft_guarded e = {.mount_fd = -1};
	char *resolved;
	int r;

	if (g->count >= FT_GUARDED_MAX)
		return -E2BIG;
	resolved = realpath(path, NULL);
	if (!resolved)
		return -errno;
	e.path = resolved;
	r = fill(g, &e);
	if (r < 0) {
		free(resolved);
		return r;
	}
	g->resolved[g->count] = resolved;
	g->list[g->count++] = e;
	return 0;
}

/* Several parts of one filesystem have a mark in common. */
static bool is_first(const struct ft_guards *g, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(g->list[i].mount->dev, g->list[n].mount->dev) == 0)
			return false;
	return true;
}

int ft_guards_mark(const struct ft_guards *g, int group, unsigned int flags,
		   uint64_t mask, const char **ret_path)
{
	for (size_t i = 0; i < g->count; i++) {
		int r;

		if (!is_first(g, i))
			continue;
		r = ft_group_mark(group, flags | FT_MARK_FILESYSTEM, mask,
				  g->list[i].mount_fd, ".");
		if (r < 0) {
			*ret_path = g->list[i].path;
			return r;
		}
	}
	return 0;
}

static int link_of(const struct ft_guards *g, int fd, struct ft_bytes *out)
{
	char link[16];
	int r;

	snprintf(link, sizeof(link), "%d", fd);
	r = ft_file_readlink(g->links, link, out);
	if (r < 0)
		return r;
	return out->len > 0 && out->data[0] == '/' ? 0 : -ENOENT;
}

/* ---- what is at a path, by the private mounts alone ---- */

static bool is_guarded(const struct ft_guards *g, const struct ft_mount *m)
{
	for (size_t i = 0; i < g->count; i++)
		if (strcmp(g->list[i].mount->dev, m->dev) == 0)
			return true;
	return false;
}

static struct ft_span without_root_slash(const char *path)
{
	struct ft_span s = ft_span_of(path);

	s.len = s.len == 1 ? 0 : s.len;
	return s;
}

/* The innermost guarded one; NULL: none. */
static const struct ft_mount *mount_at(const struct ft_guards *g, struct ft_span path)
{
	const struct ft_mount *found = NULL;

	for (size_t i = 0; i < g->mounts.count; i++) {
		const struct ft_mount *m = &g->mounts.list[i];

		if (m->visible &&
		    ft_path_is_below(path, without_root_slash(m->mountpoint)) &&
		    (!found || strlen(m->mountpoint) > strlen(found->mountpoint)) &&
		    is_guarded(g, m))
			found = m;
	}
	return found;
}

/* What is told of this machine alone, before anything is guarded. */
static int open_unguarded(struct ft_span path)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes text = {0};
	_cleanup_close_ int root = ft_file_open_path(AT_FDCWD, "/");

	ft_bytes_put_span(&text, path);
	return root < 0 ? root : ft_file_open_below(root, ft_bytes_cstr(&text));
}

/* inner: in the filesystem, without a slash at its end. */
static int open_inner(const struct ft_guarded *e, struct ft_span inner)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes text = {0};
	struct ft_span root = without_root_slash(e->wide->root);

	if (e->mount_fd < 0 || !ft_path_is_below(inner, root))
		return -EXDEV;
	if (inner.len > root.len)
		ft_bytes_put(&text, inner.data + root.len + 1, inner.len - root.len - 1);
	return text.failed ? text.failed
			   : ft_file_open_within(e->mount_fd, ft_bytes_cstr(&text));
}

int ft_guards_open(const struct ft_guards *g, struct ft_span path)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes inner = {0};
	const struct ft_mount *m = mount_at(g, path);
	struct ft_span point;

	if (g->count == 0)
		return open_unguarded(path);
	if (!m)
		return -EXDEV;
	point = without_root_slash(m->mountpoint);
	ft_bytes_put_span(&inner, without_root_slash(m->root));
	ft_bytes_put(&inner, path.data + point.len, path.len - point.len);
	if (inner.failed)
		return inner.failed;
	for (size_t i = 0; i < g->count; i++) {
		int fd = -EXDEV;

		if (strcmp(g->list[i].mount->dev, m->dev) == 0)
			fd = open_inner(&g->list[i], ft_bytes_span(&inner));
		if (fd != -EXDEV)
			return fd;
	}
	return -EXDEV;
}

static bool is_object(int fd, const struct ft_identity *id)
{
	struct ft_identity there;

	return fd >= 0 && ft_identity_read(fd, "", false, &there) == 0 &&
	       ft_object_equal(&there.object, &id->object);
}

/* ---- where a file is ---- */

/* The kernel puts it after the name of what was removed; a name may also end so. */
static bool cut_deleted(struct ft_bytes *path)
{
	static const char suffix[] = " (deleted)";
	size_t n = sizeof(suffix) - 1;

	if (path->len <= n || memcmp(path->data + path->len - n, suffix, n) != 0)
		return false;
	path->len -= n;
	ft_bytes_cstr(path);
	return true;
}

/* What is at the text of a link may be anything: it is looked up where nobody else can
 * make it wait. */
static void settle_deleted(const struct ft_guards *g, struct ft_bytes *path,
			   const struct ft_identity *id)
{
	_cleanup_close_ int fd = -1;

	if (path->len == 0 || path->data[path->len - 1] != ')')
		return;
	fd = ft_guards_open(g, ft_bytes_span(path));
	if (!is_object(fd, id))
		cut_deleted(path);
}

/* From a path inside the filesystem to the host's, through one mount. */
static bool see_through(const struct ft_mount *m, struct ft_span inner,
			struct ft_bytes *ret)
{
	struct ft_span root = without_root_slash(m->root);
	struct ft_span point = without_root_slash(m->mountpoint);

	if (!m->visible || !ft_path_is_below(inner, root))
		return false;
	ft_bytes_clear(ret);
	ft_bytes_put_span(ret, point);
	ft_bytes_put(ret, inner.data + root.len, inner.len - root.len);
	return !ret->failed;
}

static int see(const struct ft_guards *g, const struct ft_guarded *e,
	       struct ft_span inner, struct ft_bytes *ret)
{
	if (see_through(e->mount, inner, ret))
		return 0;
	for (size_t i = 0; i < g->mounts.count; i++) {
		const struct ft_mount *m = &g->mounts.list[i];

		if (strcmp(m->dev, e->mount->dev) == 0 && see_through(m, inner, ret))
			return 0;
	}
	return -ENOENT;
}

/*
 * A mount that is not the PATH's: a bind mount, or of another namespace, whose paths mean
 * nothing here. The file is opened by its handle on the whole filesystem, and what that
 * says is looked up again: a path that leads elsewhere is none.
 */
static int locate_by_handle(const struct ft_guards *g, const struct ft_guarded *e, int fd,
			    const struct ft_identity *id, struct ft_bytes *ret)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes inner = {0};
	_cleanup_close_ int found = -1, there = -1;
	struct ft_key key;
	int r;

	r = ft_handle_key(fd, "", 0, &key);
	if (r < 0)
		return r;
	found = ft_handle_open(e->mount_fd, ft_key_span(&key));
	r = found < 0 ? found : link_of(g, found, ret);
	if (r < 0)
		return r;
	there = ft_file_open_within(e->mount_fd, ft_bytes_cstr(ret) + 1);
	if (!is_object(there, id)) {
		if (!cut_deleted(ret) || id->links > 0)
			return -ENOENT;
	}
	if (strcmp(e->wide->root, "/") != 0)
		ft_bytes_put_str(&inner, e->wide->root);
	ft_bytes_put_span(&inner, ft_bytes_span(ret));
	return inner.failed ? -ENOMEM : see(g, e, ft_bytes_span(&inner), ret);
}

static int locate_by_link(const struct ft_guards *g, int fd, const struct ft_identity *id,
			  struct ft_bytes *ret)
{
	int r = link_of(g, fd, ret);

	if (r == 0)
		settle_deleted(g, ret, id);
	return r == 0 || r == -ENAMETOOLONG ? r : -ENOENT;
}

int ft_guards_locate(const struct ft_guards *g, int fd, const struct ft_identity *id,
		     struct ft_bytes *ret)
{
	for (size_t i = 0; i < g->count && id->mnt_id != 0; i++)
		if (g->list[i].mnt_id == id->mnt_id)
			return locate_by_link(g, fd, id, ret);
	/* The subvolumes of one filesystem have devices of their own, so that all are
	 * tried: what is found is looked at. */
	for (size_t i = 0; i < g->count; i++) {
		int r = -ENOENT;

		if (g->list[i].mount_fd >= 0)
			r = locate_by_handle(g, &g->list[i], fd, id, ret);
		if (r == 0 || r == -ENAMETOOLONG)
			return r;
	}
	return -ENOENT;
}

bool ft_guards_has(const struct ft_guards *g, struct ft_span path)
{
	for (size_t i = 0; i < g->count; i++)
		if (ft_path_is_below(path, without_root_slash(g->list[i].path)))
			return true;
	return false;
}

static bool is_overlay(const struct ft_mount *m)
{
	return strcmp(m->type, "overlay") == 0;
}

static bool has_overlay(const struct ft_guards *g)
{
	for (size_t i = 0; i < g->count; i++)
		if (is_overlay(g->list[i].mount))
			return true;
	return false;
}

bool ft_guards_keeps_births(const struct ft_guards *g, uint64_t dev)
{
	const struct ft_mount *m;

	if (!has_overlay(g))
		return true;
	m = ft_mounts_find_device(&g->mounts, dev);
	return m && !is_overlay(m);
}

bool ft_guards_has_mount(const struct ft_guards *g, uint64_t mnt_id)
{
	return mnt_id != 0 && bsearch(&mnt_id, g->visible, g->visible_count,
				      sizeof(*g->visible), compare_ids);
}

const struct ft_mount *ft_guards_find(const struct ft_guards *g,
				      const struct ft_identity *id)
{
	for (size_t i = 0; i < g->count; i++)
		if (g->list[i].st_dev == id->object.dev)
			return g->list[i].mount;
	return g->count == 1 ? g->list[0].mount : NULL;
}
