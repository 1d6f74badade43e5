/* SPDX-License-Identifier: MIT */
/* Who waits for whom. */
#include "inspect/stuck.h"

#include <errno.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "base/file.h"
#include "event/mask.h"
#include "output/jsonfield.h"
#include "proc/procfs.h"

enum { COMM_MAX = 64, NAME_LEN = 64 };

int ft_stuck_read(struct ft_stuck *ret)
{
	struct ft_stuck s = {.proc = -1};
	int r = ft_procfs_open(&s.proc);

	if (r == 0)
		r = ft_waiters_read(s.proc, &s.waiters);
	if (r == 0)
		r = ft_groups_read(s.proc, FT_GROUPS_FANOTIFY, &s.groups);
	if (r < 0) {
		ft_stuck_fini(&s);
		return r;
	}
	while (s.asked < s.groups.count &&
	       ft_group_is_asked(&s.groups.list[s.asked].text))
		s.asked++;
	*ret = s;
	return 0;
}

void ft_stuck_fini(struct ft_stuck *s)
{
	ft_waiters_fini(&s->waiters);
	ft_groups_fini(&s->groups);
	if (s->proc >= 0)
		close(s->proc);
}

static bool asks_about(const struct ft_group *g, const struct ft_waiter *w)
{
	for (size_t i = 0; i < g->text.marks_count; i++)
		if (g->text.marks[i].mask & FT_MASK_ASK &&
		    ft_covers_mark(&w->object, &g->text, &g->text.marks[i]))
			return true;
	return false;
}

bool ft_stuck_is_covered(const struct ft_groups *all, const struct ft_waiter *w)
{
	if (!w->has_object)
		return false;
	for (size_t i = 0; i < all->count; i++)
		if (ft_group_is_asked(&all->list[i].text) && asks_about(&all->list[i], w))
			return true;
	return false;
}

bool ft_stuck_is_by(const struct ft_groups *all, const struct ft_group *g,
		    const struct ft_waiter *w)
{
	if (!ft_group_is_asked(&g->text))
		return false;
	return !ft_stuck_is_covered(all, w) || asks_about(g, w);
}

static void read_comm(const struct ft_stuck *s, pid_t pid, struct ft_bytes *out)
{
	char path[NAME_LEN];

	snprintf(path, sizeof(path), "%d/comm", (int)pid);
	ft_bytes_clear(out);
	if (ft_file_read(s->proc, path, COMM_MAX, out) < 0)
		ft_bytes_clear(out);
	if (out->len > 0 && out->data[out->len - 1] == '\n')
		out->len--;
}

/* ---- text ---- */

static void put_process(struct ft_bytes *out, const struct ft_stuck *s, pid_t pid)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes comm = {0};

	read_comm(s, pid, &comm);
	ft_escape_text(out, comm.len > 0 ? ft_bytes_span(&comm) : FT_SPAN("?"));
	ft_bytes_printf(out, "(%d)", (int)pid);
}

static void put_listeners(struct ft_bytes *out, const struct ft_stuck *s,
			  const struct ft_waiter *w)
{
	bool more = false;

	for (size_t i = 0; i < s->asked; i++) {
		if (!ft_stuck_is_by(&s->groups, &s->groups.list[i], w))
			continue;
		ft_bytes_put_str(out, more ? " or " : "");
		put_process(out, s, ft_group_pid(&s->groups.list[i]));
		more = true;
	}
	if (!more)
		ft_bytes_put_lit(out, "a listener that cannot be seen");
}

static void put_waiter(struct ft_bytes *out, const struct ft_stuck *s,
		       const struct ft_waiter *w)
{
	ft_waiter_put_who(out, w);
	ft_bytes_put_lit(out, " waits for ");
	put_listeners(out, s, w);
	ft_waiter_put_what(out, w);
	ft_bytes_put_char(out, '\n');
}

void ft_stuck_format_text(struct ft_bytes *out, const struct ft_stuck *s)
{
	for (size_t i = 0; i < s->waiters.count; i++)
		put_waiter(out, s, &s->waiters.list[i]);
	if (s->waiters.count == 0)
		ft_bytes_printf(
			out, "nobody waits for an answer; %zu listener%s may be asked\n",
			s->asked, s->asked == 1 ? "" : "s");
	if (s->waiters.denied > 0)
		ft_bytes_printf(
			out,
			"%zu sleeping threads of others cannot be looked at (root, "
			"or CAP_SYS_PTRACE)\n",
			s->waiters.denied);
	if (s->groups.sight.denied > 0)
		ft_bytes_printf(
			out,
			"the listeners among %zu processes of others cannot be seen "
			"(root, or CAP_SYS_PTRACE)\n",
			s->groups.sight.denied);
}

bool ft_stuck_is_whole(const struct ft_stuck *s)
{
	const struct ft_groups_sight *sight = &s->groups.sight;

	return s->waiters.denied == 0 && sight->denied == 0 && sight->failed == 0 &&
	       !sight->is_hidden && !sight->is_contained;
}

/* ---- json ---- */

static void put_json_process(struct ft_bytes *out, const struct ft_stuck *s, pid_t pid)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes text = {0};

	ft_json_put_i64(out, FT_SPAN("pid"), pid);
	read_comm(s, pid, &text);
	ft_json_put_string(out, FT_SPAN("comm"), ft_bytes_span(&text));
	ft_bytes_clear(&text);
	ft_procfs_read_exe(s->proc, pid, &text);
	ft_json_put_string(out, FT_SPAN("exe"), ft_bytes_span(&text));
}

static void put_json_listeners(struct ft_bytes *out, const struct ft_stuck *s,
			       const struct ft_waiter *w)
{
	bool more = false;

	ft_json_put_name(out, FT_SPAN("listeners"));
	ft_bytes_put_char(out, '[');
	for (size_t i = 0; i < s->asked; i++) {
		size_t mark;

		if (!ft_stuck_is_by(&s->groups, &s->groups.list[i], w))
			continue;
		if (more)
			ft_bytes_put_char(out, ',');
		mark = ft_json_begin(out);
		put_json_process(out, s, ft_group_pid(&s->groups.list[i]));
		ft_json_put_i64(out, FT_SPAN("fd"), s->groups.list[i].holders[0].fd);
		ft_json_end(out, mark);
		more = true;
	}
	ft_bytes_put_char(out, ']');
}

static void put_json_waiter(struct ft_bytes *out, const struct ft_stuck *s,
			    const struct ft_waiter *w)
{
	size_t mark = ft_json_begin(out);

	ft_waiter_put_json(out, w);
	ft_json_put_bool(out, FT_SPAN("covered"), ft_stuck_is_covered(&s->groups, w));
	put_json_listeners(out, s, w);
	ft_json_end(out, mark);
}

void ft_stuck_format_json(struct ft_bytes *out, const struct ft_stuck *s)
{
	ft_json_put_name(out, FT_SPAN("stuck"));
	ft_bytes_put_char(out, '[');
	for (size_t i = 0; i < s->waiters.count; i++) {
		if (i > 0)
			ft_bytes_put_char(out, ',');
		put_json_waiter(out, s, &s->waiters.list[i]);
	}
	ft_bytes_put_char(out, ']');
	ft_json_put_u64(out, FT_SPAN("threads"), s->waiters.threads);
	ft_json_put_u64(out, FT_SPAN("denied"), s->waiters.denied);
	ft_json_put_u64(out, FT_SPAN("asked_groups"), s->asked);
	ft_json_put_u64(out, FT_SPAN("unseen"), s->groups.sight.denied);
}
