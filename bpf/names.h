/* SPDX-License-Identifier: Dual MIT/GPL */
/* Paths, name by name: from the last component up, each with its NUL. */
#pragma once

#include "kernel.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "proc/wire.h"

/* What a record is put together in: names and other text, up to `end`. */
enum { TEXT_MAX = FT_WIRE_PATH_MAX + FT_WIRE_CGROUP_MAX + FT_WIRE_ARGS_MAX };

struct text {
	__u32 *end;
	char *data; /* room for a name past TEXT_MAX */
};

/* Where the data end, read anew each time: else the verifier follows every length that is
 * possible, and the load takes a second. */
static __always_inline __u32 end_of(struct text t)
{
	return *(const volatile __u32 *)t.end;
}

static __always_inline void put_name(struct text t, const void *name)
{
	__u32 at = end_of(t);
	long n;

	if (at > TEXT_MAX)
		return;
	n = bpf_probe_read_kernel_str(t.data + at, FT_WIRE_NAME_MAX, name);
	if (n > 0)
		*t.end = at + n;
}

static __always_inline struct mount *mount_of(struct vfsmount *m)
{
	return (void *)m - bpf_core_field_offset(struct mount, mnt);
}

/*
 * From there up to the root of this mount namespace, NULL: of whatever it is mounted in;
 * false: not all of it, or it is in another one, or in none (mounts that are detached,
 * or the kernel's own). The text is empty before.
 */
static __always_inline bool put_path(struct text t, struct vfsmount *vfs,
				     struct dentry *dentry, struct mnt_namespace *ns)
{
	struct mount *mount = mount_of(vfs), *above;
	struct dentry *root = BPF_CORE_READ(mount, mnt.mnt_root), *up;

	for (int i = 0; i < FT_WIRE_COMPONENTS_MAX; i++) {
		if (dentry == root) {
			above = BPF_CORE_READ(mount, mnt_parent);
			if (above == mount)
				return !ns || BPF_CORE_READ(mount, mnt_ns) == ns;
			dentry = BPF_CORE_READ(mount, mnt_mountpoint);
			mount = above;
			root = BPF_CORE_READ(mount, mnt.mnt_root);
			continue;
		}
		up = BPF_CORE_READ(dentry, d_parent);
		/* Not below the root: a file that has no place (memfd), or one that was
		 * opened by its handle. */
		if (up == dentry && i > 0)
			return false;
		put_name(t, BPF_CORE_READ(dentry, d_name.name));
		if (up == dentry)
			return !ns;
		if (end_of(t) > FT_WIRE_PATH_MAX - FT_WIRE_NAME_MAX)
			return false;
		dentry = up;
	}
	return false;
}
