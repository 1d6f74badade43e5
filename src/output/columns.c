/* SPDX-License-Identifier: MIT */
/* The columns: name, meaning, width in text, and how the value is had. */
#include "output/columns.h"

#include <string.h>

#include "base/cleanup.h"
#include "output/format.h"
#include "output/hostinfo.h"

enum { NSEC_PER_USEC = 1000 };

#define GETTER(column)                                                                   \
	static void put_##column(struct ft_format *f, struct ft_bytes *out,              \
				 const struct ft_event *ev, uint64_t seq)

static void put_time_of(struct ft_format *f, struct ft_bytes *out, int64_t ns)
{
	ft_bytes_put_span(out, f->short_time ? ft_timetext_short(&f->time, ns)
					     : ft_timetext_full(&f->time, ns));
}

/* A time that may be days ago keeps its date in text too. */
static void put_date_of(struct ft_format *f, struct ft_bytes *out, int64_t ns)
{
	char buf[FT_TIME_LEN];

	ft_bytes_put(out, buf, ft_time_format(buf, ns, !f->short_time || f->time.utc));
}

GETTER(time)
{
	put_time_of(f, out, ev->time_ns);
}

GETTER(after)
{
	if (ev->after_ns != 0)
		put_time_of(f, out, ev->after_ns);
}

GETTER(seq)
{
	ft_bytes_put_u64(out, seq);
}

GETTER(events)
{
	if (ev->kind == FT_KIND_LOST)
		ft_bytes_put_lit(out, "lost");
	else if (ev->kind == FT_KIND_GAP)
		ft_bytes_put_lit(out, "gap");
	else if (ev->call)
		ft_bytes_put_str(out, ft_call_info(ev->call->kind)->name);
	else
		ft_mask_format(out, ev->mask, ",");
}

GETTER(path)
{
	ft_bytes_put_span(out, ev->path);
}

GETTER(old_path)
{
	ft_bytes_put_span(out, ev->old_path);
}

GETTER(container_path)
{
	ft_bytes_put_span(out, ev->container_path);
}

GETTER(container_old_path)
{
	ft_bytes_put_span(out, ev->container_old_path);
}

GETTER(path_source)
{
	if (ft_column_knows_source(ev))
		ft_bytes_put_str(out, ft_path_source_name(ev->path_source));
}

GETTER(dir)
{
	if (ft_column_knows_dir(ev))
		ft_bytes_put_str(out, ev->dir ? "true" : "false");
}

GETTER(inode)
{
	if (ev->has_inode)
		ft_bytes_put_u64(out, ev->inode);
}

GETTER(dev)
{
	ft_bytes_put_span(out, ev->dev);
}

GETTER(fs)
{
	ft_bytes_put_span(out, ev->fs);
}

GETTER(pid)
{
	if (ev->pid > 0)
		ft_bytes_put_i64(out, ev->pid);
}

static bool is_earlier_comm(const struct ft_event *ev, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (ft_span_equal(ev->candidates[i]->comm, ev->candidates[n]->comm))
			return true;
	}
	return false;
}

static void put_candidate_comms(struct ft_bytes *out, const struct ft_event *ev)
{
	size_t told = 0;

	for (size_t i = 0; i < ev->candidates_count && told < 3; i++) {
		if (ev->candidates[i]->comm.len == 0 || is_earlier_comm(ev, i))
			continue;
		if (told++ > 0)
			ft_bytes_put_char(out, '|');
		ft_bytes_put_span(out, ev->candidates[i]->comm);
	}
}

GETTER(process)
{
	if (ev->pid <= 0)
		return;
	if (ev->process && ev->process->comm.len > 0)
		ft_bytes_put_span(out, ev->process->comm);
	else
		put_candidate_comms(out, ev);
	ft_bytes_put_char(out, '(');
	ft_bytes_put_i64(out, ev->pid);
	ft_bytes_put_char(out, ')');
	if (ev->certainty == FT_CERTAINTY_AMBIGUOUS)
		ft_bytes_put_char(out, '?');
}

