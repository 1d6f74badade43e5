/* SPDX-License-Identifier: MIT */
/* A summary as one JSON object: data/fantail-summary.schema.json. */
#include "base/cleanup.h"
#include "base/escape.h"
#include "output/jsonfield.h"
#include "output/summary.h"

/* `,"NAME":["a","b"]`, and all of them as NAME_base64 where one is not valid UTF-8. */
struct array {
	struct ft_bytes text;
	struct ft_bytes base64;
	bool invalid;
};

static void array_fini(struct array *a)
{
	ft_bytes_fini(&a->text);
	ft_bytes_fini(&a->base64);
}

static void array_add(struct array *a, struct ft_span value)
{
	char sep = a->text.len == 0 ? '[' : ',';

	ft_bytes_put_char(&a->text, sep);
	ft_bytes_put_char(&a->text, '"');
	if (!ft_escape_json(&a->text, value))
		a->invalid = true;
	ft_bytes_put_char(&a->text, '"');
	ft_bytes_put_char(&a->base64, sep);
	ft_bytes_put_char(&a->base64, '"');
	ft_escape_base64(&a->base64, value);
	ft_bytes_put_char(&a->base64, '"');
}

static int array_put(struct array *a, struct ft_bytes *out, const char *name)
{
	char beside[32];

	if (a->text.failed || a->base64.failed)
		return a->text.failed ? a->text.failed : a->base64.failed;
	if (a->text.len == 0) {
		ft_bytes_put_char(&a->text, '[');
		ft_bytes_put_char(&a->base64, '[');
	}
	ft_json_put_name(out, ft_span_of(name));
	ft_bytes_put_span(out, ft_bytes_span(&a->text));
	ft_bytes_put_char(out, ']');
	if (!a->invalid)
		return 0;
	snprintf(beside, sizeof(beside), "%s_base64", name);
	ft_json_put_name(out, ft_span_of(beside));
	ft_bytes_put_span(out, ft_bytes_span(&a->base64));
	ft_bytes_put_char(out, ']');
	return 0;
}

static int put_command(struct ft_bytes *out, struct ft_span args)
{
	_cleanup_(array_fini) struct array a = {0};

	while (args.len > 0) {
		size_t n = strnlen(args.data, args.len);

		array_add(&a, (struct ft_span){args.data, n});
		n += n < args.len;
		args = (struct ft_span){args.data + n, args.len - n};
	}
	return array_put(&a, out, "command");
}

static void put_lost(struct ft_bytes *out, const struct ft_summary_head *head)
{
	char sep = '[';

	for (size_t i = 0; i < FT_ARRAY_SIZE(head->lost); i++) {
		size_t mark;

		if (!head->lost[i])
			continue;
		if (sep == '[')
			ft_json_put_name(out, FT_SPAN("lost"));
		ft_bytes_put_char(out, sep);
		sep = ',';
		mark = ft_json_begin(out);
		ft_json_put_text(out, FT_SPAN("where"),
				 ft_span_of(ft_lost_where_name((enum ft_lost_where)i)));
		if (head->lost_count[i] > 0)
			ft_json_put_u64(out, FT_SPAN("count"), head->lost_count[i]);
		ft_json_end(out, mark);
	}
	if (sep == ',')
		ft_bytes_put_char(out, ']');
}

static int put_head(struct ft_bytes *out, const struct ft_summary_head *head)
{
	int r;

	ft_json_put_time(out, FT_SPAN("time"), head->ended_ns);
	ft_bytes_put_lit(out, ",\"events\":[\"summary\"]");
	ft_json_put_time(out, FT_SPAN("began"), head->began_ns);
	r = put_command(out, head->command);
	if (r < 0)
		return r;
	ft_json_put_i64(out, FT_SPAN("pid"), head->pid);
	ft_json_put_i64(out, FT_SPAN("status"), head->status);
	if (head->signal != 0)
		ft_json_put_i64(out, FT_SPAN("signal"), head->signal);
	ft_json_put_bool(out, FT_SPAN("running"), head->running);
	ft_json_put_u64(out, FT_SPAN("count"), head->events);
	ft_json_put_u64(out, FT_SPAN("uncertain"), head->uncertain);
	ft_json_put_bool(out, FT_SPAN("complete"), head->complete);
	put_lost(out, head);
	return 0;
}

