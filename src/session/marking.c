/* SPDX-License-Identifier: MIT */
/* How each filesystem can be marked: the best way that it takes, and what is told when it
 * is not the first. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kernel/abi.h"
#include "kernel/group.h"
#include "kernel/server.h"
#include "session/session.h"

/* What a mount mark can see; the rest is refused by the kernel. */
#define MOUNT_BITS                                                                       \
	((uint64_t)(FT_EV_ACCESS | FT_EV_MODIFY | FT_EV_OPEN | FT_EV_OPEN_EXEC |         \
		    FT_EV_CLOSE_WRITE | FT_EV_CLOSE_NOWRITE))
#define MOUNT_EVENT_BITS ((uint64_t)(FT_EV_MNT_ATTACH | FT_EV_MNT_DETACH))
/* What is needed to know where directories are, and which image a process had. */
#define OWN_BITS ((uint64_t)(FT_EV_CREATE | FT_EV_DELETE | FT_EV_ONDIR))

static uint64_t mask_of(const struct ft_session *s, const struct ft_source *src)
{
	uint64_t mask = (s->events & ~MOUNT_EVENT_BITS) | OWN_BITS | FT_EV_OPEN_EXEC;

	if (src->resolver.has_objects)
		return mask | FT_EV_RENAME;
	if (mask & FT_EV_RENAME)
		mask |= FT_EV_MOVED_FROM | FT_EV_MOVED_TO;
	return (mask & ~(uint64_t)FT_EV_RENAME) | FT_EV_MOVED_FROM | FT_EV_MOVED_TO;
}

static int new_source(struct ft_session *s, struct ft_source **ret)
{
	int r = ft_source_open(s, ret);

	if (r < 0)
		return ft_session_fail(
			s, r, "fanotify: cannot open a group: %s%s", strerror(-r),
			r == -ENOSYS   ? " (this kernel is built without fanotify)"
			: r == -EINVAL ? " (Linux 5.9 or newer is needed)"
			: r == -EMFILE ? " (see fs.fanotify.max_user_groups)"
				       : "");
	if (!(*ret)->resolver.has_objects && (s->events & FT_EV_RENAME)) {
		ft_session_notice(s, FT_NOTICE_RENAME,
				  "this kernel has no FAN_RENAME (Linux 5.17): "
				  "moved_from and moved_to are told");
		s->events |= FT_EV_MOVED_FROM | FT_EV_MOVED_TO;
	}
	(*ret)->mask = mask_of(s, *ret);
	(*ret)->shown = s->events;
	return 0;
}

/* A group that has no filesystem of this fsid yet, or already this very one (*ret_known).
 */
static int source_for(struct ft_session *s, uint64_t fsid, const char *dev, bool mounts,
		      struct ft_source **ret, bool *ret_known)
{
	*ret_known = false;
	for (size_t i = 0; i < s->sources_count; i++) {
		struct ft_source *src = s->sources[i];
		struct ft_filesystem *fs;

		if (src->marks_mounts != mounts)
			continue;
		fs = ft_resolver_find_filesystem(
			&src->resolver,
			(struct ft_span){(const char *)&fsid, sizeof(fsid)});
		if (fs && strcmp(fs->dev, dev) != 0)
			continue;
		*ret_known = fs != NULL;
		*ret = src;
		return 0;
	}
	return new_source(s, ret);
}

static int add_filesystem(struct ft_source *src, const struct ft_mount *m, uint64_t fsid,
			  int mount_fd)
{
	struct ft_filesystem fs = {.fsid = fsid, .mount_fd = mount_fd};
	struct ft_span root = {0};
	struct ft_key key;
	int r;

	fs.dev = strdup(m->dev);
	fs.type = strdup(m->type);
	if (mount_fd >= 0 && ft_handle_key(mount_fd, "", fsid, &key) == 0)
		root = ft_key_span(&key);
	r = !fs.dev || !fs.type
		    ? -ENOMEM
		    : ft_resolver_add_filesystem(&src->resolver, &fs, root,
						 strcmp(m->root, "/") == 0
							 ? FT_SPAN("")
							 : ft_span_of(m->root));
	if (r < 0) {
		free(fs.dev);
		free(fs.type);
	}
	return r;
}

/* Any mount of the same filesystem that shows all of it is better to walk through. */
static const struct ft_mount *widest_mount(const struct ft_session *s,
					   const struct ft_mount *m)
{
	for (size_t i = 0; i < s->view.mounts.count; i++) {
		const struct ft_mount *other = &s->view.mounts.list[i];

		if (other->visible && strcmp(other->dev, m->dev) == 0 &&
		    strcmp(other->root, "/") == 0)
			return other;
	}
	return m;
}

