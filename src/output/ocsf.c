/* SPDX-License-Identifier: MIT */
/* Open Cybersecurity Schema Framework 1.3, class File System Activity. The rest is under
 * `unmapped`. */
#include "output/format.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "output/decisionfield.h"
#include "output/hostinfo.h"
#include "output/jsonfield.h"

enum {
	CLASS = 1001,
	SEVERITY_INFORMATIONAL = 1,
	SEVERITY_LOW = 2,
	SEVERITY_MEDIUM = 3,
	SEVERITY_HIGH = 4,
	ACTIVITY_OTHER = 99,
	STATUS_SUCCESS = 1,
	STATUS_FAILURE = 2,
	FILE_UNKNOWN = 0,
	FILE_REGULAR = 1,
	FILE_FOLDER = 2,
};

struct ocsf {
	char *host;
};

struct activity {
	unsigned int id;
	const char *name;
	uint64_t mask;
};

/* The first that happened names the record; all are in unmapped.events. */
static const struct activity activities[] = {
	{5, "Rename", FT_EV_RENAME | FT_EV_MOVED_FROM | FT_EV_MOVED_TO | FT_EV_MOVE_SELF},
	{4, "Delete", FT_EV_DELETE | FT_EV_DELETE_SELF},
	{1, "Create", FT_EV_CREATE},
	{3, "Update", FT_EV_MODIFY | FT_EV_CLOSE_WRITE},
	{6, "Set Attributes", FT_EV_ATTRIB},
	{14, "Open",
	 FT_EV_OPEN | FT_EV_OPEN_EXEC | FT_EV_OPEN_PERM | FT_EV_OPEN_EXEC_PERM},
	{2, "Read", FT_EV_ACCESS | FT_EV_ACCESS_PERM | FT_EV_PRE_ACCESS},
	{12, "Mount", FT_EV_MNT_ATTACH},
	{13, "Unmount", FT_EV_MNT_DETACH},
	{ACTIVITY_OTHER, "fs_error", FT_EV_FS_ERROR},
	{ACTIVITY_OTHER, "close_nowrite", FT_EV_CLOSE_NOWRITE},
};

static const struct activity lost = {ACTIVITY_OTHER, "lost", 0};
static const struct activity gap = {ACTIVITY_OTHER, "gap", 0};
static const struct activity other = {ACTIVITY_OTHER, "other", 0};

static int ocsf_open(struct ft_format *f, const struct ft_output_config *c,
		     char **ret_error)
{
	struct ocsf *o = calloc(1, sizeof(*o));

	if (!o)
		return -ENOMEM;
	f->state = o;
	o->host = ft_hostinfo_name();
	return o->host ? 0 : -ENOMEM;
}

static void ocsf_close(struct ft_format *f)
{
	struct ocsf *o = f->state;

	free(o->host);
	free(o);
}

static const struct activity *activity_of(const struct ft_event *ev)
{
	if (ev->kind == FT_KIND_LOST)
		return &lost;
	if (ev->kind == FT_KIND_GAP)
		return &gap;
	for (size_t i = 0; i < FT_ARRAY_SIZE(activities); i++) {
		if (ev->mask & activities[i].mask)
			return &activities[i];
	}
	return &other;
}

static int64_t to_msec(int64_t ns)
{
	return ns / FT_NSEC_PER_MSEC;
}

static unsigned int severity_of(const struct ft_event *ev)
{
	if (ev->kind != FT_KIND_EVENT || (ev->call && ev->call->alert.len > 0))
		return SEVERITY_MEDIUM;
	if (ev->mask & FT_EV_FS_ERROR)
		return SEVERITY_HIGH;
	if (ev->decision && ev->decision->verdict == FT_VERDICT_DENY)
		return SEVERITY_LOW;
	return SEVERITY_INFORMATIONAL;
}

static void put_classification(struct ft_bytes *out, const struct ft_event *ev)
{
	const struct activity *a = activity_of(ev);
	const char *name = ev->call ? ft_call_info(ev->call->kind)->name : a->name;

	ft_json_put_u64(out, FT_SPAN("activity_id"), a->id);
	ft_json_put_text(out, FT_SPAN("activity_name"), ft_span_of(name));
	ft_bytes_put_lit(out, ",\"category_uid\":1,\"class_uid\":1001");
	ft_json_put_u64(out, FT_SPAN("type_uid"), CLASS * 100 + a->id);
	ft_json_put_u64(out, FT_SPAN("severity_id"), severity_of(ev));
	if (ev->call)
		ft_json_put_u64(out, FT_SPAN("status_id"),
				ev->call->ret < 0 ? STATUS_FAILURE : STATUS_SUCCESS);
	ft_json_put_i64(out, FT_SPAN("time"), to_msec(ev->time_ns));
}

