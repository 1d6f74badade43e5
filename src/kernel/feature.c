/* SPDX-License-Identifier: MIT */
/* Probing. */
#include "kernel/feature.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "event/mask.h"
#include "kernel/abi.h"
#include "kernel/group.h"
#include "kernel/handle.h"

/* -EINVAL and -EPERM are answers; out of descriptors or groups is not. */
static int answer_of(int r)
{
	if (r >= 0)
		return 1;
	return r == -EMFILE || r == -ENFILE || r == -ENOMEM ? r : 0;
}

static int probe_group(unsigned int flags)
{
	_cleanup_close_ int group = ft_group_open(flags, O_RDONLY);

	return answer_of(group);
}

/* Marks the root directory for a moment, for an event that hardly ever happens to it. */
static int probe_mark(unsigned int init, unsigned int mark, uint64_t mask,
		      const char *path)
{
	_cleanup_close_ int group = ft_group_open(init, O_RDONLY);

	if (group < 0)
		return answer_of(group);
	return answer_of(ft_group_mark(group, FT_MARK_ADD | mark, mask, AT_FDCWD, path));
}

static int probe_handles(void)
{
	_cleanup_close_ int root = -1, fd = -1;
	struct ft_key key;

	root = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -errno;
	/* A handle that names nothing: the privilege is asked for before it is looked at.
	 */
	key = (struct ft_key){.len = FT_KEY_HEADER + 8};
	key.data[FT_KEY_FSID] = 8;
	key.data[FT_KEY_FSID + 4] = 1;
	fd = ft_handle_open(root, ft_key_span(&key));
	return fd == -EPERM ? 0 : 1;
}

int ft_feature_probe(enum ft_feature feature)
{
	switch (feature) {
	case FT_FEATURE_FID:
		return probe_group(FT_INIT_REPORT_FID | FT_INIT_DFID_NAME);
	case FT_FEATURE_TARGET:
		return probe_group(FT_INIT_DFID_NAME_TARGET);
	case FT_FEATURE_RENAME:
		return probe_mark(FT_INIT_DFID_NAME_TARGET, FT_MARK_INODE,
				  FT_EV_RENAME | FT_EV_ONDIR, "/");
	case FT_FEATURE_FILESYSTEM:
		return probe_mark(FT_INIT_CLASS_NOTIF, FT_MARK_FILESYSTEM, FT_EV_MODIFY,
				  "/");
	case FT_FEATURE_UNLIMITED:
		return probe_group(FT_INIT_REPORT_FID | FT_INIT_UNLIMITED_QUEUE);
	case FT_FEATURE_HANDLES:
		return probe_handles();
	case FT_FEATURE_PERMISSION:
		return probe_group(FT_INIT_CLASS_CONTENT);
	case FT_FEATURE_MOUNT_EVENTS:
		return probe_mark(FT_INIT_REPORT_MNT, FT_MARK_MNTNS, FT_EV_MNT_ATTACH,
				  "/proc/self/ns/mnt");
	}
	return -EINVAL;
}
