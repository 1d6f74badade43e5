/* SPDX-License-Identifier: MIT */
/* A session's life: set up, started, stopped. What it tells is in flow.c. */
#include "session/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kernel/abi.h"
#include "kernel/group.h"

int ft_session_fail(struct ft_session *s, int error, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	ft_bytes_clear(&s->error);
	ft_bytes_put_str(&s->error, text);
	return error;
}

void ft_session_notice(struct ft_session *s, enum ft_notice which, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (!s->notice || s->noticed & UINT64_C(1) << which)
		return;
	s->noticed |= UINT64_C(1) << which;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	s->notice(s->notice_data, text);
}

void ft_session_say(struct ft_session *s, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (!s->notice)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	s->notice(s->notice_data, text);
}

const char *ft_session_error(struct ft_session *s)
{
	return s->error.len > 0 ? ft_bytes_cstr(&s->error) : "";
}

int ft_session_poll(struct ft_session *s, int fd, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.fd = fd};

	return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

static int init(struct ft_session *s, unsigned int flags)
{
	int r;

	*s = (struct ft_session){.flags = flags,
				 .events = FT_MASK_DEFAULT,
				 .fd_group = -1,
				 .asked_fd = -1,
				 .mount_group = -1,
				 .mounts_poll = -1,
				 .self = getpid()};
	s->tracker_ops =
		flags & FT_SESSION_NO_PROCESS ? &ft_tracker_none : &ft_tracker_bpf;
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll < 0)
		return -errno;
	r = ft_view_init(&s->view);
	return r < 0 ? r : ft_match_new(&s->match);
}

