/* SPDX-License-Identifier: MIT */
/* A group a line, its marks below it. */
#include "base/cleanup.h"
#include "base/escape.h"
#include "base/number.h"
#include "inspect/listing-print.h"
#include "inspect/stuck.h"
#include "output/timetext.h"

enum { TYPE_WIDTH = 10 };

#define COLOR_END	 "\033[0m"
#define COLOR_PROCESS	 "\033[36m"
#define COLOR_PERMISSION "\033[1;31m"
#define COLOR_NEW	 "\033[32m"
#define COLOR_GONE	 "\033[31m"
#define COLOR_DIM	 "\033[2m"

static void put_colored(struct ft_listing_printer *p, const char *color,
			struct ft_span text)
{
	if (p->color && color)
		ft_bytes_put_str(&p->out, color);
	ft_bytes_put_span(&p->out, text);
	if (p->color && color)
		ft_bytes_put_lit(&p->out, COLOR_END);
}

static void put_name(struct ft_bytes *out, struct ft_span name)
{
	if (name.len > 0)
		ft_escape_text(out, name);
	else
		ft_bytes_put_char(out, '?');
}

static void put_user(struct ft_listing_printer *p, const struct ft_process *process)
{
	struct ft_span user = process->has_ids ? ft_idnames_get(p->users, process->uid)
					       : (struct ft_span){0};

	ft_bytes_put_lit(&p->out, "  ");
	if (user.len == 0 && process->has_ids)
		ft_bytes_put_u64(&p->out, process->uid);
	else
		put_name(&p->out, user);
}

/* comm(pid) and who else holds it. */
static void put_owners(struct ft_listing_printer *p, const struct ft_listed_group *l)
{
	enum { SHOWN = 4 };

	for (size_t i = 0; i < l->owners_count && i < SHOWN; i++) {
		const struct ft_process *process = &l->owners[i].process;
		_cleanup_(ft_bytes_fini) struct ft_bytes name = {0};

		put_name(&name, process->comm);
		ft_bytes_printf(&name, "(%d)", (int)process->pid);
		if (i > 0)
			ft_bytes_put_lit(&p->out, ", ");
		put_colored(p, COLOR_PROCESS, ft_bytes_span(&name));
	}
	if (l->owners_count > SHOWN)
		ft_bytes_printf(&p->out, " and %zu more", l->owners_count - SHOWN);
}

/* The class has been told by its own word. */
static void put_class(struct ft_listing_printer *p, const struct ft_group_text *g)
{
	struct ft_bytes *out = &p->out;

	if (g->kind == FT_GROUP_KIND_INOTIFY) {
		ft_bytes_put_lit(out, "  inotify");
		return;
	}
	ft_bytes_put_lit(out, "  fanotify");
	if (ft_group_is_asked(g)) {
		ft_bytes_put_lit(out, "  ");
		put_colored(p, COLOR_PERMISSION, FT_SPAN("PERMISSION"));
	}
	ft_bytes_put_lit(out, "  ");
	ft_flagnames_format(out, FT_FLAGS_FAN_INIT, g->flags, "|");
	ft_bytes_put_lit(out, "  events ");
	ft_flagnames_format(out, FT_FLAGS_OPEN, g->event_f_flags, "|");
}

static void put_count(struct ft_bytes *out, const struct ft_group *g,
		      const struct ft_listed_group *l)
{
	size_t all = g->text.marks_count + g->text.marks_dropped;
	size_t shown = ft_listing_count(g, l, false);
	const char *what = g->text.kind == FT_GROUP_KIND_INOTIFY ? "watch" : "mark";
	const char *plural = g->text.kind == FT_GROUP_KIND_INOTIFY ? "es" : "s";

	ft_bytes_put_lit(out, "  ");
	if (shown != all)
		ft_bytes_printf(out, "%zu of ", shown);
	ft_bytes_printf(out, "%zu %s%s", all, what, all == 1 ? "" : plural);
}

static void put_change(struct ft_listing_printer *p, const struct ft_listing_line *line)
{
	static const char *const colors[] = {
		[FT_LISTING_NEW] = COLOR_NEW,
		[FT_LISTING_GONE] = COLOR_GONE,
		[FT_LISTING_CHANGED] = NULL,
	};
	struct ft_timetext time = {0};

	if (line->change == FT_LISTING_FOUND)
		return;
	put_colored(p, COLOR_DIM, ft_timetext_short(&time, line->time_ns));
	ft_bytes_put_lit(&p->out, "  ");
	put_colored(p, colors[line->change],
		    ft_span_of(ft_listing_change_name(line->change)));
	ft_bytes_put_lit(&p->out, "  ");
}

static void put_group(struct ft_listing_printer *p, const struct ft_listing_line *line)
{
	const struct ft_listed_group *l = line->listed;
	const struct ft_process *process = &l->owners[0].process;
	struct ft_bytes *out = &p->out;

	put_change(p, line);
	put_owners(p, l);
	put_user(p, process);
	if (process->container.len > 0) {
		ft_bytes_put_lit(out, "  container ");
		ft_escape_text(out, process->container);
	}
	put_class(p, &line->group->text);
	put_count(out, line->group, l);
	if (line->group->is_unsure)
		ft_bytes_put_lit(out, "  may be another's here");
	ft_bytes_put_char(out, '\n');
}

