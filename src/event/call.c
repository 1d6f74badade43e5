/* SPDX-License-Identifier: MIT */
/* Calls: their names and arguments. */
#include "event/call.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>

#include "base/cleanup.h"

static const struct ft_call_info infos[] = {
	[FT_CALL_FANOTIFY_INIT] = {"fanotify_init", NULL,
				   FT_CALL_FLAGS | FT_CALL_EVENT_FLAGS, "fanotify",
				   "a fanotify group is made"},
	[FT_CALL_FANOTIFY_MARK] = {"fanotify_mark", "fanotify_fd",
				   FT_CALL_FD | FT_CALL_FLAGS | FT_CALL_MASK |
					   FT_CALL_DIRFD | FT_CALL_PATHNAME,
				   "fanotify", "a mark is added, removed, or all are"},
	[FT_CALL_INOTIFY_INIT] = {"inotify_init", NULL, 0, "inotify",
				  "an inotify group is made"},
	[FT_CALL_INOTIFY_INIT1] = {"inotify_init1", NULL, FT_CALL_FLAGS, "inotify",
				   "an inotify group is made"},
	[FT_CALL_INOTIFY_ADD_WATCH] = {"inotify_add_watch", "inotify_fd",
				       FT_CALL_FD | FT_CALL_PATHNAME | FT_CALL_MASK,
				       "inotify", "a watch is added or changed"},
	[FT_CALL_INOTIFY_RM_WATCH] = {"inotify_rm_watch", "inotify_fd",
				      FT_CALL_FD | FT_CALL_WD, "inotify",
				      "a watch is removed"},
	[FT_CALL_DNOTIFY] = {"dnotify", "fd", FT_CALL_FD | FT_CALL_MASK, "dnotify",
			     "a directory is watched by fcntl F_NOTIFY"},
};

_Static_assert(FT_ARRAY_SIZE(infos) == FT_CALL_COUNT, "a call has no line");

const struct ft_call_info *ft_call_info(enum ft_call_kind kind)
{
	assert((unsigned int)kind < FT_CALL_COUNT);
	return &infos[kind];
}

/* The kinds of one word, 0 if it names none. */
static unsigned int kinds_of_word(struct ft_span word)
{
	bool all = ft_span_equal(word, FT_SPAN("all"));
	unsigned int kinds = 0;

	for (unsigned int i = 0; i < FT_CALL_COUNT; i++) {
		if (all || ft_span_equal(word, ft_span_of(infos[i].name)) ||
		    ft_span_equal(word, ft_span_of(infos[i].family)))
			kinds |= 1u << i;
	}
	return kinds;
}

int ft_call_parse(const char *list, unsigned int *ret_kinds, struct ft_span *ret_bad)
{
	unsigned int all = 0;

	for (;;) {
		struct ft_span word = {list, strcspn(list, ",")};
		unsigned int kinds = kinds_of_word(word);

		if (kinds == 0) {
			if (ret_bad)
				*ret_bad = word;
			return -EINVAL;
		}
		all |= kinds;
		list += word.len;
		if (*list++ == '\0')
			break;
	}
	*ret_kinds = all;
	return 0;
}

static void put_dirfd(struct ft_bytes *out, int dirfd)
{
	if (dirfd == AT_FDCWD)
		ft_bytes_put_lit(out, "AT_FDCWD");
	else
		ft_bytes_put_i64(out, dirfd);
}

static void put_pathname(struct ft_bytes *out, const struct ft_call *call)
{
	if (!call->has_pathname) {
		ft_bytes_put_str(out, call->is_null ? "NULL" : "?");
		return;
	}
	ft_bytes_put_char(out, '"');
	ft_bytes_put_span(out, call->pathname);
	ft_bytes_put_str(out, call->pathname_cut ? "\"..." : "\"");
}

static void put_arguments(struct ft_bytes *out, const struct ft_call *call)
{
	switch (call->kind) {
	case FT_CALL_FANOTIFY_INIT:
		ft_bytes_put_span(out, call->flags.names);
		ft_bytes_put_lit(out, ", ");
		ft_bytes_put_span(out, call->event_f_flags.names);
		break;
	case FT_CALL_FANOTIFY_MARK:
		ft_bytes_printf(out, "%d, ", call->fd);
		ft_bytes_put_span(out, call->flags.names);
		ft_bytes_put_lit(out, ", ");
		ft_bytes_put_span(out, call->mask.names);
		ft_bytes_put_lit(out, ", ");
		put_dirfd(out, call->dirfd);
		ft_bytes_put_lit(out, ", ");
		put_pathname(out, call);
		break;
	case FT_CALL_INOTIFY_INIT1:
		ft_bytes_put_span(out, call->flags.names);
		break;
	case FT_CALL_INOTIFY_ADD_WATCH:
		ft_bytes_printf(out, "%d, ", call->fd);
		put_pathname(out, call);
		ft_bytes_put_lit(out, ", ");
		ft_bytes_put_span(out, call->mask.names);
		break;
	case FT_CALL_INOTIFY_RM_WATCH:
		ft_bytes_printf(out, "%d, %d", call->fd, call->wd);
		break;
	case FT_CALL_DNOTIFY:
		ft_bytes_printf(out, "%d, F_NOTIFY, ", call->fd);
		ft_bytes_put_span(out, call->mask.names);
		break;
	default:
		break;
	}
}

void ft_call_format(struct ft_bytes *out, const struct ft_call *call, const char *name)
{
	bool is_fcntl = call->kind == FT_CALL_DNOTIFY;

	ft_bytes_put_str(out, is_fcntl ? "fcntl" : infos[call->kind].name);
	ft_bytes_put_char(out, '(');
	put_arguments(out, call);
	if (call->ret >= 0)
		ft_bytes_printf(out, ") = %lld", (long long)call->ret);
	else if (name)
		ft_bytes_printf(out, ") = -1 %s", name);
	else
		ft_bytes_printf(out, ") = -1 errno %lld", -(long long)call->ret);
}
