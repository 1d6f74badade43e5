/* SPDX-License-Identifier: MIT */
/* Elastic Common Schema 9. What it has no field for is under `fantail`. */
#include "output/format.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "output/decisionfield.h"
#include "output/hostinfo.h"
#include "output/jsonfield.h"

struct ecs {
	char *host;
};

/* event.type by what happened, in ECS's order; the types that it allows for files. */
static const struct {
	const char *type;
	uint64_t mask;
} types[] = {
	{"access",
	 FT_EV_OPEN | FT_EV_OPEN_EXEC | FT_EV_ACCESS | FT_EV_CLOSE_NOWRITE | FT_MASK_ASK},
	{"change", FT_EV_MODIFY | FT_EV_ATTRIB | FT_EV_CLOSE_WRITE | FT_EV_RENAME |
			   FT_EV_MOVED_FROM | FT_EV_MOVED_TO | FT_EV_MOVE_SELF},
	{"creation", FT_EV_CREATE},
	{"deletion", FT_EV_DELETE | FT_EV_DELETE_SELF},
	{"info", FT_EV_FS_ERROR | FT_EV_MNT_ATTACH | FT_EV_MNT_DETACH},
};

static int ecs_open(struct ft_format *f, const struct ft_output_config *c,
		    char **ret_error)
{
	struct ecs *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	f->state = e;
	e->host = ft_hostinfo_name();
	return e->host ? 0 : -ENOMEM;
}

static void ecs_close(struct ft_format *f)
{
	struct ecs *e = f->state;

	free(e->host);
	free(e);
}

static void put_types(struct ft_bytes *out, uint64_t mask)
{
	char sep = '[';

	ft_json_put_name(out, FT_SPAN("type"));
	for (size_t i = 0; i < FT_ARRAY_SIZE(types); i++) {
		if (!(mask & types[i].mask))
			continue;
		ft_bytes_put_char(out, sep);
		ft_bytes_put_char(out, '"');
		ft_bytes_put_str(out, types[i].type);
		ft_bytes_put_char(out, '"');
		sep = ',';
	}
	ft_bytes_put_str(out, sep == '[' ? "[\"info\"]" : "]");
}

/* The first of the set, as mask.def orders it. */
static void put_action(struct ft_bytes *out, uint64_t mask)
{
	const struct ft_mask_name *names;
	size_t count;

	names = ft_mask_names(&count);
	for (size_t i = 0; i < count; i++) {
		if (mask & names[i].bit) {
			ft_json_put_text(out, FT_SPAN("action"),
					 ft_span_of(names[i].name));
			return;
		}
	}
}

/* Who listens is part of how the machine is set up. */
static void put_call_fields(struct ft_bytes *out, const struct ft_event *ev)
{
	ft_json_put_text(out, FT_SPAN("kind"),
			 ft_span_of(ev->call->alert.len > 0 ? "alert" : "event"));
	ft_bytes_put_lit(out, ",\"category\":[\"configuration\"],\"type\":[\"change\"]");
	ft_json_put_text(out, FT_SPAN("action"),
			 ft_span_of(ft_call_info(ev->call->kind)->name));
	ft_json_put_text(out, FT_SPAN("outcome"),
			 ft_span_of(ev->call->ret < 0 ? "failure" : "success"));
	ft_json_put_text(out, FT_SPAN("reason"), ev->call->alert);
}

/* Of the attempt that the event tells of; that the guard did its work is no outcome. */
static void put_outcome(struct ft_bytes *out, const struct ft_decision *d)
{
	if (d->answered == FT_VERDICT_DENY)
		ft_bytes_put_lit(out, ",\"outcome\":\"failure\"");
	else
		ft_bytes_put_lit(out, ",\"outcome\":\"success\"");
	ft_json_put_text(out, FT_SPAN("reason"), d->reason);
}

static void put_event_fields(struct ft_bytes *out, const struct ft_event *ev,
			     uint64_t seq)
{
	size_t mark = ft_json_begin_object(out, FT_SPAN("event"));

	if (ev->call) {
		put_call_fields(out, ev);
	} else if (ev->kind == FT_KIND_EVENT) {
		ft_bytes_put_lit(out, ",\"kind\":\"event\",\"category\":[\"file\"]");
		put_types(out, ev->mask);
		put_action(out, ev->mask);
		if (ev->decision)
			put_outcome(out, ev->decision);
	} else {
		ft_bytes_put_lit(out,
				 ",\"kind\":\"pipeline_error\",\"type\":[\"error\"]");
		ft_json_put_text(out, FT_SPAN("action"),
				 ft_span_of(ev->kind == FT_KIND_LOST ? "lost" : "gap"));
	}
	if (ev->kind == FT_KIND_GAP && ev->from_ns != 0)
		ft_json_put_time(out, FT_SPAN("start"), ev->from_ns);
	if (ev->kind == FT_KIND_GAP && ev->to_ns != 0)
		ft_json_put_time(out, FT_SPAN("end"), ev->to_ns);
	ft_bytes_put_lit(out, ",\"provider\":\"fantail\"");
	ft_json_put_u64(out, FT_SPAN("sequence"), seq);
	ft_json_end_object(out, FT_SPAN("event"), mark);
}

