/* SPDX-License-Identifier: Dual MIT/GPL */
/* Who there is and what each runs, as it happens. */
#include "names.h"

char terms[] SEC("license") = "Dual MIT/GPL";

enum {
	REDIRECTED = 3, /* descriptors that are looked at */
	KEPT = 16,	/* and of the parent */
	THREADS_MAX = 64,
	MODE_TYPE = 0170000,
	MODE_REGULAR = 0100000,
	FILE_WRITABLE = 2,
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, FT_WIRE_RING_SIZE);
} ring SEC(".maps");

/*
 * A record of an exec is put together here. Where programs can be preempted (7.2) two
 * tasks may be in two of them on one processor, but never in the same: each has its own.
 */
struct scratch {
	__u32 end;
	__u32 unused;
	struct ft_wire head;
	char data[TEXT_MAX + FT_WIRE_NAME_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FT_WIRE_COPIES);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

/*
 * A program that would run within itself is not run at all: in its place its copy is, and
 * says what this one did not. What was said last on this processor; if another task came
 * between, it is said twice.
 */
struct said {
	__u64 task;
	__u64 what;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FT_WIRE_FREE + 1);
	__type(key, __u32);
	__type(value, struct said);
} saids SEC(".maps");

/* Records that found no room. */
__u64 dropped;

static bool was_said(__u32 kind, const void *task, __u64 what, __u32 copy)
{
	struct said *s = bpf_map_lookup_elem(&saids, &kind);

	if (!s)
		return false;
	if (copy > 0)
		return s->task == (__u64)task && s->what == what;
	s->task = (__u64)task;
	s->what = what;
	return false;
}

static void put(const void *record, __u64 size)
{
	if (bpf_ringbuf_output(&ring, (void *)record, size, 0) < 0)
		__sync_fetch_and_add(&dropped, 1);
}

static void fill(struct ft_wire *w, __u32 kind, struct task_struct *task)
{
	w->kind = kind;
	w->time = bpf_ktime_get_boot_ns();
	w->start = BPF_CORE_READ(task, group_leader, start_boottime);
	w->pid = BPF_CORE_READ(task, tgid);
	w->ppid = BPF_CORE_READ(task, real_parent, tgid);
	w->uid = BPF_CORE_READ(task, real_cred, euid.val);
	w->gid = BPF_CORE_READ(task, real_cred, egid.val);
}

static void fill_comm(struct ft_wire *w, struct task_struct *task)
{
	bpf_probe_read_kernel(w->comm, sizeof(w->comm), &task->comm);
}

static int forked(struct task_struct *parent, struct task_struct *child, __u32 copy)
{
	struct ft_wire w = {0};

	if (child->pid != child->tgid ||
	    was_said(FT_WIRE_FORK, child, child->start_boottime, copy))
		return 0;
	fill(&w, FT_WIRE_FORK, child);
	w.source = parent->tgid;
	fill_comm(&w, child);
	put(&w, sizeof(w));
	return 0;
}

/* Later than its exit, when it still closes its files, and than anything else it does;
 * but maybe later than its pid is taken again. */
static int freed(struct task_struct *task, __u32 copy)
{
	struct ft_wire w = {.kind = FT_WIRE_FREE};

	if (task->pid != task->tgid ||
	    was_said(FT_WIRE_FREE, task, task->start_boottime, copy))
		return 0;
	w.time = bpf_ktime_get_boot_ns();
	w.pid = task->tgid;
	w.start = task->start_boottime;
	put(&w, sizeof(w));
	return 0;
}

/* The name is that of the first thread. */
static int renamed(struct task_struct *task, const char *comm)
{
	struct ft_wire w = {0};

	if (task->pid != task->tgid)
		return 0;
	fill(&w, FT_WIRE_COMM_SET, task);
	bpf_probe_read_kernel_str(w.comm, sizeof(w.comm), comm);
	put(&w, sizeof(w));
	return 0;
}

static struct text text_of(struct scratch *s)
{
	return (struct text){&s->end, s->data};
}

static struct kernfs_node *parent_of(struct kernfs_node *kn)
{
	struct kernfs_node___renamed *renamed = (void *)kn;

	if (bpf_core_field_exists(renamed->__parent))
		return BPF_CORE_READ(renamed, __parent);
	return BPF_CORE_READ(kn, parent);
}

static void put_cgroup(struct scratch *s, struct task_struct *task)
{
	struct kernfs_node *kn = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn), *up;
	__u32 begin = end_of(text_of(s));

	for (int i = 0; i < FT_WIRE_CGROUPS_MAX; i++) {
		up = parent_of(kn);
		if (!up)
			return;
		put_name(text_of(s), BPF_CORE_READ(kn, name));
		if (end_of(text_of(s)) - begin > FT_WIRE_CGROUP_MAX - FT_WIRE_NAME_MAX)
			break;
		kn = up;
	}
	s->head.flags |= FT_WIRE_CGROUP_CUT;
}

static void put_args(struct scratch *s, struct mm_struct *mm)
{
	unsigned long begin = mm->arg_start, n = mm->arg_end - begin;
	__u32 at = end_of(text_of(s));

	if (n > FT_WIRE_ARGS_MAX) {
		n = FT_WIRE_ARGS_MAX;
		s->head.flags |= FT_WIRE_ARGS_CUT;
	}
	if (at > TEXT_MAX - FT_WIRE_ARGS_MAX ||
	    bpf_probe_read_user(s->data + at, n, (void *)begin) < 0)
		return;
	s->end = at + n;
}

