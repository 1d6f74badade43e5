/* SPDX-License-Identifier: MIT */
/* JSON, one object a line. The way of every record is copies of what was made for the
 * ones before. */
#include "output/format.h"

#include <errno.h>
#include <stdlib.h>

#include "base/escape.h"
#include "base/hash.h"
#include "output/decisionfield.h"
#include "output/jsonfield.h"

enum {
	SET_SLOTS = 64,
	SET_LEN = 360,	 /* all names of mask.def, quoted */
	PLACE_LEN = 192, /* longer dev and fs are escaped each time */
};

/* `,"events":[...]` of one mask. */
struct set {
	uint64_t mask; /* 0: empty */
	size_t len;
	char text[SET_LEN];
};

/* `,"dev":"8:1","fs":"ext4"`: most neighbours are on one filesystem. */
struct place {
	struct ft_bytes dev;
	struct ft_bytes fs;
	struct ft_bytes text;
};

struct json {
	uint64_t fields; /* a bit a column */
	struct set sets[SET_SLOTS];
	struct place place;
};

#define FIELD(column) (UINT64_C(1) << FT_COLUMN_##column)

_Static_assert(FT_COLUMNS_END <= 64, "fields is a bit a column");

static const uint64_t process_fields =
	FIELD(CERTAINTY) | FIELD(COMM) | FIELD(EXE) | FIELD(ARGS) | FIELD(UID) |
	FIELD(USER) | FIELD(GID) | FIELD(RUID) | FIELD(RGID) | FIELD(LOGINUID) |
	FIELD(LOGIN_USER) | FIELD(PPID) | FIELD(START) | FIELD(CGROUP) |
	FIELD(CONTAINER) | FIELD(PARENTS) | FIELD(CANDIDATES);

static const uint64_t decision_fields = FIELD(VERDICT) | FIELD(ANSWERED) | FIELD(RULE) |
					FIELD(MODE) | FIELD(REASON) | FIELD(ERROR) |
					FIELD(US);

static int json_open(struct ft_format *f, const struct ft_output_config *c,
		     char **ret_error)
{
	struct json *j = calloc(1, sizeof(*j));

	if (!j)
		return -ENOMEM;
	for (size_t i = 0; i < f->columns.count; i++)
		j->fields |= UINT64_C(1) << f->columns.ids[i];
	/* There only when asked for: the name of the group for its lookup, the others
	 * for their length. */
	if (f->columns.count == 0)
		j->fields = ~(FIELD(GROUP) | FIELD(PIDFD_ID));
	if (j->fields & FIELD(PROCESS))
		j->fields |= process_fields | FIELD(PID);
	if (j->fields & FIELD(DECISION))
		j->fields |= decision_fields;
	f->state = j;
	return 0;
}

static void json_close(struct ft_format *f)
{
	struct json *j = f->state;

	ft_bytes_fini(&j->place.dev);
	ft_bytes_fini(&j->place.fs);
	ft_bytes_fini(&j->place.text);
	free(j);
}

static void put_args(struct ft_bytes *out, const struct ft_process *p)
{
	if (p->args.len == 0 && !p->args_cut)
		return;
	ft_json_put_args(out, FT_SPAN("args"), p);
	ft_json_put_args_beside(out, p);
}

static void put_ids(struct ft_format *f, struct ft_bytes *out, const struct ft_process *p,
		    uint64_t fields)
{
	if (!p->has_ids)
		return;
	if (fields & FIELD(UID))
		ft_json_put_u64(out, FT_SPAN("uid"), p->uid);
	if (fields & FIELD(USER))
		ft_json_put_string(out, FT_SPAN("user"),
				   ft_idnames_get(f->users, p->uid));
	if (fields & FIELD(GID))
		ft_json_put_u64(out, FT_SPAN("gid"), p->gid);
	if (fields & FIELD(GROUP))
		ft_json_put_string(out, FT_SPAN("group"),
				   ft_idnames_get(f->groups, p->gid));
}

/* Unless asked for: only where they are not the effective ones. */
static void put_real_ids(struct ft_format *f, struct ft_bytes *out,
			 const struct ft_process *p, uint64_t fields)
{
	bool always = f->columns.count > 0;

	if (!p->has_real_ids)
		return;
	if ((fields & FIELD(RUID)) && (always || p->ruid != p->uid))
		ft_json_put_u64(out, FT_SPAN("ruid"), p->ruid);
	if ((fields & FIELD(RGID)) && (always || p->rgid != p->gid))
		ft_json_put_u64(out, FT_SPAN("rgid"), p->rgid);
}

static void put_login(struct ft_format *f, struct ft_bytes *out,
		      const struct ft_process *p, uint64_t fields)
{
	if (!p->has_login)
		return;
	if (fields & FIELD(LOGINUID))
		ft_json_put_u64(out, FT_SPAN("loginuid"), p->loginuid);
	if (fields & FIELD(LOGIN_USER))
		ft_json_put_string(out, FT_SPAN("login_user"),
				   ft_idnames_get(f->users, p->loginuid));
}

