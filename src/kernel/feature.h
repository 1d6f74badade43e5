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
};

/* 1: there, 0: not, -errno: could not be tried. No mark outlives the call, and none asks
 * for permission. */
int ft_feature_probe(enum ft_feature feature);
