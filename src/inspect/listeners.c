/* SPDX-License-Identifier: MIT */
/* Other listeners. */
#include "inspect/listeners.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "output/jsonfield.h"
#include "proc/procfs.h"

static const char area[] = "Other listeners";

enum { COMM_MAX = 64, NAME_LEN = 64 };

static void put_comm(struct ft_bytes *out, int proc, pid_t pid)
{
	char path[NAME_LEN];

	snprintf(path, sizeof(path), "%d/comm", (int)pid);
	if (ft_file_read(proc, path, COMM_MAX, out) == 0 && out->len > 0 &&
	    out->data[out->len - 1] == '\n')
		out->len--;
}

/* They may make everyone wait: each has a line. */
static void tell_asked(const struct ft_group *g, int proc, struct ft_findings *f)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes name = {0}, exe = {0};
	struct ft_finding *finding;
	pid_t pid = ft_group_pid(g);

	put_comm(&name, proc, pid);
	ft_procfs_read_exe(proc, pid, &exe);
	finding = ft_finding_add(f, area, name.len ? ft_bytes_cstr(&name) : "?",
				 FT_STATE_FINE);
	ft_bytes_printf(&finding->text,
			"process %d is asked before files are used, by %zu mark%s; who "
			"waits for it: fantail doctor --stuck",
			(int)pid, g->text.marks_count,
			g->text.marks_count == 1 ? "" : "s");
	ft_json_put_i64(&finding->facts, FT_SPAN("pid"), pid);
	ft_json_put_string(&finding->facts, FT_SPAN("exe"), ft_bytes_span(&exe));
	ft_json_put_u64(&finding->facts, FT_SPAN("marks"), g->text.marks_count);
}

static void tell_kind(const struct ft_groups *groups, enum ft_group_kind kind,
		      struct ft_findings *f)
{
	const char *name = kind == FT_GROUP_KIND_FANOTIFY ? "fanotify" : "inotify";
	size_t count = 0, marks = 0;
	struct ft_finding *finding;

	for (size_t i = 0; i < groups->count; i++) {
		const struct ft_group *g = &groups->list[i];

		if (g->text.kind != kind || ft_group_is_asked(&g->text))
			continue;
		count++;
		marks += g->text.marks_count + g->text.marks_dropped;
	}
	finding = ft_finding_add(f, area, name, FT_STATE_FINE);
	ft_bytes_printf(&finding->text, "%zu group%s with %zu mark%s%s", count,
			count == 1 ? "" : "s", marks, marks == 1 ? "" : "s",
			count ? "; all of them: fantail marks" : "");
	ft_json_put_u64(&finding->facts, FT_SPAN("groups"), count);
	ft_json_put_u64(&finding->facts, FT_SPAN("marks"), marks);
}

static void tell_unseen(const struct ft_groups_sight *sight, struct ft_findings *f)
{
	struct ft_finding *finding;

	if (sight->denied == 0 && sight->failed == 0 && !sight->is_hidden &&
	    !sight->is_contained)
		return;
	finding = ft_finding_add(f, area, "not seen", FT_STATE_LIMITED);
	ft_bytes_printf(&finding->text, "the groups of %zu processes%s%s", sight->denied,
			sight->is_hidden ? ", and of those that /proc hides" : "",
			sight->is_contained ? ", and of those outside this PID namespace"
					    : "");
	ft_bytes_put_lit(&finding->advice, "run it as root, on the host");
	ft_json_put_u64(&finding->facts, FT_SPAN("processes"), sight->denied);
}

void ft_listeners_inspect(const struct ft_groups *groups, int proc, struct ft_findings *f)
{
	for (size_t i = 0; i < groups->count; i++)
		if (ft_group_is_asked(&groups->list[i].text))
			tell_asked(&groups->list[i], proc, f);
	tell_kind(groups, FT_GROUP_KIND_FANOTIFY, f);
	tell_kind(groups, FT_GROUP_KIND_INOTIFY, f);
	tell_unseen(&groups->sight, f);
}
