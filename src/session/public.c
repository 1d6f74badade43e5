/* SPDX-License-Identifier: MIT */
/* The public face: <fantail.h> over a session. */
#include "fantail.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "kernel/abi.h"
#include "kernel/feature.h"
#include "session/session.h"

_Static_assert((int)FANTAIL_ASK == (int)FT_SESSION_ASK, "one set of flags");
_Static_assert((int)FANTAIL_NO_PROCESS == (int)FT_SESSION_NO_PROCESS, "one set of flags");
_Static_assert((int)FANTAIL_FILE == (int)FT_SCOPE_FILE, "one set of scopes");
_Static_assert((int)FANTAIL_FILTER_CONTAINER == (int)FT_MATCH_CONTAINER,
	       "one set of filters");
_Static_assert((int)FANTAIL_PATH_EVENT == (int)FT_PATH_EVENT, "one set of sources");
_Static_assert((int)FANTAIL_CERTAINTY_EXACT == (int)FT_CERTAINTY_EXACT,
	       "one set of certainties");
_Static_assert((int)FANTAIL_FEATURE_MOUNT_EVENTS == (int)FT_FEATURE_MOUNT_EVENTS,
	       "one set of features");
_Static_assert(FANTAIL_RENAME == FT_EV_RENAME && FANTAIL_OPEN == FT_EV_OPEN,
	       "the kernel's bits");

struct fantail_event {
	struct fantail *owner;
	const struct ft_event *ev;
	struct ft_bytes path; /* NUL-ended copies */
	struct ft_bytes old_path;
	struct ft_bytes comm;
	struct ft_bytes exe;
};

struct fantail {
	struct ft_session *session;
	bool start_tried;
	struct fantail_event event;
};

int fantail_new(struct fantail **ret, unsigned int flags)
{
	struct fantail *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	r = ft_session_new(&f->session, flags);
	if (r < 0) {
		free(f);
		return r;
	}
	if (flags & FANTAIL_ASK)
		f->session->events = FANTAIL_OPEN_PERM;
	f->event.owner = f;
	*ret = f;
	return 0;
}

struct fantail *fantail_free(struct fantail *f)
{
	if (!f)
		return NULL;
	ft_session_free(f->session);
	ft_bytes_fini(&f->event.path);
	ft_bytes_fini(&f->event.old_path);
	ft_bytes_fini(&f->event.comm);
	ft_bytes_fini(&f->event.exe);
	free(f);
	return NULL;
}

const char *fantail_error(const struct fantail *f)
{
	return f ? ft_session_error(f->session)
		 : "no session: its flags are wrong, or memory or descriptors are short";
}

/* Each call begins without a message, and ends with one if it failed. */
static void begin(struct fantail *f)
{
	ft_bytes_clear(&f->session->error);
}

static int end(struct fantail *f, int r)
{
	if (r < 0 && f->session->error.len == 0)
		ft_session_fail(f->session, r, "%s", strerror(-r));
	return r;
}

static int begin_set_up(struct fantail *f)
{
	begin(f);
	if (f->start_tried)
		return ft_session_fail(
			f->session, -EALREADY,
			"a session is set up before it is started, and started once");
	return 0;
}

static int begin_running(struct fantail *f)
{
	begin(f);
	if (!f->session->started)
		return ft_session_fail(f->session, -EINVAL,
				       "the session was not started");
	return 0;
}

void fantail_set_notice(struct fantail *f, fantail_notice_fn fn, void *data)
{
	begin(f);
	f->session->notice = fn;
	f->session->notice_data = data;
}

int fantail_set_events(struct fantail *f, uint64_t mask)
{
	int r = begin_set_up(f);

	return r < 0 ? r : end(f, ft_session_set_events(f->session, mask));
}

int fantail_add_path(struct fantail *f, const char *path, enum fantail_scope scope,
		     unsigned int flags)
{
	int r = begin_set_up(f);

	if (r < 0)
		return r;
	if (scope > FANTAIL_FILE || flags & ~(unsigned int)FANTAIL_ONE_FILESYSTEM)
		return ft_session_fail(f->session, -EINVAL, "%s: no such scope or flag",
				       path);
	return end(f, ft_session_add_path(f->session, path, (enum ft_scope)scope,
					  flags & FANTAIL_ONE_FILESYSTEM));
}

int fantail_add_all(struct fantail *f)
{
	int r = begin_set_up(f);

	return r < 0 ? r : end(f, ft_session_add_all(f->session));
}

int fantail_add_filter(struct fantail *f, enum fantail_filter kind, const char *value,
		       int negate)
{
	int r = begin_set_up(f);

	if (r < 0)
		return r;
	if (kind > FANTAIL_FILTER_CONTAINER)
		return ft_session_fail(f->session, -EINVAL, "%s: no such kind of filter",
				       value);
	return end(f, ft_session_add_filter(f->session, (enum ft_match_kind)kind, value,
					    negate != 0));
}

int fantail_start(struct fantail *f)
{
	int r = begin_set_up(f);

	if (r < 0)
		return r;
	f->start_tried = true;
	return end(f, ft_session_start(f->session));
}

int fantail_fd(const struct fantail *f)
{
	return f->session->started ? f->session->epoll : -1;
}

static const char *copy(struct ft_bytes *to, struct ft_span from)
{
	ft_bytes_clear(to);
	ft_bytes_put_span(to, from);
	return ft_bytes_cstr(to);
}

