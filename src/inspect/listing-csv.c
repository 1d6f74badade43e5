/* SPDX-License-Identifier: MIT */
/* A line a mark, RFC 4180. */
#include "base/escape.h"
#include "base/number.h"
#include "inspect/listing-print.h"

static void csv_begin(struct ft_listing_printer *p)
{
	ft_bytes_put_lit(&p->out,
			 "time,change,group,pid,comm,exe,user,container,class,flags,"
			 "type,path,path_unknown,fs,dev,inode,mount_id,wd,mask,"
			 "ignored_mask,mark_flags\n");
}

static void put_field(struct ft_bytes *out, struct ft_span value)
{
	ft_bytes_put_char(out, ',');
	ft_escape_csv(out, value);
}

static void put_name(struct ft_bytes *out, const char *name)
{
	put_field(out, ft_span_of(name));
}

static void put_flags(struct ft_bytes *out, bool has, enum ft_flag_set set,
		      uint64_t value)
{
	ft_bytes_put_char(out, ',');
	if (has)
		ft_flagnames_format(out, set, value, "|");
}

static void put_group(struct ft_listing_printer *p, const struct ft_listing_line *line,
		      const char *change)
{
	const struct ft_process *process = &line->listed->owners[0].process;
	const struct ft_group_text *g = &line->group->text;
	bool is_fanotify = g->kind == FT_GROUP_KIND_FANOTIFY;
	struct ft_bytes *out = &p->out;
	char time[FT_TIME_LEN];

	ft_bytes_put(out, time, ft_time_format(time, line->time_ns, true));
	put_name(out, change);
	put_name(out, is_fanotify ? "fanotify" : "inotify");
	ft_bytes_printf(out, ",%d", (int)process->pid);
	put_field(out, process->comm);
	put_field(out, process->exe);
	put_field(out, process->has_ids ? ft_idnames_get(p->users, process->uid)
					: (struct ft_span){0});
	put_field(out, process->container);
	put_name(out, ft_listing_class_name(g));
	put_flags(out, is_fanotify, FT_FLAGS_FAN_INIT, g->flags);
}

static void put_object(struct ft_bytes *out, const struct ft_group_text *g,
		       const struct ft_mark *m)
{
	bool is_inode = m->type == FT_MARK_OF_INODE;

	if (is_inode || m->type == FT_MARK_OF_FILESYSTEM)
		ft_bytes_printf(out, ",%u:%u", m->major, m->minor);
	else
		ft_bytes_put_char(out, ',');
	ft_bytes_put_char(out, ',');
	if (is_inode)
		ft_bytes_put_u64(out, m->ino);
	ft_bytes_put_char(out, ',');
	if (m->type == FT_MARK_OF_MOUNT)
		ft_bytes_put_i64(out, m->mount_id);
	ft_bytes_put_char(out, ',');
	if (g->kind == FT_GROUP_KIND_INOTIFY)
		ft_bytes_put_i64(out, m->wd);
}

struct row {
	const struct ft_listing_line *line;
	const char *change;
};

static void put_mark(struct ft_listing_printer *p, const struct ft_group_text *g,
		     const struct ft_mark *m, const struct ft_listed_mark *l, void *data)
{
	const struct row *row = data;
	bool is_fanotify = g->kind == FT_GROUP_KIND_FANOTIFY;
	struct ft_bytes *out = &p->out;

	put_group(p, row->line, row->change);
	put_name(out, ft_listing_type_name(g, m));
	put_name(out, l->path);
	put_name(out, l->state == FT_MARKPATH_DELETED ? "deleted"
						      : ft_markpath_state_name(l->state));
	put_name(out, l->fs);
	put_object(out, g, m);
	put_flags(out, true, is_fanotify ? FT_FLAGS_FAN_MASK : FT_FLAGS_IN_MASK, m->mask);
	put_flags(out, is_fanotify, FT_FLAGS_FAN_MASK, m->ignored_mask);
	ft_bytes_put_char(out, ',');
	ft_listing_put_flags(out, m);
	ft_bytes_put_lit(out, "\n");
}

/* A group without marks, or whose marks are not asked for, has a line, too. */
static void put_bare(struct ft_listing_printer *p, const struct ft_listing_line *line)
{
	put_group(p, line, ft_listing_change_name(line->change));
	ft_bytes_put_lit(&p->out, ",,,,,,,,,,,\n");
	p->flush(p);
}

static void csv_group(struct ft_listing_printer *p, const struct ft_listing_line *line)
{
	struct row row = {line, ft_listing_change_name(line->change)};

	if (line->change == FT_LISTING_CHANGED) {
		row.change = "new";
		ft_listing_each(p, line->group, line->listed, true, put_mark, &row);
		row.change = "gone";
		ft_listing_each(p, line->old_group, line->old_listed, true, put_mark,
				&row);
		return;
	}
	if (p->groups_only || ft_listing_count(line->group, line->listed, false) == 0)
		put_bare(p, line);
	else
		ft_listing_each(p, line->group, line->listed, false, put_mark, &row);
}

const struct ft_listing_ops ft_listing_csv = {.begin = csv_begin, .group = csv_group};