static void put_metadata(struct ft_bytes *out, uint64_t seq, bool decides)
{
	size_t mark = ft_json_begin_object(out, FT_SPAN("metadata"));

	ft_bytes_put_lit(
		out, ",\"version\":\"1.3.0\",\"product\":{\"name\":\"fantail\","
		     "\"vendor_name\":\"fantail\"},\"profiles\":[\"host\",\"container\"");
	if (decides)
		ft_bytes_put_lit(out, ",\"security_control\"");
	ft_bytes_put_char(out, ']');
	ft_json_put_u64(out, FT_SPAN("sequence"), seq);
	ft_json_end_object(out, FT_SPAN("metadata"), mark);
}

/* name and type_id are required by the schema: what is not known is named "unknown",
 * without a path. */
static void put_file(struct ft_bytes *out, struct ft_span name, struct ft_span path,
		     unsigned int type)
{
	size_t mark = ft_json_begin_object(out, name);

	if (path.len > 0)
		ft_json_put_text(out, FT_SPAN("name"), ft_hostinfo_base(path));
	else
		ft_bytes_put_lit(out, ",\"name\":\"unknown\"");
	if (path.len > 0 && path.data[0] == '/')
		ft_json_put_text(out, FT_SPAN("path"), path);
	ft_json_put_u64(out, FT_SPAN("type_id"), type);
	ft_json_end_object(out, name, mark);
}

/* A rename has what it was in file and what it became in file_result. */
static void put_files(struct ft_bytes *out, const struct ft_event *ev)
{
	/* What is no directory may be a file or a symbolic link: not said. */
	unsigned int type = ev->dir ? FILE_FOLDER : FILE_UNKNOWN;

	if (ev->old_path.len == 0) {
		put_file(out, FT_SPAN("file"), ev->path, type);
		return;
	}
	put_file(out, FT_SPAN("file"), ev->old_path, type);
	put_file(out, FT_SPAN("file_result"), ev->path, type);
}

/* The profile of security controls: what was done (action), and what came of it. */
static const struct disposition {
	enum ft_verdict verdict;
	enum ft_verdict answered;
	unsigned int action_id;
	const char *action;
	unsigned int disposition_id;
	const char *disposition;
} dispositions[] = {
	{FT_VERDICT_ALLOW, FT_VERDICT_ALLOW, 1, "Allowed", 1, "Allowed"},
	{FT_VERDICT_DENY, FT_VERDICT_DENY, 2, "Denied", 2, "Blocked"},
	{FT_VERDICT_DENY, FT_VERDICT_ALLOW, 1, "Allowed", 17, "Logged"},
	{FT_VERDICT_ALLOW, FT_VERDICT_DENY, 2, "Denied", 2, "Blocked"},
};

static void put_disposition(struct ft_bytes *out, const struct disposition *d)
{
	ft_json_put_u64(out, FT_SPAN("action_id"), d->action_id);
	ft_json_put_text(out, FT_SPAN("action"), ft_span_of(d->action));
	ft_json_put_u64(out, FT_SPAN("disposition_id"), d->disposition_id);
	ft_json_put_text(out, FT_SPAN("disposition"), ft_span_of(d->disposition));
}

static void put_decision(struct ft_bytes *out, const struct ft_decision *d)
{
	size_t mark;

	for (size_t i = 0; i < FT_ARRAY_SIZE(dispositions); i++) {
		if (dispositions[i].verdict == d->verdict &&
		    dispositions[i].answered == d->answered)
			put_disposition(out, &dispositions[i]);
	}
	if (d->answered == FT_VERDICT_DENY)
		ft_bytes_put_lit(out, ",\"status_id\":2,\"status\":\"Failure\"");
	else
		ft_bytes_put_lit(out, ",\"status_id\":1,\"status\":\"Success\"");
	ft_json_put_text(out, FT_SPAN("status_detail"), d->reason);
	mark = ft_json_begin_object(out, FT_SPAN("policy"));
	ft_json_put_text(out, FT_SPAN("name"), d->rule);
	ft_json_end_object(out, FT_SPAN("policy"), mark);
}

