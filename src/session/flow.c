/* SPDX-License-Identifier: MIT */
/*
 * The way of an event: drained, decoded, its path, its process, matched, told. Read this
 * file to know what fantail does.
 */
#include <errno.h>

#include "base/number.h"
#include "session/session.h"

/* So many records that are not told before the caller may look at something else. */
enum { UNTOLD_MAX = 4096 };

/* What an exec, too, does with what its process had opened before. */
#define CLOSE_BITS                                                                       \
	((uint64_t)(FT_EV_CLOSE_WRITE | FT_EV_CLOSE_NOWRITE | FT_EV_DELETE_SELF |        \
		    FT_EV_ONDIR))

static struct ft_event *take_pending(struct ft_session *s)
{
	struct ft_event *ev = &s->pending[s->pending_count];

	ft_bytes_clear(&s->pending_path[s->pending_count++]);
	*ev = (struct ft_event){.time_ns = ft_now_ns()};
	return ev;
}

struct ft_event *ft_session_new_pending(struct ft_session *s)
{
	if (s->pending_at == s->pending_count)
		s->pending_at = s->pending_count = 0;
	if (s->pending_count >= FT_PENDING_MAX)
		return NULL;
	return take_pending(s);
}

void ft_session_tell_gap(struct ft_session *s, int64_t from_ns, int64_t to_ns,
			 const char *reason)
{
	struct ft_event *ev = ft_session_new_pending(s);

	if (!ev) {
		ft_session_tell_lost(s, FT_LOST_BUFFER, 1, true);
		return;
	}
	ev->kind = FT_KIND_GAP;
	ev->from_ns = from_ns;
	ev->to_ns = to_ns;
	ev->reason = reason;
}

void ft_session_tell_lost(struct ft_session *s, enum ft_lost_where where, uint64_t count,
			  bool has_count)
{
	struct ft_event *ev;

	for (size_t i = s->pending_at; i < s->pending_count; i++) {
		ev = &s->pending[i];
		if (ev->kind != FT_KIND_LOST || ev->where != where ||
		    ev->has_count != has_count)
			continue;
		ev->count += count;
		return;
	}
	/* One of a kind: the reserve is as large as there are kinds. */
	ev = ft_session_new_pending(s);
	if (!ev)
		ev = take_pending(s);
	ev->kind = FT_KIND_LOST;
	ev->where = where;
	ev->count = count;
	ev->has_count = has_count;
}

static void overflow(struct ft_source *src)
{
	ft_session_tell_lost(src->session, FT_LOST_KERNEL, 0, false);
	ft_resolver_forget(&src->resolver);
	/* What is walked to is of now, until the queue has been empty. */
	src->resolver.moved_blindly = true;
	if (src->rescanned || src->session->stopping) {
		src->rescan_due = true;
		return;
	}
	src->rescanned = true;
	ft_recurse_rescan(src);
}

static bool is_own_file(const struct ft_session *s, const struct ft_record *rec)
{
	return s->output_key.len > 0 &&
	       ft_span_equal(rec->object, ft_key_span(&s->output_key));
}

static void fill(struct ft_source *src, const struct ft_record *rec,
		 const struct ft_read *read, const struct ft_resolved *at,
		 struct ft_event *ev)
{
	*ev = (struct ft_event){
		.kind = FT_KIND_EVENT,
		.path_source = at->source,
		.time_ns = read->time_ns,
		.mask = rec->mask & src->shown,
		.dir = rec->mask & FT_EV_ONDIR,
		.path = at->path,
		.old_path = at->old_path,
		.pid = rec->pid,
	};
	if (read->time_ns - read->after_ns > FT_AFTER_MSEC * FT_NSEC_PER_MSEC)
		ev->after_ns = read->after_ns;
	if (at->fs) {
		ev->dev = ft_span_of(at->fs->dev);
		ev->fs = ft_span_of(at->fs->type);
		ev->has_inode = ft_decode_inode(rec->object.len > 0 ? rec->object
								    : rec->place.dir,
						at->fs->type, &ev->inode);
	}
	if (rec->has_error) {
		ev->has_error = true;
		ev->error = rec->error;
		ev->error_count = rec->error_count;
	}
}

static void attribute(struct ft_session *s, const struct ft_question *q,
		      struct ft_event *ev)
{
	struct ft_attribution a = {0};

	if (ev->pid <= 0)
		return;
	s->tracker_ops->find(s->tracker, q, &a);
	ev->certainty = a.certainty;
	ev->process = a.process;
	ev->candidates = a.candidates;
	ev->candidates_count = a.candidates_count;
	ev->may_be_another = a.may_be_another;
}

static bool concerns_directory(const struct ft_source *src, const struct ft_record *rec)
{
	uint64_t moved = src->resolver.has_objects ? FT_EV_RENAME : FT_EV_MOVED_TO;

	return (rec->mask & FT_EV_ONDIR) &&
	       (rec->mask & (FT_EV_CREATE | FT_EV_DELETE | moved));
}

/* What a filter keeps back only because the process is not known is counted. */
static bool match_process(struct ft_session *s, const struct ft_event *ev)
{
	if (ft_match_process(s->match, ev))
		return true;
	s->undecided += s->is_blind || ft_match_is_undecided(s->match, ev);
	return false;
}

static void look_inside(struct ft_session *s, struct ft_event *ev)
{
	if (!ev->process || ev->process->container.len == 0)
		return;
	ev->container_path = ft_within_find(&s->within, ev->process, ev->path);
	ev->container_old_path = ft_within_find(&s->within, ev->process, ev->old_path);
}