static void put_image(struct ft_format *f, struct ft_bytes *out,
		      const struct ft_process *p, uint64_t fields)
{
	if (fields & FIELD(COMM))
		ft_json_put_string(out, FT_SPAN("comm"), p->comm);
	if (fields & FIELD(EXE))
		ft_json_put_string(out, FT_SPAN("exe"), p->exe);
	if ((fields & FIELD(ARGS)) && !f->no_args)
		put_args(out, p);
	put_ids(f, out, p, fields);
	put_real_ids(f, out, p, fields);
	put_login(f, out, p, fields);
	if ((fields & FIELD(PPID)) && p->has_ppid)
		ft_json_put_i64(out, FT_SPAN("ppid"), p->ppid);
	if ((fields & FIELD(START)) && p->start_ns != 0)
		ft_json_put_time(out, FT_SPAN("start"), p->start_ns);
	if ((fields & FIELD(PIDFD_ID)) && p->pidfd_id != 0)
		ft_json_put_u64(out, FT_SPAN("pidfd_id"), p->pidfd_id);
	if (fields & FIELD(CGROUP))
		ft_json_put_string(out, FT_SPAN("cgroup"), p->cgroup);
	if (fields & FIELD(CONTAINER))
		ft_json_put_string(out, FT_SPAN("container"), p->container);
	if (fields & FIELD(PARENTS))
		ft_json_put_parents(out, p,
				    f->columns.count > 0 ? p->parents_count
							 : FT_JSON_PARENTS);
}

/* `,"pid":N,"process":{...}` */
static void make_process(struct ft_format *f, struct ft_bytes *out,
			 const struct ft_event *ev)
{
	uint64_t fields = ((struct json *)f->state)->fields;
	size_t mark;

	if (fields & FIELD(PID))
		ft_json_put_i64(out, FT_SPAN("pid"), ev->pid);
	mark = ft_json_begin_object(out, FT_SPAN("process"));
	if (fields & FIELD(CERTAINTY))
		ft_json_put_text(out, FT_SPAN("certainty"),
				 ft_span_of(ft_certainty_name(ev->certainty)));
	if (ev->process)
		put_image(f, out, ev->process, fields);
	if (fields & FIELD(CANDIDATES))
		ft_json_put_candidates(out, ev->candidates, ev->candidates_count);
	ft_json_end_object(out, FT_SPAN("process"), mark);
}

static void put_events(struct json *j, struct ft_bytes *out, uint64_t mask)
{
	struct set *s = &j->sets[ft_hash_u64(0, mask) % SET_SLOTS];
	size_t mark = out->len;

	if (s->mask == mask && mask != 0) {
		ft_bytes_put(out, s->text, s->len);
		return;
	}
	ft_json_put_events(out, FT_SPAN("events"), mask);
	if (out->failed || out->len - mark > SET_LEN)
		return;
	s->mask = mask;
	s->len = out->len - mark;
	memcpy(s->text, out->data + mark, s->len);
}

static void make_place(struct json *j, struct ft_bytes *out, const struct ft_event *ev)
{
	if (j->fields & FIELD(DEV))
		ft_json_put_string(out, FT_SPAN("dev"), ev->dev);
	if (j->fields & FIELD(FS))
		ft_json_put_string(out, FT_SPAN("fs"), ev->fs);
}

static void put_place(struct json *j, struct ft_bytes *out, const struct ft_event *ev)
{
	struct place *p = &j->place;

	if (ft_span_equal(ft_bytes_span(&p->dev), ev->dev) &&
	    ft_span_equal(ft_bytes_span(&p->fs), ev->fs)) {
		ft_bytes_put_span(out, ft_bytes_span(&p->text));
		return;
	}
	make_place(j, out, ev);
	if (ev->dev.len + ev->fs.len > PLACE_LEN)
		return;
	ft_bytes_clear(&p->dev);
	ft_bytes_clear(&p->fs);
	ft_bytes_clear(&p->text);
	ft_bytes_put_span(&p->dev, ev->dev);
	ft_bytes_put_span(&p->fs, ev->fs);
	make_place(j, &p->text, ev);
	if (p->dev.failed || p->fs.failed || p->text.failed)
		ft_bytes_clear(&p->dev);
}

static void put_after(struct ft_format *f, struct ft_bytes *out, int64_t ns)
{
	ft_json_put_name(out, FT_SPAN("after"));
	ft_bytes_put_char(out, '"');
	ft_bytes_put_span(out, ft_timetext_full(&f->after, ns));
	ft_bytes_put_char(out, '"');
}

static void put_time(struct ft_format *f, struct ft_bytes *out, const struct ft_event *ev,
		     uint64_t fields)
{
	if (fields & FIELD(TIME)) {
		ft_bytes_put_lit(out, ",\"time\":\"");
		ft_bytes_put_span(out, ft_timetext_full(&f->time, ev->time_ns));
		ft_bytes_put_char(out, '"');
	}
	if (ev->after_ns != 0 && (fields & FIELD(AFTER)))
		put_after(f, out, ev->after_ns);
}