static void put_user(struct ft_format *f, struct ft_bytes *out,
		     const struct ft_process *p)
{
	size_t mark;

	if (!p->has_ids)
		return;
	mark = ft_json_begin_object(out, FT_SPAN("user"));
	ft_json_put_text(out, FT_SPAN("name"), ft_idnames_get(f->users, p->uid));
	ft_json_put_id(out, FT_SPAN("uid"), p->uid);
	ft_bytes_put_lit(out, ",\"groups\":[{\"uid\":\"");
	ft_bytes_put_u64(out, p->gid);
	ft_bytes_put_lit(out, "\"}]");
	ft_json_end_object(out, FT_SPAN("user"), mark);
}

static void put_parent(struct ft_bytes *out, const struct ft_process *p)
{
	size_t mark;

	if (!p->has_ppid)
		return;
	mark = ft_json_begin_object(out, FT_SPAN("parent_process"));
	ft_json_put_i64(out, FT_SPAN("pid"), p->ppid);
	if (p->parents_count > 0 && p->parents[0].pid == p->ppid) {
		ft_json_put_text(out, FT_SPAN("name"), p->parents[0].comm);
		if (p->parents[0].exe.len > 0)
			put_file(out, FT_SPAN("file"), p->parents[0].exe, FILE_REGULAR);
	}
	ft_json_end_object(out, FT_SPAN("parent_process"), mark);
}

static void put_image(struct ft_format *f, struct ft_bytes *out,
		      const struct ft_process *p)
{
	ft_json_put_text(out, FT_SPAN("name"), p->comm);
	if (p->exe.len > 0)
		put_file(out, FT_SPAN("file"), p->exe, FILE_REGULAR);
	if (!f->no_args) {
		ft_bytes_clear(&f->scratch);
		ft_hostinfo_put_command_line(&f->scratch, p->args);
		ft_json_put_text(out, FT_SPAN("cmd_line"), ft_bytes_span(&f->scratch));
	}
	if (p->start_ns != 0)
		ft_json_put_i64(out, FT_SPAN("created_time"), to_msec(p->start_ns));
	put_parent(out, p);
	put_user(f, out, p);
	if (p->container.len > 0) {
		size_t mark = ft_json_begin_object(out, FT_SPAN("container"));

		ft_json_put_text(out, FT_SPAN("uid"), p->container);
		ft_json_end_object(out, FT_SPAN("container"), mark);
	}
}

static void make_actor(struct ft_format *f, struct ft_bytes *out,
		       const struct ft_event *ev)
{
	size_t mark = ft_json_begin_object(out, FT_SPAN("actor"));
	size_t process = ft_json_begin_object(out, FT_SPAN("process"));

	ft_json_put_i64(out, FT_SPAN("pid"), ev->pid);
	if (ev->process)
		put_image(f, out, ev->process);
	ft_json_end_object(out, FT_SPAN("process"), process);
	if (ev->process)
		put_user(f, out, ev->process);
	ft_json_end_object(out, FT_SPAN("actor"), mark);
}

static void put_unmapped_process(struct ft_format *f, struct ft_bytes *out,
				 const struct ft_event *ev)
{
	const struct ft_process *p = ev->process;

	ft_json_put_text(out, FT_SPAN("certainty"),
			 ft_span_of(ft_certainty_name(ev->certainty)));
	if (p) {
		ft_json_put_base64_if_bad(out, FT_SPAN("comm"), p->comm);
		ft_json_put_base64_if_bad(out, FT_SPAN("exe"), p->exe);
		if (!f->no_args)
			ft_json_put_args_beside(out, p);
		ft_json_put_string(out, FT_SPAN("cgroup"), p->cgroup);
		ft_json_put_parents(out, p, FT_JSON_PARENTS);
	}
	ft_json_put_candidates(out, ev->candidates, ev->candidates_count);
}

