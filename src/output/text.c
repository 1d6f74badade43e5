/* SPDX-License-Identifier: MIT */
/* Text for people: aligned columns, colours, and lines cut to the screen. */
#include "output/format.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "output/textcut.h"

static const struct ft_column_list defaults = {
	.ids = {FT_COLUMN_TIME, FT_COLUMN_PROCESS, FT_COLUMN_EVENTS, FT_COLUMN_PATH},
	.count = 4,
};

static const struct ft_column_list of_decisions = {
	.ids = {FT_COLUMN_TIME, FT_COLUMN_PROCESS, FT_COLUMN_DECISION, FT_COLUMN_EVENTS,
		FT_COLUMN_PATH, FT_COLUMN_RULE, FT_COLUMN_REASON},
	.count = 7,
};

enum { GAP = 2, CUT_LEAST = 12, CUT_SHORT = 6 };

#define ARROW	  " -> "
#define ARROW_LEN (sizeof(ARROW) - 1)

struct cell {
	size_t at; /* in text.line */
	size_t len;
	size_t old_len; /* "old -> new": of the old path; else 0 */
	size_t width;	/* of all that it holds */
	size_t room;	/* on the screen */
};

struct text {
	struct ft_bytes line; /* the escaped cells, one after the other */
	struct cell cells[FT_COLUMN_LIST_MAX];
	bool arrow; /* path shows "old -> new": no column of its own for old_path */
};

static int text_open(struct ft_format *f, const struct ft_output_config *c,
		     char **ret_error)
{
	struct text *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	if (f->columns.count == 0)
		f->columns = c->decisions ? of_decisions : defaults;
	t->arrow = !ft_column_list_has(&f->columns, FT_COLUMN_OLD_PATH);
	f->short_time = true;
	f->state = t;
	return 0;
}

static void text_close(struct ft_format *f)
{
	struct text *t = f->state;

	ft_bytes_fini(&t->line);
	free(t);
}

static const char *event_color(uint64_t mask)
{
	static const struct {
		uint64_t mask;
		const char *sgr;
	} colors[] = {
		{FT_EV_FS_ERROR, "\033[1;31m"},
		{FT_EV_DELETE | FT_EV_DELETE_SELF, "\033[31m"},
		{FT_EV_RENAME | FT_EV_MOVED_FROM | FT_EV_MOVED_TO | FT_EV_MOVE_SELF,
		 "\033[35m"},
		{FT_EV_CREATE, "\033[32m"},
		{FT_EV_MODIFY | FT_EV_CLOSE_WRITE | FT_EV_ATTRIB, "\033[33m"},
	};

	for (size_t i = 0; i < FT_ARRAY_SIZE(colors); i++) {
		if (mask & colors[i].mask)
			return colors[i].sgr;
	}
	return NULL;
}

static const char *verdict_color(const struct ft_decision *d)
{
	if (!d)
		return NULL;
	if (d->verdict == FT_VERDICT_ALLOW)
		return "\033[32m";
	return d->answered == FT_VERDICT_DENY ? "\033[1;31m" : "\033[33m";
}

static const char *cell_color(const struct ft_format *f, enum ft_column_id id,
			      const struct ft_event *ev)
{
	if (!f->color)
		return NULL;
	switch (id) {
	case FT_COLUMN_TIME:
		return "\033[2m";
	case FT_COLUMN_PROCESS:
	case FT_COLUMN_COMM:
		return "\033[36m";
	case FT_COLUMN_EVENTS:
		return event_color(ev->mask);
	case FT_COLUMN_DECISION:
	case FT_COLUMN_VERDICT:
	case FT_COLUMN_ANSWERED:
		return verdict_color(ev->decision);
	default:
		return NULL;
	}
}

static void put_cell(struct ft_format *f, struct ft_bytes *line, enum ft_column_id id,
		     const struct ft_event *ev, uint64_t seq)
{
	size_t mark = line->len;

	ft_escape_text(line, ft_format_value(f, id, ev, seq));
	if (line->len == mark)
		ft_bytes_put_char(line, '-');
}

/* "old -> new"; returns the length of the old one. */
static size_t put_two_paths(struct ft_bytes *line, const struct ft_event *ev)
{
	size_t mark = line->len, old_len;

	ft_escape_text(line, ev->old_path);
	old_len = line->len - mark;
	ft_bytes_put_lit(line, ARROW);
	if (ev->path.len > 0)
		ft_escape_text(line, ev->path);
	else
		ft_bytes_put_char(line, '?');
	return old_len;
}

static struct ft_span cell_text(const struct text *t, const struct cell *c)
{
	return (struct ft_span){t->line.data + c->at, c->len};
}

static void put_cells(struct ft_format *f, const struct ft_event *ev, uint64_t seq)
{
	struct text *t = f->state;
	size_t count = f->columns.count;

	ft_bytes_clear(&t->line);
	for (size_t i = 0; i < count; i++) {
		enum ft_column_id id = f->columns.ids[i];
		struct cell *c = &t->cells[i];

		*c = (struct cell){.at = t->line.len};
		if (id == FT_COLUMN_PATH && t->arrow && ev->old_path.len > 0)
			c->old_len = put_two_paths(&t->line, ev);
		else
			put_cell(f, &t->line, id, ev, seq);
		c->len = t->line.len - c->at;
		/* The last cell is not padded: its width matters only to the screen. */
		if (f->width > 0 || i + 1 < count)
			c->width = ft_escape_width(cell_text(t, c));
		c->room = c->width;
		if (i + 1 < count && c->room < ft_column_get(id)->width)
			c->room = ft_column_get(id)->width;
	}
}

/* How narrow a cell may get, the harder the narrower: first what is padded, so that no
 * path is cut for that, then those that are as long as they are, the others, all. */