int ft_session_new(struct ft_session **ret, unsigned int flags)
{
	struct ft_session *s;
	int r;

	if (flags & ~(unsigned int)(FT_SESSION_ASK | FT_SESSION_NO_PROCESS))
		return -EINVAL;
	s = malloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	r = init(s, flags);
	if (r < 0) {
		ft_session_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

struct ft_session *ft_session_free(struct ft_session *s)
{
	if (!s)
		return NULL;
	if (s->asked_fd >= 0)
		ft_session_answer(s, FT_RESPONSE_ALLOW);
	for (size_t i = 0; i < s->sources_count; i++)
		ft_source_close(s->sources[i]);
	free(s->sources);
	if (s->tracker)
		s->tracker_ops->close(s->tracker);
	close_fd(s->fd_group);
	close_fd(s->mount_group);
	close_fd(s->mounts_poll);
	close_fd(s->epoll);
	for (size_t i = 0; i < FT_ARRAY_SIZE(s->pending_path); i++)
		ft_bytes_fini(&s->pending_path[i]);
	ft_within_fini(&s->within);
	ft_match_free(s->match);
	ft_view_fini(&s->view);
	ft_bytes_fini(&s->path);
	ft_bytes_fini(&s->missed);
	ft_bytes_fini(&s->error);
	free(s->fd_buffer);
	free(s->ignored);
	free(s);
	return NULL;
}

int ft_session_set_events(struct ft_session *s, uint64_t mask)
{
	bool asks = s->flags & FT_SESSION_ASK;

	if (mask == 0 || (asks ? mask & ~(uint64_t)FT_MASK_ASK : mask & FT_MASK_ASK))
		return ft_session_fail(
			s, -EINVAL,
			asks ? "events: a session that asks takes permission events only"
			     : "events: permission events need a session that asks");
	s->events = mask;
	return 0;
}

static int read_mounts(struct ft_session *s)
{
	struct ft_mounts m = {0};
	int r;

	r = ft_mounts_read(&m);
	if (r < 0)
		return ft_session_fail(s, r,
				       "/proc/self/mountinfo: %s (is /proc mounted?)",
				       strerror(-r));
	ft_view_take_mounts(&s->view, &m);
	return 0;
}

static int fill_target(struct ft_session *s, struct ft_target *t, int fd)
{
	const struct ft_mount *m;
	struct stat st;
	uint64_t fsid;

	if (fstat(fd, &st) < 0)
		return -errno;
	t->is_dir = S_ISDIR(st.st_mode);
	t->stat_dev = st.st_dev;
	t->stat_ino = st.st_ino;
	t->mount_id = ft_mounts_id_of(fd);
	m = ft_mounts_find(&s->view.mounts, t->mount_id);
	if (!m)
		return -EXDEV;
	t->dev = strdup(m->dev);
	if (!t->dev)
		return -ENOMEM;
	/* No handle: no filesystem marks either; then it is known by its path alone. */
	if (ft_handle_fsid(fd, &fsid) < 0 || ft_handle_key(fd, "", fsid, &t->key) < 0)
		t->key.len = 0;
	return 0;
}

static struct ft_target *new_target(struct ft_session *s)
{
	struct ft_target *list;

	list = reallocarray(s->view.targets, s->view.targets_count + 1, sizeof(*list));
	if (!list)
		return NULL;
	s->view.targets = list;
	list[s->view.targets_count] = (struct ft_target){0};
	return &list[s->view.targets_count];
}

int ft_session_add_path(struct ft_session *s, const char *path, enum ft_scope scope,
			bool one_filesystem)
{
	_cleanup_close_ int fd = -1;
	struct ft_target *t;
	int r = 0;

	if (s->view.mounts.count == 0)
		r = read_mounts(s);
	if (r < 0)
		return r;
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return ft_session_fail(s, -errno, "%s: %s", path, strerror(errno));
	t = new_target(s);
	if (!t)
		return -ENOMEM;
	t->scope = scope;
	t->one_filesystem = one_filesystem;
	t->path = realpath(path, NULL);
	r = t->path ? fill_target(s, t, fd) : -errno;
	if (r == 0 && scope == FT_SCOPE_DIRECTORY && !t->is_dir)
		r = -ENOTDIR;
	if (r == 0)
		r = ft_match_add_root(s->match, t->path);
	if (r < 0) {
		ft_target_fini(t);
		return ft_session_fail(s, r, "%s: %s", path,
				       r == -EXDEV
					       ? "is on no mount of this mount namespace"
					       : strerror(-r));
	}
	s->view.targets_count++;
	return 0;
}

int ft_session_add_all(struct ft_session *s)
{
	struct ft_target *t = new_target(s);

	if (!t)
		return -ENOMEM;
	t->scope = FT_SCOPE_FILESYSTEM;
	t->is_dir = true;
	t->mount_id = -1;
	s->view.targets_count++;
	return ft_match_add_root(s->match, "/");
}

int ft_session_add_filter(struct ft_session *s, enum ft_match_kind kind,
			  const char *value, bool negate)
{
	const char *why = NULL;
	int r = ft_match_add(s->match, kind, value, negate, &why);

	if (r == -ENOENT)
		return ft_session_fail(s, r, "%s: no such %s", value,
				       kind == FT_MATCH_GID ? "group" : "user");
	if (r < 0)
		return ft_session_fail(s, r, "%s: %s", value, why ? why : strerror(-r));
	return 0;
}

int ft_session_ignore_pid(struct ft_session *s, pid_t pid)
{
	pid_t *list = reallocarray(s->ignored, s->ignored_count + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	s->ignored = list;
	list[s->ignored_count++] = pid;
	return 0;
}

bool ft_session_is_ignored(const struct ft_session *s, pid_t pid)
{
	if (pid == s->self)
		return true;
	for (size_t i = 0; i < s->ignored_count; i++)
		if (s->ignored[i] == pid)
			return true;
	return false;
}

void ft_session_ignore_file(struct ft_session *s, int fd)
{
	struct stat st;
	uint64_t fsid;

	s->output_key.len = 0;
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	if (ft_handle_fsid(fd, &fsid) < 0 ||
	    ft_handle_key(fd, "", fsid, &s->output_key) < 0)
		s->output_key.len = 0;
}

static int below(void *data, const struct ft_process *p, pid_t root)
{
	struct ft_session *s = data;

	return s->tracker_ops->is_below(s->tracker, p, root);
}

int ft_session_add_root(struct ft_session *s, pid_t root)
{
	int r = s->tracker_ops->add_root(s->tracker, root);

	if (r == -ESRCH)
		return ft_session_fail(s, r, "process %d: there is none", root);
	if (r == -E2BIG)
		return ft_session_fail(s, r, "process %d: more than %d trees", root,
				       FT_TRACKER_ROOTS);
	return r < 0 ? ft_session_fail(s, r, "process %d: %s", root, strerror(-r)) : 0;
}

static int add_roots(struct ft_session *s)
{
	int r = 0;
	pid_t root;

	for (size_t i = 0; r == 0 && (root = ft_match_get_tree(s->match, i)) > 0; i++)
		r = ft_session_add_root(s, root);
	return r;
}

static int drain_sources(void *data)
{
	struct ft_session *s = data;
	int all = 0, r;

	for (size_t i = 0; i < s->sources_count; i++) {
		r = ft_source_drain(s->sources[i]);
		if (r < 0)
			return r;
		all = r > 0 ? r : all;
	}
	return all;
}

bool ft_session_may_wait(const struct ft_session *s)
{
	for (size_t i = 0; i < s->sources_count; i++) {
		if (s->sources[i]->roots_count > 0)
			return false;
	}
	return s->fd_group < 0 && s->tracker_ops != &ft_tracker_procfs;
}

int ft_session_drain(struct ft_session *s)
{
	/* A filesystem that is mounted meanwhile is not to wait for the output, either.
	 */
	int r = ft_mountwatch_update(s, true);

	return r < 0 ? r : drain_sources(s);
}

/* A filesystem mark is there, and with it every OPEN_EXEC of its files, but for lost
 * ones. */
static bool execs_seen(void *data, dev_t dev)
{
	struct ft_session *s = data;
	char text[32];

	if (s->overflow_ns >= s->window_ns)
		return false;
	snprintf(text, sizeof(text), "%u:%u", major(dev), minor(dev));
	for (size_t i = 0; i < s->sources_count; i++) {
		const struct ft_resolver *r = &s->sources[i]->resolver;

		if (s->sources[i]->roots_count > 0 || s->sources[i]->marks_mounts)
			continue;
		for (size_t k = 0; k < r->filesystems_count; k++)
			if (strcmp(r->filesystems[k].dev, text) == 0)
				return true;
	}
	return ft_execmark_has(s, dev);
}

static int start_asking(struct ft_session *s)
{
	int r = 0;

	for (size_t i = 0; i < s->view.targets_count && r == 0; i++) {
		r = s->view.targets[i].path ? ft_fdmode_mark(s, &s->view.targets[i])
					    : -EOPNOTSUPP;
		if (r < 0)
			ft_session_fail(s, r, "%s: cannot be guarded: %s",
					s->view.targets[i].path ? s->view.targets[i].path
								: "all",
					strerror(-r));
	}
	return r;
}

static int open_tracker(struct ft_session *s, const struct ft_tracker_host *host)
{
	int r = s->tracker_ops->open(&s->tracker, host);

	if (r == 0 && s->tracker_ops->get_poll)
		return ft_session_poll(s, s->tracker_ops->get_poll(s->tracker), EPOLLIN);
	if (r == 0 || s->tracker_ops != &ft_tracker_bpf)
		return r;
	/* Who may not load programs is told of his privileges anyway. */
	if (r != -ENOSYS && geteuid() == 0)
		ft_session_notice(s, FT_NOTICE_PROCESS,
				  "BPF is refused (%s): what a process was is looked up "
				  "in /proc, and is less often exact",
				  strerror(-r));
	s->tracker_ops = &ft_tracker_procfs;
	return s->tracker_ops->open(&s->tracker, host);
}

int ft_session_start(struct ft_session *s)
{
	const struct ft_tracker_host host = {
		.drain = drain_sources, .execs_seen = execs_seen, .data = s};
	int r;

	if (s->started)
		return ft_session_fail(s, -EALREADY, "the session was started before");
	if (s->view.targets_count == 0)
		return ft_session_fail(s, -EINVAL, "nothing to watch: no path was added");
	ft_match_set_below(s->match, below, s);
	r = open_tracker(s, &host);
	if (r < 0)
		return ft_session_fail(s, r, "process tracking: %s", strerror(-r));
	r = add_roots(s);
	if (r < 0)
		return r;
	if (s->flags & FT_SESSION_ASK) {
		r = start_asking(s);
	} else {
		r = ft_mountwatch_open(s);
		if (r < 0)
			return ft_session_fail(s, r, "/proc/self/mountinfo: %s",
					       strerror(-r));
		/* Read after that: a mount that comes from now on is told. */
		r = read_mounts(s);
		if (r == 0)
			r = ft_marking_start(s);
		if (r == 0)
			ft_execmark_start(s);
	}
	s->started = r == 0;
	return r;
}

int ft_session_stop(struct ft_session *s)
{
	static const unsigned int types[] = {FT_MARK_INODE, FT_MARK_MOUNT,
					     FT_MARK_FILESYSTEM};

	/* What was mounted a moment ago has no mark: that is told, too. */
	if (s->started)
		(void)ft_mountwatch_update(s, false);
	for (size_t t = 0; t < FT_ARRAY_SIZE(types); t++) {
		for (size_t i = 0; i < s->sources_count; i++)
			ft_group_flush(s->sources[i]->group, types[t]);
		if (s->fd_group >= 0)
			ft_group_flush(s->fd_group, types[t]);
	}
	s->stopping = true;
	return 0;
}

int ft_session_answer(struct ft_session *s, uint32_t response)
{
	int fd = ft_take_fd(s->asked_fd);

	if (fd < 0)
		return ft_session_fail(s, -EALREADY, "no question is open");
	return ft_group_answer(s->fd_group, fd, response);
}
