/* SPDX-License-Identifier: MIT */
/* A group as one JSON object: data/fantail-marks.schema.json. */
#include "inspect/listing-print.h"
#include "inspect/stuck.h"
#include "kernel/abi.h"
#include "output/jsonfield.h"

/* `,"NAME":5,"NAME_names":["A","B"]` */
static void put_names(struct ft_bytes *out, const char *name, uint64_t value,
		      const struct ft_flagnames *names)
{
	ft_json_put_u64(out, ft_span_of(name), value);
	ft_bytes_printf(out, ",\"%s_names\":[", name);
	for (size_t i = 0; i < names->count; i++)
		ft_bytes_printf(out, "%s\"%s\"", i > 0 ? "," : "", names->names[i]);
	ft_bytes_put_char(out, ']');
}

static void put_flags(struct ft_bytes *out, const char *name, enum ft_flag_set set,
		      uint64_t value)
{
	struct ft_flagnames names;

	ft_flagnames_decode(set, value, &names);
	put_names(out, name, value, &names);
}

static void put_mark_flags(struct ft_bytes *out, const struct ft_mark *m)
{
	struct ft_flagnames names;

	ft_listing_decode_flags(m, &names);
	put_names(out, "flags", m->flags, &names);
	ft_json_put_bool(out, FT_SPAN("evictable"), m->flags & FT_MARK_EVICTABLE);
}

static void put_place(struct ft_bytes *out, const struct ft_listed_mark *l)
{
	const char *unknown = l->path ? NULL : ft_markpath_state_name(l->state);

	ft_json_put_string(out, FT_SPAN("path"), ft_span_of(l->path));
	if (l->state == FT_MARKPATH_DELETED)
		ft_json_put_bool(out, FT_SPAN("deleted"), true);
	ft_json_put_text(out, FT_SPAN("path_unknown"), ft_span_of(unknown));
	ft_json_put_string(out, FT_SPAN("mountpoint"), ft_span_of(l->mountpoint));
	if (l->is_elsewhere)
		ft_json_put_bool(out, FT_SPAN("elsewhere"), true);
	ft_json_put_string(out, FT_SPAN("fs"), ft_span_of(l->fs));
}

static void put_object(struct ft_bytes *out, const struct ft_mark *m)
{
	if (m->type == FT_MARK_OF_INODE || m->type == FT_MARK_OF_FILESYSTEM) {
		ft_json_put_name(out, FT_SPAN("dev"));
		ft_bytes_printf(out, "\"%u:%u\"", m->major, m->minor);
	}
	if (m->type == FT_MARK_OF_INODE)
		ft_json_put_u64(out, FT_SPAN("inode"), m->ino);
	if (m->type == FT_MARK_OF_MOUNT)
		ft_json_put_i64(out, FT_SPAN("mount_id"), m->mount_id);
	if (m->type == FT_MARK_OF_MNTNS)
		ft_json_put_u64(out, FT_SPAN("mntns"), m->mntns);
}

static void put_mark(struct ft_listing_printer *p, const struct ft_group_text *g,
		     const struct ft_mark *m, const struct ft_listed_mark *l, void *data)
{
	bool is_inotify = g->kind == FT_GROUP_KIND_INOTIFY;
	enum ft_flag_set set = is_inotify ? FT_FLAGS_IN_MASK : FT_FLAGS_FAN_MASK;
	struct ft_bytes *out = &p->out;
	bool *is_first = data;
	size_t mark;

	if (!*is_first)
		ft_bytes_put_char(out, ',');
	*is_first = false;
	mark = ft_json_begin(out);
	ft_json_put_text(out, FT_SPAN("type"), ft_span_of(ft_listing_type_name(g, m)));
	put_place(out, l);
	put_object(out, m);
	if (is_inotify)
		ft_json_put_i64(out, FT_SPAN("wd"), m->wd);
	put_flags(out, "mask", set, m->mask);
	if (!is_inotify) {
		put_flags(out, "ignored_mask", set, m->ignored_mask);
		put_mark_flags(out, m);
	}
	ft_json_end(out, mark);
}

static void put_marks(struct ft_listing_printer *p, const char *name,
		      const struct ft_group *g, const struct ft_listed_group *l,
		      bool unpaired)
{
	bool is_first = true;

	ft_bytes_printf(&p->out, ",\"%s\":[", name);
	ft_listing_each(p, g, l, unpaired, put_mark, &is_first);
	ft_bytes_put_char(&p->out, ']');
}

static void put_ids(struct ft_listing_printer *p, const struct ft_process *process)
{
	struct ft_bytes *out = &p->out;

	ft_json_put_u64(out, FT_SPAN("uid"), process->uid);
	ft_json_put_string(out, FT_SPAN("user"), ft_idnames_get(p->users, process->uid));
	ft_json_put_u64(out, FT_SPAN("gid"), process->gid);
}

