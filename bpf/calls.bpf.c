/* SPDX-License-Identifier: Dual MIT/GPL */
/* Who listens: the calls of fanotify, inotify and dnotify, as they begin and end. */
#include "names.h"

#include "inspect/callwire.h"

char terms[] SEC("license") = "Dual MIT/GPL";

enum {
	AT_FDCWD = -100,
	F_NOTIFY = 1026,
	NO_FD = -1,
	STATUS_COMPAT = 2,
	ANON_INODE_MAGIC = 0x09041934,
	LINK_HEAD = 24,	     /* holds the longest beginning that leads to what is open */
	NUMBER_SIZE = 8,     /* of a descriptor, with what follows it */
	GROUP_NAME_SIZE = 8, /* of the shorter one, with its NUL */
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, FT_CALLWIRE_RING_SIZE);
} ring SEC(".maps");

/*
 * Where a record is put together: one for the programs that are not preempted, and one
 * for each of the two that are on some kernels (7.2), since none runs twice at once on a
 * processor.
 */
enum { SCRATCH_CALL, SCRATCH_COMPAT_BEGIN, SCRATCH_COMPAT_END, SCRATCHES };

struct scratch {
	__u32 end;
	__u32 unused;
	struct ft_callwire head;
	char data[TEXT_MAX + FT_WIRE_NAME_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SCRATCHES);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

/* A call that has begun. */
struct open_call {
	__u64 time;
	__u64 pathname; /* that is to be read when the kernel has: it was not in memory */
	__u32 kind;
	__u32 flags;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FT_CALLWIRE_OPEN_MAX);
	__type(key, __u32);
	__type(value, struct open_call);
} open_calls SEC(".maps");

/* The program's own process: what it does is not told. Not a constant: each of them costs
 * ten milliseconds a program when it is loaded. */
__u32 self;

/* Set when no more calls are to be told: to detach takes a second. */
__u32 stopped;

/* Calls that found no room. */
__u64 dropped;

/* What the arguments of a call mean. */
struct call {
	__u32 kind;
	__u32 flags;
	int fd;	   /* of a group; NO_FD: none */
	int dirfd; /* where a pathname begins; NO_FD: there is none */
	__u64 pathname;
	__u64 args[FT_CALLWIRE_ARGS];
};

static struct text text_of(struct scratch *s)
{
	return (struct text){&s->end, s->data};
}

static struct task_struct *this_task(void)
{
	return (void *)bpf_get_current_task();
}

static struct file *file_of(struct task_struct *task, int fd)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd), *file = NULL;

	if (fd >= 0 && (__u32)fd < BPF_CORE_READ(table, max_fds))
		bpf_probe_read_kernel(&file, sizeof(file), &files[fd]);
	return file;
}

/* By the beginning of the name that it has from the kernel, where nobody else can name
 * anything. */
static bool is_group(struct file *file, bool is_fanotify)
{
	char name[GROUP_NAME_SIZE] = {0};

	if (BPF_CORE_READ(file, f_inode, i_sb, s_magic) != ANON_INODE_MAGIC)
		return false;
	bpf_probe_read_kernel(name, sizeof(name),
			      BPF_CORE_READ(file, f_path.dentry, d_name.name));
	return is_fanotify ? __builtin_memcmp(name, "[fanotif", sizeof(name)) == 0
			   : __builtin_memcmp(name, "inotify", sizeof(name)) == 0;
}

static void fill_group(struct ft_callwire *w, int fd)
{
	bool is_fanotify =
		w->kind == FT_CALL_FANOTIFY_INIT || w->kind == FT_CALL_FANOTIFY_MARK;
	struct file *file = file_of(this_task(), fd);
	struct fsnotify_group *group;

	w->group = 0;
	w->group_flags = 0;
	if (!file || !is_group(file, is_fanotify))
		return;
	group = BPF_CORE_READ(file, private_data);
	w->group = (__u64)group;
	w->group_flags = BPF_CORE_READ(group, fanotify_data.flags);
}

/* What is not mounted where the caller is has no path there. */
static void put_base(struct scratch *s, struct vfsmount *mnt, struct dentry *dentry)
{
	if (put_path(text_of(s), mnt, dentry,
		     BPF_CORE_READ(this_task(), nsproxy, mnt_ns)))
		s->head.flags |= FT_CALLWIRE_BASE;
	s->head.base_len = end_of(text_of(s));
}