static int open_mount_fd(const struct ft_session *s, const struct ft_mount **m)
{
	_cleanup_close_ int fd = -1;
	int clone;

	*m = widest_mount(s, *m);
	fd = open((*m)->mountpoint, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	clone = ft_handle_clone_mount(fd);
	if (clone != -EPERM && clone != -ENOSYS)
		return clone;
	clone = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return clone < 0 ? -errno : clone;
}

static int mark_whole(struct ft_source *src, uint64_t mask, int dirfd, const char *path)
{
	int r = ft_group_mark(src->group, FT_MARK_ADD | FT_MARK_FILESYSTEM, mask, dirfd,
			      path);

	/* Not every filesystem or kernel can tell its errors. */
	if (r == -EINVAL && (mask & FT_EV_FS_ERROR))
		r = ft_group_mark(src->group, FT_MARK_ADD | FT_MARK_FILESYSTEM,
				  mask & ~(uint64_t)FT_EV_FS_ERROR, dirfd, path);
	return r;
}

/* The whole filesystem that a mount shows. 0, or -errno of the mark. */
static int mark_filesystem(struct ft_session *s, const struct ft_mount *m)
{
	_cleanup_close_ int mount_fd = -1;
	struct ft_source *src;
	bool known = false;
	uint64_t fsid;
	int r;

	mount_fd = open_mount_fd(s, &m);
	if (mount_fd < 0)
		return mount_fd;
	r = ft_handle_fsid(mount_fd, &fsid);
	if (r == 0)
		r = source_for(s, fsid, m->dev, false, &src, &known);
	if (r < 0 || known)
		return r;
	r = mark_whole(src, src->mask, mount_fd, ".");
	if (r < 0)
		return r;
	s->way = FT_WAY_FILESYSTEM;
	return add_filesystem(src, m, fsid, ft_take_fd(mount_fd));
}

/* A subvolume cannot be marked for the whole: the mark goes on a private mount of all
 * subvolumes. */
static int mark_btrfs(struct ft_session *s, const struct ft_mount *m)
{
	struct ft_mount whole = *m;
	_cleanup_close_ int mount_fd = -1;
	struct ft_source *src;
	bool known = false;
	uint64_t fsid;
	int r;

	mount_fd = ft_handle_mount_btrfs(m->source);
	if (mount_fd < 0)
		return mount_fd;
	r = ft_handle_fsid(mount_fd, &fsid);
	if (r == 0)
		r = source_for(s, fsid, m->dev, false, &src, &known);
	if (r < 0 || known)
		return r;
	r = mark_whole(src, src->mask, mount_fd, ".");
	if (r < 0)
		return r;
	ft_session_notice(
		s, FT_NOTICE_BTRFS,
		"%s is a btrfs subvolume: watched through a private mount of all of "
		"%s",
		m->mountpoint, m->source);
	whole.root = (char *)"/";
	s->way = FT_WAY_BTRFS;
	return add_filesystem(src, &whole, fsid, ft_take_fd(mount_fd));
}

/* Inode marks: on each directory below PATH, or on the object alone. */
static int mark_root(struct ft_session *s, const struct ft_target *t,
		     const struct ft_mount *m)
{
	_cleanup_close_ int fd = -1;
	struct ft_source *src;
	bool known = false;
	uint64_t fsid;
	int r;

	fd = open(t->path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = ft_handle_fsid(fd, &fsid);
	if (r == 0)
		r = source_for(s, fsid, m->dev, false, &src, &known);
	if (r < 0)
		return r;
	if (!known) {
		const struct ft_mount *wide = m;
		int mount_fd = open_mount_fd(s, &wide);

		/* Without it (no privilege, no handles) all directories are known by
		 * their listing. */
		r = add_filesystem(src, wide, fsid, mount_fd < 0 ? -1 : mount_fd);
		if (r < 0)
			return r;
	}
	r = ft_recurse_add_root(src, t);
	if (r == 0)
		s->way = FT_WAY_DIRECTORIES;
	else if (!known)
		ft_resolver_drop_filesystem(&src->resolver, fsid);
	return r;
}

/* Anything but a lack of privilege or room: it is the filesystem that cannot. */
static bool needs_descriptors(int r)
{
	return r < 0 && r != -EPERM && r != -EACCES && r != -ENOMEM && r != -ENOSPC &&
	       r != -EMFILE;
}

static int mark_by_descriptor(struct ft_session *s, const struct ft_target *t,
			      const struct ft_mount *m, int why)
{
	int r = ft_fdmode_mark(s, t);

	if (r < 0)
		return r;
	s->way = FT_WAY_DESCRIPTORS;
	ft_session_notice(s, FT_NOTICE_FD_MODE,
			  "%s (%s): this filesystem has no handles (%s): only open, "
			  "access, modify, close and open_exec are seen there",
			  t->path, m->type, strerror(-why));
	return 0;
}

static int mark_tree_weakly(struct ft_session *s, const struct ft_target *t,
			    const struct ft_mount *m, int why)
{
	struct ft_target whole = {
		.path = m->mountpoint, .is_dir = true, .mount_id = m->id};
	int r;

	/* A mount below PATH is watched from its top. */
	if (t->mount_id == m->id)
		whole = *t;
	whole.scope = FT_SCOPE_TREE;
	r = mark_root(s, &whole, m);
	if (r == 0) {
		ft_session_notice(s, FT_NOTICE_RECURSE,
				  "%s (%s): a mark on the whole filesystem is not "
				  "possible (%s): each directory is "
				  "marked instead, new ones as they appear",
				  whole.path, m->type,
				  why == -EPERM ? "no CAP_SYS_ADMIN" : strerror(-why));
		return 0;
	}
	return needs_descriptors(r) ? mark_by_descriptor(s, &whole, m, why) : r;
}

static int mark_mount_tree(struct ft_session *s, const struct ft_target *t,
			   const struct ft_mount *m)
{
	int r = ft_server_try(&s->view.mounts, m);

	if (r < 0)
		return r;
	r = mark_filesystem(s, m);
	if (r == -EXDEV && strcmp(m->type, "btrfs") == 0)
		r = mark_btrfs(s, m);
	if (r == 0 || r == -ENOMEM || r == -EMFILE)
		return r;
	return mark_tree_weakly(s, t, m, r);
}

/* Scope mount: what a mount mark can see, and from the filesystem the changes of
 * directories alone. */
static int mark_mount(struct ft_session *s, const struct ft_target *t,
		      const struct ft_mount *m)
{
	_cleanup_close_ int mount_fd = -1;
	struct ft_source *src;
	bool known = false;
	uint64_t fsid;
	int r;

	mount_fd = open_mount_fd(s, &m);
	if (mount_fd < 0)
		return mount_fd;
	r = ft_handle_fsid(mount_fd, &fsid);
	if (r == 0)
		r = source_for(s, fsid, m->dev, true, &src, &known);
	if (r < 0)
		return r;
	src->marks_mounts = true;
	src->shown = s->events & MOUNT_BITS;
	if (s->events & ~(MOUNT_BITS | MOUNT_EVENT_BITS))
		ft_session_notice(s, FT_NOTICE_MOUNT_SCOPE,
				  "--scope mount: the kernel tells open, access, modify, "
				  "close and open_exec of a mount; "
				  "create, delete, rename and attrib are left out");
	r = ft_group_mark(src->group, FT_MARK_ADD | FT_MARK_MOUNT,
			  src->shown | FT_EV_OPEN_EXEC | FT_EV_ONDIR, AT_FDCWD, t->path);
	if (r == 0)
		r = mark_whole(src,
			       src->mask & (OWN_BITS | FT_EV_RENAME | FT_EV_MOVED_FROM |
					    FT_EV_MOVED_TO),
			       mount_fd, ".");
	if (r < 0 || known)
		return r;
	return add_filesystem(src, m, fsid, ft_take_fd(mount_fd));
}

/* Everything that is excluded by name anyway need not be marked: a filesystem all of
 * whose mounts lie below. */
static bool is_excluded(const struct ft_session *s, const struct ft_mount *m)
{
	for (size_t i = 0; i < s->view.mounts.count; i++) {
		const struct ft_mount *other = &s->view.mounts.list[i];

		if (strcmp(other->dev, m->dev) == 0 &&
		    !ft_match_excludes_below(s->match, other->mountpoint))
			return false;
	}
	return true;
}

static bool is_wanted_below(const struct ft_session *s, const struct ft_target *t,
			    const struct ft_mount *m)
{
	struct ft_span path = ft_span_of(t->path ? t->path : "/");

	if (path.len == 1)
		path.len = 0;
	if (!m->visible || ft_mounts_is_pseudo(m->type) || is_excluded(s, m))
		return false;
	if (!t->dev)
		return true;
	return t->scope == FT_SCOPE_TREE && t->is_dir && !t->one_filesystem &&
	       ft_path_is_below(ft_span_of(m->mountpoint), path);
}

const char *ft_marking_help(int r)
{
	if (r == -EPERM || r == -EACCES)
		return " (CAP_SYS_ADMIN and CAP_DAC_READ_SEARCH would help)";
	if (r == -ETIMEDOUT)
		return " (its server does not answer)";
	return r == -ENOSPC ? " (raise fs.fanotify.max_user_marks, or run with "
			      "CAP_SYS_ADMIN)"
			    : "";
}

static int fail_mark(struct ft_session *s, const char *path, int r)
{
	return ft_session_fail(s, r, "%s: cannot be watched: %s%s", path, strerror(-r),
			       ft_marking_help(r));
}

/* All below may be excluded by name; what is done to itself its parent's mark tells. */
static bool is_missed(const struct ft_session *s, struct ft_span dir)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes entry = {0};

	ft_bytes_put_span(&entry, dir);
	ft_bytes_put_lit(&entry, "/*");
	return entry.failed || !ft_match_excludes_below(s->match, ft_bytes_cstr(&entry));
}

void ft_marking_miss(struct ft_session *s, struct ft_span dir, int why)
{
	if (!is_missed(s, dir))
		return;
	ft_session_tell_lost(s, FT_LOST_KERNEL, 0, false);
	if (s->missed_count++ > 0)
		return;
	ft_bytes_put_span(&s->missed, dir.len > 0 ? dir : FT_SPAN("/"));
	s->missed_why = why;
}

void ft_marking_tell_missed(struct ft_session *s)
{
	char others[64] = "";

	if (s->missed_count == 0)
		return;
	if (s->missed_count > 1)
		snprintf(others, sizeof(others), ", nor can %" PRIu64 " more",
			 s->missed_count - 1);
	ft_session_notice(s, FT_NOTICE_MISSED,
			  "%s: cannot be watched: %s%s%s: what happens there is lost",
			  ft_bytes_cstr(&s->missed), strerror(-s->missed_why),
			  ft_marking_help(s->missed_why), others);
}

static int mark_own(struct ft_session *s, const struct ft_target *t)
{
	const struct ft_mount *m = ft_mounts_find(&s->view.mounts, t->mount_id);

	int r;

	if (!m)
		return -ENOENT;
	switch (t->scope) {
	case FT_SCOPE_MOUNT:
		r = mark_mount(s, t, m);
		break;
	case FT_SCOPE_DIRECTORY:
	case FT_SCOPE_FILE:
		r = mark_root(s, t, m);
		/* Before 6.8 a subvolume takes no mark at all. */
		if (r == -EXDEV && t->is_dir && strcmp(m->type, "btrfs") == 0)
			r = mark_btrfs(s, m);
		break;
	default:
		return is_excluded(s, m) ? 0 : mark_mount_tree(s, t, m);
	}
	return needs_descriptors(r) ? mark_by_descriptor(s, t, m, r) : r;
}

static int mark_target(struct ft_session *s, const struct ft_target *t)
{
	int r = 0;

	if (t->dev) {
		r = mark_own(s, t);
		if (r < 0)
			return fail_mark(s, t->path, r);
	}
	for (size_t i = 0; i < s->view.mounts.count; i++) {
		const struct ft_mount *m = &s->view.mounts.list[i];

		if (m->id == t->mount_id || !is_wanted_below(s, t, m))
			continue;
		r = mark_mount_tree(s, t, m);
		/* What lies below and cannot be watched is told; what was asked for by
		 * name is an error. */
		if (r < 0) {
			ft_session_say(s, "%s (%s): cannot be watched: %s%s",
				       m->mountpoint, m->type, strerror(-r),
				       ft_marking_help(r));
			ft_session_tell_lost(s, FT_LOST_KERNEL, 0, false);
		}
	}
	return 0;
}

int ft_marking_start(struct ft_session *s)
{
	int r = 0;

	for (size_t i = 0; i < s->view.targets_count && r == 0; i++)
		r = mark_target(s, &s->view.targets[i]);
	ft_marking_tell_missed(s);
	if (r == 0 && s->is_blind && ft_match_needs_process(s->match))
		ft_session_notice(s, FT_NOTICE_FILTERS,
				  "no CAP_SYS_ADMIN: a filter for processes, users or "
				  "containers cannot decide: what it keeps back is lost");
	return r;
}

int ft_marking_add_mount(struct ft_session *s, const struct ft_mount *m)
{
	for (size_t i = 0; i < s->view.targets_count; i++) {
		if (!is_wanted_below(s, &s->view.targets[i], m))
			continue;
		int r = mark_mount_tree(s, &s->view.targets[i], m);
		ft_marking_tell_missed(s);
		return r < 0 ? r : 1;
	}
	return 0;
}
