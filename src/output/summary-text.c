/* SPDX-License-Identifier: MIT */
/* A summary for people. */
#include <inttypes.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "base/number.h"
#include "output/summary.h"

static void put_args(struct ft_bytes *out, struct ft_span args)
{
	while (args.len > 0) {
		size_t n = strnlen(args.data, args.len);

		ft_escape_text(out, (struct ft_span){args.data, n});
		n += n < args.len;
		args = (struct ft_span){args.data + n, args.len - n};
		if (args.len > 0)
			ft_bytes_put_char(out, ' ');
	}
}

static void put_title(struct ft_bytes *out, const char *title, size_t count)
{
	ft_bytes_printf(out, "%s (%zu)\n", title, count);
}

static int put_set(struct ft_bytes *out, const struct ft_summary *s,
		   enum ft_summary_set set)
{
	_cleanup_free_ struct ft_summary_path **list = NULL;
	size_t count;
	int r = ft_summary_list_paths(s, set, &list, &count);

	if (r < 0 || count == 0)
		return r;
	put_title(out, ft_summary_set_name(set), count);
	for (size_t i = 0; i < count; i++) {
		ft_bytes_put_lit(out, "  ");
		ft_escape_text(out, list[i]->path);
		ft_bytes_put_char(out, '\n');
	}
	return 0;
}

static int put_renames(struct ft_bytes *out, const struct ft_summary *s)
{
	_cleanup_free_ struct ft_summary_rename **list = NULL;
	size_t count;
	int r = ft_summary_list_renames(s, &list, &count);

	if (r < 0 || count == 0)
		return r;
	put_title(out, "renamed", count);
	for (size_t i = 0; i < count; i++) {
		ft_bytes_put_lit(out, "  ");
		ft_escape_text(out, list[i]->old_path.len > 0 ? list[i]->old_path
							      : FT_SPAN("?"));
		ft_bytes_put_lit(out, " -> ");
		ft_escape_text(out, list[i]->path.len > 0 ? list[i]->path : FT_SPAN("?"));
		ft_bytes_put_char(out, '\n');
	}
	return 0;
}

static void put_process(struct ft_bytes *out, const struct ft_summary_process *item,
			bool no_args)
{
	const struct ft_process *p = &item->process;

	ft_bytes_printf(out, "  %d ", p->pid);
	ft_escape_text(out, p->exe.len > 0    ? p->exe
			    : p->comm.len > 0 ? p->comm
					      : FT_SPAN("?"));
	if (item->certainty == FT_CERTAINTY_AMBIGUOUS)
		ft_bytes_put_char(out, '?');
	if (!no_args && p->args.len > 0) {
		ft_bytes_put_lit(out, ": ");
		put_args(out, p->args);
		if (p->args_cut)
			ft_bytes_put_lit(out, " …");
	}
	ft_bytes_put_char(out, '\n');
}

static int put_processes(struct ft_bytes *out, const struct ft_summary *s, bool no_args)
{
	_cleanup_free_ struct ft_summary_process **list = NULL;
	size_t count;
	int r = ft_summary_list_processes(s, &list, &count);

	if (r < 0 || count == 0)
		return r;
	put_title(out, "processes", count);
	for (size_t i = 0; i < count; i++)
		put_process(out, list[i], no_args);
	return 0;
}

static void put_head(struct ft_bytes *out, const struct ft_summary_head *head)
{
	double seconds = (double)(head->ended_ns - head->began_ns) / FT_NSEC_PER_SEC;

	ft_bytes_put_lit(out, "command  ");
	put_args(out, head->command);
	if (head->signal != 0)
		ft_bytes_printf(out, "\nended    by signal %d", head->signal);
	else
		ft_bytes_printf(out, "\nended    with status %d", head->status);
	ft_bytes_printf(out, " after %.1f s%s\n", seconds,
			head->running ? ", descendants go on" : "");
	ft_bytes_printf(out, "complete %s\n", head->complete ? "yes" : "no");
	if (head->uncertain > 0)
		ft_bytes_printf(out,
				"program  known for certain of %" PRIu64 " of %" PRIu64
				" events\n",
				head->events - head->uncertain, head->events);
}

int ft_summary_put_text(struct ft_bytes *out, const struct ft_summary *s,
			const struct ft_summary_head *head)
{
	int r = 0;

	put_head(out, head);
	for (unsigned int i = 0; i < FT_SUMMARY_SETS && r == 0; i++)
		r = put_set(out, s, (enum ft_summary_set)i);
	if (r == 0)
		r = put_renames(out, s);
	if (r == 0)
		r = put_processes(out, s, head->no_args);
	return r < 0 ? r : out->failed;
}