static void put_file(struct scratch *s, struct file *file)
{
	if (file)
		put_base(s, BPF_CORE_READ(file, f_path.mnt),
			 BPF_CORE_READ(file, f_path.dentry));
}

/* The place of a descriptor, or the current directory. */
static void put_dir(struct scratch *s, int dirfd)
{
	if (dirfd == AT_FDCWD)
		put_base(s, BPF_CORE_READ(this_task(), fs, pwd.mnt),
			 BPF_CORE_READ(this_task(), fs, pwd.dentry));
	else
		put_file(s, file_of(this_task(), dirfd));
}

static void put_root(struct scratch *s)
{
	struct vfsmount *mnt = BPF_CORE_READ(this_task(), fs, root.mnt);
	struct dentry *dentry = BPF_CORE_READ(this_task(), fs, root.dentry);

	put_base(s, mnt, dentry);
}

/* Where the first name behind a directory fd begins, as in /proc/self/fd/3; 0: nowhere.
 */
static __u32 behind_fd(__u64 pathname)
{
	char head[LINK_HEAD] = {0};

	bpf_probe_read_user_str(head, sizeof(head), (void *)pathname);
	for (__u32 i = 3; i < sizeof(head); i++) {
		if (head[i - 3] == '/' && head[i - 2] == 'f' && head[i - 1] == 'd' &&
		    head[i] == '/')
			return i + 1;
	}
	return 0;
}

/* The descriptor whose number is the name at p; NO_FD: it is none. */
static int read_number(const char *p, __u32 *ret_len)
{
	char name[NUMBER_SIZE] = {0};
	int n = 0;

	bpf_probe_read_user_str(name, sizeof(name), p);
	for (__u32 i = 0; i < sizeof(name); i++) {
		*ret_len = i;
		if (i > 0 && (name[i] == '/' || name[i] == '\0'))
			return n;
		/* One that begins with 0 is no name there. */
		if (name[i] < '0' || name[i] > '9' || (i > 0 && n == 0))
			return NO_FD;
		n = 10 * n + name[i] - '0';
	}
	return NO_FD;
}

/* What is open has but a number there, which leads to it without a path: only now it is
 * known to what. Not below a root of its own, where /proc may be anything. */
static void put_link(struct scratch *s, __u64 pathname)
{
	__u32 number_at = behind_fd(pathname), len;
	int fd;

	if (number_at == 0 || end_of(text_of(s)) > 0)
		return;
	fd = read_number((const char *)pathname + number_at, &len);
	if (fd == NO_FD)
		return;
	s->head.flags &= ~FT_CALLWIRE_BASE;
	s->head.link_len = number_at + len;
	put_file(s, file_of(BPF_CORE_READ(this_task(), group_leader), fd));
}

static bool begins_at_root(__u64 pathname)
{
	char first = 0;

	bpf_probe_read_user(&first, 1, (void *)pathname);
	return first == '/';
}

/* A pathname from the top begins at the root of the process. */
static void put_top(struct scratch *s, __u64 pathname)
{
	put_root(s);
	put_link(s, pathname);
}

static bool put_pathname(struct scratch *s, __u64 pathname)
{
	__u32 at = end_of(text_of(s));
	long n;

	if (at > FT_WIRE_PATH_MAX)
		return false;
	n = bpf_probe_read_user_str(s->data + at, FT_CALLWIRE_PATHNAME_MAX,
				    (void *)pathname);
	if (n < 0)
		return false;
	/* Of an empty one older kernels say 0, as if there was no NUL (6.1). */
	if (n == 0) {
		s->data[at] = '\0';
		n = 1;
	}
	s->head.flags |= FT_CALLWIRE_PATHNAME;
	s->head.pathname_len = n;
	s->end = at + n;
	return true;
}

static struct scratch *prepare(__u32 which, __u32 part)
{
	struct scratch *s = bpf_map_lookup_elem(&scratches, &which);
	__u64 id = bpf_get_current_pid_tgid();