static void put_file(struct ft_bytes *out, const struct ft_event *ev)
{
	const struct ft_span name = FT_SPAN("file");
	size_t mark = ft_json_begin_object(out, name);

	/* Else it is a name alone. */
	if (ev->path.len > 0 && ev->path.data[0] == '/') {
		ft_json_put_text(out, FT_SPAN("path"), ev->path);
		ft_json_put_text(out, FT_SPAN("directory"),
				 ft_hostinfo_directory(ev->path));
	}
	ft_json_put_text(out, FT_SPAN("name"), ft_hostinfo_base(ev->path));
	if (!ev->dir)
		ft_json_put_text(out, FT_SPAN("extension"),
				 ft_hostinfo_extension(ev->path));
	/* What is no directory may be a file or a symbolic link: not said. */
	if (ev->dir)
		ft_bytes_put_lit(out, ",\"type\":\"dir\"");
	if (ev->has_inode)
		ft_json_put_id(out, FT_SPAN("inode"), ev->inode);
	ft_json_end_object(out, name, mark);
}

static void put_user(struct ft_format *f, struct ft_bytes *out,
		     const struct ft_process *p)
{
	size_t mark = ft_json_begin_object(out, FT_SPAN("user"));

	ft_json_put_id(out, FT_SPAN("id"), p->uid);
	ft_json_put_text(out, FT_SPAN("name"), ft_idnames_get(f->users, p->uid));
	ft_json_end_object(out, FT_SPAN("user"), mark);
}

static void put_group(struct ft_format *f, struct ft_bytes *out,
		      const struct ft_process *p)
{
	size_t mark = ft_json_begin_object(out, FT_SPAN("group"));

	ft_json_put_id(out, FT_SPAN("id"), p->gid);
	ft_json_put_text(out, FT_SPAN("name"), ft_idnames_get(f->groups, p->gid));
	ft_json_end_object(out, FT_SPAN("group"), mark);
}

static uint64_t count_args(struct ft_span args)
{
	uint64_t n = args.len > 0 && args.data[args.len - 1] != '\0';

	for (size_t i = 0; i < args.len; i++)
		n += args.data[i] == '\0';
	return n;
}

static void put_args(struct ft_format *f, struct ft_bytes *out,
		     const struct ft_process *p)
{
	if (f->no_args || p->args.len == 0)
		return;
	ft_json_put_args(out, FT_SPAN("args"), p);
	if (!p->args_cut)
		ft_json_put_u64(out, FT_SPAN("args_count"), count_args(p->args));
	ft_bytes_clear(&f->scratch);
	ft_hostinfo_put_command_line(&f->scratch, p->args);
	ft_json_put_text(out, FT_SPAN("command_line"), ft_bytes_span(&f->scratch));
}

static void put_parent(struct ft_bytes *out, const struct ft_process *p)
{
	size_t mark = ft_json_begin_object(out, FT_SPAN("parent"));

	if (p->has_ppid)
		ft_json_put_i64(out, FT_SPAN("pid"), p->ppid);
	/* A parent that is gone: its first ancestor here is another process. */
	if (p->has_ppid && p->parents_count > 0 && p->parents[0].pid == p->ppid) {
		ft_json_put_text(out, FT_SPAN("name"), p->parents[0].comm);
		ft_json_put_text(out, FT_SPAN("executable"), p->parents[0].exe);
	}
	ft_json_end_object(out, FT_SPAN("parent"), mark);
}

static void put_process(struct ft_format *f, struct ft_bytes *out,
			const struct ft_event *ev)
{
	const struct ft_process *p = ev->process;
	size_t mark = ft_json_begin_object(out, FT_SPAN("process"));

	ft_json_put_i64(out, FT_SPAN("pid"), ev->pid);
	if (p) {
		ft_json_put_text(out, FT_SPAN("name"), p->comm);
		ft_json_put_text(out, FT_SPAN("executable"), p->exe);
		put_args(f, out, p);
		put_parent(out, p);
		if (p->start_ns != 0)
			ft_json_put_time(out, FT_SPAN("start"), p->start_ns);
		if (p->has_ids)
			put_user(f, out, p);
	}
	ft_json_end_object(out, FT_SPAN("process"), mark);
}

