/* SPDX-License-Identifier: MIT */
/* Filesystems that somebody else answers for, and may not. */
#include "kernel/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/number.h"

enum { STACK_SIZE = 64 * 1024, KILL_MSEC = 100 };

bool ft_server_is_of(const char *type)
{
	static const char *const types[] = {
		"9p",	"afs", "ceph", "cifs",	"fuse", "fuseblk",
		"gfs2", "nfs", "nfs4", "ocfs2", "smb3", "virtiofs",
	};

	for (size_t i = 0; i < FT_ARRAY_SIZE(types); i++)
		if (strcmp(types[i], type) == 0)
			return true;
	return strncmp(type, "fuse.", 5) == 0;
}

bool ft_server_is_asked(const struct ft_mounts *mounts, const struct ft_mount *m)
{
	/* A table that was changed while it was read may lead in a circle. */
	for (size_t i = 0; m && i <= mounts->count; i++) {
		if (ft_server_is_of(m->type))
			return true;
		m = ft_mounts_find(mounts, m->parent_id);
	}
	return false;
}

/*
 * What a mark asks for, too, and makes no event. No more than system calls: other threads
 * may have held locks. Our groups and pipes must not stay open with a child that is left
 * behind.
 */
static int look(void *data)
{
	struct statfs st;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close_range(0, ~0U, 0);
	/* What else is wrong with it is found out by who waits for this. */
	_exit(fstatfs(open(data, O_PATH | O_CLOEXEC), &st) < 0);
}

static bool has_ended(int child, int msec)
{
	int64_t end_ns = ft_boot_ns() + msec * FT_NSEC_PER_MSEC;
	struct pollfd p = {.fd = child, .events = POLLIN};
	int64_t left;
	int r;

	do {
		left = (end_ns - ft_boot_ns()) / FT_NSEC_PER_MSEC;
		r = poll(&p, 1, left > 0 ? (int)left : 0);
	} while (r < 0 && errno == EINTR);
	return r > 0;
}

int ft_server_try(const struct ft_mounts *mounts, const struct ft_mount *m)
{
	_cleanup_free_ char *stack = NULL;
	_cleanup_close_ int child = -1;
	siginfo_t info;
	int r = 0;

	if (!ft_server_is_asked(mounts, m))
		return 0;
	stack = malloc(STACK_SIZE);
	if (!stack)
		return -ENOMEM;
	/* Without a signal at its end, and seen by no wait but our own. */
	if (clone(look, stack + STACK_SIZE, CLONE_PIDFD, m->mountpoint, &child) < 0)
		return -errno;
	if (!has_ended(child, FT_SERVER_MSEC)) {
		r = -ETIMEDOUT;
		(void)pidfd_send_signal(child, SIGKILL, NULL, 0);
		(void)has_ended(child, KILL_MSEC);
	}
	(void)waitid(P_PIDFD, (id_t)child, &info, WEXITED | WNOHANG | __WALL);
	return r;
}
