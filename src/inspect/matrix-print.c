/* SPDX-License-Identifier: MIT */
/* The matrix as a table, as CSV, as JSON. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "inspect/flagnames.h"
#include "inspect/matrix.h"
#include "output/jsonfield.h"

enum { LINE_MAX_COLUMNS = 79 };

static bool is_same(const struct ft_matrix_row *a, const struct ft_matrix_row *b)
{
	return a->cells && b->cells &&
	       memcmp(a->cells, b->cells, FT_MATRIX_CELLS * sizeof(*a->cells)) == 0;
}

/* Groups that take the same marks are told together: by the first of them. */
static bool is_first(const struct ft_matrix *m, size_t row)
{
	for (size_t i = 0; i < row; i++)
		if (is_same(&m->rows[i], &m->rows[row]))
			return false;
	return m->rows[row].cells != NULL;
}

/* "notif,dir_fid,name" of FAN_CLASS_NOTIF|FAN_REPORT_DIR_FID|FAN_REPORT_NAME. */
static void put_short(struct ft_bytes *out, unsigned int flags)
{
	static const char *const prefixes[] = {"FAN_CLASS_", "FAN_REPORT_", "FAN_"};
	struct ft_flagnames names;

	ft_flagnames_decode(FT_FLAGS_FAN_INIT, flags, &names);
	for (size_t i = 0; i < names.count; i++) {
		const char *name = names.names[i];

		for (size_t p = 0; p < FT_ARRAY_SIZE(prefixes); p++)
			if (strncmp(name, prefixes[p], strlen(prefixes[p])) == 0) {
				name += strlen(prefixes[p]);
				break;
			}
		if (i > 0)
			ft_bytes_put_char(out, '+');
		for (; *name; name++)
			ft_bytes_put_char(out, (char)tolower((unsigned char)*name));
	}
}

/* ---- text ---- */

static const struct {
	int result;
	char letter;
	const char *meaning;
} letters[] = {
	{0, '+', "yes"},
	{EINVAL, '-', "EINVAL: not for this group or mark, or not on this kernel"},
	{EPERM, 'p', "EPERM: privileges are missing"},
	{ENODEV, 'f', "ENODEV: the filesystem has no id"},
	{EOPNOTSUPP, 'h', "EOPNOTSUPP: the filesystem has no handles, or cannot do this"},
	{EXDEV, 'x', "EXDEV: a part of the filesystem has an id of its own (subvolume)"},
	{ENOTDIR, 'd', "ENOTDIR: for directories alone"},
	{FT_MATRIX_UNTRIED, '.', "not tried"},
};

static char letter_of(int result)
{
	for (size_t i = 0; i < FT_ARRAY_SIZE(letters); i++)
		if (letters[i].result == result)
			return letters[i].letter;
	return '?';
}

/* Other than those there may be: each is named where it stands. */
static void note_strange(struct ft_bytes *out, const struct ft_matrix_row *row,
			 unsigned int event)
{
	for (unsigned int t = 0; t < FT_MATRIX_TYPES; t++)
		for (unsigned int m = 0; m < FT_MATRIX_MODES; m++) {
			int result = ft_matrix_cell(row, t, m, event);

			if (letter_of(result) == '?')
				ft_bytes_printf(out, " %s %s: %s", ft_matrix_type_name(t),
						ft_matrix_mode_name(m),
						ft_matrix_result_name(result));
		}
}

static void put_events(struct ft_bytes *out, const struct ft_matrix_row *row)
{
	for (unsigned int e = 0; e < FT_MATRIX_EVENTS; e++) {
		ft_bytes_printf(out, "  %-16s", ft_matrix_event_name(e));
		for (unsigned int t = 0; t < FT_MATRIX_TYPES; t++) {
			for (unsigned int m = 0; m < FT_MATRIX_MODES; m++)
				ft_bytes_printf(out, "%c  ",
						letter_of(ft_matrix_cell(row, t, m, e)));
			ft_bytes_put_lit(out, "  ");
		}
		while (out->len > 0 && out->data[out->len - 1] == ' ')
			out->len--;
		note_strange(out, row, e);
		ft_bytes_put_char(out, '\n');
	}
}

static void put_groups(struct ft_bytes *out, const struct ft_matrix *m, size_t first)
{
	size_t line = out->len, before;

	for (size_t i = first; i < m->count; i++) {
		if (!is_same(&m->rows[first], &m->rows[i]))
			continue;
		if (i > first)
			ft_bytes_put_lit(out, ", ");
		before = out->len;
		put_short(out, m->rows[i].flags);
		if (out->len - line < LINE_MAX_COLUMNS || before == line || out->failed)
			continue;
		/* The space after the last comma ends the line instead. */
		out->data[before - 1] = '\n';
		line = before;
	}
	ft_bytes_put_char(out, '\n');
}

static void put_block(struct ft_bytes *out, const struct ft_matrix *m, size_t first)
{
	put_groups(out, m, first);
	ft_bytes_printf(out, "  %-16s", "");
	for (unsigned int t = 0; t < FT_MATRIX_TYPES; t++)
		ft_bytes_printf(out, t + 1 < FT_MATRIX_TYPES ? "%-14s" : "%s\n",
				ft_matrix_type_name(t));
	ft_bytes_printf(out, "  %-16s", "");
	for (unsigned int t = 0; t < FT_MATRIX_TYPES; t++)
		ft_bytes_put_str(out, t + 1 < FT_MATRIX_TYPES ? "M  E  o  I    "
							      : "M  E  o  I\n");
	put_events(out, &m->rows[first]);
	ft_bytes_put_char(out, '\n');
}

