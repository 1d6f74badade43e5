/* SPDX-License-Identifier: Dual MIT/GPL */
/* Files that a process has open or mapped. */
#pragma once

#include "kernel.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

enum {
	PENDING_MAX = 16, /* works of a task that are looked at */
	MODE_TYPE = 0170000,
	MODE_REGULAR = 0100000,
	MODE_DIRECTORY = 0040000,
	AUXV_PAIRS = 16, /* that are looked at */
	AUXV_BASE = 7,
	NOT_KNOWN = 1, /* no address */
	OVERLAY_MAGIC = 0x794c7630,
	VERSION_6_13 = 6 << 16 | 13 << 8,
};

extern int LINUX_KERNEL_VERSION __kconfig;

/* Where the callback that closes a file lies in it. */
static __u64 offset_of_work(void)
{
	struct file___rcuhead *rcuhead = 0;

	if (bpf_core_field_exists(((struct file *)0)->f_task_work))
		return bpf_core_field_offset(struct file, f_task_work);
	if (bpf_core_field_exists(rcuhead->f_rcuhead))
		return bpf_core_field_offset(struct file___rcuhead, f_rcuhead);
	return bpf_core_field_offset(struct file___union, f_u);
}

/* What an exec closes is closed a moment later, before the new program begins, and waits
 * in a list until then. */
static bool closes_files(struct task_struct *task)
{
	struct callback_head *work = BPF_CORE_READ(task, task_works);
	__u64 offset = offset_of_work();

	for (int i = 0; i < PENDING_MAX; i++) {
		if (!work)
			return false;
		struct file *file = (void *)work - offset;
		__u32 type = BPF_CORE_READ(file, f_inode, i_mode) & MODE_TYPE;
		if (type == MODE_REGULAR || type == MODE_DIRECTORY)
			return true;
		work = BPF_CORE_READ(work, next);
	}
	return true;
}

/* A file of an overlay is one of a layer: there its execution is told. An overlay that
 * was loaded after this program, with nothing said of it then, keeps its own. */
static struct inode *real_inode(struct file *file)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	struct file *real = BPF_CORE_READ(file, private_data);

	if (BPF_CORE_READ(inode, i_sb, s_magic) != OVERLAY_MAGIC)
		return inode;
	if (bpf_core_type_exists(struct ovl_file))
		real = BPF_CORE_READ((struct ovl_file *)real, realfile);
	else if (LINUX_KERNEL_VERSION >= VERSION_6_13)
		return inode;
	return BPF_CORE_READ(real, f_inode);
}

/* 0: it has none. A program of 32 bits does not tell so. */
static __u64 loader_address(struct mm_struct *mm)
{
	__u64 auxv[2 * AUXV_PAIRS];

	if (bpf_probe_read_kernel(auxv, sizeof(auxv), mm->saved_auxv) < 0)
		return NOT_KNOWN;
	for (int i = 0; i < AUXV_PAIRS; i++) {
		if (auxv[2 * i] == AUXV_BASE)
			return auxv[2 * i + 1];
	}
	return NOT_KNOWN;
}