/* A table has room for 64 at least. */
static void read_files(struct task_struct *task, struct file **files, __u32 count)
{
	struct file **table = BPF_CORE_READ(task, files, fdt, fd);

	bpf_probe_read_kernel(files, count * sizeof(*files), table);
}

static bool is_written(struct file *file)
{
	return file && BPF_CORE_READ(file, f_mode) & FILE_WRITABLE &&
	       (BPF_CORE_READ(file, f_inode, i_mode) & MODE_TYPE) == MODE_REGULAR;
}

static bool is_among(struct file *file, struct file *const *files)
{
	bool is = false;

	for (__u32 i = 0; i < KEPT; i++)
		is |= files[i] == file;
	return is;
}

/*
 * Between a fork and an exec there is mostly nothing but the preparation of the exec. Not
 * so if something was written, or if a file is open for writing that its parent has not:
 * `program > file`.
 */
static bool has_worked(struct task_struct *task)
{
	struct file *own[REDIRECTED] = {0}, *kept[KEPT] = {0};

	if (bpf_core_field_exists(task->ioac.syscw) && task->ioac.syscw > 0)
		return true;
	read_files(task, own, REDIRECTED);
	read_files(task->real_parent, kept, KEPT);
	for (__u32 i = 0; i < REDIRECTED; i++) {
		if (is_written(own[i]) && !is_among(own[i], kept))
			return true;
	}
	return false;
}

static int executed(struct task_struct *task, __u32 copy)
{
	struct scratch *s;
	struct file *exe;

	if (was_said(FT_WIRE_EXEC, task, task->self_exec_id, copy))
		return 0;
	s = bpf_map_lookup_elem(&scratches, &copy);
	if (!s)
		return 0;
	s->end = 0;
	s->head.flags = 0;
	fill(&s->head, FT_WIRE_EXEC, task);
	s->head.exec_id = task->self_exec_id;
	fill_comm(&s->head, task);
	if (has_worked(task))
		s->head.flags |= FT_WIRE_WORKED;
	exe = task->mm->exe_file;
	if (!put_path(text_of(s), BPF_CORE_READ(exe, f_path.mnt),
		      BPF_CORE_READ(exe, f_path.dentry)))
		s->head.flags |= FT_WIRE_PATH_CUT;
	s->head.path_len = end_of(text_of(s));
	put_cgroup(s, task);
	s->head.cgroup_len = end_of(text_of(s)) - s->head.path_len;
	put_args(s, task->mm);
	s->head.args_len = end_of(text_of(s)) - s->head.path_len - s->head.cgroup_len;
	__u32 n = end_of(text_of(s));
	if (n <= TEXT_MAX)
		put(&s->head, sizeof(s->head) + n);
	return 0;
}

/* Threads may have ids of their own. */
static bool has_mixed_ids(struct task_struct *task, __u32 uid, __u32 gid)
{
	struct signal_struct *signal = BPF_CORE_READ(task, signal);
	struct list_head *head =
		(void *)signal + bpf_core_field_offset(struct signal_struct, thread_head);
	struct list_head *at = BPF_CORE_READ(head, next);
	__u64 offset = bpf_core_field_offset(struct task_struct, thread_node);

	for (int i = 0; i < THREADS_MAX; i++) {
		if (at == head)
			return false;
		struct task_struct *thread = (void *)at - offset;
		if (BPF_CORE_READ(thread, real_cred, euid.val) != uid ||
		    BPF_CORE_READ(thread, real_cred, egid.val) != gid)
			return true;
		at = BPF_CORE_READ(at, next);
	}
	return true;
}

static int set_ids(struct task_struct *task)
{
	struct ft_wire w = {0};

	fill(&w, FT_WIRE_IDS, task);
	if (has_mixed_ids(task, w.uid, w.gid))
		w.flags |= FT_WIRE_MIXED;
	put(&w, sizeof(w));
	return 0;
}

#define COPIES(event, call_0, call_1)                                                    \
	SEC("tp_btf/" #event) int event##_0(__u64 *ctx)                                  \
	{                                                                                \
		return call_0;                                                           \
	}                                                                                \
	SEC("tp_btf/" #event) int event##_1(__u64 *ctx)                                  \
	{                                                                                \
		return call_1;                                                           \
	}

COPIES(sched_process_fork, forked((void *)ctx[0], (void *)ctx[1], 0),
       forked((void *)ctx[0], (void *)ctx[1], 1))
COPIES(sched_process_exec, executed((void *)ctx[0], 0), executed((void *)ctx[0], 1))
COPIES(sched_process_free, freed((void *)ctx[0], 0), freed((void *)ctx[0], 1))

SEC("tp_btf/task_rename") int task_rename(__u64 *ctx)
{
	return renamed((void *)ctx[0], (void *)ctx[1]);
}

/*
 * Ids. At the cheap place, where the process connector tells of them: the filter of a
 * socket that listens to it runs while the ids are being set, and keeps everything from
 * being queued but the answer to the socket's own request.
 */
enum {
	CONNECTOR_WHAT = 36, /* behind the headers of netlink and connector */
	CONNECTOR_ANSWER = 0,
	CONNECTOR_UID = 4,
	CONNECTOR_GID = 0x40,
};

SEC("socket") int connector_ids(struct __sk_buff *skb)
{
	__u32 what;

	if (bpf_skb_load_bytes(skb, CONNECTOR_WHAT, &what, sizeof(what)) < 0)
		return 0;
	if (what == CONNECTOR_UID || what == CONNECTOR_GID)
		set_ids((void *)bpf_get_current_task());
	return what == CONNECTOR_ANSWER ? -1 : 0;
}
