/* SPDX-License-Identifier: MIT */
/* Probing. */
#include "kernel/feature.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "event/mask.h"
#include "kernel/abi.h"
#include "kernel/group.h"
#include "kernel/handle.h"
#include "kernel/mounts.h"

enum { CHILD_MSEC = 2000 };

static int try_group(unsigned int flags)
{
	_cleanup_close_ int group = ft_group_open(flags, O_RDONLY);

	return group < 0 ? group : 0;
}

/*
 * Marks for a moment, for an event that hardly ever happens there. Flags and events are
 * checked before the filesystem is asked for what it can do, which is another question.
 */
static int try_mark(unsigned int init, unsigned int mark, uint64_t mask, const char *path)
{
	_cleanup_close_ int group = ft_group_open(init, O_RDONLY);
	int r;

	if (group < 0)
		return group;
	r = ft_group_mark(group, FT_MARK_ADD | mark, mask, AT_FDCWD, path);
	return r == -ENODEV || r == -EOPNOTSUPP || r == -EXDEV ? 0 : r;
}

static int try_handles(void)
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
	return fd == -EPERM ? -EPERM : 0;
}

static int try_clone(void)
{
	_cleanup_close_ int root = open("/", O_PATH | O_CLOEXEC);
	_cleanup_close_ int clone = root < 0 ? -errno : ft_handle_clone_mount(root);

	return clone < 0 ? clone : 0;
}

/* A group that asks about a filesystem which nobody else sees; its top is *ret_top. */
static int open_asking(uint64_t mask, int *ret_top)
{
	_cleanup_close_ int top = ft_mounts_open_private();
	_cleanup_close_ int group = -1;
	char path[32];
	int r;

	if (top < 0)
		return top;
	group = ft_group_open(FT_INIT_CLASS_PRE_CONTENT, O_RDONLY);
	if (group < 0)
		return group;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", top);
	r = ft_group_mark(group, FT_MARK_ADD | FT_MARK_INODE, mask, AT_FDCWD, path);
	if (r < 0)
		return r;
	*ret_top = ft_take_fd(top);
	return ft_take_fd(group);
}

static int try_pre_access(void)
{
	_cleanup_close_ int top = -1;
	_cleanup_close_ int group = open_asking(FT_EV_PRE_ACCESS | FT_EV_ON_CHILD, &top);

	/* A tmpfs cannot be asked about: the kernel knows the event, or it was -EINVAL.
	 */
	return group == -EOPNOTSUPP || group >= 0 ? 0 : group;
}

/* A child opens what is asked about; its end says what open() told it. */
static pid_t ask(int group, int top)
{
	pid_t child = fork();

	if (child != 0)
		return child < 0 ? -errno : child;
	/* Who waits must not be who keeps the group open. */
	close(group);
	_exit(openat(top, "asked", O_RDONLY | O_CLOEXEC) < 0 ? errno & 0x7f : 0);
}

static int answer_with(int group, uint32_t response)
{
	struct pollfd p = {.fd = group, .events = POLLIN};
	struct ft_abi_metadata event;

	if (poll(&p, 1, CHILD_MSEC) != 1)
		return -ETIMEDOUT;
	if (ft_group_read(group, &event, sizeof(event)) != sizeof(event))
		return -EBADMSG;
	return ft_group_answer(group, event.fd, response);
}

/* A denial says why by an errno that the listener chooses: only an answer can show it. */
static int try_deny_errno(void)
{
	_cleanup_close_ int top = -1;
	int group = open_asking(FT_EV_OPEN_PERM | FT_EV_ON_CHILD, &top);
	int status = 0, r;
	pid_t child;

	if (group < 0)
		return group;
	/* Made without being opened: that would be asked about, too. */
	r = mknodat(top, "asked", S_IFREG | 0600, 0) < 0 ? -errno : 0;
	child = r < 0 ? r : ask(group, top);
	r = child < 0 ? child
		      : answer_with(group,
				    FT_RESPONSE_DENY | EIO << FT_RESPONSE_ERRNO_SHIFT);
	/* Closing it lets the child go, whatever became of the answer. */
	close(group);
	if (child > 0)
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
	if (r < 0)
		return r;
	return WIFEXITED(status) && WEXITSTATUS(status) == EIO ? 0 : -EINVAL;
}

