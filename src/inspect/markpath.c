/* SPDX-License-Identifier: MIT */
/* The path of what a mark is on: each one that is told was opened, and is the object. */
#include "inspect/markpath.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "inspect/overlay.h"
#include "kernel/server.h"

enum {
	LINK_LEN = 32,
	DEV_LEN = 24,
	TYPE_AT = 12, /* of a key: after the filesystem and the handle's length */
	/* FILEID_INO64_GEN: made up for filesystems that cannot open one. */
	TYPE_NO_EXPORT = 0x81,
};

/* One search, through the mounts of one namespace after another. */
struct search {
	struct ft_markpaths *p;
	const struct ft_namespace *ns;
	struct ft_span key;
	char dev[DEV_LEN];
	struct ft_markpath found;
};

static const struct {
	const char *name;
	const char *text;
} states[] = {
	[FT_MARKPATH_NO_NAME] = {"no_name", "no name of it is in the kernel's memory, or "
					    "it is below another mount"},
	[FT_MARKPATH_NO_HANDLE] = {"no_handle", "its filesystem cannot find it by its "
						"handle"},
	[FT_MARKPATH_NO_MOUNT] = {"no_mount", "its filesystem is mounted nowhere that "
					      "can be seen"},
	[FT_MARKPATH_REMOTE] = {"remote", "its server, which may hang, is not asked"},
	[FT_MARKPATH_DENIED] = {"denied", "that takes CAP_DAC_READ_SEARCH"},
	[FT_MARKPATH_OTHER] = {NULL, NULL},
};

const char *ft_markpath_state_name(enum ft_markpath_state s)
{
	return states[s].name;
}

const char *ft_markpath_state_text(enum ft_markpath_state s)
{
	return states[s].text;
}

int ft_markpaths_init(struct ft_markpaths *p, int proc)
{
	int r;

	*p = (struct ft_markpaths){.here = -1};
	p->start = ft_file_open_path(AT_FDCWD, ".");
	if (p->start < 0)
		return p->start;
	r = ft_namespaces_init(&p->namespaces, proc);
	if (r < 0)
		ft_markpaths_fini(p);
	return r;
}

void ft_markpaths_fini(struct ft_markpaths *p)
{
	if (p->start >= 0) {
		(void)ft_handle_enter(p->start);
		close(p->start);
	}
	if (p->here >= 0)
		close(p->here);
	ft_namespaces_fini(&p->namespaces);
	ft_bytes_fini(&p->path);
	*p = (struct ft_markpaths){.start = -1, .here = -1};
}

/* 0; -ENOTDIR: a mount of one file, which is `here` and cannot be entered; -errno. */
static int enter(struct search *s, const struct ft_mount *m)
{
	struct ft_markpaths *p = s->p;
	_cleanup_close_ int fd = -1;
	int r;

	if (p->entered == m)
		return 0;
	fd = ft_namespace_open(s->ns, m);
	if (fd < 0)
		return fd;
	r = ft_handle_enter(fd);
	if (r < 0 && r != -ENOTDIR)
		return r;
	if (p->here >= 0)
		close(p->here);
	p->here = ft_take_fd(fd);
	p->entered = r == 0 ? m : NULL;
	return r;
}

static bool is_object(struct ft_span key, int fd)
{
	struct ft_key got;

	return ft_handle_key(fd, "", 0, &got) == 0 &&
	       ft_span_equal(key, ft_key_span(&got));
}

/* Does this path lead to the object, in this namespace? */
static bool leads_to_object(const struct search *s, const char *path)
{
	_cleanup_close_ int fd = ft_file_open_below(s->ns->root, path);

	return fd >= 0 && is_object(s->key, fd);
}

static void tell(struct search *s, enum ft_markpath_state state)
{
	s->found.state = state;
	s->found.path = ft_bytes_span(&s->p->path);
	s->found.is_elsewhere = s->ns != s->p->namespaces.list[0];
}

static void tell_path(struct search *s, const char *path)
{
	ft_bytes_clear(&s->p->path);
	ft_bytes_put_str(&s->p->path, path);
	tell(s, FT_MARKPATH_KNOWN);
}

/* The kernel adds it to a name that is gone; a file may also be called so. */
static bool strip_deleted(struct ft_bytes *path)
{
	const struct ft_span suffix = FT_SPAN(" (deleted)");

	if (path->len <= suffix.len ||
	    memcmp(path->data + path->len - suffix.len, suffix.data, suffix.len) != 0)
		return false;
	path->len -= suffix.len;
	return true;
}

static bool is_below(struct ft_span path, const char *dir)
{
	size_t len = strlen(dir);

	if (len == 1)
		return true;
	return path.len >= len && memcmp(path.data, dir, len) == 0 &&
	       (path.len == len || path.data[len] == '/');
}

/* The object is open as fd, by this mount. True: there is nothing more to find out. */
static bool name_object(struct search *s, const struct ft_mount *m, int fd)
{
	struct ft_bytes *path = &s->p->path;
	char link[LINK_LEN];

	snprintf(link, sizeof(link), "self/fd/%d", fd);
	if (ft_file_readlink(s->p->namespaces.proc, link, path) < 0)
		return false;
	if (leads_to_object(s, ft_bytes_cstr(path))) {
		tell(s, FT_MARKPATH_KNOWN);
		return true;
	}
	/* What a mount of a part does not show would be told as if it began at the root.
	 */
	if (!strip_deleted(path) || strcmp(m->root, "/") != 0 ||
	    !is_below(ft_bytes_span(path), m->mountpoint))
		return false;
	tell(s, FT_MARKPATH_DELETED);
	return true;
}