static void put_unmapped_file(struct ft_bytes *out, const struct ft_event *ev)
{
	ft_json_put_base64_if_bad(out, FT_SPAN("path"), ev->path);
	ft_json_put_base64_if_bad(out, FT_SPAN("old_path"), ev->old_path);
	if (ft_column_knows_source(ev))
		ft_json_put_text(out, FT_SPAN("path_source"),
				 ft_span_of(ft_path_source_name(ev->path_source)));
	if (ev->has_inode)
		ft_json_put_u64(out, FT_SPAN("inode"), ev->inode);
	ft_json_put_string(out, FT_SPAN("dev"), ev->dev);
	ft_json_put_string(out, FT_SPAN("fs"), ev->fs);
	if (ev->has_error) {
		ft_bytes_put_lit(out, ",\"error\":\"");
		ft_column_put_errno(out, ev->error);
		ft_bytes_put_lit(out, "\"");
	}
	if (ev->has_error && !ev->call)
		ft_json_put_u64(out, FT_SPAN("error_count"), ev->error_count);
	if (ev->mnt_id != 0)
		ft_json_put_u64(out, FT_SPAN("mount_id"), ev->mnt_id);
}

static void put_event(struct ft_format *f, struct ft_bytes *out,
		      const struct ft_event *ev)
{
	size_t mark;

	if (ev->pid > 0)
		ft_fragments_put(f, out, ev, make_actor);
	else
		ft_bytes_put_lit(out, ",\"actor\":{\"app_name\":\"unknown\"}");
	put_files(out, ev);
	if (ev->decision)
		put_decision(out, ev->decision);
	mark = ft_json_begin_object(out, FT_SPAN("unmapped"));
	if (ev->call)
		ft_json_put_call_event(out, ev->call);
	else
		ft_json_put_events(out, FT_SPAN("events"), ev->mask);
	if (ev->after_ns != 0)
		ft_json_put_time(out, FT_SPAN("after"), ev->after_ns);
	put_unmapped_file(out, ev);
	if (ev->pid > 0)
		put_unmapped_process(f, out, ev);
	if (ev->decision)
		ft_decisionfield_put(out, ev->decision, ~UINT64_C(0));
	ft_json_end_object(out, FT_SPAN("unmapped"), mark);
}

static void put_notice(struct ft_format *f, struct ft_bytes *out,
		       const struct ft_event *ev)
{
	size_t mark;

	ft_bytes_clear(&f->scratch);
	ft_notice_format(&f->scratch, ev);
	ft_json_put_text(out, FT_SPAN("message"), ft_bytes_span(&f->scratch));
	ft_bytes_put_lit(out, ",\"actor\":{\"app_name\":\"fantail\"}");
	put_file(out, FT_SPAN("file"), (struct ft_span){0}, FILE_UNKNOWN);
	if (ev->kind == FT_KIND_GAP && ev->from_ns != 0)
		ft_json_put_i64(out, FT_SPAN("start_time"), to_msec(ev->from_ns));
	if (ev->kind == FT_KIND_GAP && ev->to_ns != 0)
		ft_json_put_i64(out, FT_SPAN("end_time"), to_msec(ev->to_ns));
	mark = ft_json_begin_object(out, FT_SPAN("unmapped"));
	if (ev->kind == FT_KIND_LOST) {
		ft_bytes_put_lit(out, ",\"events\":[\"lost\"]");
		if (ev->has_count)
			ft_json_put_u64(out, FT_SPAN("count"), ev->count);
		ft_json_put_text(out, FT_SPAN("where"),
				 ft_span_of(ft_lost_where_name(ev->where)));
	} else {
		ft_bytes_put_lit(out, ",\"events\":[\"gap\"]");
		ft_json_put_string(out, FT_SPAN("reason"), ft_span_of(ev->reason));
	}
	ft_json_end_object(out, FT_SPAN("unmapped"), mark);
}

static void ocsf_put(struct ft_format *f, struct ft_bytes *out, const struct ft_event *ev,
		     uint64_t seq)
{
	const struct ocsf *o = f->state;
	size_t mark = ft_json_begin(out), device;

	put_classification(out, ev);
	put_metadata(out, seq, ev->decision);
	device = ft_json_begin_object(out, FT_SPAN("device"));
	ft_json_put_text(out, FT_SPAN("hostname"), ft_span_of(o->host));
	ft_bytes_put_lit(out, ",\"type_id\":0");
	ft_json_end_object(out, FT_SPAN("device"), device);
	if (ev->kind == FT_KIND_EVENT)
		put_event(f, out, ev);
	else
		put_notice(f, out, ev);
	ft_json_end(out, mark);
	ft_bytes_put_char(out, '\n');
}

const struct ft_format_ops ft_format_ocsf = {
	.open = ocsf_open,
	.close = ocsf_close,
	.put = ocsf_put,
};