	if (!s)
		return NULL;
	s->end = 0;
	s->head.part = part;
	s->head.flags = 0;
	s->head.tid = id;
	s->head.pid = id >> 32;
	s->head.group = 0;
	s->head.base_len = 0;
	s->head.pathname_len = 0;
	s->head.link_len = 0;
	return s;
}

static bool put(struct scratch *s)
{
	__u32 n = end_of(text_of(s));

	if (n <= TEXT_MAX &&
	    bpf_ringbuf_output(&ring, &s->head, sizeof(s->head) + n, 0) == 0)
		return true;
	__sync_fetch_and_add(&dropped, 1);
	return false;
}

static int begin(const struct call *call, __u32 which)
{
	struct open_call open = {.kind = call->kind, .flags = call->flags};
	struct scratch *s;
	__u32 tid;

	if (stopped || bpf_get_current_pid_tgid() >> 32 == self)
		return 0;
	s = prepare(which, FT_CALLWIRE_BEGIN);
	if (!s)
		return 0;
	open.time = s->head.time = bpf_ktime_get_boot_ns();
	tid = s->head.tid;
	s->head.kind = call->kind;
	s->head.mnt_namespace = BPF_CORE_READ(this_task(), nsproxy, mnt_ns, ns.inum);
	__builtin_memcpy(s->head.args, call->args, sizeof(call->args));
	if (call->fd != NO_FD)
		fill_group(&s->head, call->fd);
	if (call->pathname && begins_at_root(call->pathname))
		put_top(s, call->pathname);
	else if (call->dirfd != NO_FD)
		put_dir(s, call->dirfd);
	if (call->pathname && !put_pathname(s, call->pathname))
		open.pathname = call->pathname;
	s->head.flags |= call->flags;
	if (bpf_map_update_elem(&open_calls, &tid, &open, 0) < 0) {
		__sync_fetch_and_add(&dropped, 1);
		return 0;
	}
	if (!put(s))
		bpf_map_delete_elem(&open_calls, &tid);
	return 0;
}

static bool makes_group(__u32 kind)
{
	return kind == FT_CALL_FANOTIFY_INIT || kind == FT_CALL_INOTIFY_INIT ||
	       kind == FT_CALL_INOTIFY_INIT1;
}

static int end(__u64 ret, __u32 which, __u32 flags)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct open_call *open = bpf_map_lookup_elem(&open_calls, &tid);
	struct scratch *s;

	if (!open || open->flags != flags)
		return 0;
	s = prepare(which, FT_CALLWIRE_END);
	if (!s)
		return 0;
	s->head.kind = open->kind;
	s->head.time = open->time;
	s->head.ret = ret;
	if (makes_group(open->kind) && (__s64)ret >= 0)
		fill_group(&s->head, ret);
	if (open->pathname) {
		if (begins_at_root(open->pathname))
			put_top(s, open->pathname);
		put_pathname(s, open->pathname);
	}
	bpf_map_delete_elem(&open_calls, &tid);
	put(s);
	return 0;
}

/* ---- by the tracepoint of each call ---- */

struct enter_context {
	__u64 common;
	__u64 nr;
	unsigned long args[6];
};

struct exit_context {
	__u64 common;
	__u64 nr;
	long ret;
};

/* No more than the call has: a program that could read further is refused. */
static __always_inline void set_args(struct call *call, const struct enter_context *ctx,
				     __u32 count)
{
	for (__u32 i = 0; i < count; i++)
		call->args[i] = ctx->args[i];
}

/* Which of the arguments is what. */
static int begin_call(struct call *call, __u32 which)
{
	call->fd = call->dirfd = NO_FD;
	switch (call->kind) {
	case FT_CALL_FANOTIFY_MARK:
		call->fd = call->args[0];
		call->dirfd = call->args[3];
		call->pathname = call->args[4];
		break;
	case FT_CALL_INOTIFY_ADD_WATCH:
		call->fd = call->args[0];
		call->dirfd = AT_FDCWD;
		call->pathname = call->args[1];
		break;
	case FT_CALL_INOTIFY_RM_WATCH:
		call->fd = call->args[0];
		break;
	case FT_CALL_DNOTIFY:
		call->dirfd = call->args[0];
		break;
	}
	return begin(call, which);
}

