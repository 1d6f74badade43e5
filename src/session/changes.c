/* SPDX-License-Identifier: MIT */
/* What changes while verdicts are kept. */
#include "session/changes.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/number.h"
#include "kernel/abi.h"
#include "kernel/group.h"

enum {
	BURST = 1024, /* events between two looks at something else */
	/* Clocks of filesystems tick; so much a ctime may be behind. */
	TICK_MSEC = 20,
};

int ft_changes_open(struct ft_changes *c, struct ft_ruleset *rules, ft_notice_fn notice,
		    char **ret_error)
{
	int r;

	*c = (struct ft_changes){.rules = rules, .group = -1};
	r = ft_session_new(&c->session, FT_SESSION_NO_PROCESS);
	if (r < 0)
		return r;
	c->session->notice = notice;
	r = ft_session_set_events(c->session, FT_EV_CREATE | FT_EV_RENAME);
	for (size_t i = 0; i < rules->guards.count && r == 0; i++)
		r = ft_session_add_path(c->session, rules->guards.list[i].path,
					FT_SCOPE_FILESYSTEM, false);
	if (r == 0)
		r = ft_session_start(c->session);
	if (r < 0)
		*ret_error = strdup(ft_session_error(c->session));
	return r;
}

void ft_changes_close(struct ft_changes *c)
{
	c->session = ft_session_free(c->session);
}

int ft_changes_fd(const struct ft_changes *c)
{
	return c->failed ? -1 : c->session->epoll;
}

bool ft_changes_is_due(const struct ft_changes *c)
{
	return !c->failed && atomic_load(&c->busy);
}

static void forget_all(struct ft_changes *c)
{
	atomic_fetch_add(&c->generation, 1);
	if (c->group >= 0)
		ft_group_flush(c->group, FT_MARK_INODE);
}

/*
 * The kernel keeps no verdict on this file any more. If something else is there by now, a
 * record of where the file went comes later; if nothing is, it has not got this name.
 */
static void forget_file(struct ft_changes *c, struct ft_span path)
{
	_cleanup_close_ int fd = -1;
	char link[32];
	int r;

	if (c->group < 0)
		return;
	fd = ft_guards_open(&c->rules->guards, path);
	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP || fd == -ESTALE)
		return;
	if (fd < 0) {
		forget_all(c);
		return;
	}
	/* A descriptor that only names is not taken as such. */
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	r = ft_group_mark(c->group, FT_MARK_REMOVE | FT_MARK_IGNORE, c->rules->events,
			  AT_FDCWD, link);
	/* Most have none. */
	if (r < 0 && r != -ENOENT)
		forget_all(c);
}

static void follow_rename(struct ft_changes *c, const struct ft_event *ev)
{
	if (ev->dir) {
		forget_all(c);
		ft_ruleset_see_tree(c->rules, ev->path);
		return;
	}
	atomic_fetch_add(&c->generation, 1);
	forget_file(c, ev->path);
	ft_ruleset_see_moved(c->rules, ev->old_path, ev->path);
}

static void follow(struct ft_changes *c, const struct ft_event *ev)
{
	atomic_fetch_add(&c->followed, 1);
	if (ev->kind != FT_KIND_EVENT) {
		/* Nobody knows what: all is looked up anew. */
		forget_all(c);
		ft_ruleset_find_claims(c->rules);
		return;
	}
	if (ev->path_source <= FT_PATH_PARTIAL) {
		forget_all(c);
		return;
	}
	if (ev->mask & (FT_EV_RENAME | FT_EV_MOVED_TO | FT_EV_MOVED_FROM)) {
		follow_rename(c, ev);
		return;
	}
	if (ev->dir)
		return;
	forget_file(c, ev->path);
	ft_ruleset_see(c->rules, ev->path);
}

static int pump(struct ft_changes *c)
{
	struct ft_event *ev;

	for (int i = 0; i < BURST; i++) {
		int r = ft_session_next(c->session, &ev);

		if (r == FT_SESSION_MORE)
			continue;
		if (r <= 0)
			return r;
		follow(c, ev);
	}
	return 1;
}

int ft_changes_pump(struct ft_changes *c)
{
	int r;

	if (!atomic_load(&c->busy)) {
		c->began_ns = ft_now_ns();
		c->began_boot_ns = ft_boot_ns();
		/* Before anything is read: who sees the queue empty sees this. */
		atomic_store(&c->busy, true);
	}
	r = pump(c);
	if (r < 0) {
		c->failed = true;
		forget_all(c);
	}
	if (r != 0)
		return r;
	atomic_store(&c->seen_ns, c->began_ns);
	atomic_store(&c->seen_boot_ns, c->began_boot_ns);
	atomic_store(&c->busy, false);
	return 0;
}

bool ft_changes_is_idle(const struct ft_changes *c)
{
	struct epoll_event ev;

	/* It takes nothing away, and half the time of a poll(). */
	return epoll_wait(c->session->epoll, &ev, 1, 0) == 0 && !atomic_load(&c->busy);
}

bool ft_changes_may_concern(const struct ft_changes *c, int64_t ctime_ns)
{
	return ctime_ns >= atomic_load(&c->seen_ns) - TICK_MSEC * FT_NSEC_PER_MSEC;
}

bool ft_changes_wait(const struct ft_changes *c, unsigned int msec)
{
	int64_t now = ft_boot_ns();

	for (unsigned int i = 0; i < msec; i++) {
		if (ft_changes_is_idle(c) || atomic_load(&c->seen_boot_ns) >= now)
			return true;
		poll(NULL, 0, 1);
	}
	return false;
}