GETTER(certainty)
{
	if (ev->pid > 0)
		ft_bytes_put_str(out, ft_certainty_name(ev->certainty));
}

GETTER(comm)
{
	if (ev->process)
		ft_bytes_put_span(out, ev->process->comm);
}

GETTER(exe)
{
	if (ev->process)
		ft_bytes_put_span(out, ev->process->exe);
}

GETTER(args)
{
	if (!ev->process || f->no_args)
		return;
	ft_hostinfo_put_command_line(out, ev->process->args);
	if (ev->process->args_cut)
		ft_bytes_put_lit(out, " …");
}

GETTER(uid)
{
	if (ev->process && ev->process->has_ids)
		ft_bytes_put_u64(out, ev->process->uid);
}

GETTER(user)
{
	if (ev->process && ev->process->has_ids)
		ft_bytes_put_span(out, ft_idnames_get(f->users, ev->process->uid));
}

GETTER(gid)
{
	if (ev->process && ev->process->has_ids)
		ft_bytes_put_u64(out, ev->process->gid);
}

GETTER(group)
{
	if (ev->process && ev->process->has_ids)
		ft_bytes_put_span(out, ft_idnames_get(f->groups, ev->process->gid));
}

GETTER(ruid)
{
	if (ev->process && ev->process->has_real_ids)
		ft_bytes_put_u64(out, ev->process->ruid);
}

GETTER(rgid)
{
	if (ev->process && ev->process->has_real_ids)
		ft_bytes_put_u64(out, ev->process->rgid);
}

GETTER(loginuid)
{
	if (ev->process && ev->process->has_login)
		ft_bytes_put_u64(out, ev->process->loginuid);
}

GETTER(login_user)
{
	if (ev->process && ev->process->has_login)
		ft_bytes_put_span(out, ft_idnames_get(f->users, ev->process->loginuid));
}

GETTER(ppid)
{
	if (ev->process && ev->process->has_ppid)
		ft_bytes_put_i64(out, ev->process->ppid);
}

GETTER(start)
{
	if (ev->process && ev->process->start_ns != 0)
		put_date_of(f, out, ev->process->start_ns);
}

GETTER(pidfd_id)
{
	if (ev->process && ev->process->pidfd_id != 0)
		ft_bytes_put_u64(out, ev->process->pidfd_id);
}

GETTER(cgroup)
{
	if (ev->process)
		ft_bytes_put_span(out, ev->process->cgroup);
}

GETTER(container)
{
	if (ev->process)
		ft_bytes_put_span(out, ev->process->container);
}

static void put_comm_pid(struct ft_bytes *out, struct ft_span comm, pid_t pid)
{
	ft_bytes_put_span(out, comm);
	ft_bytes_put_char(out, '(');
	ft_bytes_put_i64(out, pid);
	ft_bytes_put_char(out, ')');
}

GETTER(parents)
{
	for (size_t i = 0; ev->process && i < ev->process->parents_count; i++) {
		const struct ft_ancestor *a = &ev->process->parents[i];

		if (i > 0)
			ft_bytes_put_char(out, ' ');
		put_comm_pid(out, a->comm, a->pid);
	}
}

GETTER(candidates)
{
	for (size_t i = 0; i < ev->candidates_count; i++) {
		if (i > 0)
			ft_bytes_put_char(out, ' ');
		put_comm_pid(out, ev->candidates[i]->comm, ev->candidates[i]->pid);
	}
}

void ft_column_put_errno(struct ft_bytes *out, int error)
{
	const char *name = strerrorname_np(error);

	if (name)
		ft_bytes_put_str(out, name);
	else
		ft_bytes_printf(out, "errno %d", error);
}

GETTER(error)
{
	if (ev->has_error)
		ft_column_put_errno(out, ev->error);
	else if (ev->decision && ev->decision->error > 0)
		ft_column_put_errno(out, ev->decision->error);
}

GETTER(error_count)
{
	if (ev->has_error && !ev->call)
		ft_bytes_put_u64(out, ev->error_count);
}

GETTER(mount_id)
{
	if (ev->mnt_id != 0)
		ft_bytes_put_u64(out, ev->mnt_id);
}