#define CALL(name, kind_, count)                                                         \
	SEC("tracepoint/syscalls/sys_enter_" #name)                                      \
	int enter_##name(struct enter_context *ctx)                                      \
	{                                                                                \
		struct call call = {.kind = kind_};                                      \
                                                                                         \
		set_args(&call, ctx, count);                                             \
		return begin_call(&call, SCRATCH_CALL);                                  \
	}                                                                                \
	SEC("tracepoint/syscalls/sys_exit_" #name)                                       \
	int exit_##name(struct exit_context *ctx)                                        \
	{                                                                                \
		return end(ctx->ret, SCRATCH_CALL, 0);                                   \
	}

CALL(fanotify_init, FT_CALL_FANOTIFY_INIT, 2)
CALL(fanotify_mark, FT_CALL_FANOTIFY_MARK, 5)
CALL(inotify_init, FT_CALL_INOTIFY_INIT, 0)
CALL(inotify_init1, FT_CALL_INOTIFY_INIT1, 1)
CALL(inotify_add_watch, FT_CALL_INOTIFY_ADD_WATCH, 3)
CALL(inotify_rm_watch, FT_CALL_INOTIFY_RM_WATCH, 2)

SEC("tracepoint/syscalls/sys_enter_fcntl") int enter_fcntl(struct enter_context *ctx)
{
	struct call call = {.kind = FT_CALL_DNOTIFY};

	if ((__u32)ctx->args[1] != F_NOTIFY)
		return 0;
	set_args(&call, ctx, 3);
	return begin_call(&call, SCRATCH_CALL);
}

SEC("tracepoint/syscalls/sys_exit_fcntl") int exit_fcntl(struct exit_context *ctx)
{
	return end(ctx->ret, SCRATCH_CALL, 0);
}

/* ---- 32-bit callers, of which no other tracepoint tells ---- */

static bool is_compat(void)
{
	return BPF_CORE_READ(this_task(), thread_info.status) & STATUS_COMPAT;
}

/* The numbers of i386; FT_CALL_COUNT: another call. */
static __u32 compat_kind(__u64 nr, __u64 command)
{
	switch (nr) {
	case 338:
		return FT_CALL_FANOTIFY_INIT;
	case 339:
		return FT_CALL_FANOTIFY_MARK;
	case 291:
		return FT_CALL_INOTIFY_INIT;
	case 332:
		return FT_CALL_INOTIFY_INIT1;
	case 292:
		return FT_CALL_INOTIFY_ADD_WATCH;
	case 293:
		return FT_CALL_INOTIFY_RM_WATCH;
	case 55:  /* fcntl */
	case 221: /* fcntl64 */
		return command == F_NOTIFY ? FT_CALL_DNOTIFY : FT_CALL_COUNT;
	default:
		return FT_CALL_COUNT;
	}
}

SEC("tp_btf/sys_enter") int compat_enter(__u64 *ctx)
{
	struct pt_regs___x86 *regs = (void *)ctx[0];
	struct call call = {.flags = FT_CALLWIRE_COMPAT};

	if (!is_compat())
		return 0;
	call.kind = compat_kind(ctx[1], (__u32)BPF_CORE_READ(regs, cx));
	if (call.kind == FT_CALL_COUNT)
		return 0;
	call.args[0] = (__u32)BPF_CORE_READ(regs, bx);
	call.args[1] = (__u32)BPF_CORE_READ(regs, cx);
	call.args[2] = (__u32)BPF_CORE_READ(regs, dx);
	call.args[3] = (__u32)BPF_CORE_READ(regs, si);
	call.args[4] = (__u32)BPF_CORE_READ(regs, di);
	/* A mask of 64 bits takes two registers. */
	if (call.kind == FT_CALL_FANOTIFY_MARK) {
		call.args[2] |= call.args[3] << 32;
		call.args[3] = call.args[4];
		call.args[4] = (__u32)BPF_CORE_READ(regs, bp);
	}
	return begin_call(&call, SCRATCH_COMPAT_BEGIN);
}

SEC("tp_btf/sys_exit") int compat_exit(__u64 *ctx)
{
	if (!is_compat())
		return 0;
	return end((__s64)(__s32)ctx[1], SCRATCH_COMPAT_END, FT_CALLWIRE_COMPAT);
}