int fantail_next(struct fantail *f, struct fantail_event **ret)
{
	struct fantail_event *e = &f->event;
	struct ft_event *ev;
	int r = begin_running(f);

	if (r == 0) {
		do {
			r = ft_session_next(f->session, &ev);
		} while (r == FT_SESSION_MORE);
		r = end(f, r);
	}
	if (r <= 0)
		return r;
	e->ev = ev;
	copy(&e->path, ev->path);
	copy(&e->old_path, ev->old_path);
	if (ev->process) {
		copy(&e->comm, ev->process->comm);
		copy(&e->exe, ev->process->exe);
	}
	*ret = e;
	return 1;
}

int fantail_stop(struct fantail *f)
{
	int r = begin_running(f);

	return r < 0 ? r : end(f, ft_session_stop(f->session));
}

int fantail_answer(struct fantail *f, struct fantail_event *ev,
		   enum fantail_verdict verdict)
{
	int r = begin_running(f);

	if (r < 0)
		return r;
	if (ev != &f->event || (verdict != FANTAIL_ALLOW && verdict != FANTAIL_DENY))
		return ft_session_fail(f->session, -EINVAL, "no such event or verdict");
	return end(f, ft_session_answer(f->session, verdict == FANTAIL_ALLOW
							    ? FT_RESPONSE_ALLOW
							    : FT_RESPONSE_DENY));
}

enum fantail_kind fantail_event_kind(const struct fantail_event *ev)
{
	return ev->ev->kind == FT_KIND_EVENT ? FANTAIL_KIND_EVENT : FANTAIL_KIND_LOST;
}

uint64_t fantail_event_mask(const struct fantail_event *ev)
{
	return ev->ev->mask;
}

int fantail_event_is_dir(const struct fantail_event *ev)
{
	return ev->ev->dir;
}

static const char *known(const struct ft_bytes *b, struct ft_span s, size_t *ret_len)
{
	size_t len = b->failed ? 0 : s.len;

	if (ret_len)
		*ret_len = len;
	return len > 0 ? b->data : NULL;
}

const char *fantail_event_path(const struct fantail_event *ev, size_t *ret_len)
{
	return known(&ev->path, ev->ev->path, ret_len);
}

const char *fantail_event_old_path(const struct fantail_event *ev, size_t *ret_len)
{
	return known(&ev->old_path, ev->ev->old_path, ret_len);
}

enum fantail_path_source fantail_event_path_source(const struct fantail_event *ev)
{
	return (enum fantail_path_source)ev->ev->path_source;
}

int64_t fantail_event_time(const struct fantail_event *ev)
{
	return ev->ev->time_ns;
}

uint64_t fantail_event_inode(const struct fantail_event *ev)
{
	return ev->ev->has_inode ? ev->ev->inode : 0;
}

pid_t fantail_event_pid(const struct fantail_event *ev)
{
	return ev->ev->pid;
}

enum fantail_certainty fantail_event_certainty(const struct fantail_event *ev)
{
	return (enum fantail_certainty)ev->ev->certainty;
}

const char *fantail_event_comm(const struct fantail_event *ev)
{
	return ev->ev->process ? known(&ev->comm, ev->ev->process->comm, NULL) : NULL;
}

const char *fantail_event_exe(const struct fantail_event *ev)
{
	return ev->ev->process ? known(&ev->exe, ev->ev->process->exe, NULL) : NULL;
}

int fantail_event_uid(const struct fantail_event *ev, uid_t *ret)
{
	if (!ev->ev->process || !ev->ev->process->has_ids)
		return -ENODATA;
	*ret = ev->ev->process->uid;
	return 0;
}

int fantail_event_gid(const struct fantail_event *ev, gid_t *ret)
{
	if (!ev->ev->process || !ev->ev->process->has_ids)
		return -ENODATA;
	*ret = ev->ev->process->gid;
	return 0;
}

uint64_t fantail_event_count(const struct fantail_event *ev)
{
	return ev->ev->has_count ? ev->ev->count : 0;
}

const char *fantail_event_name(uint64_t bit)
{
	return ft_mask_name(bit);
}

int fantail_parse_events(const char *list, uint64_t *ret_mask)
{
	return ft_mask_parse(list, ret_mask, NULL);
}

/* As snprintf(): what fits, and the length of all. */
static size_t put_cut(const struct ft_bytes *text, char *buf, size_t size)
{
	size_t n = text->len < size ? text->len : size - 1;

	if (size == 0)
		return text->len;
	if (n > 0)
		memcpy(buf, text->data, n);
	buf[n] = '\0';
	return text->len;
}

size_t fantail_format_events(uint64_t mask, char *buf, size_t size)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes text = {0};

	ft_mask_format(&text, mask, ",");
	return put_cut(&text, buf, size);
}

size_t fantail_escape(const char *name, char *buf, size_t size)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes text = {0};

	ft_escape_text(&text, ft_span_of(name));
	return put_cut(&text, buf, size);
}

const char *fantail_path_source_name(enum fantail_path_source source)
{
	return source <= FANTAIL_PATH_EVENT
		       ? ft_path_source_name((enum ft_path_source)source)
		       : NULL;
}

const char *fantail_certainty_name(enum fantail_certainty certainty)
{
	return certainty <= FANTAIL_CERTAINTY_EXACT
		       ? ft_certainty_name((enum ft_certainty)certainty)
		       : NULL;
}

int fantail_probe(enum fantail_feature feature)
{
	return feature <= FANTAIL_FEATURE_MOUNT_EVENTS
		       ? ft_feature_probe((enum ft_feature)feature)
		       : -EINVAL;
}

const char *fantail_version(void)
{
	return FT_VERSION;
}
