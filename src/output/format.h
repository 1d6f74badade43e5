/* SPDX-License-Identifier: MIT */
/* What the formats share: the table of one format's functions and the state that getters
 * and formats use. */
#pragma once

#include "output/columns.h"
#include "output/fragment.h"
#include "output/idnames.h"
#include "output/output.h"
#include "output/timetext.h"

struct ft_format_ops {
	/* All but put may be NULL. */
	int (*open)(struct ft_format *f, const struct ft_output_config *c,
		    char **ret_error);
	void (*close)(struct ft_format *f);
	void (*begin)(struct ft_format *f, struct ft_bytes *out);
	void (*put)(struct ft_format *f, struct ft_bytes *out, const struct ft_event *ev,
		    uint64_t seq);
};

struct ft_format {
	const struct ft_format_ops *ops;
	void *state; /* of the one format, freed by its close */
	bool no_args;
	bool short_time; /* text: time of day alone */
	bool color;
	unsigned int width;
	struct ft_column_list columns; /* count 0: the format's own */
	struct ft_timetext time;
	struct ft_timetext after; /* as often the same, and another one */
	struct ft_idnames *users;
	struct ft_idnames *groups;
	struct ft_fragments *fragments;
	struct ft_bytes scratch; /* a column's value before it is escaped */
};

extern const struct ft_format_ops ft_format_text;
extern const struct ft_format_ops ft_format_json;
extern const struct ft_format_ops ft_format_csv;
extern const struct ft_format_ops ft_format_ecs;
extern const struct ft_format_ops ft_format_ocsf;
extern const struct ft_format_ops ft_format_template;
extern const struct ft_format_ops ft_format_raw;

/* The raw value of a column, in f->scratch until the next call. */
static inline struct ft_span ft_format_value(struct ft_format *f, enum ft_column_id id,
					     const struct ft_event *ev, uint64_t seq)
{
	ft_bytes_clear(&f->scratch);
	ft_column_get(id)->put(f, &f->scratch, ev, seq);
	return ft_bytes_span(&f->scratch);
}

/* "*** LOST 812 records: ..." for a lost or gap record, without time and newline. */
void ft_notice_format(struct ft_bytes *out, const struct ft_event *ev);
