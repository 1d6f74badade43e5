/* SPDX-License-Identifier: MIT */
/* What is unusual about a call: the list of fantail-audit(1). */
#include "base/cleanup.h"
#include "inspect/calltell.h"
#include "kernel/abi.h"

enum {
	CLASS_ASKS = FT_INIT_CLASS_CONTENT | FT_INIT_CLASS_PRE_CONTENT,
	MARK_TYPE = FT_MARK_MOUNT | FT_MARK_FILESYSTEM,
};

/* Itself and all below it. */
static const char *const sensitive[] = {
	"/boot",	"/etc/gshadow",	  "/etc/shadow", "/etc/ssh",
	"/etc/sudoers", "/etc/sudoers.d", "/root",
};

/* The name of a directory anywhere. */
#define SENSITIVE_NAME "/.ssh"

static void put(struct ft_bytes *out, const char *reason)
{
	if (out->len > 0)
		ft_bytes_put_lit(out, ", ");
	ft_bytes_put_str(out, reason);
}

static bool is_at_or_below(struct ft_span path, struct ft_span top)
{
	return path.len >= top.len && memcmp(path.data, top.data, top.len) == 0 &&
	       (path.len == top.len || path.data[top.len] == '/');
}

static bool has_sensitive_name(struct ft_span path)
{
	const struct ft_span name = FT_SPAN(SENSITIVE_NAME);

	for (size_t i = 0; i + name.len <= path.len; i++) {
		struct ft_span rest = {path.data + i, path.len - i};

		if (is_at_or_below(rest, name))
			return true;
	}
	return false;
}

static bool is_sensitive(struct ft_span path)
{
	for (size_t i = 0; i < FT_ARRAY_SIZE(sensitive); i++)
		if (is_at_or_below(path, ft_span_of(sensitive[i])))
			return true;
	return has_sensitive_name(path);
}

static void put_type(struct ft_bytes *out, uint64_t flags)
{
	switch (flags & MARK_TYPE) {
	case FT_MARK_MOUNT:
		put(out, "mount mark");
		break;
	case FT_MARK_FILESYSTEM:
		put(out, "filesystem mark");
		break;
	case FT_MARK_MNTNS:
		put(out, "mount namespace mark");
		break;
	default:
		break;
	}
}

static void put_mark(struct ft_bytes *out, const struct ft_call *call)
{
	uint64_t flags = call->flags.value;

	if (flags & FT_MARK_FLUSH)
		put(out, "marks flushed");
	else if (flags & FT_MARK_REMOVE)
		put(out, "mark removed");
	else if (call->mask.value & FT_MASK_ASK)
		put(out, "permission mark");
	put_type(out, flags);
}

void ft_callalert_put(struct ft_bytes *out, const struct ft_event *ev)
{
	const struct ft_call *call = ev->call;

	switch (call->kind) {
	case FT_CALL_FANOTIFY_INIT:
		if (call->flags.value & CLASS_ASKS)
			put(out, "permission group");
		break;
	case FT_CALL_FANOTIFY_MARK:
		put_mark(out, call);
		break;
	case FT_CALL_INOTIFY_RM_WATCH:
		put(out, "watch removed");
		break;
	default:
		break;
	}
	if (is_sensitive(ev->path))
		put(out, "sensitive path");
	if (call->is_unresolved)
		put(out, "unresolved path");
}
