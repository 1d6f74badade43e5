/* SPDX-License-Identifier: MIT */
/* Mounts come and go: new ones are marked, gone ones let go of; told as events where the
 * kernel has them. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "kernel/abi.h"
#include "kernel/group.h"
#include "session/session.h"

enum { MOUNT_READ = 4096 };

#define MOUNT_BITS ((uint64_t)(FT_EV_MNT_ATTACH | FT_EV_MNT_DETACH))

static int open_mount_group(struct ft_session *s)
{
	int r;

	s->mount_group = ft_group_open(
		FT_INIT_CLASS_NOTIF | FT_INIT_REPORT_MNT | FT_INIT_UNLIMITED_QUEUE, 0);
	if (s->mount_group < 0)
		return s->mount_group;
	r = ft_group_mark(s->mount_group, FT_MARK_ADD | FT_MARK_MNTNS, MOUNT_BITS, -1,
			  "/proc/self/ns/mnt");
	if (r == 0)
		r = ft_session_poll(s, s->mount_group, EPOLLIN);
	if (r == 0)
		return 0;
	close(s->mount_group);
	return r;
}

/* Mount events where the kernel has them (6.14), the mount table's own sign of change
 * else. */
int ft_mountwatch_open(struct ft_session *s)
{
	int r = open_mount_group(s);

	if (r == 0)
		return 0;
	s->mount_group = -1;
	if (s->events & MOUNT_BITS)
		ft_session_notice(s, FT_NOTICE_MOUNT_EVENTS,
				  "mount events need Linux 6.14 and CAP_SYS_ADMIN (%s): "
				  "mnt_attach and mnt_detach are "
				  "told as the mount table changes",
				  strerror(-r));
	s->mounts_poll = ft_mounts_open_poll();
	if (s->mounts_poll < 0)
		return s->mounts_poll;
	return ft_session_poll(s, s->mounts_poll, EPOLLPRI);
}

static unsigned int count_changes(const char *buffer, size_t n)
{
	unsigned int changes = 0;

	for (size_t at = 0; at < n;) {
		ssize_t size = ft_decode_size(buffer + at, n - at);
		struct ft_record rec;

		if (size < 0 || ft_decode(buffer + at, n - at, &rec) < 0)
			break;
		changes += (rec.mask & FT_EV_MNT_ATTACH) != 0;
		changes += (rec.mask & FT_EV_MNT_DETACH) != 0;
		at += (size_t)size;
	}
	return changes;
}

/* What has changed is read from the table. What is not there any more is counted here. */
static bool drain_mount_group(struct ft_session *s, unsigned int *ret_changes)
{
	char buffer[MOUNT_READ] __attribute__((aligned(8)));
	int64_t now_ns = ft_now_ns();
	bool any = false;
	ssize_t n;

	while ((n = ft_group_read(s->mount_group, buffer, sizeof(buffer))) > 0) {
		*ret_changes += count_changes(buffer, (size_t)n);
		now_ns = ft_now_ns();
		any = true;
	}
	if (!any)
		s->mounts_seen_ns = now_ns;
	return any;
}

/* Whoever polls takes the table's sign of change away, the caller by epoll: so it is read
 * and compared. */
static bool has_changed(struct ft_session *s, unsigned int *ret_changes)
{
	uint64_t hash = 1;
	char buffer[MOUNT_READ];
	ssize_t n;

	if (s->mount_group >= 0)
		return drain_mount_group(s, ret_changes);
	if (s->mounts_poll < 0 || lseek(s->mounts_poll, 0, SEEK_SET) < 0)
		return false;
	while ((n = read(s->mounts_poll, buffer, sizeof(buffer))) > 0)
		hash = ft_hash_bytes(hash, buffer, (size_t)n);
	if (hash == s->mounts_hash) {
		s->mounts_seen_ns = ft_now_ns();
		return false;
	}
	s->mounts_hash = hash;
	return true;
}

