/* SPDX-License-Identifier: MIT */
/* Whether a mark covers a path. */
#include "inspect/covers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "event/mask.h"
#include "kernel/abi.h"
#include "kernel/mounts.h"

enum {
	LINK_LEN = 32,
	MOUNTINFO_MAX = 64 << 20,
};

/* Its names come and go there. */
#define OF_NAMES                                                                         \
	((uint64_t)(FT_EV_CREATE | FT_EV_DELETE | FT_EV_MOVED_FROM | FT_EV_MOVED_TO |    \
		    FT_EV_RENAME))

static int read_device(struct ft_covers *c, const char *mountinfo)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes text = {0};
	_cleanup_(ft_mounts_fini) struct ft_mounts mounts = {0};
	const struct ft_mount *m;
	int r = ft_file_read(AT_FDCWD, mountinfo, MOUNTINFO_MAX, &text);

	if (r == 0)
		r = ft_mounts_parse(&mounts, ft_bytes_span(&text));
	if (r < 0)
		return r;
	m = ft_mounts_find(&mounts, c->mount_id);
	if (!m || sscanf(m->dev, "%u:%u", &c->major, &c->minor) != 2)
		return -ENODEV;
	return 0;
}

static uint64_t inode_of(int fd)
{
	struct statx sx;

	return statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO, &sx) < 0
		       ? 0
		       : sx.stx_ino;
}

/* A filesystem without handles is told by the inode alone. */
static void read_key(int fd, struct ft_key *ret)
{
	if (ft_handle_key(fd, "", 0, ret) < 0)
		ret->len = 0;
}

/* Up from the path without its links, as the kernel goes up from the object. */
static void read_parent(struct ft_covers *c, int fd)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes path = {0};
	_cleanup_close_ int parent = -1;
	char link[LINK_LEN];
	const char *slash;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (ft_file_readlink(AT_FDCWD, link, &path) < 0 || path.len < 2)
		return;
	slash = memrchr(path.data, '/', path.len);
	if (!slash)
		return;
	path.len = slash == path.data ? 1 : (size_t)(slash - path.data);
	parent = ft_file_open_path(AT_FDCWD, ft_bytes_cstr(&path));
	/* That of a mount's root is on another one. */
	if (parent < 0 || ft_mounts_id_of(parent) != c->mount_id)
		return;
	c->parent_ino = inode_of(parent);
	read_key(parent, &c->parent);
}

int ft_covers_read_by(struct ft_covers *ret, const char *path, const char *mountinfo)
{
	_cleanup_close_ int fd = ft_file_open_path(AT_FDCWD, path);
	struct ft_covers c = {0};
	int r;

	if (fd < 0)
		return fd;
	c.mount_id = ft_mounts_id_of(fd);
	if (c.mount_id < 0)
		return c.mount_id;
	r = read_device(&c, mountinfo);
	if (r < 0)
		return r;
	c.ino = inode_of(fd);
	read_key(fd, &c.object);
	read_parent(&c, fd);
	*ret = c;
	return 0;
}

int ft_covers_read(struct ft_covers *ret, const char *path)
{
	return ft_covers_read_by(ret, path, "/proc/self/mountinfo");
}

static bool is_device(const struct ft_covers *c, const struct ft_mark *m)
{
	return c->major == m->major && c->minor == m->minor;
}

/* Inode numbers repeat in the subvolumes of a btrfs: the handle has the last word. */
static bool is_object(const struct ft_key *key, uint64_t ino, struct ft_span marked,
		      const struct ft_mark *m)
{
	if (key->len > 0 && marked.len > 0)
		return ft_span_equal(ft_key_span(key), marked);
	return ino != 0 && ino == m->ino;
}

static bool tells_of_children(const struct ft_group_text *g, const struct ft_mark *m)
{
	if (g->kind == FT_GROUP_KIND_INOTIFY)
		return true;
	return (m->mask | m->ignored_mask) & (FT_EV_ON_CHILD | OF_NAMES);
}

static bool covers_inode(const struct ft_covers *c, const struct ft_group_text *g,
			 const struct ft_mark *m)
{
	struct ft_span marked = ft_group_key(g, m);

	if (!is_device(c, m))
		return false;
	if (is_object(&c->object, c->ino, marked, m))
		return true;
	return tells_of_children(g, m) && is_object(&c->parent, c->parent_ino, marked, m);
}

bool ft_covers_mark(const struct ft_covers *c, const struct ft_group_text *g,
		    const struct ft_mark *m)
{
	switch (m->type) {
	case FT_MARK_OF_INODE:
		return covers_inode(c, g, m);
	case FT_MARK_OF_MOUNT:
		return c->mount_id == m->mount_id;
	case FT_MARK_OF_FILESYSTEM:
		return is_device(c, m);
	case FT_MARK_OF_MNTNS:
		return false;
	}
	return false;
}