static void put_unknown_path(struct ft_bytes *out, const struct ft_mark *m,
			     const struct ft_listed_mark *l)
{
	const char *why = ft_markpath_state_text(l->state);

	switch (m->type) {
	case FT_MARK_OF_INODE:
		ft_bytes_printf(out, "inode %llu", (unsigned long long)m->ino);
		break;
	case FT_MARK_OF_MOUNT:
		ft_bytes_printf(out, "mount %d", m->mount_id);
		break;
	case FT_MARK_OF_FILESYSTEM:
		break;
	case FT_MARK_OF_MNTNS:
		ft_bytes_printf(out, "mnt:[%llu]", (unsigned long long)m->mntns);
		return;
	}
	if (l->mountpoint) {
		ft_bytes_put_lit(out, " on ");
		ft_escape_text(out, ft_span_of(l->mountpoint));
	} else if (m->type != FT_MARK_OF_MOUNT) {
		ft_bytes_printf(out, " of device %u:%u", m->major, m->minor);
	}
	if (why)
		ft_bytes_printf(out, " (%s)", why);
}

static void put_path(struct ft_bytes *out, const struct ft_mark *m,
		     const struct ft_listed_mark *l)
{
	if (l->path)
		ft_escape_text(out, ft_span_of(l->path));
	else
		put_unknown_path(out, m, l);
	if (l->state == FT_MARKPATH_DELETED)
		ft_bytes_put_lit(out, " (deleted)");
	if (l->is_elsewhere && l->path)
		ft_bytes_put_lit(out, " (in another mount namespace)");
}

static void put_ignored(struct ft_bytes *out, const struct ft_mark *m)
{
	/* How it ignores says the flag of the mark. */
	if (m->ignored_mask == 0)
		return;
	ft_bytes_put_lit(out, "  ignores ");
	ft_flagnames_format(out, FT_FLAGS_FAN_MASK, m->ignored_mask, "|");
}

static void put_mark(struct ft_listing_printer *p, const struct ft_group_text *g,
		     const struct ft_mark *m, const struct ft_listed_mark *l, void *data)
{
	bool is_inotify = g->kind == FT_GROUP_KIND_INOTIFY;
	const char *color =
		m->mask & FT_MASK_ASK && !is_inotify ? COLOR_PERMISSION : NULL;
	struct ft_bytes *out = &p->out;
	_cleanup_(ft_bytes_fini) struct ft_bytes mask = {0};
	const struct ft_span *sign = data;

	ft_bytes_put_span(out, *sign);
	ft_bytes_printf(out, "%-*s  ", TYPE_WIDTH, ft_listing_type_name(g, m));
	put_path(out, m, l);
	ft_bytes_put_lit(out, "  ");
	ft_flagnames_format(&mask, is_inotify ? FT_FLAGS_IN_MASK : FT_FLAGS_FAN_MASK,
			    m->mask, "|");
	put_colored(p, color, ft_bytes_span(&mask));
	put_ignored(out, m);
	if (m->flags != 0) {
		ft_bytes_put_lit(out, "  ");
		ft_listing_put_flags(out, m);
	}
	ft_bytes_put_char(out, '\n');
}

/* Those who wait for an answer. */
static void put_waiters(struct ft_listing_printer *p, const struct ft_listing_line *line)
{
	const struct ft_waiter *w;
	size_t at = 0;

	if (line->change == FT_LISTING_GONE)
		return;
	while ((w = ft_listing_next_waiter(line, &at))) {
		bool covered = ft_stuck_is_covered(&line->listing->groups, w);
		_cleanup_(ft_bytes_fini) struct ft_bytes text = {0};

		ft_waiter_put_who(&text, w);
		ft_bytes_put_str(&text, covered ? " waits for its answer"
						: " may wait for its answer");
		ft_waiter_put_what(&text, w);
		ft_bytes_put_lit(&p->out, "    ");
		put_colored(p, COLOR_PERMISSION, ft_bytes_span(&text));
		ft_bytes_put_char(&p->out, '\n');
	}
}

static void text_group(struct ft_listing_printer *p, const struct ft_listing_line *line)
{
	struct ft_span found = FT_SPAN("    "), added = FT_SPAN("  + "),
		       removed = FT_SPAN("  - ");

	put_group(p, line);
	put_waiters(p, line);
	p->flush(p);
	if (line->change == FT_LISTING_CHANGED) {
		ft_listing_each(p, line->group, line->listed, true, put_mark, &added);
		ft_listing_each(p, line->old_group, line->old_listed, true, put_mark,
				&removed);
		return;
	}
	if (!p->groups_only)
		ft_listing_each(p, line->group, line->listed, false, put_mark, &found);
}

const struct ft_listing_ops ft_listing_text = {.group = text_group};