static void put_path(struct ft_bytes *out, const struct ft_event *ev, uint64_t fields)
{
	if (fields & FIELD(PATH))
		ft_json_put_string(out, FT_SPAN("path"), ev->path);
	if (fields & FIELD(OLD_PATH))
		ft_json_put_string(out, FT_SPAN("old_path"), ev->old_path);
	if (fields & FIELD(CONTAINER_PATH))
		ft_json_put_string(out, FT_SPAN("container_path"), ev->container_path);
	if (fields & FIELD(CONTAINER_OLD_PATH))
		ft_json_put_string(out, FT_SPAN("container_old_path"),
				   ev->container_old_path);
	if ((fields & FIELD(DIR)) && ft_column_knows_dir(ev)) {
		if (ev->dir)
			ft_bytes_put_lit(out, ",\"dir\":true");
		else
			ft_bytes_put_lit(out, ",\"dir\":false");
	}
	if ((fields & FIELD(PATH_SOURCE)) && ft_column_knows_source(ev)) {
		ft_bytes_put_lit(out, ",\"path_source\":\"");
		ft_bytes_put_str(out, ft_path_source_name(ev->path_source));
		ft_bytes_put_char(out, '"');
	}
}

static void put_error(struct ft_bytes *out, const struct ft_event *ev, uint64_t fields)
{
	if (ev->has_error && (fields & FIELD(ERROR))) {
		ft_json_put_name(out, FT_SPAN("error"));
		ft_bytes_put_char(out, '"');
		ft_column_put_errno(out, ev->error);
		ft_bytes_put_char(out, '"');
	}
	if (ev->has_error && !ev->call && (fields & FIELD(ERROR_COUNT)))
		ft_json_put_u64(out, FT_SPAN("error_count"), ev->error_count);
	if (ev->mnt_id != 0 && (fields & FIELD(MOUNT_ID)))
		ft_json_put_u64(out, FT_SPAN("mount_id"), ev->mnt_id);
}

static void put_call(struct ft_bytes *out, const struct ft_event *ev, uint64_t fields)
{
	ft_bytes_put_lit(out, ",\"events\":[\"");
	ft_bytes_put_str(out, ft_call_info(ev->call->kind)->name);
	ft_bytes_put_lit(out, "\"]");
	if (fields & FIELD(CALL))
		ft_json_put_call(out, ev->call);
}

static void put_result(struct ft_bytes *out, const struct ft_event *ev, uint64_t fields)
{
	if (fields & FIELD(RET))
		ft_json_put_i64(out, FT_SPAN("ret"), ev->call->ret);
	if (fields & FIELD(ALERT))
		ft_json_put_string(out, FT_SPAN("alert"), ev->call->alert);
}

static void put_event(struct ft_format *f, struct ft_bytes *out,
		      const struct ft_event *ev)
{
	struct json *j = f->state;
	uint64_t fields = j->fields;

	if (ev->call)
		put_call(out, ev, fields);
	else
		put_events(j, out, ev->mask);
	put_path(out, ev, fields);
	if (ev->has_inode && (fields & FIELD(INODE)))
		ft_json_put_u64(out, FT_SPAN("inode"), ev->inode);
	if (fields & (FIELD(DEV) | FIELD(FS)))
		put_place(j, out, ev);
	if (ev->call)
		put_result(out, ev, fields);
	put_error(out, ev, fields);
	if (ev->pid > 0 && (fields & (process_fields | FIELD(PID) | FIELD(GROUP))))
		ft_fragments_put(f, out, ev, make_process);
	if (ev->decision)
		ft_decisionfield_put(out, ev->decision, fields);
}

static void put_lost(struct ft_bytes *out, const struct ft_event *ev)
{
	ft_bytes_put_lit(out, ",\"events\":[\"lost\"]");
	if (ev->has_count)
		ft_json_put_u64(out, FT_SPAN("count"), ev->count);
	ft_json_put_text(out, FT_SPAN("where"),
			 ft_span_of(ft_lost_where_name(ev->where)));
}

static void put_gap(struct ft_bytes *out, const struct ft_event *ev)
{
	ft_bytes_put_lit(out, ",\"events\":[\"gap\"]");
	if (ev->from_ns != 0)
		ft_json_put_time(out, FT_SPAN("from"), ev->from_ns);
	if (ev->to_ns != 0)
		ft_json_put_time(out, FT_SPAN("to"), ev->to_ns);
	ft_json_put_string(out, FT_SPAN("reason"), ft_span_of(ev->reason));
}

static void json_put(struct ft_format *f, struct ft_bytes *out, const struct ft_event *ev,
		     uint64_t seq)
{
	uint64_t fields = ((struct json *)f->state)->fields;
	size_t mark = ft_json_begin(out);

	put_time(f, out, ev, fields);
	if (fields & FIELD(SEQ))
		ft_json_put_u64(out, FT_SPAN("seq"), seq);
	if (ev->kind == FT_KIND_LOST)
		put_lost(out, ev);
	else if (ev->kind == FT_KIND_GAP)
		put_gap(out, ev);
	else
		put_event(f, out, ev);
	ft_json_end(out, mark);
	ft_bytes_put_char(out, '\n');
}

const struct ft_format_ops ft_format_json = {
	.open = json_open,
	.close = json_close,
	.put = json_put,
};
