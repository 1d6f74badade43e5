/* SPDX-License-Identifier: MIT */
/* What a guard refuses: to stand between a machine, or itself, and what they need. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cli/guardian.h"
#include "cli/message.h"

enum { MAPS_MAX = 4 << 20 };

/* Of one filesystem, and what of ours, or of everybody's, is on it. */
struct need {
	const struct ft_guards *guards;
	const struct ft_guarded *guarded;
	bool found;
	char what[PATH_MAX];
};

/* The subvolumes of btrfs have devices of their own, and the marks of one are those of
 * all: what mounts say is the same for them. */
static bool is_covered(const struct need *n, int fd)
{
	const struct ft_mount *m =
		ft_mounts_find(&n->guards->mounts, ft_mounts_id_of(fd));
	struct ft_identity id;

	if (m && strcmp(m->dev, n->guarded->mount->dev) == 0)
		return true;
	return ft_identity_read(fd, "", false, &id) == 0 &&
	       id.object.dev == n->guarded->st_dev;
}

static void look(struct need *n, const char *path)
{
	_cleanup_close_ int fd = n->found ? -1 : open(path, O_PATH | O_CLOEXEC);

	if (fd < 0 || !is_covered(n, fd))
		return;
	n->found = true;
	snprintf(n->what, sizeof(n->what), "%s", path);
}

static void look_at_parent(struct need *n, const char *path)
{
	_cleanup_free_ char *dir = path ? strdup(path) : NULL;
	char *slash = dir ? strrchr(dir, '/') : NULL;

	if (!dir)
		return;
	if (slash)
		slash[slash == dir ? 1 : 0] = '\0';
	look(n, slash ? dir : ".");
}

/* The program and its libraries, as they are mapped. */
static void look_at_maps(struct need *n)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes maps = {0};
	char *rest, *line;

	if (ft_file_read(AT_FDCWD, "/proc/self/maps", MAPS_MAX, &maps) < 0)
		return;
	rest = (char *)ft_bytes_cstr(&maps);
	while ((line = strsep(&rest, "\n"))) {
		const char *path = strchr(line, '/');

		if (path)
			look(n, path);
	}
}

static void look_at_all(const struct guardian *g, struct need *n)
{
	look(n, "/");
	look(n, "/usr");
	look_at_maps(n);
	look_at_parent(n, g->options->policy);
	look_at_parent(n, g->options->output.config.file);
	look_at_parent(n, g->state_path);
}

static bool find(const struct guardian *g, const struct ft_guards *guards, size_t i,
		 struct need *ret)
{
	*ret = (struct need){.guards = guards, .guarded = &guards->list[i]};
	look_at_all(g, ret);
	return ret->found;
}

char *guard_safety_find(const struct guardian *g, const struct guard_rules *r)
{
	struct need n;

	for (size_t i = 0; i < r->set.guards.count; i++)
		if (find(g, &r->set.guards, i, &n))
			return strdup(n.what);
	return NULL;
}

int guard_safety_check(const struct guardian *g, const struct guard_rules *r)
{
	struct need n;

	for (size_t i = 0; i < r->set.guards.count && !g->options->yes; i++) {
		const struct ft_guarded *e = &r->set.guards.list[i];

		if (!find(g, &r->set.guards, i, &n))
			continue;
		cli_error("%s: is on one filesystem with %s: a mistake in the policy "
			  "could stop the machine, or fantail itself (try --observe and "
			  "--confirm with --yes, which guards it all the same)",
			  e->path, n.what);
		return -EPERM;
	}
	return 0;
}

int guard_safety_lock_memory(void)
{
	/* What is there is read in; what comes later stays once it is there. */
	if (mlockall(MCL_CURRENT) == 0 &&
	    mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0)
		return 0;
	int r = -errno;

	cli_error("cannot keep the program in memory: %s (CAP_IPC_LOCK or a higher "
		  "RLIMIT_MEMLOCK would help)",
		  strerror(-r));
	return r;
}