static int put_set(struct ft_bytes *out, const struct ft_summary *s,
		   enum ft_summary_set set)
{
	_cleanup_(array_fini) struct array a = {0};
	_cleanup_free_ struct ft_summary_path **list = NULL;
	size_t count;
	int r = ft_summary_list_paths(s, set, &list, &count);

	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++)
		array_add(&a, list[i]->path);
	return array_put(&a, out, ft_summary_set_name(set));
}

static int put_renames(struct ft_bytes *out, const struct ft_summary *s)
{
	_cleanup_free_ struct ft_summary_rename **list = NULL;
	size_t count;
	int r = ft_summary_list_renames(s, &list, &count);

	if (r < 0)
		return r;
	ft_bytes_put_lit(out, ",\"renamed\":[");
	for (size_t i = 0; i < count; i++) {
		size_t mark;

		if (i > 0)
			ft_bytes_put_char(out, ',');
		mark = ft_json_begin(out);
		ft_json_put_string(out, FT_SPAN("old_path"), list[i]->old_path);
		ft_json_put_string(out, FT_SPAN("path"), list[i]->path);
		ft_json_end(out, mark);
	}
	ft_bytes_put_char(out, ']');
	return 0;
}

static void put_process(struct ft_bytes *out, const struct ft_summary_process *item,
			bool no_args)
{
	const struct ft_process *p = &item->process;
	size_t mark = ft_json_begin(out);

	ft_json_put_i64(out, FT_SPAN("pid"), p->pid);
	ft_json_put_text(out, FT_SPAN("certainty"),
			 ft_span_of(ft_certainty_name(item->certainty)));
	ft_json_put_string(out, FT_SPAN("comm"), p->comm);
	ft_json_put_string(out, FT_SPAN("exe"), p->exe);
	if (!no_args && p->args.len > 0) {
		ft_json_put_args(out, FT_SPAN("args"), p);
		ft_json_put_args_beside(out, p);
	}
	if (p->has_ids) {
		ft_json_put_u64(out, FT_SPAN("uid"), p->uid);
		ft_json_put_u64(out, FT_SPAN("gid"), p->gid);
	}
	if (p->has_ppid)
		ft_json_put_i64(out, FT_SPAN("ppid"), p->ppid);
	if (p->start_ns != 0)
		ft_json_put_time(out, FT_SPAN("start"), p->start_ns);
	ft_json_end(out, mark);
}

static int put_processes(struct ft_bytes *out, const struct ft_summary *s, bool no_args)
{
	_cleanup_free_ struct ft_summary_process **list = NULL;
	size_t count;
	int r = ft_summary_list_processes(s, &list, &count);

	if (r < 0)
		return r;
	ft_bytes_put_lit(out, ",\"processes\":[");
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			ft_bytes_put_char(out, ',');
		put_process(out, list[i], no_args);
	}
	ft_bytes_put_char(out, ']');
	return 0;
}

static int put_sets(struct ft_bytes *out, const struct ft_summary *s, bool no_args)
{
	int r = 0;

	if (s->unplaced > 0)
		ft_json_put_u64(out, FT_SPAN("unplaced"), s->unplaced);
	if (s->dropped > 0)
		ft_json_put_u64(out, FT_SPAN("dropped"), s->dropped);
	for (unsigned int i = 0; i < FT_SUMMARY_SETS && r == 0; i++)
		r = put_set(out, s, (enum ft_summary_set)i);
	if (r == 0)
		r = put_renames(out, s);
	return r < 0 ? r : put_processes(out, s, no_args);
}

int ft_summary_put_json(struct ft_bytes *out, const struct ft_summary *s,
			const struct ft_summary_head *head)
{
	size_t mark = ft_json_begin(out);
	int r = put_head(out, head);

	if (r == 0 && s)
		r = put_sets(out, s, head->no_args);
	ft_json_end(out, mark);
	return r < 0 ? r : out->failed;
}
