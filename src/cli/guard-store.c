/* SPDX-License-Identifier: MIT */
/*
 * The group, left with the service manager (FileDescriptorStoreMax=): whoever asks while
 * a guard that died is started again waits for it, and is not let go. Only where no mark
 * covers what that start needs: else it would wait for itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/number.h"
#include "cli/guardian.h"
#include "cli/message.h"
#include "cli/service.h"
#include "kernel/abi.h"
#include "kernel/group.h"

enum { LISTEN_FIRST = 3, FDINFO_MAX = 1 << 20 };

static bool is_offered(void)
{
	const char *max = getenv("FDSTORE");
	uint64_t n;

	return max && ft_number_parse(max, INT32_MAX, &n) == 0 && n > 0;
}

void guard_store_put(struct guardian *g)
{
	_cleanup_free_ char *what = NULL;

	if (!is_offered())
		return;
	what = guard_safety_find(g, g->rules);
	if (what) {
		cli_error(
			"the group is not left with the service manager: %s is guarded, "
			"and the next guard could not be started from it",
			what);
		guard_store_remove(g);
		return;
	}
	g->is_stored = true;
	cli_notify_fd("FDSTORE=1\nFDNAME=guard", g->decider.group);
}

void guard_store_remove(struct guardian *g)
{
	if (g->is_stored)
		cli_notify("FDSTOREREMOVE=1\nFDNAME=guard");
	g->is_stored = false;
}

/* sd_listen_fds(3): this process was given some, and this one first. */
static bool is_given(void)
{
	const char *pid = getenv("LISTEN_PID"), *names = getenv("LISTEN_FDNAMES");
	uint64_t n;

	return pid && names && ft_number_parse(pid, INT32_MAX, &n) == 0 &&
	       (pid_t)n == getpid() && strcmp(names, "guard") == 0;
}

/* As fanotify_init(2) had them; 0: it is no group. */
static unsigned int flags_of(const char *info)
{
	static const char key[] = "fanotify flags:";
	const char *at = strstr(info, key);

	return at ? (unsigned int)strtoul(at + sizeof(key) - 1, NULL, 16) : 0;
}

static int open_filesystem(const struct guardian *g, unsigned int dev)
{
	const struct ft_mounts *mounts = &g->rules->set.guards.mounts;
	char text[32];
	int fd = -1;

	/* As the kernel has it: twenty bits of minor number. */
	snprintf(text, sizeof(text), "%u:%u", dev >> 20, dev & 0xfffff);
	for (size_t i = 0; i < mounts->count && fd < 0; i++)
		if (mounts->list[i].visible && strcmp(mounts->list[i].dev, text) == 0)
			fd = open(mounts->list[i].mountpoint,
				  O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd;
}

/* Its policy may have been another one: what is not wanted is unmarked in the end. */
static void take_marks(struct guardian *g, const char *info)
{
	static const char key[] = "\nfanotify sdev:";

	for (const char *at = info; g->old_count < FT_GUARDED_MAX; at++) {
		unsigned int dev, mask;
		int fd;

		at = strstr(at, key);
		if (!at)
			return;
		if (sscanf(at, "\nfanotify sdev:%x mflags:%*x mask:%x", &dev, &mask) != 2)
			continue;
		fd = open_filesystem(g, dev);
		if (fd < 0)
			continue;
		g->old_fds[g->old_count++] = fd;
		g->old_events |= mask & FT_MASK_ASK;
	}
}

int guard_store_take(struct guardian *g)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes info = {0};
	unsigned int flags;
	char path[64];

	if (!is_given())
		return -ENOENT;
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", LISTEN_FIRST);
	if (ft_file_read(AT_FDCWD, path, FDINFO_MAX, &info) < 0)
		ft_bytes_clear(&info);
	flags = flags_of(ft_bytes_cstr(&info));
	g->is_pre_content = flags & FT_INIT_CLASS_PRE_CONTENT;
	g->has_audit = flags & FT_INIT_ENABLE_AUDIT;
	if (!(flags & (FT_INIT_CLASS_CONTENT | FT_INIT_CLASS_PRE_CONTENT)) ||
	    (guard_rules_need_pre_content(g->rules) && !g->is_pre_content) ||
	    fcntl(LISTEN_FIRST, F_SETFD, FD_CLOEXEC) < 0) {
		/* Who waits is let go. */
		close(LISTEN_FIRST);
		return -ENOENT;
	}
	g->is_stored = true;
	/* What the kernel was told to allow: nobody followed what changed since. */
	ft_group_flush(LISTEN_FIRST, FT_MARK_INODE);
	take_marks(g, ft_bytes_cstr(&info));
	guard_handover_answer_unanswered(g, LISTEN_FIRST);
	return LISTEN_FIRST;
}