/* One record of a FID group. True: *ev is to be told. */
static bool tell(struct ft_source *src, const struct ft_record *rec,
		 const struct ft_read *read, uint64_t position, struct ft_event *ev)
{
	struct ft_session *s = src->session;
	struct ft_resolved at;

	if (rec->mask & FT_EV_Q_OVERFLOW) {
		overflow(src);
		return false;
	}
	if (s->mounts_stale) {
		s->mounts_stale = false;
		ft_mountwatch_refresh(s);
	}
	if (ft_execmark_is_own(src, rec))
		return false;
	/* Always, also for records that are not told: they move directories. */
	ft_resolver_resolve(&src->resolver, rec, position, &at);
	if (src->roots_count > 0 && concerns_directory(src, rec))
		ft_recurse_follow(src, rec, at.path);
	if (!(rec->mask & src->shown) || !at.inside ||
	    ft_session_is_ignored(s, rec->pid) || is_own_file(s, rec))
		return false;
	fill(src, rec, read, &at, ev);
	if (!ft_match_path(s->match, ev))
		return false;
	const struct ft_question q = {
		.pid = rec->pid,
		.queue = src->number,
		.position = position,
		.is_close = !(rec->mask & ~CLOSE_BITS),
	};
	attribute(s, &q, ev);
	if (!match_process(s, ev))
		return false;
	look_inside(s, ev);
	return true;
}

/* 1: told, FT_SESSION_MORE, 0: nothing, or something of our own first; -errno. */
static int next_of_source(struct ft_source *src, struct ft_event *ev)
{
	struct ft_record rec;
	struct ft_read read;
	int r;

	for (int untold = 0; untold < UNTOLD_MAX; untold++) {
		r = ft_source_next(src, &rec, &read);
		if (r <= 0)
			return r;
		if (tell(src, &rec, &read, src->backlog.position - 1, ev))
			return 1;
		if (src->session->pending_at < src->session->pending_count)
			return 0;
	}
	return FT_SESSION_MORE;
}

static bool next_pending(struct ft_session *s, struct ft_event *ev)
{
	while (s->pending_at < s->pending_count) {
		*ev = s->pending[s->pending_at++];
		if (ft_match_event(s->match, ev))
			return true;
	}
	return false;
}

/* Who asks waits for the answer: when the question was read he was who he is. */
static void attribute_fd(struct ft_session *s, struct ft_event *ev)
{
	const struct ft_question q = {.pid = ev->pid,
				      .is_close = !(ev->mask & ~CLOSE_BITS)};

	if (s->asked_fd >= 0)
		s->tracker_ops->begin(s->tracker, s->fd_asked_ns[0], s->fd_asked_ns[1]);
	else
		s->tracker_ops->begin(s->tracker, s->fd_empty_ns, ft_boot_ns());
	attribute(s, &q, ev);
}

static int next_of_fd_group(struct ft_session *s, struct ft_event *ev)
{
	int r;

	while ((r = ft_fdmode_next(s, ev)) > 0) {
		if (ft_match_path(s->match, ev)) {
			attribute_fd(s, ev);
			if (match_process(s, ev))
				return 1;
		}
		if (s->asked_fd >= 0)
			ft_session_answer(s, 1);
	}
	return r;
}

/* Once for all that was read together. */
static void tell_undecided(struct ft_session *s)
{
	if (s->undecided > 0)
		ft_session_tell_lost(s, FT_LOST_PROCESS, s->undecided, true);
	s->undecided = 0;
}

static int64_t first_window(const struct ft_session *s)
{
	int64_t from = s->fd_group >= 0 ? s->fd_empty_ns : ft_boot_ns();

	for (size_t i = 0; i < s->sources_count; i++) {
		if (s->sources[i]->segment_empty_ns < from)
			from = s->sources[i]->segment_empty_ns;
	}
	return from;
}

/* Processes begin and end also where nothing happens that anybody asks about. */
static void follow_processes(struct ft_session *s)
{
	if (!s->tracker_ops->is_due || !s->tracker_ops->is_due(s->tracker))
		return;
	s->tracker_ops->begin(s->tracker, first_window(s), ft_boot_ns());
	if (s->tracker_ops->take_lost(s->tracker) > 0)
		ft_session_tell_lost(s, FT_LOST_PROCESS, 0, false);
}

static int next(struct ft_session *s, struct ft_event *ev)
{
	int r;

	for (size_t tried = 0; tried < s->sources_count; tried++) {
		struct ft_source *src = s->sources[s->turn];

		r = next_of_source(src, ev);
		if (r != 0)
			return r;
		if (s->pending_at < s->pending_count)
			return next_pending(s, ev) ? 1 : -EAGAIN;
		s->turn = (s->turn + 1) % s->sources_count;
	}
	r = next_of_fd_group(s, ev);
	if (r != 0)
		return r;
	tell_undecided(s);
	follow_processes(s);
	if (s->stopping)
		return next_pending(s, ev) ? 1 : 0;
	r = ft_mountwatch_update(s, false);
	if (r < 0)
		return r;
	return next_pending(s, ev) ? 1 : 0;
}

int ft_session_next(struct ft_session *s, struct ft_event **ret)
{
	int r;

	if (s->asked_fd >= 0)
		ft_session_answer(s, 1);
	if (next_pending(s, &s->event)) {
		*ret = &s->event;
		return 1;
	}
	do {
		r = next(s, &s->event);
	} while (r == -EAGAIN);
	if (r == 1)
		*ret = &s->event;
	return r;
}
