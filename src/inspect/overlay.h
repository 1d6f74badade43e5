/* SPDX-License-Identifier: MIT */
/* Objects of an overlay, which has no handles that can be opened, through its layers. */
#pragma once

#include "kernel/mounts.h"

enum { FT_OVERLAY_TYPE = 0xf8 }; /* of a handle: the layer's own is inside (5.6) */

/* The handle of the real object, borrowed from an overlay's. */
struct ft_overlay_handle {
	uint8_t type;
	struct ft_span fid;
};

/* Pure. 0, or -EBADMSG: not of the form that this machine writes. key: as that of
 * ft_group_key(). */
int ft_overlay_decode(struct ft_span key, struct ft_overlay_handle *ret);
/*
 * Where the mount should show the object, going by its name in its layer: to be checked,
 * it may have been moved in the overlay since. The working directory becomes the layer. 0
 * or -errno: -ESTALE no layer that can be seen has it.
 */
int ft_overlay_find(const struct ft_mount *m, struct ft_span key, struct ft_bytes *out);
