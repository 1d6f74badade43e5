/* SPDX-License-Identifier: MIT */
/* Which file it is. */
#include "guard/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/number.h"
#include "kernel/abi.h"

static int64_t ns_of(const struct statx_timestamp *t)
{
	return t->tv_sec * FT_NSEC_PER_SEC + t->tv_nsec;
}

int ft_identity_read(int dirfd, const char *path, bool follow, struct ft_identity *ret)
{
	int flags = AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC | (path[0] ? 0 : AT_EMPTY_PATH) |
		    (follow ? 0 : AT_SYMLINK_NOFOLLOW);
	struct statx sx;

	if (statx(dirfd, path, flags,
		  STATX_BASIC_STATS | STATX_BTIME | FT_STATX_MNT_ID_UNIQUE, &sx) < 0)
		return -errno;
	*ret = (struct ft_identity){
		.object = {.dev = makedev(sx.stx_dev_major, sx.stx_dev_minor),
			   .ino = sx.stx_ino},
		.size = sx.stx_size,
		.changed_ns = ns_of(&sx.stx_ctime),
		.links = sx.stx_nlink,
		.mode = sx.stx_mode,
	};
	if (sx.stx_mask & STATX_BTIME)
		ret->object.birth_ns = ns_of(&sx.stx_btime);
	/* Before 6.8 the bit is not known, and the old id was asked for by nobody. */
	if (sx.stx_mask & FT_STATX_MNT_ID_UNIQUE)
		ret->mnt_id = sx.stx_mnt_id;
	return 0;
}
