/* SPDX-License-Identifier: MIT */
/* Fields of JSON objects. */
#include "output/jsonfield.h"

#include "base/escape.h"
#include "base/number.h"
#include "event/mask.h"

void ft_json_put_name(struct ft_bytes *out, struct ft_span name)
{
	ft_bytes_put_lit(out, ",\"");
	ft_bytes_put_span(out, name);
	ft_bytes_put_lit(out, "\":");
}

size_t ft_json_begin_object(struct ft_bytes *out, struct ft_span name)
{
	ft_json_put_name(out, name);
	return ft_json_begin(out);
}

void ft_json_end_object(struct ft_bytes *out, struct ft_span name, size_t mark)
{
	if (out->failed)
		return;
	if (out->len == mark)
		out->len -= name.len + sizeof(",\"\":") - 1;
	else
		ft_json_end(out, mark);
}

/* By escaping it past the end of out. */
static bool is_valid(struct ft_bytes *out, struct ft_span value)
{
	size_t mark = out->len;
	bool valid = ft_escape_json(out, value);

	if (!out->failed)
		out->len = mark;
	return valid;
}

static bool put_quoted(struct ft_bytes *out, struct ft_span value)
{
	bool valid;

	ft_bytes_put_char(out, '"');
	valid = ft_escape_json(out, value);
	ft_bytes_put_char(out, '"');
	return valid;
}

static void put_quoted_base64(struct ft_bytes *out, struct ft_span value)
{
	ft_bytes_put_char(out, '"');
	ft_escape_base64(out, value);
	ft_bytes_put_char(out, '"');
}

bool ft_json_put_text(struct ft_bytes *out, struct ft_span name, struct ft_span value)
{
	if (value.len == 0)
		return true;
	ft_json_put_name(out, name);
	return put_quoted(out, value);
}

static void put_base64(struct ft_bytes *out, struct ft_span name, struct ft_span value)
{
	ft_bytes_put_lit(out, ",\"");
	ft_bytes_put_span(out, name);
	ft_bytes_put_lit(out, "_base64\":");
	put_quoted_base64(out, value);
}

void ft_json_put_string(struct ft_bytes *out, struct ft_span name, struct ft_span value)
{
	if (!ft_json_put_text(out, name, value))
		put_base64(out, name, value);
}

void ft_json_put_base64_if_bad(struct ft_bytes *out, struct ft_span name,
			       struct ft_span value)
{
	if (!is_valid(out, value))
		put_base64(out, name, value);
}

void ft_json_put_u64(struct ft_bytes *out, struct ft_span name, uint64_t v)
{
	ft_json_put_name(out, name);
	ft_bytes_put_u64(out, v);
}

void ft_json_put_i64(struct ft_bytes *out, struct ft_span name, int64_t v)
{
	ft_json_put_name(out, name);
	ft_bytes_put_i64(out, v);
}

void ft_json_put_bool(struct ft_bytes *out, struct ft_span name, bool v)
{
	ft_json_put_name(out, name);
	ft_bytes_put_str(out, v ? "true" : "false");
}

void ft_json_put_id(struct ft_bytes *out, struct ft_span name, uint64_t v)
{
	ft_json_put_name(out, name);
	ft_bytes_put_char(out, '"');
	ft_bytes_put_u64(out, v);
	ft_bytes_put_char(out, '"');
}

void ft_json_put_time(struct ft_bytes *out, struct ft_span name, int64_t ns)
{
	char buf[FT_TIME_LEN];
	size_t len = ft_time_format(buf, ns, true);

	ft_json_put_name(out, name);
	ft_bytes_put_char(out, '"');
	ft_bytes_put(out, buf, len);
	ft_bytes_put_char(out, '"');
}

void ft_json_put_events(struct ft_bytes *out, struct ft_span name, uint64_t mask)
{
	size_t mark;

	ft_json_put_name(out, name);
	ft_bytes_put_lit(out, "[\"");
	mark = out->len;
	ft_mask_format(out, mask, "\",\"");
	if (out->failed)
		return;
	/* An empty set is [], not [""]. */
	if (out->len == mark)
		out->len--;
	else
		ft_bytes_put_char(out, '"');
	ft_bytes_put_char(out, ']');
}