/* All of a record that depends on the process alone but what is under `fantail`. */
static void make_process(struct ft_format *f, struct ft_bytes *out,
			 const struct ft_event *ev)
{
	const struct ft_process *p = ev->process;

	put_process(f, out, ev);
	if (!p)
		return;
	if (p->has_ids) {
		put_user(f, out, p);
		put_group(f, out, p);
	}
	if (p->container.len > 0) {
		size_t mark = ft_json_begin_object(out, FT_SPAN("container"));

		ft_json_put_text(out, FT_SPAN("id"), p->container);
		ft_json_end_object(out, FT_SPAN("container"), mark);
	}
}

static void put_own_process(struct ft_format *f, struct ft_bytes *out,
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

static void put_own(struct ft_format *f, struct ft_bytes *out, const struct ft_event *ev)
{
	size_t mark = ft_json_begin_object(out, FT_SPAN("fantail"));

	if (ev->call)
		ft_json_put_call_event(out, ev->call);
	else
		ft_json_put_events(out, FT_SPAN("events"), ev->mask);
	if (ev->after_ns != 0)
		ft_json_put_time(out, FT_SPAN("after"), ev->after_ns);
	ft_json_put_base64_if_bad(out, FT_SPAN("path"), ev->path);
	ft_json_put_string(out, FT_SPAN("old_path"), ev->old_path);
	if (ft_column_knows_source(ev))
		ft_json_put_text(out, FT_SPAN("path_source"),
				 ft_span_of(ft_path_source_name(ev->path_source)));
	if (ft_column_knows_dir(ev))
		ft_json_put_bool(out, FT_SPAN("dir"), ev->dir);
	ft_json_put_string(out, FT_SPAN("dev"), ev->dev);
	ft_json_put_string(out, FT_SPAN("fs"), ev->fs);
	if (ev->has_error && !ev->call)
		ft_json_put_u64(out, FT_SPAN("error_count"), ev->error_count);
	if (ev->mnt_id != 0)
		ft_json_put_u64(out, FT_SPAN("mount_id"), ev->mnt_id);
	if (ev->pid > 0)
		put_own_process(f, out, ev);
	if (ev->decision)
		ft_decisionfield_put(out, ev->decision, ~UINT64_C(0));
	ft_json_end_object(out, FT_SPAN("fantail"), mark);
}

static void put_event(struct ft_format *f, struct ft_bytes *out,
		      const struct ft_event *ev)
{
	put_file(out, ev);
	if (ev->has_error) {
		ft_bytes_put_lit(out, ",\"error\":{\"code\":\"");
		ft_column_put_errno(out, ev->error);
		ft_bytes_put_lit(out, "\"}");
	}
	if (ev->decision && ev->decision->rule.len > 0) {
		size_t mark = ft_json_begin_object(out, FT_SPAN("rule"));

		ft_json_put_text(out, FT_SPAN("name"), ev->decision->rule);
		ft_json_end_object(out, FT_SPAN("rule"), mark);
	}
	if (ev->pid > 0)
		ft_fragments_put(f, out, ev, make_process);
	put_own(f, out, ev);
}

static void put_notice(struct ft_format *f, struct ft_bytes *out,
		       const struct ft_event *ev)
{
	size_t mark;

	ft_bytes_clear(&f->scratch);
	ft_notice_format(&f->scratch, ev);
	ft_json_put_text(out, FT_SPAN("message"), ft_bytes_span(&f->scratch));
	mark = ft_json_begin_object(out, FT_SPAN("fantail"));
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
	ft_json_end_object(out, FT_SPAN("fantail"), mark);
}

static void ecs_put(struct ft_format *f, struct ft_bytes *out, const struct ft_event *ev,
		    uint64_t seq)
{
	const struct ecs *e = f->state;
	size_t mark = ft_json_begin(out), host;

	ft_bytes_put_lit(out, ",\"@timestamp\":\"");
	ft_bytes_put_span(out, ft_timetext_full(&f->time, ev->time_ns));
	ft_bytes_put_lit(out, "\",\"ecs\":{\"version\":\"9.0.0\"}");
	put_event_fields(out, ev, seq);
	if (ev->kind == FT_KIND_EVENT)
		put_event(f, out, ev);
	else
		put_notice(f, out, ev);
	host = ft_json_begin_object(out, FT_SPAN("host"));
	ft_json_put_text(out, FT_SPAN("hostname"), ft_span_of(e->host));
	ft_json_end_object(out, FT_SPAN("host"), host);
	ft_json_end(out, mark);
	ft_bytes_put_char(out, '\n');
}

const struct ft_format_ops ft_format_ecs = {
	.open = ecs_open,
	.close = ecs_close,
	.put = ecs_put,
};