enum hardness { CUT_PADDING, CUT_LONG, CUT_OTHERS, CUT_OTHERS_SHORT, CUT_ALL, CUT_END };

static size_t least_room(const struct ft_format *f, size_t i, enum hardness hardness)
{
	const struct cell *c = &((const struct text *)f->state)->cells[i];

	if (hardness == CUT_ALL)
		return 1;
	if (hardness == CUT_PADDING)
		return c->width;
	if (ft_column_get(f->columns.ids[i])->width == 0)
		return c->old_len > 0 ? 2 * CUT_LEAST + ARROW_LEN : CUT_LEAST;
	if (hardness == CUT_LONG)
		return c->room;
	return hardness == CUT_OTHERS ? CUT_LEAST : CUT_SHORT;
}

/* Takes up to `excess` from the widest cell that may be cut, the rightmost of equals;
 * returns how much, 0 if none may be. */
static size_t cut_widest(struct ft_format *f, enum hardness hardness, size_t excess)
{
	struct text *t = f->state;
	struct cell *widest = NULL;
	size_t spare = 0;

	for (size_t i = 0; i < f->columns.count; i++) {
		struct cell *c = &t->cells[i];
		size_t least = least_room(f, i, hardness);

		if (c->room <= least || (widest && c->room < widest->room))
			continue;
		widest = c;
		/* Where nothing has its due, all suffer alike. */
		spare = hardness == CUT_ALL ? 1 : c->room - least;
	}
	if (!widest)
		return 0;
	if (spare > excess)
		spare = excess;
	widest->room -= spare;
	return spare;
}

static void fit(struct ft_format *f)
{
	const struct text *t = f->state;
	size_t width = GAP * (f->columns.count - 1);
	int hardness = CUT_PADDING;

	for (size_t i = 0; i < f->columns.count; i++)
		width += t->cells[i].room;
	while (width > f->width && hardness < CUT_END) {
		size_t cut = cut_widest(f, hardness, width - f->width);

		width -= cut;
		if (cut == 0)
			hardness++;
	}
}

static void put_padding(struct ft_bytes *out, size_t n)
{
	static const char spaces[] = "                                ";

	for (size_t part; n > 0; n -= part) {
		part = n < sizeof(spaces) - 1 ? n : sizeof(spaces) - 1;
		ft_bytes_put(out, spaces, part);
	}
}

/* Each path is cut by itself, and gives what it does not need to the other: one "…" over
 * both would show a path that never was. */
static void put_cut_paths(struct ft_bytes *out, struct ft_span paths, size_t old_len,
			  size_t room)
{
	struct ft_span old = {paths.data, old_len};
	struct ft_span new = {paths.data + old_len + ARROW_LEN,
			      paths.len - old_len - ARROW_LEN};
	size_t old_width = ft_escape_width(old), new_width = ft_escape_width(new);
	size_t old_room;

	if (room < ARROW_LEN + 2) {
		ft_textcut_middle(out, new, room);
		return;
	}
	room -= ARROW_LEN;
	old_room = room / 2;
	if (old_width < old_room)
		old_room = old_width;
	else if (new_width < room - old_room)
		old_room = room - new_width;
	ft_textcut_middle(out, old, old_room);
	ft_bytes_put_lit(out, ARROW);
	ft_textcut_middle(out, new, room - old_room);
}

static void print_cell(struct ft_format *f, struct ft_bytes *out, size_t i,
		       const struct ft_event *ev)
{
	const struct text *t = f->state;
	const struct cell *c = &t->cells[i];
	struct ft_span text = cell_text(t, c);
	const char *color = cell_color(f, f->columns.ids[i], ev);

	if (color)
		ft_bytes_put_str(out, color);
	if (c->width <= c->room)
		ft_bytes_put_span(out, text);
	else if (c->old_len > 0)
		put_cut_paths(out, text, c->old_len, c->room);
	else
		ft_textcut_middle(out, text, c->room);
	if (color)
		ft_bytes_put_lit(out, "\033[0m");
	if (i + 1 < f->columns.count && c->width < c->room)
		put_padding(out, c->room - c->width);
}

/* Columns that even cut do not fit beside the others are left out. */
static void print_cells(struct ft_format *f, struct ft_bytes *out,
			const struct ft_event *ev)
{
	const struct text *t = f->state;
	size_t width = 0;

	for (size_t i = 0; i < f->columns.count; i++) {
		size_t gap = i > 0 ? GAP : 0;

		width += gap + t->cells[i].room;
		if (f->width > 0 && width > f->width)
			return;
		put_padding(out, gap);
		print_cell(f, out, i, ev);
	}
}

static void put_notice(struct ft_format *f, struct ft_bytes *out,
		       const struct ft_event *ev)
{
	if (f->color)
		ft_bytes_put_lit(out, "\033[1;31m");
	ft_bytes_put_span(out, ft_timetext_short(&f->time, ev->time_ns));
	ft_bytes_put_lit(out, "  ");
	ft_notice_format(out, ev);
	if (f->color)
		ft_bytes_put_lit(out, "\033[0m");
	ft_bytes_put_char(out, '\n');
}

static void text_put(struct ft_format *f, struct ft_bytes *out, const struct ft_event *ev,
		     uint64_t seq)
{
	struct text *t = f->state;

	if (ev->kind != FT_KIND_EVENT) {
		put_notice(f, out, ev);
		return;
	}
	put_cells(f, ev, seq);
	if (t->line.failed) {
		out->failed = t->line.failed;
		return;
	}
	if (f->width > 0)
		fit(f);
	print_cells(f, out, ev);
	ft_bytes_put_char(out, '\n');
}

const struct ft_format_ops ft_format_text = {
	.open = text_open,
	.close = text_close,
	.put = text_put,
};