static uint32_t type_of(struct ft_span key)
{
	uint32_t type;

	memcpy(&type, key.data + TYPE_AT, sizeof(type));
	return type;
}

static bool cannot_open(struct ft_span key)
{
	return type_of(key) == TYPE_NO_EXPORT || type_of(key) == FT_OVERLAY_TYPE;
}

static bool try_handle(struct search *s, const struct ft_mount *m)
{
	_cleanup_close_ int fd = ft_handle_open_here(s->key);

	if (fd >= 0) {
		s->found.state = FT_MARKPATH_NO_NAME;
		return name_object(s, m, fd);
	}
	if (fd == -EPERM)
		s->found.state = FT_MARKPATH_DENIED;
	else if (fd == -ESTALE && !cannot_open(s->key))
		s->found.state = FT_MARKPATH_DELETED;
	else
		s->found.state = FT_MARKPATH_NO_HANDLE;
	return fd == -EPERM;
}

/* Through the layers of an overlay: what they hold is named in it alike. */
static bool try_overlay(struct search *s, const struct ft_mount *m)
{
	if (ft_overlay_find(m, s->key, &s->p->path) < 0 ||
	    !leads_to_object(s, ft_bytes_cstr(&s->p->path)))
		return false;
	tell(s, FT_MARKPATH_KNOWN);
	return true;
}

static bool try_mount(struct search *s, const struct ft_mount *m)
{
	int r = enter(s, m);

	if (r < 0 && r != -ENOTDIR)
		return false;
	/* The root of a mount needs no handle that can be opened. */
	if (is_object(s->key, s->p->here)) {
		tell_path(s, m->mountpoint);
		return true;
	}
	if (r < 0)
		return false;
	if (try_handle(s, m))
		return true;
	if (s->found.state != FT_MARKPATH_NO_HANDLE || type_of(s->key) != FT_OVERLAY_TYPE)
		return false;
	/* A layer will be the working directory. */
	s->p->entered = NULL;
	return try_overlay(s, m);
}

/* True: it was found, or cannot be. */
static bool search_inode(struct search *s)
{
	for (size_t i = 0; i < s->ns->mounts.count; i++) {
		const struct ft_mount *m = &s->ns->mounts.list[i];

		if (strcmp(m->dev, s->dev) != 0)
			continue;
		if (!s->found.mount) {
			s->found.mount = m;
			s->found.is_elsewhere = s->ns != s->p->namespaces.list[0];
			s->found.state = FT_MARKPATH_NO_NAME;
		}
		if (ft_server_is_of(m->type)) {
			s->found.state = FT_MARKPATH_REMOTE;
			return true;
		}
		if (s->key.len == 0) {
			s->found.state = FT_MARKPATH_NO_HANDLE;
			return true;
		}
		if (try_mount(s, m))
			return true;
	}
	return false;
}

static bool search_mount(struct search *s, const struct ft_mark *m)
{
	for (size_t i = 0; i < s->ns->mounts.count; i++) {
		const struct ft_mount *mount = &s->ns->mounts.list[i];

		if (m->type == FT_MARK_OF_MOUNT ? mount->id != m->mount_id
						: strcmp(mount->dev, s->dev) != 0)
			continue;
		s->found.mount = mount;
		tell_path(s, mount->mountpoint);
		return true;
	}
	return false;
}

static bool search_in(struct search *s, const struct ft_namespace *ns,
		      const struct ft_mark *m)
{
	s->ns = ns;
	return m->type == FT_MARK_OF_INODE ? search_inode(s) : search_mount(s, m);
}

/* First in this process's own namespace, then in the owner's, then wherever. */
static void search_all(struct search *s, const struct ft_group *g,
		       const struct ft_mark *m)
{
	struct ft_namespaces *all = &s->p->namespaces;
	const struct ft_namespace *owner;

	if (search_in(s, all->list[0], m))
		return;
	for (size_t i = 0; i < g->holders_count; i++) {
		owner = ft_namespaces_of(all, g->holders[i].pid);
		if (owner && owner != all->list[0]) {
			if (search_in(s, owner, m))
				return;
			break;
		}
	}
	/* One that is deleted is so everywhere. */
	if (s->found.mount || ft_namespaces_complete(all) < 0)
		return;
	for (size_t i = 1; i < all->count; i++)
		if (search_in(s, all->list[i], m))
			return;
}

int ft_markpath_find(struct ft_markpaths *p, const struct ft_group *g,
		     const struct ft_mark *m, struct ft_markpath *ret)
{
	struct search s = {
		.p = p,
		.key = ft_group_key(&g->text, m),
		.found.state = FT_MARKPATH_NO_MOUNT,
	};

	snprintf(s.dev, sizeof(s.dev), "%u:%u", m->major, m->minor);
	if (m->type == FT_MARK_OF_MNTNS)
		s.found.state = FT_MARKPATH_OTHER;
	else
		search_all(&s, g, m);
	if (p->path.failed)
		return -ENOMEM;
	*ret = s.found;
	return 0;
}
