/* SPDX-License-Identifier: MIT */
/* A call as a JSON object: raw and by name. */
#include "output/jsonfield.h"

#include <stdio.h>

/* The names as an array; "0" stands for none. */
static void put_names(struct ft_bytes *out, struct ft_span name, struct ft_span names)
{
	const char *at = names.data, *end = names.data + names.len;

	ft_json_put_name(out, name);
	ft_bytes_put_char(out, '[');
	while (at < end && !ft_span_equal(names, FT_SPAN("0"))) {
		const char *bar = memchr(at, '|', (size_t)(end - at));
		const char *stop = bar ? bar : end;

		ft_bytes_put_str(out, at == names.data ? "\"" : ",\"");
		ft_bytes_put(out, at, (size_t)(stop - at));
		ft_bytes_put_char(out, '"');
		at = bar ? bar + 1 : end;
	}
	ft_bytes_put_char(out, ']');
}

static void put_flags(struct ft_bytes *out, const char *name,
		      const struct ft_call_flags *flags)
{
	char names[32];

	ft_json_put_u64(out, ft_span_of(name), flags->value);
	snprintf(names, sizeof(names), "%s_names", name);
	put_names(out, ft_span_of(names), flags->names);
}

static void put_pathname(struct ft_bytes *out, const struct ft_call *call)
{
	/* The empty one is told, too: it is not the same as none. */
	if (call->has_pathname && call->pathname.len == 0)
		ft_bytes_put_lit(out, ",\"pathname\":\"\"");
	else if (call->has_pathname)
		ft_json_put_string(out, FT_SPAN("pathname"), call->pathname);
	if (call->pathname_cut)
		ft_json_put_bool(out, FT_SPAN("pathname_cut"), true);
}

static void put_group(struct ft_bytes *out, const struct ft_call *call)
{
	if (call->group != 0)
		ft_json_put_u64(out, FT_SPAN("group"), call->group);
	if (call->has_group_flags)
		put_flags(out, "group_flags", &call->group_flags);
}

void ft_json_put_call(struct ft_bytes *out, const struct ft_call *call)
{
	const struct ft_call_info *info = ft_call_info(call->kind);
	size_t mark = ft_json_begin_object(out, FT_SPAN("call"));

	if (info->fields & FT_CALL_FD)
		ft_json_put_i64(out, ft_span_of(info->fd_name), call->fd);
	if (info->fields & FT_CALL_FLAGS)
		put_flags(out, "flags", &call->flags);
	if (info->fields & FT_CALL_MASK)
		put_flags(out, "mask", &call->mask);
	if (info->fields & FT_CALL_EVENT_FLAGS)
		put_flags(out, "event_f_flags", &call->event_f_flags);
	if (info->fields & FT_CALL_DIRFD)
		ft_json_put_i64(out, FT_SPAN("dirfd"), call->dirfd);
	if (info->fields & FT_CALL_PATHNAME)
		put_pathname(out, call);
	if (info->fields & FT_CALL_WD)
		ft_json_put_i64(out, FT_SPAN("wd"), call->wd);
	put_group(out, call);
	if (call->mount_namespace != 0)
		ft_json_put_u64(out, FT_SPAN("mount_namespace"), call->mount_namespace);
	if (call->is_compat)
		ft_json_put_bool(out, FT_SPAN("compat"), true);
	ft_json_end_object(out, FT_SPAN("call"), mark);
}

void ft_json_put_call_event(struct ft_bytes *out, const struct ft_call *call)
{
	ft_bytes_put_lit(out, ",\"events\":[\"");
	ft_bytes_put_str(out, ft_call_info(call->kind)->name);
	ft_bytes_put_lit(out, "\"]");
	ft_json_put_call(out, call);
	ft_json_put_i64(out, FT_SPAN("ret"), call->ret);
	ft_json_put_string(out, FT_SPAN("alert"), call->alert);
}