static void tell_mount(struct ft_session *s, uint64_t bit, const struct ft_mount *m)
{
	struct ft_bytes *path;
	struct ft_event *ev;

	if (!(s->events & bit) || ft_mounts_is_pseudo(m->type))
		return;
	ev = ft_session_new_pending(s);
	if (!ev) {
		ft_session_tell_lost(s, FT_LOST_BUFFER, 1, true);
		return;
	}
	path = &s->pending_path[s->pending_count - 1];
	ft_bytes_put_str(path, m->mountpoint);
	ev->mask = bit;
	ev->dir = true;
	ev->path = ft_bytes_span(path);
	ev->path_source = FT_PATH_NOW;
	ev->mnt_id = (uint64_t)m->id;
}

static bool is_same_mount(const struct ft_mount *a, const struct ft_mount *b)
{
	return a && b && strcmp(a->dev, b->dev) == 0 &&
	       strcmp(a->mountpoint, b->mountpoint) == 0 && strcmp(a->root, b->root) == 0;
}

static bool is_mounted(const struct ft_mounts *m, const char *dev)
{
	for (size_t i = 0; i < m->count; i++)
		if (strcmp(m->list[i].dev, dev) == 0)
			return true;
	return false;
}

/* Nobody shows it any more: what we hold of it goes, so that its device is free. */
static void drop_gone(struct ft_session *s)
{
	for (size_t i = 0; i < s->sources_count; i++) {
		struct ft_resolver *r = &s->sources[i]->resolver;

		for (size_t k = r->filesystems_count; k-- > 0;)
			if (!is_mounted(&s->view.mounts, r->filesystems[k].dev)) {
				ft_root_drop(s->sources[i], r->filesystems[k].fsid);
				ft_resolver_drop_filesystem(r, r->filesystems[k].fsid);
			}
	}
}

/* No mount of it was there before, and is still. */
static bool is_new_filesystem(const struct ft_session *s, const struct ft_mounts *before,
			      const char *dev)
{
	for (size_t i = 0; i < before->count; i++) {
		const struct ft_mount *old = &before->list[i];

		if (strcmp(old->dev, dev) == 0 &&
		    is_same_mount(old, ft_mounts_find(&s->view.mounts, old->id)))
			return false;
	}
	return true;
}

/* Between its mount and its mark nothing was seen of it: for an instant, in which who
 * mounted it may have begun. */
static void watch_new_mount(struct ft_session *s, const struct ft_mount *m,
			    const struct ft_mounts *before)
{
	int r = ft_marking_add_mount(s, m);

	if (r < 0) {
		ft_session_say(s, "%s (%s) was mounted and cannot be watched: %s%s",
			       m->mountpoint, m->type, strerror(-r), ft_marking_help(r));
		ft_session_tell_lost(s, FT_LOST_KERNEL, 0, false);
		return;
	}
	ft_execmark_add(s, m);
	if (r > 0 && is_new_filesystem(s, before, m->dev))
		ft_session_tell_gap(s, s->mounts_seen_ns, ft_now_ns(), "mounted");
}

/* How many mounts went and came. */
static unsigned int compare(struct ft_session *s, const struct ft_mounts *before)
{
	unsigned int changes = 0;

	for (size_t i = 0; i < before->count; i++) {
		if (is_same_mount(&before->list[i],
				  ft_mounts_find(&s->view.mounts, before->list[i].id)))
			continue;
		tell_mount(s, FT_EV_MNT_DETACH, &before->list[i]);
		changes++;
	}
	for (size_t i = 0; i < s->view.mounts.count; i++) {
		const struct ft_mount *m = &s->view.mounts.list[i];

		if (is_same_mount(m, ft_mounts_find(before, m->id)))
			continue;
		tell_mount(s, FT_EV_MNT_ATTACH, m);
		watch_new_mount(s, m, before);
		changes++;
	}
	return changes;
}

/* Takes the mounts that are gone out of the table at hand. */
static int take_gone(struct ft_session *s, const struct ft_mounts *now,
		     struct ft_mounts *ret)
{
	struct ft_mounts *old = &s->view.mounts;

