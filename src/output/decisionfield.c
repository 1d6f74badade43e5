/* SPDX-License-Identifier: MIT */
/* A decision's fields. */
#include "output/decisionfield.h"

#include "output/jsonfield.h"

#define HAS(column) ((columns & FT_DECISION_FIELD(column)) != 0)

enum { NSEC_PER_USEC = 1000 };

static void put_name(struct ft_bytes *out, struct ft_span field, const char *name)
{
	ft_json_put_text(out, field, ft_span_of(name));
}

static void put_errno(struct ft_bytes *out, int error)
{
	ft_json_put_name(out, FT_SPAN("errno"));
	ft_bytes_put_char(out, '"');
	ft_column_put_errno(out, error);
	ft_bytes_put_char(out, '"');
}

void ft_decisionfield_put(struct ft_bytes *out, const struct ft_decision *d,
			  uint64_t columns)
{
	size_t mark = ft_json_begin_object(out, FT_SPAN("decision"));

	if (HAS(VERDICT))
		put_name(out, FT_SPAN("verdict"), ft_verdict_name(d->verdict));
	if (HAS(ANSWERED))
		put_name(out, FT_SPAN("answered"), ft_verdict_name(d->answered));
	if (HAS(RULE))
		ft_json_put_string(out, FT_SPAN("rule"), d->rule);
	if (HAS(MODE))
		put_name(out, FT_SPAN("mode"), ft_guard_mode_name(d->mode));
	if (HAS(REASON))
		ft_json_put_string(out, FT_SPAN("reason"), d->reason);
	if (HAS(ERROR) && d->error > 0)
		put_errno(out, d->error);
	if (HAS(US))
		ft_json_put_i64(out, FT_SPAN("us"), d->took_ns / NSEC_PER_USEC);
	ft_json_end_object(out, FT_SPAN("decision"), mark);
}