static const struct {
	unsigned int init;
	unsigned int mark;
	uint64_t mask;	  /* 0: the group alone */
	const char *path; /* NULL: / */
	int (*special)(void);
} trials[FT_FEATURE_COUNT] = {
	[FT_FEATURE_FID] = {.init = FT_INIT_REPORT_FID | FT_INIT_DFID_NAME},
	[FT_FEATURE_TARGET] = {.init = FT_INIT_DFID_NAME_TARGET},
	[FT_FEATURE_RENAME] = {.init = FT_INIT_DFID_NAME_TARGET,
			       .mask = FT_EV_RENAME | FT_EV_ONDIR},
	[FT_FEATURE_FILESYSTEM] = {.mark = FT_MARK_FILESYSTEM, .mask = FT_EV_MODIFY},
	[FT_FEATURE_UNLIMITED] = {.init = FT_INIT_REPORT_FID | FT_INIT_UNLIMITED_QUEUE},
	[FT_FEATURE_HANDLES] = {.special = try_handles},
	[FT_FEATURE_PERMISSION] = {.init = FT_INIT_CLASS_CONTENT},
	[FT_FEATURE_MOUNT_EVENTS] = {.init = FT_INIT_REPORT_MNT,
				     .mark = FT_MARK_MNTNS,
				     .mask = FT_EV_MNT_ATTACH,
				     .path = "/proc/self/ns/mnt"},
	[FT_FEATURE_UNLIMITED_MARKS] = {.init = FT_INIT_REPORT_FID |
						FT_INIT_UNLIMITED_MARKS},
	[FT_FEATURE_PIDFD] = {.init = FT_INIT_REPORT_PIDFD},
	[FT_FEATURE_FS_ERROR] = {.init = FT_INIT_REPORT_FID | FT_INIT_DFID_NAME,
				 .mark = FT_MARK_FILESYSTEM,
				 .mask = FT_EV_FS_ERROR},
	[FT_FEATURE_EVICTABLE] = {.init = FT_INIT_REPORT_FID,
				  .mark = FT_MARK_EVICTABLE,
				  .mask = FT_EV_MODIFY},
	[FT_FEATURE_IGNORE] = {.init = FT_INIT_REPORT_FID,
			       .mark = FT_MARK_IGNORE_SURV,
			       .mask = FT_EV_MODIFY | FT_EV_ONDIR},
	[FT_FEATURE_HANDLE_FID] = {.special = ft_handle_try_fid},
	[FT_FEATURE_FD_ERROR] = {.init = FT_INIT_REPORT_FD_ERROR},
	[FT_FEATURE_AUDIT] = {.init = FT_INIT_CLASS_CONTENT | FT_INIT_ENABLE_AUDIT},
	[FT_FEATURE_PRE_ACCESS] = {.special = try_pre_access},
	[FT_FEATURE_DENY_ERRNO] = {.special = try_deny_errno},
	[FT_FEATURE_CLONE_MOUNT] = {.special = try_clone},
};

int ft_feature_try(enum ft_feature feature)
{
	if (feature >= FT_FEATURE_COUNT)
		return -ERANGE;
	if (trials[feature].special)
		return trials[feature].special();
	if (trials[feature].mask == 0)
		return try_group(trials[feature].init);
	return try_mark(trials[feature].init, trials[feature].mark, trials[feature].mask,
			trials[feature].path ? trials[feature].path : "/");
}

/* -EINVAL and -EPERM are answers; out of descriptors or groups is not. */
int ft_feature_probe(enum ft_feature feature)
{
	int r = ft_feature_try(feature);

	if (r == 0)
		return 1;
	return r == -EMFILE || r == -ENFILE || r == -ENOMEM || r == -ERANGE ? r : 0;
}
