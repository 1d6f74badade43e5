/* SPDX-License-Identifier: MIT */
/* The canary. */
#include "inspect/canary.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

static const char made[] = "made", moved[] = "moved";

/* What is told of each thing that is done, and by which path. */
static const struct {
	uint64_t bit;
	uint64_t settles; /* of `missing` */
	const char *name;
	const char *old_name;
} steps[] = {
	{FT_EV_CREATE, FT_EV_CREATE, made, NULL},
	{FT_EV_MODIFY, FT_EV_MODIFY, made, NULL},
	{FT_EV_CLOSE_WRITE, FT_EV_CLOSE_WRITE, made, NULL},
	{FT_EV_RENAME, FT_EV_RENAME, moved, made},
	/* Before 5.17 */
	{FT_EV_MOVED_FROM, 0, made, NULL},
	{FT_EV_MOVED_TO, FT_EV_RENAME, moved, NULL},
	{FT_EV_DELETE, FT_EV_DELETE, moved, NULL},
};

static int do_all(int dir, bool names)
{
	int fd = openat(dir, made, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int r;

	if (fd < 0)
		return -errno;
	r = ft_file_write(fd, made, sizeof(made));
	if (close(fd) < 0 || r < 0)
		return r < 0 ? r : -errno;
	if (!names)
		return 0;
	if (renameat(dir, made, dir, moved) < 0 || unlinkat(dir, moved, 0) < 0)
		return -errno;
	return 0;
}

static _Noreturn void live(int dir, bool names)
{
	int r;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	r = do_all(dir, names);
	if (r < 0)
		_exit(-r & 0x7f);
	/* What has ended cannot be looked up any more: fini ends it. */
	for (;;)
		pause();
}

int ft_canary_send(struct ft_canary *c, const char *dir, bool names)
{
	_cleanup_close_ int fd = ft_file_open_path(AT_FDCWD, dir);
	int r;

	*c = (struct ft_canary){.is_certain = true, .ended = -1};
	if (fd < 0)
		return fd;
	c->missing = FT_EV_MODIFY | FT_EV_CLOSE_WRITE;
	if (names)
		c->missing |= FT_EV_CREATE | FT_EV_RENAME | FT_EV_DELETE;
	r = ft_file_readlink(AT_FDCWD, "/proc/self/exe", &c->exe);
	c->dir = r == 0 ? strdup(dir) : NULL;
	if (!c->dir)
		return r < 0 ? r : -ENOMEM;
	c->pid = fork();
	if (c->pid == 0)
		live(fd, names);
	if (c->pid < 0) {
		c->pid = 0;
		return -errno;
	}
	c->ended = pidfd_open(c->pid, 0);
	return c->ended < 0 ? -errno : 0;
}

static bool is_in(const struct ft_canary *c, struct ft_span path)
{
	size_t n = strlen(c->dir);

	return path.len > n && memcmp(path.data, c->dir, n) == 0 && path.data[n] == '/';
}

static bool is_named(const struct ft_canary *c, struct ft_span path, const char *name)
{
	size_t n = strlen(c->dir) + 1;

	return is_in(c, path) &&
	       ft_span_equal((struct ft_span){path.data + n, path.len - n},
			     ft_span_of(name));
}

static void take_process(struct ft_canary *c, const struct ft_event *ev)
{
	if (ev->pid == 0) {
		c->is_anonymous = true;
		return;
	}
	if (ev->pid != c->pid ||
	    (ev->process && ev->process->exe.len > 0 &&
	     !ft_span_equal(ev->process->exe, ft_bytes_span(&c->exe))))
		c->is_other = true;
	if (ev->certainty != FT_CERTAINTY_EXACT)
		c->is_certain = false;
}

bool ft_canary_take(struct ft_canary *c, const struct ft_event *ev)
{
	bool any = false;

	if (ev->kind != FT_KIND_EVENT)
		return false;
	if (!is_in(c, ev->path) && !is_in(c, ev->old_path) &&
	    (c->pid == 0 || ev->pid != c->pid))
		return false;
	for (size_t i = 0; i < FT_ARRAY_SIZE(steps); i++) {
		if (!(ev->mask & steps[i].bit))
			continue;
		any = true;
		if (is_named(c, ev->path, steps[i].name) &&
		    (!steps[i].old_name || is_named(c, ev->old_path, steps[i].old_name)))
			c->missing &= ~steps[i].settles;
		else
			c->misplaced |= steps[i].bit;
	}
	if (any)
		take_process(c, ev);
	return true;
}

int ft_canary_fini(struct ft_canary *c)
{
	siginfo_t info = {0};

	if (c->pid > 0) {
		kill(c->pid, SIGKILL);
		while (waitid(P_PID, (id_t)c->pid, &info, WEXITED) < 0 && errno == EINTR)
			;
		if (c->ended >= 0)
			close(c->ended);
	}
	free(c->dir);
	ft_bytes_fini(&c->exe);
	*c = (struct ft_canary){0};
	return info.si_code == CLD_EXITED ? -info.si_status : 0;
}