static void put_process(struct ft_listing_printer *p, const struct ft_process *process)
{
	struct ft_bytes *out = &p->out;
	size_t mark = ft_json_begin_object(out, FT_SPAN("process"));

	ft_json_put_string(out, FT_SPAN("comm"), process->comm);
	ft_json_put_string(out, FT_SPAN("exe"), process->exe);
	if (!p->no_args && process->args.len > 0) {
		ft_json_put_args(out, FT_SPAN("args"), process);
		ft_json_put_args_beside(out, process);
	}
	if (process->has_ids)
		put_ids(p, process);
	if (process->has_ppid)
		ft_json_put_i64(out, FT_SPAN("ppid"), process->ppid);
	if (process->start_ns != 0)
		ft_json_put_time(out, FT_SPAN("start"), process->start_ns);
	ft_json_put_string(out, FT_SPAN("cgroup"), process->cgroup);
	ft_json_put_string(out, FT_SPAN("container"), process->container);
	ft_json_end_object(out, FT_SPAN("process"), mark);
}

static void put_holder(struct ft_bytes *out, const struct ft_group *g, size_t *at,
		       const struct ft_owner *owner)
{
	size_t mark = ft_json_begin(out);
	pid_t pid = owner->process.pid;
	const char *sep = "";

	ft_json_put_i64(out, FT_SPAN("pid"), pid);
	ft_bytes_put_lit(out, ",\"fds\":[");
	for (; *at < g->holders_count && g->holders[*at].pid == pid; (*at)++, sep = ",")
		ft_bytes_printf(out, "%s%d", sep, g->holders[*at].fd);
	ft_bytes_put_char(out, ']');
	ft_json_put_string(out, FT_SPAN("comm"), owner->process.comm);
	ft_json_put_string(out, FT_SPAN("exe"), owner->process.exe);
	ft_json_end(out, mark);
}

static void put_holders(struct ft_bytes *out, const struct ft_group *g,
			const struct ft_listed_group *l)
{
	size_t at = 0;

	ft_bytes_put_lit(out, ",\"holders\":[");
	for (size_t i = 0; i < l->owners_count; i++) {
		if (i > 0)
			ft_bytes_put_char(out, ',');
		put_holder(out, g, &at, &l->owners[i]);
	}
	ft_bytes_put_char(out, ']');
	if (g->is_unsure)
		ft_json_put_bool(out, FT_SPAN("unsure"), true);
}

static void put_kind(struct ft_bytes *out, const struct ft_group_text *g)
{
	if (g->kind == FT_GROUP_KIND_INOTIFY) {
		ft_json_put_text(out, FT_SPAN("group"), FT_SPAN("inotify"));
		return;
	}
	ft_json_put_text(out, FT_SPAN("group"), FT_SPAN("fanotify"));
	ft_json_put_text(out, FT_SPAN("class"), ft_span_of(ft_listing_class_name(g)));
	ft_json_put_bool(out, FT_SPAN("permission"), ft_group_is_asked(g));
	put_flags(out, "flags", FT_FLAGS_FAN_INIT, g->flags);
	put_flags(out, "event_f_flags", FT_FLAGS_OPEN, g->event_f_flags);
}

/* Nobody waits for a group that is gone. */
static void put_waiting(struct ft_bytes *out, const struct ft_listing_line *line)
{
	const struct ft_waiter *w;
	size_t at = 0, first;

	if (!ft_group_is_asked(&line->group->text) || line->change == FT_LISTING_GONE)
		return;
	ft_bytes_put_lit(out, ",\"waiting\":[");
	first = out->len;
	while ((w = ft_listing_next_waiter(line, &at))) {
		size_t mark;

		if (out->len > first)
			ft_bytes_put_char(out, ',');
		mark = ft_json_begin(out);
		ft_waiter_put_json(out, w);
		ft_json_put_bool(out, FT_SPAN("covered"),
				 ft_stuck_is_covered(&line->listing->groups, w));
		ft_json_end(out, mark);
	}
	ft_bytes_put_char(out, ']');
}

static void json_group(struct ft_listing_printer *p, const struct ft_listing_line *line)
{
	const struct ft_group *g = line->group;
	struct ft_bytes *out = &p->out;
	const char *change = ft_listing_change_name(line->change);
	size_t mark = ft_json_begin(out);

	ft_json_put_time(out, FT_SPAN("time"), line->time_ns);
	ft_json_put_text(out, FT_SPAN("change"), ft_span_of(change));
	put_kind(out, &g->text);
	ft_json_put_i64(out, FT_SPAN("pid"), ft_group_pid(g));
	put_process(p, &line->listed->owners[0].process);
	put_holders(out, g, line->listed);
	put_waiting(out, line);
	ft_json_put_u64(out, FT_SPAN("marks_count"),
			g->text.marks_count + g->text.marks_dropped);
	/* The brace is put here, for what follows may leave the buffer in pieces. */
	ft_json_end(out, mark);
	if (!out->failed)
		out->len--;
	if (line->change == FT_LISTING_CHANGED) {
		put_marks(p, "added", g, line->listed, true);
		put_marks(p, "removed", line->old_group, line->old_listed, true);
	} else if (!p->groups_only) {
		put_marks(p, "marks", g, line->listed, false);
	}
	ft_bytes_put_lit(out, "}\n");
	p->flush(p);
}

const struct ft_listing_ops ft_listing_json = {.group = json_group};
