/* SPDX-License-Identifier: MIT */
/* File handles and the private mounts that they are opened through. */
#include "kernel/handle.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Linux 6.5: a handle that identifies, but need not be openable (overlayfs and others
 * without export operations). */
#define FT_AT_HANDLE_FID 0x200

int ft_handle_fsid(int fd, uint64_t *ret)
{
	struct statfs sfs;

	if (fstatfs(fd, &sfs) < 0)
		return -errno;
	memcpy(ret, &sfs.f_fsid, sizeof(*ret));
	return 0;
}

int ft_handle_key(int dirfd, const char *path, uint64_t fsid, struct ft_key *ret)
{
	union {
		struct file_handle h;
		char space[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} u;
	int mount_id, flags = path[0] ? 0 : AT_EMPTY_PATH;

	u.h.handle_bytes = MAX_HANDLE_SZ;
	if (name_to_handle_at(dirfd, path, &u.h, &mount_id, flags) < 0) {
		if (errno != EOPNOTSUPP)
			return -errno;
		u.h.handle_bytes = MAX_HANDLE_SZ;
		if (name_to_handle_at(dirfd, path, &u.h, &mount_id,
				      flags | FT_AT_HANDLE_FID) < 0)
			return -errno;
	}
	memcpy(ret->data, &fsid, FT_KEY_FSID);
	memcpy(ret->data + FT_KEY_FSID, &u.h,
	       FT_KEY_HEADER - FT_KEY_FSID + u.h.handle_bytes);
	ret->len = FT_KEY_HEADER + u.h.handle_bytes;
	return 0;
}

int ft_handle_open(int mount_fd, struct ft_span key)
{
	union {
		struct file_handle h;
		char space[FT_KEY_MAX];
	} u;
	int fd;

	if (key.len <= FT_KEY_HEADER || key.len > FT_KEY_MAX)
		return -ESTALE;
	memcpy(&u.h, key.data + FT_KEY_FSID, key.len - FT_KEY_FSID);
	fd = open_by_handle_at(mount_fd, &u.h, O_PATH | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int ft_handle_open_here(struct ft_span key)
{
	return ft_handle_open(AT_FDCWD, key);
}

int ft_handle_enter(int fd)
{
	return fchdir(fd) < 0 ? -errno : 0;
}

/* Linux wants a descriptor that is really open for open_by_handle_at(2): O_PATH is EBADF.
 */
static int open_root(int mount_fd)
{
	int fd = openat(mount_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int ft_handle_clone_mount(int fd)
{
	_cleanup_close_ int tree = -1;

	tree = open_tree(fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	return tree < 0 ? -errno : open_root(tree);
}

int ft_handle_mount_btrfs(const char *source)
{
	_cleanup_close_ int context = -1, tree = -1;

	context = fsopen("btrfs", FSOPEN_CLOEXEC);
	if (context < 0)
		return -errno;
	if (fsconfig(context, FSCONFIG_SET_STRING, "source", source, 0) < 0 ||
	    fsconfig(context, FSCONFIG_SET_STRING, "subvolid", "5", 0) < 0 ||
	    fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	tree = fsmount(context, FSMOUNT_CLOEXEC,
		       MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	return tree < 0 ? -errno : open_root(tree);
}

int ft_handle_try_fid(void)
{
	union {
		struct file_handle h;
		char space[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} u;
	int mount_id;

	u.h.handle_bytes = MAX_HANDLE_SZ;
	return name_to_handle_at(AT_FDCWD, "/", &u.h, &mount_id, FT_AT_HANDLE_FID) < 0
		       ? -errno
		       : 0;
}
