/* SPDX-License-Identifier: MIT */
/* Fields of JSON objects. Every field begins with a comma; the end of the object makes a
 * brace of the first. */
#pragma once

#include "base/bytes.h"
#include "event/call.h"
#include "event/process.h"

/*
 *	size_t mark = ft_json_begin(out);
 *
 *	ft_json_put_string(out, FT_SPAN("name"), value);
 *	ft_json_end(out, mark);
 */
static inline size_t ft_json_begin(const struct ft_bytes *out)
{
	return out->len;
}

static inline void ft_json_end(struct ft_bytes *out, size_t mark)
{
	if (out->len == mark)
		ft_bytes_put_char(out, '{');
	if (out->failed)
		return;
	out->data[mark] = '{';
	ft_bytes_put_char(out, '}');
}

/* `,"name":{`, where the object's first comma will become the brace; to be ended by
 * ft_json_end(). */
size_t ft_json_begin_object(struct ft_bytes *out, struct ft_span name);
/* Ends the object, or takes it back where nothing was put in. */
void ft_json_end_object(struct ft_bytes *out, struct ft_span name, size_t mark);

/* `,"name":` */
void ft_json_put_name(struct ft_bytes *out, struct ft_span name);
/* Nothing where value is empty. True if it was valid UTF-8. */
bool ft_json_put_text(struct ft_bytes *out, struct ft_span name, struct ft_span value);
/* The same, and NAME_base64 where it was not valid UTF-8. */
void ft_json_put_string(struct ft_bytes *out, struct ft_span name, struct ft_span value);
/* NAME_base64 alone, and only where the value is not valid UTF-8. */
void ft_json_put_base64_if_bad(struct ft_bytes *out, struct ft_span name,
			       struct ft_span value);
void ft_json_put_u64(struct ft_bytes *out, struct ft_span name, uint64_t v);
void ft_json_put_i64(struct ft_bytes *out, struct ft_span name, int64_t v);
void ft_json_put_bool(struct ft_bytes *out, struct ft_span name, bool v);
/* A number as a string. */
void ft_json_put_id(struct ft_bytes *out, struct ft_span name, uint64_t v);
/* RFC 3339, UTC. */
void ft_json_put_time(struct ft_bytes *out, struct ft_span name, int64_t ns);
/* `,"name":["a","b"]` of a set of events. */
void ft_json_put_events(struct ft_bytes *out, struct ft_span name, uint64_t mask);
/* The arguments; "…" ends them where they were cut. */
void ft_json_put_args(struct ft_bytes *out, struct ft_span name,
		      const struct ft_process *p);
/* What goes with the arguments: `args_base64`, all of them, where one is not valid UTF-8,
 * and `args_cut`. */
void ft_json_put_args_beside(struct ft_bytes *out, const struct ft_process *p);
/* pid, comm and exe of each. */
/*
 * The nearest ancestors, and `parents_cut` where there are more than max. A chain of ten
 * would be longer than the record, and who wrote a thousand files by it knows it by then:
 * all of them are told to who asks for the column.
 */
enum { FT_JSON_PARENTS = 4 };
void ft_json_put_parents(struct ft_bytes *out, const struct ft_process *p, size_t max);
void ft_json_put_candidates(struct ft_bytes *out,
			    const struct ft_process *const *candidates, size_t count);
/* `,"call":{...}`: the arguments as passed, and the group. */
void ft_json_put_call(struct ft_bytes *out, const struct ft_call *call);
/* Its events, itself, what it returned and why it is unusual. */
void ft_json_put_call_event(struct ft_bytes *out, const struct ft_call *call);
