/* SPDX-License-Identifier: Dual MIT/GPL */
/* Who there is and what each runs, as it happens. */
#include "names.h"
#include "openfile.h"

char terms[] SEC("license") = "Dual MIT/GPL";

enum {
	THREADS_MAX = 64,
	UNSET = 0xffffffff,
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, FT_WIRE_RING_SIZE);
} ring SEC(".maps");

/*
 * A record with text is put together here. Where programs can be preempted (7.2) two
 * tasks may be in two of them on one processor, but never in the same: each has its own.
 */
enum { OF_EXEC, OF_FORK = 2, OF_CGROUP = 4 };

struct scratch {
	__u32 end;
	__u32 unused;
	struct ft_wire head;
	char data[TEXT_MAX + FT_WIRE_NAME_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FT_WIRE_SCRATCHES);
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

/* Who reads comes by himself when he has a question; he is woken when much has come
 * before that. */
static void put(const void *record, __u64 size)
{
	bool is_urgent = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) > FT_WIRE_RING_WAKE;
	__u64 flags = is_urgent ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;

	if (bpf_ringbuf_output(&ring, (void *)record, size, flags) < 0)
		__sync_fetch_and_add(&dropped, 1);
}

static __u64 pidfd_id_of(struct task_struct *task)
{
	struct pid___pidfs *pid = (void *)BPF_CORE_READ(task, group_leader, thread_pid);

	return bpf_core_field_exists(pid->ino) ? BPF_CORE_READ(pid, ino) : 0;
}

static void fill_login(struct ft_wire *w, struct task_struct *task)
{
	struct task_struct___audit *audited = (void *)task;

	if (!bpf_core_field_exists(audited->loginuid))
		return;
	w->loginuid = BPF_CORE_READ(audited, loginuid.val);
	if (w->loginuid != UNSET)
		w->flags |= FT_WIRE_HAS_LOGIN;
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
	w->ruid = BPF_CORE_READ(task, real_cred, uid.val);
	w->rgid = BPF_CORE_READ(task, real_cred, gid.val);
	w->pidfd_id = pidfd_id_of(task);
	fill_login(w, task);
}

