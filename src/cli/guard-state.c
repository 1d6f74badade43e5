/* SPDX-License-Identifier: MIT */
/* The file that says that a guard runs: locked while it does, left behind when it is
 * killed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/number.h"
#include "cli/guardian.h"
#include "cli/message.h"

enum { BEAT_MSEC = 1000 };

/* The service manager's, root's, or the user's own. */
static int directory(char **ret)
{
	const char *given = getenv("RUNTIME_DIRECTORY");
	const char *user = getenv("XDG_RUNTIME_DIR");
	int n;

	if (given && given[0] == '/')
		n = asprintf(ret, "%s", given);
	else if (geteuid() == 0 || !user || user[0] != '/')
		n = asprintf(ret, "/run/fantail");
	else
		n = asprintf(ret, "%s/fantail", user);
	if (n < 0)
		return -ENOMEM;
	return mkdir(*ret, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

static int open_locked(struct guardian *g)
{
	int fd = open(g->state_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		return -EWOULDBLOCK;
	}
	g->state_fd = fd;
	return 0;
}

int guard_state_open(struct guardian *g)
{
	_cleanup_free_ char *dir = NULL;
	int r = directory(&dir);

	if (r == 0 && (asprintf(&g->state_path, "%s/guard.state", dir) < 0 ||
		       asprintf(&g->socket_path, "%s/guard.sock", dir) < 0))
		r = -ENOMEM;
	if (r < 0)
		cli_error("%s: %s", dir ? dir : "state", strerror(-r));
	return r;
}

int guard_state_take(struct guardian *g)
{
	int r = open_locked(g);

	if (r == -EWOULDBLOCK) {
		cli_error("%s: another guard runs: if this one is killed, nobody is told "
			  "(--take-over would replace the other)",
			  g->state_path);
		return 0;
	}
	if (r < 0)
		cli_error("%s: %s", g->state_path, strerror(-r));
	return r;
}

int64_t guard_state_killed_ns(const struct guardian *g)
{
	struct stat st;

	/* A new one is empty, and so is one of a guard that never began. */
	if (g->state_fd < 0 || fstat(g->state_fd, &st) < 0 || st.st_size == 0)
		return 0;
	return st.st_mtim.tv_sec * FT_NSEC_PER_SEC + st.st_mtim.tv_nsec;
}

void guard_state_begin(struct guardian *g)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	if (g->state_fd < 0)
		return;
	if (ftruncate(g->state_fd, 0) < 0 ||
	    pwrite(g->state_fd, text, (size_t)n, 0) != (ssize_t)n)
		cli_error("%s: %s", g->state_path, strerror(errno));
	g->has_begun = true;
	g->beat_ns = ft_boot_ns();
}

void guard_state_beat(struct guardian *g)
{
	int64_t now = ft_boot_ns();

	if (g->state_fd < 0 || now - g->beat_ns < BEAT_MSEC * FT_NSEC_PER_MSEC)
		return;
	g->beat_ns = now;
	/* The worst is a gap that seems to begin too early. */
	(void)futimens(g->state_fd, NULL);
}

/* It was not killed, as one that is empty says, too. */
static void leave(struct guardian *g, bool forget)
{
	int r = forget ? unlink(g->state_path) : ftruncate(g->state_fd, 0);

	if (r < 0)
		cli_error("%s: %s", g->state_path, strerror(errno));
}

void guard_state_close(struct guardian *g, bool forget)
{
	if (g->state_fd >= 0) {
		if (g->has_begun)
			leave(g, forget);
		close(g->state_fd);
	}
	g->state_fd = -1;
	free(g->state_path);
	free(g->socket_path);
	g->state_path = g->socket_path = NULL;
}
