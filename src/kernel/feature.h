/* SPDX-License-Identifier: MIT */
/* What this kernel and these privileges can do: found by trying, never by version. */
#pragma once

enum ft_feature {
	FT_FEATURE_FID,
	FT_FEATURE_TARGET,
	FT_FEATURE_RENAME,
	FT_FEATURE_FILESYSTEM,
	FT_FEATURE_UNLIMITED,
	FT_FEATURE_HANDLES,
	FT_FEATURE_PERMISSION,
	FT_FEATURE_MOUNT_EVENTS,
	/* From here on not in the public header. */
	FT_FEATURE_UNLIMITED_MARKS,
	FT_FEATURE_PIDFD,
	FT_FEATURE_FS_ERROR,
	FT_FEATURE_EVICTABLE,
	FT_FEATURE_IGNORE,
	FT_FEATURE_HANDLE_FID, /* handles that cannot be opened again, as overlay's */
	FT_FEATURE_FD_ERROR,
	FT_FEATURE_AUDIT,
	FT_FEATURE_PRE_ACCESS,
	FT_FEATURE_DENY_ERRNO,
	FT_FEATURE_CLONE_MOUNT, /* a private mount of what is mounted */
	FT_FEATURE_COUNT,
};

/* 1: there, 0: not, -errno: could not be tried. No mark outlives the call, and none asks
 * for permission but on a private filesystem that nobody else sees. */
int ft_feature_probe(enum ft_feature feature);
/* 0: there; else what the kernel said, -errno: -EINVAL is its age or configuration,
 * -EPERM privileges. */
int ft_feature_try(enum ft_feature feature);