/* Takes the next argument off *rest; false at the end. */
static bool next_arg(struct ft_span *rest, struct ft_span *ret)
{
	const char *nul;
	size_t len;

	if (rest->len == 0)
		return false;
	nul = memchr(rest->data, '\0', rest->len);
	len = nul ? (size_t)(nul - rest->data) : rest->len;
	*ret = (struct ft_span){rest->data, len};
	len += nul != NULL;
	*rest = (struct ft_span){rest->data + len, rest->len - len};
	return true;
}

void ft_json_put_args(struct ft_bytes *out, struct ft_span name,
		      const struct ft_process *p)
{
	struct ft_span rest = p->args, arg;
	char sep = '[';

	ft_json_put_name(out, name);
	while (next_arg(&rest, &arg)) {
		ft_bytes_put_char(out, sep);
		put_quoted(out, arg);
		sep = ',';
	}
	if (p->args_cut) {
		ft_bytes_put_char(out, sep);
		ft_bytes_put_lit(out, "\"…\"");
		sep = ',';
	}
	ft_bytes_put_str(out, sep == '[' ? "[]" : "]");
}

static void put_args_base64(struct ft_bytes *out, const struct ft_process *p)
{
	struct ft_span rest = p->args, arg;
	char sep = '[';

	ft_json_put_name(out, FT_SPAN("args_base64"));
	while (next_arg(&rest, &arg)) {
		ft_bytes_put_char(out, sep);
		put_quoted_base64(out, arg);
		sep = ',';
	}
	ft_bytes_put_char(out, ']');
}

void ft_json_put_args_beside(struct ft_bytes *out, const struct ft_process *p)
{
	if (!is_valid(out, p->args))
		put_args_base64(out, p);
	if (p->args_cut)
		ft_json_put_bool(out, FT_SPAN("args_cut"), true);
}

static void put_who(struct ft_bytes *out, pid_t pid, struct ft_span comm,
		    struct ft_span exe)
{
	ft_json_put_i64(out, FT_SPAN("pid"), pid);
	ft_json_put_string(out, FT_SPAN("comm"), comm);
	ft_json_put_string(out, FT_SPAN("exe"), exe);
}

static void put_candidate(struct ft_bytes *out, const struct ft_process *p)
{
	put_who(out, p->pid, p->comm, p->exe);
	if (!p->has_ids)
		return;
	ft_json_put_u64(out, FT_SPAN("uid"), p->uid);
	ft_json_put_u64(out, FT_SPAN("gid"), p->gid);
}

void ft_json_put_parents(struct ft_bytes *out, const struct ft_process *p, size_t max)
{
	if (p->parents_count == 0)
		return;
	ft_json_put_name(out, FT_SPAN("parents"));
	for (size_t i = 0; i < p->parents_count && i < max; i++) {
		const struct ft_ancestor *a = &p->parents[i];

		ft_bytes_put_char(out, i == 0 ? '[' : ',');
		size_t mark = ft_json_begin(out);
		put_who(out, a->pid, a->comm, a->exe);
		ft_json_end(out, mark);
	}
	ft_bytes_put_char(out, ']');
	if (p->parents_count > max)
		ft_json_put_bool(out, FT_SPAN("parents_cut"), true);
}

void ft_json_put_candidates(struct ft_bytes *out,
			    const struct ft_process *const *candidates, size_t count)
{
	if (count == 0)
		return;
	ft_json_put_name(out, FT_SPAN("candidates"));
	for (size_t i = 0; i < count; i++) {
		ft_bytes_put_char(out, i == 0 ? '[' : ',');
		size_t mark = ft_json_begin(out);
		put_candidate(out, candidates[i]);
		ft_json_end(out, mark);
	}
	ft_bytes_put_char(out, ']');
}
