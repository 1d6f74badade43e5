/* SPDX-License-Identifier: Dual MIT/GPL */
/* The few kernel structs that are read: their members' places are found out at load. */
#pragma once

/* What libbpf's own headers ask for. */
typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;

enum { false, true };

enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_RINGBUF = 27,
};

/* Of ring buffers. */
enum { BPF_RB_AVAIL_DATA = 0, BPF_RB_NO_WAKEUP = 1, BPF_RB_FORCE_WAKEUP = 2 };

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	__u32 val;
} kuid_t;

typedef struct {
	__u32 val;
} kgid_t;

struct cred {
	kuid_t uid;
	kgid_t gid;
	kuid_t euid;
	kgid_t egid;
};

struct qstr {
	const unsigned char *name;
};

struct super_block {
	__u32 s_dev;
	unsigned long s_magic;
};

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct mnt_namespace;

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
	struct mnt_namespace *mnt_ns; /* NULL or an errno: of none */
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct inode {
	__u16 i_mode;
	struct super_block *i_sb;
	unsigned long i_ino;
};

struct callback_head {
	struct callback_head *next;
};

struct file {
	struct path f_path;
	struct inode *f_inode;
	__u32 f_mode;
	void *private_data;
	struct callback_head f_task_work; /* since 6.10 */
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

/* Of overlayfs, since 6.13: its file's private data. Before, that was the real file. */
struct ovl_file {
	struct file *realfile;
};

/* Of the tracepoint, since 6.10: whether it is there is all that is asked. */
struct trace_event_raw_sched_prepare_exec {
	int pid;
};

/* Before. */
struct file___rcuhead {
	struct callback_head f_rcuhead;
};

/* Before 6.0. */
struct file___union {
	union {
		void *fu_unused;
	} f_u;
};

struct fs_struct {
	struct path root;
	struct path pwd;
};

struct ns_common {
	unsigned int inum;
};

struct mnt_namespace {
	struct ns_common ns;
};

struct nsproxy {
	struct mnt_namespace *mnt_ns;
};

struct fanotify_group_private_data {
	unsigned int flags;
};

struct fsnotify_group {
	struct fanotify_group_private_data fanotify_data;
};

struct vm_area_struct {
	struct file *vm_file;
};

struct mm_struct {
	unsigned long arg_start;
	unsigned long arg_end;
	unsigned long saved_auxv[2]; /* and more */
	struct file *exe_file;
};

struct kernfs_node {
	struct kernfs_node *parent;
	const char *name;
};

/* Since 6.15. */
struct kernfs_node___renamed {
	struct kernfs_node *__parent;
};

struct cgroup {
	struct kernfs_node *kn;
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

struct list_head {
	struct list_head *next;
};

struct signal_struct {
	int nr_threads;
	struct list_head thread_head;
};

/* With CONFIG_TASK_XACCT only. */
struct task_io_accounting {
	__u64 syscr;
};

/* Since 6.9. */
struct pid___pidfs {
	__u64 ino;
};

struct pid;

/* With CONFIG_AUDIT only. */
struct task_struct___audit {
	kuid_t loginuid;
};

struct thread_info {
	__u32 status;
};

struct task_struct {
	struct thread_info thread_info;
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct mm_struct *mm;
	const struct cred *cred;
	const struct cred *real_cred;
	struct signal_struct *signal;
	struct callback_head *task_works;
	struct pid *thread_pid;
	struct files_struct *files;
	struct fs_struct *fs;
	struct nsproxy *nsproxy;
	struct css_set *cgroups;
	struct list_head thread_node;
	struct task_io_accounting ioac;
	__u64 start_boottime;
	__u64 self_exec_id;
	char comm[16];
};

struct linux_binprm {
	const char *fdpath;
};

struct pt_regs___x86 {
	unsigned long bx;
	unsigned long cx;
	unsigned long dx;
	unsigned long si;
	unsigned long di;
	unsigned long bp;
};

#pragma clang attribute pop