/* In one word, and in observation that it was not meant. */
GETTER(decision)
{
	const struct ft_decision *d = ev->decision;

	if (!d)
		return;
	if (d->answered != d->verdict)
		ft_bytes_put_lit(out, "would ");
	ft_bytes_put_str(out, ft_verdict_name(d->verdict));
}

GETTER(verdict)
{
	if (ev->decision)
		ft_bytes_put_str(out, ft_verdict_name(ev->decision->verdict));
}

GETTER(answered)
{
	if (ev->decision)
		ft_bytes_put_str(out, ft_verdict_name(ev->decision->answered));
}

GETTER(rule)
{
	if (ev->decision)
		ft_bytes_put_span(out, ev->decision->rule);
}

GETTER(mode)
{
	if (ev->decision)
		ft_bytes_put_str(out, ft_guard_mode_name(ev->decision->mode));
}

GETTER(us)
{
	if (ev->decision)
		ft_bytes_put_i64(out, ev->decision->took_ns / NSEC_PER_USEC);
}

GETTER(count)
{
	if (ev->kind == FT_KIND_LOST && ev->has_count)
		ft_bytes_put_u64(out, ev->count);
}

GETTER(where)
{
	if (ev->kind == FT_KIND_LOST)
		ft_bytes_put_str(out, ft_lost_where_name(ev->where));
}

GETTER(from)
{
	if (ev->kind == FT_KIND_GAP && ev->from_ns != 0)
		put_date_of(f, out, ev->from_ns);
}

GETTER(to)
{
	if (ev->kind == FT_KIND_GAP && ev->to_ns != 0)
		put_date_of(f, out, ev->to_ns);
}

GETTER(reason)
{
	if (ev->kind == FT_KIND_GAP && ev->reason)
		ft_bytes_put_str(out, ev->reason);
	else if (ev->decision)
		ft_bytes_put_span(out, ev->decision->reason);
}

GETTER(call)
{
	if (ev->call)
		ft_call_format(out, ev->call,
			       ev->has_error ? strerrorname_np(ev->error) : NULL);
}

GETTER(ret)
{
	if (ev->call)
		ft_bytes_put_i64(out, ev->call->ret);
}

GETTER(alert)
{
	if (ev->call)
		ft_bytes_put_span(out, ev->call->alert);
}

