/* SPDX-License-Identifier: MIT */
/* A FID group: drained, looked ahead in, told in order. */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "kernel/abi.h"
#include "kernel/group.h"
#include "session/session.h"

/* Newer kernels and more privileges first; what is given up is noticed. */
static int open_group(struct ft_session *s, bool *ret_has_objects)
{
	static const unsigned int reports[] = {FT_INIT_DFID_NAME_TARGET,
					       FT_INIT_REPORT_FID | FT_INIT_DFID_NAME};
	static const unsigned int unlimited =
		FT_INIT_UNLIMITED_QUEUE | FT_INIT_UNLIMITED_MARKS;
	int fd = -EINVAL;

	for (size_t i = 0; i < 2 && fd == -EINVAL; i++) {
		*ret_has_objects = i == 0;
		fd = ft_group_open(reports[i] | unlimited, 0);
		if (fd != -EPERM)
			continue;
		fd = ft_group_open(reports[i], 0);
		if (fd >= 0) {
			s->is_blind = true;
			ft_session_notice(
				s, FT_NOTICE_QUEUE,
				"no CAP_SYS_ADMIN: only directories that may be "
				"read, the kernel does not tell which process it "
				"was, and the queue holds what "
				"fs.fanotify.max_queued_events allows");
		}
	}
	return fd;
}

static void host_mounts_moved(void *data)
{
	struct ft_source *src = data;

	src->session->mounts_stale = true;
	src->resolver.moved_blindly = true;
}

static int host_drain(void *data)
{
	return ft_source_drain(data);
}

static bool host_peek(void *data, unsigned int n, struct ft_record *ret)
{
	struct ft_source *src = data;

	return ft_backlog_peek(&src->backlog, n, ret);
}

int ft_source_open(struct ft_session *s, struct ft_source **ret)
{
	struct ft_resolve_host host = {.drain = host_drain,
				       .peek = host_peek,
				       .mounts_moved = host_mounts_moved};
	struct ft_source *src, **list;
	bool has_objects;
	int r;

	list = reallocarray(s->sources, s->sources_count + 1, sizeof(struct ft_source *));
	if (!list)
		return -ENOMEM;
	s->sources = list;
	src = calloc(1, sizeof(*src));
	if (!src)
		return -ENOMEM;
	src->session = s;
	ft_backlog_init(&src->backlog);
	src->segment_empty_ns = src->backlog.empty_boot_ns;
	host.data = src;
	src->group = open_group(s, &has_objects);
	r = src->group < 0 ? src->group
			   : ft_resolver_init(&src->resolver, &s->view, &host);
	if (r == 0)
		r = ft_session_poll(s, src->group, EPOLLIN);
	if (r < 0) {
		ft_source_close(src);
		return r;
	}
	src->resolver.has_objects = has_objects;
	src->number = (unsigned int)s->sources_count + 1;
	s->sources[s->sources_count++] = src;
	*ret = src;
	return 0;
}

struct ft_source *ft_source_close(struct ft_source *src)
{
	if (!src)
		return NULL;
	if (src->group >= 0)
		close(src->group);
	for (size_t i = 0; i < src->roots_count; i++)
		ft_root_fini(&src->roots[i]);
	free(src->roots);
	free(src->execs);
	ft_backlog_fini(&src->backlog);
	ft_resolver_fini(&src->resolver);
	free(src);
	return NULL;
}

static void scan_record(void *data, const void *record, size_t n, uint64_t position)
{
	const struct ft_abi_metadata *m = record;
	struct ft_source *src = data;
	struct ft_session *s = src->session;
	struct ft_record rec;

	if (m->mask & FT_EV_Q_OVERFLOW)
		s->overflow_ns = ft_boot_ns();
	if ((m->mask & FT_EV_OPEN_EXEC) && ft_decode(record, n, &rec) == 0)
		ft_execmark_tell(src, &rec, position);
	if ((m->mask & FT_EV_MOVE_SELF) && src->roots_count > 0 &&
	    ft_decode(record, n, &rec) == 0 && ft_root_is_moved_by(src, &rec))
		src->resolver.moved_blindly = true;
	if (ft_resolver_wants(m->mask) && ft_decode(record, n, &rec) == 0)
		ft_resolver_scan(&src->resolver, &rec, position);
}

int ft_source_drain(struct ft_source *src)
{
	int r = ft_backlog_drain(&src->backlog, src->group, scan_record, src);

	if (r == -EBADMSG)
		ft_session_tell_lost(src->session, FT_LOST_KERNEL, 0, false);
	else if (r < 0)
		ft_session_fail(src->session, r, "reading events: %s", strerror(-r));
	return r;
}

/* What was read since the last segment was attributed becomes the next one. */
static void begin_segment(struct ft_source *src)
{
	struct ft_session *s = src->session;

	s->window_ns = src->segment_empty_ns;
	s->tracker_ops->begin(s->tracker, s->window_ns, ft_boot_ns());
	if (s->tracker_ops->take_lost(s->tracker) > 0)
		ft_session_tell_lost(s, FT_LOST_PROCESS, 0, false);
	src->segment_end = src->backlog.end_position;
	if (src->backlog.was_emptied)
		src->segment_empty_ns = src->backlog.empty_boot_ns;
}

static bool was_moved_blindly(const struct ft_source *src)
{
	return src->resolver.moved_blindly && !src->resolver.has_objects;
}

/* Inode marks: their directories are listed, for without privilege none can be walked to.
 * What moved meanwhile is drained after, and makes what was found `now` or unknown. */
static void find_anew(struct ft_source *src)
{
	src->rescan_due = false;
	src->rescanned = true;
	ft_recurse_rescan(src);
	ft_source_drain(src);
}

/* Mounts that changed while these records came: which of them is before it cannot be
 * said. */
static void see_mounts(struct ft_source *src)
{
	if (ft_mountwatch_is_due(src->session))
		src->resolver.moved_blindly = true;
}

/* 1: there is something to tell, 0: nothing, -errno. */
static int refill(struct ft_source *src)
{
	bool moved = was_moved_blindly(src);
	int r;

	ft_resolver_end(&src->resolver);
	ft_backlog_clear(&src->backlog);
	src->told_gone = src->rescanned = false;
	if (src->roots_count > 0)
		ft_root_refresh(src);
	r = ft_source_drain(src);
	if (r < 0 && ft_backlog_is_empty(&src->backlog))
		return r;
	if (!ft_backlog_is_empty(&src->backlog))
		see_mounts(src);
	if (src->roots_count > 0) {
		ft_root_refresh(src);
		if (!src->session->stopping &&
		    (src->rescan_due || moved || was_moved_blindly(src)))
			find_anew(src);
	}
	if (ft_backlog_is_empty(&src->backlog) && src->backlog.was_emptied)
		src->segment_empty_ns = src->backlog.empty_boot_ns;
	return !ft_backlog_is_empty(&src->backlog);
}

int ft_source_next(struct ft_source *src, struct ft_record *ret, struct ft_read *ret_read)
{
	const struct ft_read *read;
	int r = 1;

	if (ft_backlog_is_empty(&src->backlog))
		r = refill(src);
	if (r <= 0)
		return r;
	if (src->backlog.position == src->segment_end)
		begin_segment(src);
	if (!ft_backlog_next(&src->backlog, ret, &read))
		return 0;
	*ret_read = *read;
	return 1;
}
