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

enum { GAP = 2, CUT_LEAST = 12 };

struct cell {
	size_t at; /* in text.line */
	size_t len;
	size_t width; /* on the screen */
	bool cut;
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
		f->columns = defaults;
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
	default:
		return NULL;
	}
}

static void put_cell(struct ft_format *f, struct ft_bytes *line, enum ft_column_id id,
		     const struct ft_event *ev, uint64_t seq)
{
	const struct text *t = f->state;
	size_t mark = line->len;

	if (id == FT_COLUMN_PATH && t->arrow && ev->old_path.len > 0) {
		ft_escape_text(line, ev->old_path);
		ft_bytes_put_lit(line, " -> ");
		if (ev->path.len == 0)
			ft_bytes_put_char(line, '?');
	}
	ft_escape_text(line, ft_format_value(f, id, ev, seq));
	if (line->len == mark)
		ft_bytes_put_char(line, '-');
}

/* The widest of the columns that are as long as they are, beyond what must stay of it. */
static struct cell *widest_cell(struct ft_format *f)
{
	struct text *t = f->state;
	struct cell *widest = NULL;

	for (size_t i = 0; i < f->columns.count; i++) {
		struct cell *c = &t->cells[i];

		if (ft_column_get(f->columns.ids[i])->width == 0 &&
		    c->width > CUT_LEAST && (!widest || c->width > widest->width))
			widest = c;
	}
	return widest;
}

static size_t padded_width(const struct ft_format *f, size_t i)
{
	const struct text *t = f->state;
	size_t least = ft_column_get(f->columns.ids[i])->width;

	if (i + 1 == f->columns.count || t->cells[i].width > least)
		return t->cells[i].width;
	return least;
}

static size_t line_width(const struct ft_format *f)
{
	size_t width = GAP * (f->columns.count - 1);

	for (size_t i = 0; i < f->columns.count; i++)
		width += padded_width(f, i);
	return width;
}

static void fit(struct ft_format *f)
{
	size_t width = line_width(f);

	while (f->width > 0 && width > f->width) {
		struct cell *c = widest_cell(f);
		size_t excess = width - f->width;

		/* A screen too narrow for what cannot be cut: the line wraps. */
		if (!c)
			return;
		c->width = c->width > excess + CUT_LEAST ? c->width - excess : CUT_LEAST;
		c->cut = true;
		width = line_width(f);
	}
}

static void put_cells(struct ft_format *f, const struct ft_event *ev, uint64_t seq)
{
	struct text *t = f->state;

	ft_bytes_clear(&t->line);
	for (size_t i = 0; i < f->columns.count; i++) {
		struct cell *c = &t->cells[i];

		*c = (struct cell){.at = t->line.len};
		put_cell(f, &t->line, f->columns.ids[i], ev, seq);
		c->len = t->line.len - c->at;
		/* The last cell is not padded: its width matters only to the screen. */
		if (f->width > 0 || i + 1 < f->columns.count)
			c->width = ft_escape_width(
				(struct ft_span){t->line.data + c->at, c->len});
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

static void print_cell(struct ft_format *f, struct ft_bytes *out, size_t i,
		       const struct ft_event *ev)
{
	const struct text *t = f->state;
	const struct cell *c = &t->cells[i];
	struct ft_span cell = {t->line.data + c->at, c->len};
	const char *color = cell_color(f, f->columns.ids[i], ev);

	if (color)
		ft_bytes_put_str(out, color);
	if (c->cut)
		ft_textcut_middle(out, cell, c->width);
	else
		ft_bytes_put_span(out, cell);
	if (color)
		ft_bytes_put_lit(out, "\033[0m");
	if (i + 1 < f->columns.count)
		put_padding(out, padded_width(f, i) - c->width + GAP);
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
	for (size_t i = 0; i < f->columns.count; i++)
		print_cell(f, out, i, ev);
	ft_bytes_put_char(out, '\n');
}

const struct ft_format_ops ft_format_text = {
	.open = text_open,
	.close = text_close,
	.put = text_put,
};
