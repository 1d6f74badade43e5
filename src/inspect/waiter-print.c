/* SPDX-License-Identifier: MIT */
/* A thread that waits, as text and as JSON. */
#include "base/escape.h"
#include "base/number.h"
#include "inspect/waiter.h"
#include "output/jsonfield.h"

void ft_waiter_put_who(struct ft_bytes *out, const struct ft_waiter *w)
{
	ft_escape_text(out, w->comm.len > 0 ? ft_bytes_span(&w->comm) : FT_SPAN("?"));
	ft_bytes_printf(out, "(%d)", (int)w->pid);
	if (w->tid != w->pid)
		ft_bytes_printf(out, " thread %d", (int)w->tid);
}

void ft_waiter_put_what(struct ft_bytes *out, const struct ft_waiter *w)
{
	const struct ft_bytes *path = w->path.len > 0 ? &w->path : &w->asked;

	if (w->has_waited)
		ft_bytes_printf(out, " for %.1f s",
				(double)w->waited_ns / FT_NSEC_PER_SEC);
	else
		ft_bytes_put_lit(out, " since before this look");
	ft_bytes_printf(out, ": %s ", w->call ? w->call : "in a call that is not known");
	if (path->len > 0)
		ft_escape_text(out, ft_bytes_span(path));
	else
		ft_bytes_put_lit(out, "of a file that is not known");
}

void ft_waiter_put_json(struct ft_bytes *out, const struct ft_waiter *w)
{
	ft_json_put_i64(out, FT_SPAN("pid"), w->pid);
	ft_json_put_string(out, FT_SPAN("comm"), ft_bytes_span(&w->comm));
	ft_json_put_string(out, FT_SPAN("exe"), ft_bytes_span(&w->exe));
	ft_json_put_i64(out, FT_SPAN("tid"), w->tid);
	if (w->call)
		ft_json_put_text(out, FT_SPAN("call"), ft_span_of(w->call));
	ft_json_put_string(out, FT_SPAN("asked"), ft_bytes_span(&w->asked));
	ft_json_put_string(out, FT_SPAN("path"), ft_bytes_span(&w->path));
	ft_json_put_time(out, FT_SPAN("since"), w->since_ns);
	ft_json_put_text(out, FT_SPAN("since_source"),
			 w->has_waited ? FT_SPAN("scheduler") : FT_SPAN("seen"));
}