static const struct ft_column table[] = {
	[FT_COLUMN_TIME] = {"time", "when the record was read", 12, put_time},
	[FT_COLUMN_AFTER] = {"after", "when the queue was last seen empty", 12,
			     put_after},
	[FT_COLUMN_SEQ] = {"seq", "number of the printed record, from 1", 6, put_seq},
	[FT_COLUMN_EVENTS] = {"events", "what happened, a set", 24, put_events},
	[FT_COLUMN_PATH] = {"path", "the path; after a rename the new one", 0, put_path},
	[FT_COLUMN_OLD_PATH] = {"old_path", "rename: the path before", 0, put_old_path},
	[FT_COLUMN_CONTAINER_PATH] = {"container_path", "path in the process's container",
				      0, put_container_path},
	[FT_COLUMN_CONTAINER_OLD_PATH] = {"container_old_path",
					  "rename: the path before in its container", 0,
					  put_container_old_path},
	[FT_COLUMN_PATH_SOURCE] = {"path_source", "how the path is known", 7,
				   put_path_source},
	[FT_COLUMN_DIR] = {"dir", "whether it is a directory", 5, put_dir},
	[FT_COLUMN_INODE] = {"inode", "inode number", 8, put_inode},
	[FT_COLUMN_DEV] = {"dev", "device of the filesystem", 6, put_dev},
	[FT_COLUMN_FS] = {"fs", "type of the filesystem", 6, put_fs},
	[FT_COLUMN_PID] = {"pid", "process", 7, put_pid},
	[FT_COLUMN_PROCESS] = {"process", "comm(pid), with ? where ambiguous", 22,
			       put_process},
	[FT_COLUMN_CERTAINTY] = {"certainty", "how well the process is known", 11,
				 put_certainty},
	[FT_COLUMN_COMM] = {"comm", "name of the process", 15, put_comm},
	[FT_COLUMN_EXE] = {"exe", "file that the process runs", 0, put_exe},
	[FT_COLUMN_ARGS] = {"args", "arguments of the process", 0, put_args},
	[FT_COLUMN_UID] = {"uid", "effective user id", 5, put_uid},
	[FT_COLUMN_USER] = {"user", "name of the effective user", 8, put_user},
	[FT_COLUMN_GID] = {"gid", "effective group id", 5, put_gid},
	[FT_COLUMN_GROUP] = {"group", "name of the effective group", 8, put_group},
	[FT_COLUMN_RUID] = {"ruid", "real user id", 5, put_ruid},
	[FT_COLUMN_RGID] = {"rgid", "real group id", 5, put_rgid},
	[FT_COLUMN_LOGINUID] = {"loginuid", "id of the user who logged in", 8,
				put_loginuid},
	[FT_COLUMN_LOGIN_USER] = {"login_user", "name of the user who logged in", 10,
				  put_login_user},
	[FT_COLUMN_PPID] = {"ppid", "parent process", 7, put_ppid},
	[FT_COLUMN_START] = {"start", "when the process was started", 30, put_start},
	[FT_COLUMN_PIDFD_ID] = {"pidfd_id", "number of the process that is never reused",
				8, put_pidfd_id},
	[FT_COLUMN_CGROUP] = {"cgroup", "control group of the process", 0, put_cgroup},
	[FT_COLUMN_CONTAINER] = {"container", "id of the container", 12, put_container},
	[FT_COLUMN_PARENTS] = {"parents", "ancestors, nearest first", 0, put_parents},
	[FT_COLUMN_CANDIDATES] = {"candidates", "ambiguous: who it may have been", 0,
				  put_candidates},
	[FT_COLUMN_ERROR] = {"error", "fs_error, decision, call: the error", 8,
			     put_error},
	[FT_COLUMN_ERROR_COUNT] = {"error_count", "fs_error: errors since the last one",
				   5, put_error_count},
	[FT_COLUMN_MOUNT_ID] = {"mount_id", "mnt_attach, mnt_detach: the mount", 12,
				put_mount_id},
	[FT_COLUMN_DECISION] = {"decision",
				"verdict, with would where it was not answered", 10,
				put_decision},
	[FT_COLUMN_VERDICT] = {"verdict", "decision: of the policy", 7, put_verdict},
	[FT_COLUMN_ANSWERED] = {"answered", "decision: what the kernel was told", 8,
				put_answered},
	[FT_COLUMN_RULE] = {"rule", "decision: the rule, none is the default", 12,
			    put_rule},
	[FT_COLUMN_MODE] = {"mode", "decision: enforce or observe", 7, put_mode},
	[FT_COLUMN_US] = {"us", "decision: microseconds until the answer", 6, put_us},
	[FT_COLUMN_COUNT] = {"count", "lost: how many records", 8, put_count},
	[FT_COLUMN_WHERE] = {"where", "lost: where", 10, put_where},
	[FT_COLUMN_FROM] = {"from", "gap: its begin", 30, put_from},
	[FT_COLUMN_TO] = {"to", "gap: its end", 30, put_to},
	[FT_COLUMN_REASON] = {"reason", "gap, decision: why", 0, put_reason},
	[FT_COLUMN_CALL] = {"call", "audit: the call, its arguments and result", 0,
			    put_call},
	[FT_COLUMN_RET] = {"ret", "audit: what the call returned", 5, put_ret},
	[FT_COLUMN_ALERT] = {"alert", "audit: why the call is unusual", 0, put_alert},
};

_Static_assert(FT_ARRAY_SIZE(table) == FT_COLUMNS_END, "a column has no line");

const struct ft_column *ft_columns(size_t *ret_count)
{
	*ret_count = FT_ARRAY_SIZE(table);
	return table;
}

const struct ft_column *ft_column_get(enum ft_column_id id)
{
	return &table[id];
}
