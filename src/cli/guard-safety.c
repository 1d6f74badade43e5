/* SPDX-License-Identifier: MIT */
/* What a guard refuses: to stand between a machine, or itself, and what they need. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cli/guardian.h"
#include "cli/message.h"
#include "kernel/abi.h"
#include "kernel/group.h"

enum { MAPS_MAX = 4 << 20 };

/* Of one filesystem, and what of ours, or of everybody's, is on it. */
struct need {
	const struct ft_mounts *mounts;
	const struct ft_mount *mount;
	uint64_t dev;
	bool found;
	char what[PATH_MAX];
};

/* The subvolumes of btrfs have devices of their own, and the marks of one are those of
 * all: what mounts say is the same for them. */
static bool is_covered(const struct need *n, int fd)
{
	const struct ft_mount *m = ft_mounts_find(n->mounts, ft_mounts_id_of(fd));
	struct ft_identity id;

	if (m && strcmp(m->dev, n->mount->dev) == 0)
		return true;
	return ft_identity_read(fd, "", false, &id) == 0 && id.object.dev == n->dev;
}

/* name: what is told to be there. */
static void look_for(struct need *n, const char *path, const char *name)
{
	_cleanup_close_ int fd = n->found ? -1 : open(path, O_PATH | O_CLOEXEC);

	if (fd < 0 || !is_covered(n, fd))
		return;
	n->found = true;
	snprintf(n->what, sizeof(n->what), "%s", name);
}

static void look(struct need *n, const char *path)
{
	look_for(n, path, path);
}

/* Of a file that may be made there, or be replaced. */
static void look_at_parent(struct need *n, const char *path)
{
	_cleanup_free_ char *dir = path ? strdup(path) : NULL;
	char *slash = dir ? strrchr(dir, '/') : NULL;

	if (!dir)
		return;
	if (slash)
		slash[slash == dir ? 1 : 0] = '\0';
	look_for(n, slash ? dir : ".", path);
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

static bool find(struct need *n, const struct cli_guard *options, const char *state)
{
	look(n, "/");
	look(n, "/usr");
	look_at_maps(n);
	look_at_parent(n, options->policy);
	look_at_parent(n, options->output.config.file);
	look_at_parent(n, state);
	return n->found;
}

static bool find_on(const struct guardian *g, const struct ft_guards *guards, size_t i,
		    struct need *ret)
{
	*ret = (struct need){.mounts = &guards->mounts,
			     .mount = guards->list[i].mount,
			     .dev = guards->list[i].st_dev};
	return find(ret, g->options, g->state_path);
}

char *guard_safety_find(const struct guardian *g, const struct guard_rules *r)
{
	struct need n;

	for (size_t i = 0; i < r->set.guards.count; i++)
		if (find_on(g, &r->set.guards, i, &n))
			return strdup(n.what);
	return NULL;
}

int guard_safety_check(const struct guardian *g, const struct guard_rules *r)
{
	struct need n;

	for (size_t i = 0; i < r->set.guards.count && !g->options->yes; i++) {
		const struct ft_guarded *e = &r->set.guards.list[i];

		if (!find_on(g, &r->set.guards, i, &n))
			continue;
		cli_error(
			"%s: is on one filesystem with %s: a mistake in the policy "
			"could stop the machine, or fantail itself (--yes guards it all "
			"the same: begin with %s--yes --confirm 60s)",
			e->path, n.what,
			ft_ruleset_observes(&r->set) ? "" : "--observe ");
		return -EPERM;
	}
	return 0;
}

void cli_guard_warn_of_need(const struct cli_guard *g, const struct ft_policyfile *f)
{
	_cleanup_(ft_mounts_fini) struct ft_mounts mounts = {0};
	struct need n = {.mounts = &mounts};

	if (g->yes || ft_mounts_read(&mounts) < 0)
		return;
	for (size_t i = 0; i < f->watch_count; i++) {
		_cleanup_close_ int fd = open(f->watch[i], O_PATH | O_CLOEXEC);
		struct ft_identity id;

		n.mount = fd < 0 ? NULL : ft_mounts_find(&mounts, ft_mounts_id_of(fd));
		if (!n.mount || ft_identity_read(fd, "", false, &id) < 0)
			continue;
		n.dev = id.object.dev;
		if (!find(&n, g, NULL))
			continue;
		cli_error("%s: is on one filesystem with %s: it is guarded with --yes "
			  "alone (begin with --observe --yes --confirm 60s)",
			  f->watch[i], n.what);
		return;
	}
}

int guard_safety_check_privilege(void)
{
	/* A group without a mark is in nobody's way. */
	int fd = ft_group_open(FT_INIT_CLASS_CONTENT, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	if (fd == -EPERM)
		cli_error("fanotify: cannot ask for permission: %s (CAP_SYS_ADMIN is "
			  "needed)",
			  strerror(-fd));
	return fd == -EPERM ? fd : 0;
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