static void put_refused(struct ft_bytes *out, const struct ft_matrix *m)
{
	size_t refused = 0, unprivileged = 0;

	for (size_t i = 0; i < m->count; i++) {
		refused += m->rows[i].error != 0;
		unprivileged += m->rows[i].error == EPERM;
	}
	ft_bytes_printf(
		out,
		"Groups: %zu of %zu sets of flags are taken; they stand above with the\n"
		"marks that they take. Every other set is refused",
		m->count - refused, m->count);
	if (unprivileged > 0)
		ft_bytes_printf(out, ", %zu of them for want of privileges",
				unprivileged);
	ft_bytes_put_lit(out, ".\n\n");
}

void ft_matrix_format_text(struct ft_bytes *out, const struct ft_matrix *m)
{
	for (size_t i = 0; i < m->count; i++)
		if (is_first(m, i))
			put_block(out, m, i);
	put_refused(out, m);
	ft_bytes_put_lit(out, "Marks: M FAN_MARK_ADD; E with FAN_MARK_EVICTABLE; o with "
			      "FAN_MARK_IGNORED_MASK\n(old); I with FAN_MARK_IGNORE.\n");
	for (size_t i = 0; i < FT_ARRAY_SIZE(letters); i++)
		ft_bytes_printf(out, "%c  %s\n", letters[i].letter, letters[i].meaning);
}

/* ---- csv ---- */

void ft_matrix_format_csv(struct ft_bytes *out, const struct ft_matrix *m)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes group = {0};

	ft_bytes_put_lit(out, "group,type,mode,event,result\n");
	for (size_t i = 0; i < m->count; i++) {
		const struct ft_matrix_row *row = &m->rows[i];

		ft_bytes_clear(&group);
		ft_flagnames_format(&group, FT_FLAGS_FAN_INIT, row->flags, "|");
		ft_bytes_printf(out, "%s,,,,%s\n", ft_bytes_cstr(&group),
				ft_matrix_result_name(row->error));
		for (unsigned int c = 0; row->cells && c < FT_MATRIX_CELLS; c++)
			ft_bytes_printf(out, "%s,%s,%s,%s,%s\n", ft_bytes_cstr(&group),
					ft_matrix_type_name(c / FT_MATRIX_EVENTS /
							    FT_MATRIX_MODES),
					ft_matrix_mode_name(c / FT_MATRIX_EVENTS %
							    FT_MATRIX_MODES),
					ft_matrix_event_name(c % FT_MATRIX_EVENTS),
					ft_matrix_result_name(row->cells[c]));
	}
}

/* ---- json ---- */

static void put_flags(struct ft_bytes *out, unsigned int flags)
{
	struct ft_flagnames names;

	ft_flagnames_decode(FT_FLAGS_FAN_INIT, flags, &names);
	ft_bytes_put_char(out, '[');
	for (size_t i = 0; i < names.count; i++)
		ft_bytes_printf(out, "%s\"%s\"", i ? "," : "", names.names[i]);
	ft_bytes_put_char(out, ']');
}

static void put_json_marks(struct ft_bytes *out, const struct ft_matrix_row *row)
{
	for (unsigned int t = 0; t < FT_MATRIX_TYPES; t++)
		for (unsigned int mode = 0; mode < FT_MATRIX_MODES; mode++) {
			ft_bytes_printf(out,
					"%s{\"type\":\"%s\",\"mode\":\"%s\",\"events\":{",
					t || mode ? "," : "", ft_matrix_type_name(t),
					ft_matrix_mode_name(mode));
			for (unsigned int e = 0; e < FT_MATRIX_EVENTS; e++)
				ft_bytes_printf(out, "%s\"%s\":\"%s\"", e ? "," : "",
						ft_matrix_event_name(e),
						ft_matrix_result_name(
							ft_matrix_cell(row, t, mode, e)));
			ft_bytes_put_lit(out, "}}");
		}
}

static void put_json_taken(struct ft_bytes *out, const struct ft_matrix *m, size_t first)
{
	bool more = false;

	ft_bytes_put_lit(out, "{\"groups\":[");
	for (size_t i = first; i < m->count; i++) {
		if (!is_same(&m->rows[first], &m->rows[i]))
			continue;
		ft_bytes_put_str(out, more ? "," : "");
		put_flags(out, m->rows[i].flags);
		more = true;
	}
	ft_bytes_put_lit(out, "],\"marks\":[");
	put_json_marks(out, &m->rows[first]);
	ft_bytes_put_lit(out, "]}");
}

void ft_matrix_format_json(struct ft_bytes *out, const struct ft_matrix *m)
{
	bool more = false;

	ft_json_put_name(out, FT_SPAN("taken"));
	ft_bytes_put_char(out, '[');
	for (size_t i = 0; i < m->count; i++)
		if (is_first(m, i)) {
			ft_bytes_put_str(out, more ? "," : "");
			put_json_taken(out, m, i);
			more = true;
		}
	ft_bytes_put_char(out, ']');
	ft_json_put_name(out, FT_SPAN("refused"));
	ft_bytes_put_char(out, '[');
	more = false;
	for (size_t i = 0; i < m->count; i++) {
		if (m->rows[i].error == 0)
			continue;
		ft_bytes_put_str(out, more ? ",{\"group\":" : "{\"group\":");
		put_flags(out, m->rows[i].flags);
		ft_bytes_printf(out, ",\"error\":\"%s\"}",
				ft_matrix_result_name(m->rows[i].error));
		more = true;
	}
	ft_bytes_put_char(out, ']');
}