	ret->list = calloc(old->count + 1, sizeof(*ret->list));
	if (!ret->list)
		return -ENOMEM;
	for (size_t i = old->count; i-- > 0;) {
		if (ft_mounts_find(now, old->list[i].id))
			continue;
		ret->list[ret->count++] = old->list[i];
		old->list[i] = old->list[--old->count];
	}
	return 0;
}

/* And puts them behind those of the new one. */
static int put_gone(struct ft_session *s, struct ft_mounts *gone)
{
	struct ft_mounts *m = &s->view.mounts;
	struct ft_mount *list =
		reallocarray(m->list, m->count + gone->count + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	m->list = list;
	if (gone->count > 0)
		memcpy(list + m->count, gone->list, gone->count * sizeof(*list));
	m->count += gone->count;
	s->mounts_kept = gone->count > 0;
	gone->count = 0;
	return 0;
}

static int replace_mounts(struct ft_session *s, struct ft_mounts *now, bool keep)
{
	_cleanup_(ft_mounts_fini) struct ft_mounts gone = {0}, before = {0};

	if (keep && take_gone(s, now, &gone) < 0)
		return -ENOMEM;
	before = s->view.mounts;
	s->view.mounts = (struct ft_mounts){0};
	ft_view_take_mounts(&s->view, now);
	s->mounts_untold -= (int)compare(s, &before);
	return keep ? put_gone(s, &gone) : 0;
}

bool ft_mountwatch_is_due(const struct ft_session *s)
{
	struct pollfd p = {.fd = s->mount_group, .events = POLLIN};

	return poll(&p, 1, 0) > 0;
}

static bool is_everywhere(const struct ft_session *s)
{
	for (size_t i = 0; i < s->view.targets_count; i++)
		if (!s->view.targets[i].dev)
			return true;
	return false;
}

int ft_mountwatch_update(struct ft_session *s, bool keep)
{
	_cleanup_(ft_mounts_fini) struct ft_mounts now = {0};
	unsigned int changes = 0;
	int r;

	if (!has_changed(s, &changes) && (keep || !s->mounts_kept))
		return 0;
	s->mounts_untold += (int)changes;
	r = ft_mounts_read(&now);
	if (r < 0)
		return ft_session_fail(s, r, "/proc/self/mountinfo: %s", strerror(-r));
	s->mounts_kept = false;
	r = replace_mounts(s, &now, keep);
	if (r < 0)
		return r;
	s->mounts_seen_ns = ft_now_ns();
	if (keep)
		return 1;
	/* Mounted and gone before anyone looked, with all that was done there. */
	if (s->mounts_untold > 0 && s->mount_group >= 0 &&
	    (s->events & MOUNT_BITS || is_everywhere(s)))
		ft_session_tell_lost(s, FT_LOST_KERNEL, (uint64_t)s->mounts_untold, true);
	s->mounts_untold = 0;
	drop_gone(s);
	ft_execmark_drop_gone(s);
	return 1;
}

static void swap(char **a, char **b)
{
	char *c = *a;

	*a = *b;
	*b = c;
}

/* A directory above a mount, or one that a mount shows, has another name: no mount event
 * tells that. */
int ft_mountwatch_refresh(struct ft_session *s)
{
	_cleanup_(ft_mounts_fini) struct ft_mounts now = {0};
	int r = ft_mounts_read(&now);

	if (r < 0)
		return ft_session_fail(s, r, "/proc/self/mountinfo: %s", strerror(-r));
	for (size_t i = 0; i < s->view.mounts.count; i++) {
		struct ft_mount *m = &s->view.mounts.list[i];
		struct ft_mount *same = (struct ft_mount *)ft_mounts_find(&now, m->id);

		if (!same || strcmp(same->dev, m->dev) != 0)
			continue;
		swap(&m->mountpoint, &same->mountpoint);
		swap(&m->root, &same->root);
		m->visible = same->visible;
	}
	s->view.version++;
	return 0;
}
