/* SPDX-License-Identifier: MIT */
/* Mounts come and go: new ones are marked, gone ones let go of; told as events where the
 * kernel has them. */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

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

static bool drain_mount_group(struct ft_session *s)
{
	char buffer[MOUNT_READ] __attribute__((aligned(8)));
	bool any = false;
	ssize_t n;

	/* What has changed is read from the table: an event says no more than that it
	 * has. */
	while ((n = ft_group_read(s->mount_group, buffer, sizeof(buffer))) > 0)
		any = true;
	return any;
}

static bool has_changed(struct ft_session *s)
{
	char buffer[MOUNT_READ];
	bool any = false;

	if (s->mount_group >= 0)
		return drain_mount_group(s);
	if (s->mounts_poll < 0)
		return false;
	/* Reading to the end rearms the poll. */
	if (lseek(s->mounts_poll, 0, SEEK_SET) < 0)
		return false;
	while (read(s->mounts_poll, buffer, sizeof(buffer)) > 0)
		any = true;
	return any;
}

static void tell_mount(struct ft_session *s, uint64_t bit, const struct ft_mount *m)
{
	struct ft_bytes *path;
	struct ft_event *ev;

	if (!(s->events & bit) || ft_mounts_is_pseudo(m->type))
		return;
	ev = ft_session_new_pending(s);
	if (!ev)
		return;
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
			if (!is_mounted(&s->view.mounts, r->filesystems[k].dev))
				ft_resolver_drop_filesystem(r, r->filesystems[k].fsid);
	}
}

static void compare(struct ft_session *s, const struct ft_mounts *before)
{
	for (size_t i = 0; i < before->count; i++)
		if (!is_same_mount(&before->list[i],
				   ft_mounts_find(&s->view.mounts, before->list[i].id)))
			tell_mount(s, FT_EV_MNT_DETACH, &before->list[i]);
	for (size_t i = 0; i < s->view.mounts.count; i++) {
		const struct ft_mount *m = &s->view.mounts.list[i];
		int r;

		if (is_same_mount(m, ft_mounts_find(before, m->id)))
			continue;
		tell_mount(s, FT_EV_MNT_ATTACH, m);
		r = ft_marking_add_mount(s, m);
		if (r < 0)
			ft_session_notice(s, FT_NOTICE_LATER_MOUNT,
					  "%s (%s) was mounted and cannot be watched: %s",
					  m->mountpoint, m->type, strerror(-r));
	}
}

int ft_mountwatch_update(struct ft_session *s)
{
	struct ft_mounts now = {0}, before;
	int r;

	if (!has_changed(s))
		return 0;
	r = ft_mounts_read(&now);
	if (r < 0)
		return ft_session_fail(s, r, "/proc/self/mountinfo: %s", strerror(-r));
	before = s->view.mounts;
	s->view.mounts = (struct ft_mounts){0};
	ft_view_take_mounts(&s->view, &now);
	compare(s, &before);
	drop_gone(s);
	ft_mounts_fini(&before);
	return 0;
}
