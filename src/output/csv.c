/* SPDX-License-Identifier: MIT */
/* CSV as RFC 4180 has it, but for lines that end as Unix tools expect. */
#include "output/format.h"

#include "base/cleanup.h"
#include "base/escape.h"

static const struct ft_column_list defaults = {
	.ids = {FT_COLUMN_TIME,	     FT_COLUMN_SEQ,	 FT_COLUMN_EVENTS,
		FT_COLUMN_PATH,	     FT_COLUMN_OLD_PATH, FT_COLUMN_PATH_SOURCE,
		FT_COLUMN_DIR,	     FT_COLUMN_INODE,	 FT_COLUMN_DEV,
		FT_COLUMN_FS,	     FT_COLUMN_PID,	 FT_COLUMN_CERTAINTY,
		FT_COLUMN_COMM,	     FT_COLUMN_EXE,	 FT_COLUMN_ARGS,
		FT_COLUMN_UID,	     FT_COLUMN_USER,	 FT_COLUMN_GID,
		FT_COLUMN_PPID,	     FT_COLUMN_START,	 FT_COLUMN_CGROUP,
		FT_COLUMN_CONTAINER, FT_COLUMN_COUNT,	 FT_COLUMN_WHERE,
		FT_COLUMN_FROM,	     FT_COLUMN_TO,	 FT_COLUMN_REASON},
	.count = 27,
};

/* What follows them where decisions are told. */
static const uint8_t of_decisions[] = {FT_COLUMN_VERDICT, FT_COLUMN_ANSWERED,
				       FT_COLUMN_RULE,	  FT_COLUMN_MODE,
				       FT_COLUMN_ERROR,	  FT_COLUMN_US};

static int csv_open(struct ft_format *f, const struct ft_output_config *c,
		    char **ret_error)
{
	if (f->columns.count > 0)
		return 0;
	f->columns = defaults;
	for (size_t i = 0; c->decisions && i < FT_ARRAY_SIZE(of_decisions); i++)
		f->columns.ids[f->columns.count++] = of_decisions[i];
	return 0;
}

static void csv_begin(struct ft_format *f, struct ft_bytes *out)
{
	for (size_t i = 0; i < f->columns.count; i++) {
		if (i > 0)
			ft_bytes_put_char(out, ',');
		ft_bytes_put_str(out, ft_column_get(f->columns.ids[i])->name);
	}
	ft_bytes_put_char(out, '\n');
}

/* Where no column can say `lost`, the first one does: a loss is never a row of nothing.
 */
static void put_notice(struct ft_format *f, struct ft_bytes *out,
		       const struct ft_event *ev)
{
	ft_bytes_clear(&f->scratch);
	ft_notice_format(&f->scratch, ev);
	ft_escape_csv(out, ft_bytes_span(&f->scratch));
	for (size_t i = 1; i < f->columns.count; i++)
		ft_bytes_put_char(out, ',');
}

static void csv_put(struct ft_format *f, struct ft_bytes *out, const struct ft_event *ev,
		    uint64_t seq)
{
	if (ev->kind != FT_KIND_EVENT &&
	    !ft_column_list_has(&f->columns, FT_COLUMN_EVENTS)) {
		put_notice(f, out, ev);
		ft_bytes_put_char(out, '\n');
		return;
	}
	for (size_t i = 0; i < f->columns.count; i++) {
		if (i > 0)
			ft_bytes_put_char(out, ',');
		ft_escape_csv(out, ft_format_value(f, f->columns.ids[i], ev, seq));
	}
	ft_bytes_put_char(out, '\n');
}

const struct ft_format_ops ft_format_csv = {
	.open = csv_open,
	.begin = csv_begin,
	.put = csv_put,
};