static void fill_comm(struct ft_wire *w, struct task_struct *task)
{
	bpf_probe_read_kernel(w->comm, sizeof(w->comm), &task->comm);
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

/* An exec gives the new name a moment before it is told, when the new memory has nothing
 * in it yet. */
static bool executes(struct task_struct *task)
{
	return task->mm && !task->mm->arg_start;
}

/* The name is that of the first thread. */
static int renamed(struct task_struct *task, const char *comm)
{
	struct ft_wire w = {0};

	if (task->pid != task->tgid || executes(task))
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

/* Reads are counted with CONFIG_TASK_XACCT only. */
static bool may_have_read(struct task_struct *task, struct linux_binprm *bprm)
{
	if (bpf_core_field_exists(task->ioac.syscr) && task->ioac.syscr > 0)
		return true;
	return BPF_CORE_READ(bprm, fdpath);
}

static void put_file(struct scratch *s, struct file *file)
{
	struct inode *inode = real_inode(file);

	s->head.dev = BPF_CORE_READ(inode, i_sb, s_dev);
	s->head.ino = BPF_CORE_READ(inode, i_ino);
	if (!put_path(text_of(s), BPF_CORE_READ(file, f_path.mnt),
		      BPF_CORE_READ(file, f_path.dentry), NULL))
		s->head.flags |= FT_WIRE_PATH_CUT;
	s->head.path_len = end_of(text_of(s));
}

static void put_all(struct scratch *s)
{
	__u32 n = end_of(text_of(s));

	if (n <= TEXT_MAX)
		put(&s->head, sizeof(s->head) + n);
}

static struct scratch *begin_scratch(__u32 which)
{
	struct scratch *s = bpf_map_lookup_elem(&scratches, &which);

	if (!s)
		return 0;
	s->end = 0;
	s->head.flags = 0;
	return s;
}

static int executed(struct task_struct *task, struct linux_binprm *bprm, __u32 copy)
{
	struct scratch *s;

	if (was_said(FT_WIRE_EXEC, task, task->self_exec_id, copy))
		return 0;
	s = begin_scratch(OF_EXEC + copy);
	if (!s)
		return 0;
	fill(&s->head, FT_WIRE_EXEC, task);
	s->head.exec_id = task->self_exec_id;
	fill_comm(&s->head, task);
	if (may_have_read(task, bprm))
		s->head.flags |= FT_WIRE_HAS_READ;
	if (closes_files(task))
		s->head.flags |= FT_WIRE_CLOSES;
	if (loader_address(task->mm) == 0)
		s->head.flags |= FT_WIRE_STATIC;
	put_file(s, task->mm->exe_file);
	put_cgroup(s, task);
	s->head.cgroup_len = end_of(text_of(s)) - s->head.path_len;
	put_args(s, task->mm);
	s->head.args_len = end_of(text_of(s)) - s->head.path_len - s->head.cgroup_len;
	put_all(s);
	return 0;
}

/* time: when, if that is known better. */
static void moved(struct task_struct *task, __u32 which, __u64 time)
{
	struct scratch *s = begin_scratch(which);

	if (!s)
		return;
	fill(&s->head, FT_WIRE_CGROUP_SET, task);
	if (time > 0)
		s->head.time = time;
	s->head.path_len = 0;
	put_cgroup(s, task);
	s->head.cgroup_len = end_of(text_of(s));
	s->head.args_len = 0;
	put_all(s);
}

/*
 * What loads most programs is known; what loads this one, in a container or for another
 * C library, is told on its own. The helper is there since 5.17 only: else this program
 * is not.
 */
const volatile __u64 common_loader_ino = 0;
const volatile __u32 common_loader_dev = 0;

static long tell_loader(struct task_struct *task, struct vm_area_struct *vma, void *data)
{
	struct file *file = vma->vm_file;
	struct ft_wire w = {0};
	struct inode *inode;

	if (!file)
		return 0;
	inode = real_inode(file);
	w.kind = FT_WIRE_LOADER;
	w.dev = BPF_CORE_READ(inode, i_sb, s_dev);
	w.ino = BPF_CORE_READ(inode, i_ino);
	if (w.ino == common_loader_ino && w.dev == common_loader_dev)
		return 0;
	w.time = bpf_ktime_get_boot_ns();
	w.pid = task->tgid;
	w.start = BPF_CORE_READ(task, group_leader, start_boottime);
	w.exec_id = task->self_exec_id;
	put(&w, sizeof(w));
	return 0;
}

/*
 * The memory that was made for an execution goes before anything was put there for the
 * program to find: it failed. That says something where it is made after the file was
 * opened (since 6.8, which cannot be seen; the tracepoint came with 6.10). Before, what
 * is too long fails while nothing is open.
 */
static int failed(struct mm_struct *made)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct mm_struct *own = BPF_CORE_READ(task, mm);
	struct ft_wire w = {.kind = FT_WIRE_FAILED};

	if (!bpf_core_type_exists(struct trace_event_raw_sched_prepare_exec) || !own ||
	    own == made || made->arg_start)
		return 0;
	w.time = bpf_ktime_get_boot_ns();
	w.pid = BPF_CORE_READ(task, tgid);
	w.start = BPF_CORE_READ(task, group_leader, start_boottime);
	put(&w, sizeof(w));
	return 0;
}

/* Where filesystems may be mounted that nobody else sees. */
const volatile __u32 own_mount_namespace = 0;

static int away(struct task_struct *task)
{
	__u32 inum = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
	struct ft_wire w = {.kind = FT_WIRE_AWAY};

	if (inum == 0 || inum == own_mount_namespace)
		return 0;
	w.time = bpf_ktime_get_boot_ns();
	w.pid = task->tgid;
	w.start = BPF_CORE_READ(task, group_leader, start_boottime);
	put(&w, sizeof(w));
	return 0;
}

/* There are several hierarchies before all are one: that one alone is told. */
static int attached(struct cgroup *to, struct task_struct *task)
{
	if (task->pid == task->tgid && BPF_CORE_READ(task, cgroups, dfl_cgrp) == to)
		moved(task, OF_CGROUP, 0);
	return 0;
}

/* The second thread, a worker of io_uring included: there may be more only after it. */
static int threaded(struct task_struct *thread)
{
	struct ft_wire w = {0};

	if (thread->signal->nr_threads != 2)
		return 0;
	fill(&w, FT_WIRE_THREAD, thread);
	put(&w, sizeof(w));
	return 0;
}

static int forked(struct task_struct *child, __u32 copy)
{
	struct task_struct *parent = (void *)bpf_get_current_task();
	struct ft_wire w = {0};

	if (child->pid != child->tgid)
		return threaded(child);
	if (was_said(FT_WIRE_FORK, child, child->start_boottime, copy))
		return 0;
	fill(&w, FT_WIRE_FORK, child);
	w.source = BPF_CORE_READ(parent, tgid);
	fill_comm(&w, child);
	put(&w, sizeof(w));
	if (BPF_CORE_READ(child, cgroups, dfl_cgrp) !=
	    BPF_CORE_READ(parent, cgroups, dfl_cgrp))
		moved(child, OF_FORK + copy, w.time);
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

/* Unlike sched_process_fork it tells of workers of io_uring, too. */
COPIES(task_newtask, forked((void *)ctx[0], 0), forked((void *)ctx[0], 1))
COPIES(sched_process_exec, executed((void *)ctx[0], (void *)ctx[2], 0),
       executed((void *)ctx[0], (void *)ctx[2], 1))
COPIES(sched_process_free, freed((void *)ctx[0], 0), freed((void *)ctx[0], 1))

/* Behind what tells of the exec. */
SEC("tp_btf/sched_process_exec") int loader(__u64 *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 address = loader_address(task->mm);

	if (address > NOT_KNOWN)
		bpf_find_vma(task, address, tell_loader, 0, 0);
	return 0;
}

SEC("tp_btf/sched_process_exit") int sched_process_exit(__u64 *ctx)
{
	return away((void *)ctx[0]);
}

SEC("tp_btf/exit_mmap") int exit_mmap(__u64 *ctx)
{
	return failed((void *)ctx[0]);
}

SEC("tp_btf/task_rename") int task_rename(__u64 *ctx)
{
	return renamed((void *)ctx[0], (void *)ctx[1]);
}

SEC("tp_btf/cgroup_attach_task") int cgroup_attach_task(__u64 *ctx)
{
	return attached((void *)ctx[0], (void *)ctx[2]);
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
