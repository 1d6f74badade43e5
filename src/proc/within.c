/* SPDX-License-Identifier: MIT */
/* Where something is for those in a container. */
#include "proc/within.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/number.h"
#include "proc/container.h"
#include "proc/procfs.h"

enum {
	MOUNTINFO_MAX = 4 * 1024 * 1024,
	PROCS_MAX = 64 * 1024,
	WITNESSES_MAX = 8, /* of a control group */
	PATH_LEN = 64,
	/* A container that is being made has another root at first. */
	FIRST_WAIT_MSEC = 10,
	WAIT_DOUBLED_MAX = 7,
};

/* Where control groups are usually mounted. */
static const char *const cgroup_roots[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified",
					   "/sys/fs/cgroup/systemd"};

static void forget(struct ft_within_container *c)
{
	free(c->id);
	ft_layers_fini(&c->layers);
	*c = (struct ft_within_container){0};
}

void ft_within_fini(struct ft_within *in)
{
	for (size_t i = 0; i < in->count; i++)
		forget(&in->list[i]);
	in->count = 0;
	ft_bytes_fini(&in->text);
	ft_bytes_fini(&in->id);
}

static const char *path_of(char buf[PATH_LEN], pid_t pid, const char *name)
{
	snprintf(buf, PATH_LEN, "/proc/%d/%s", (int)pid, name);
	return buf;
}

static bool is_member(struct ft_within *in, pid_t pid, const char *container)
{
	char path[PATH_LEN];

	ft_bytes_clear(&in->text);
	if (ft_file_read(AT_FDCWD, path_of(path, pid, "cgroup"), PROCS_MAX, &in->text) <
	    0)
		return false;
	ft_container_parse(ft_procfs_parse_cgroup(ft_bytes_span(&in->text)), &in->id);
	return ft_span_equal(ft_bytes_span(&in->id), ft_span_of(container));
}

static bool is_same_object(const char *a, const char *b)
{
	struct stat first, second;

	return stat(a, &first) == 0 && stat(b, &second) == 0 &&
	       first.st_ino == second.st_ino && first.st_dev == second.st_dev;
}

/*
 * The names of the layers are those that whoever mounted it saw. They are taken for ours
 * if what is found there is what the overlay begins with: it gives its root that number
 * as long as all layers are on one filesystem.
 */
static bool is_ours(const struct ft_layers *l, const char *root)
{
	struct stat first, seen;

	return l->count > 0 && stat(l->paths[0], &first) == 0 && stat(root, &seen) == 0 &&
	       first.st_ino == seen.st_ino;
}

static int read_layers(struct ft_within *in, pid_t pid, struct ft_layers *ret)
{
	struct ft_mounts mounts = {0};
	char path[PATH_LEN];
	struct stat own;
	dev_t dev;

	ft_bytes_clear(&in->text);
	int r = ft_file_read(AT_FDCWD, path_of(path, pid, "mountinfo"), MOUNTINFO_MAX,
			     &in->text);
	if (r == 0)
		r = ft_mounts_parse(&mounts, ft_bytes_span(&in->text));
	if (r < 0)
		return r;
	r = ft_layers_of_root(&mounts, ret, &dev);
	ft_mounts_fini(&mounts);
	/* Not there yet: what it has is our root. */
	if (r == 0 && (stat("/", &own) < 0 || own.st_dev == dev))
		r = -ENODATA;
	return r;
}

/* Does this process tell? */
static bool ask(struct ft_within *in, pid_t pid, struct ft_within_container *c)
{
	struct ft_layers layers = {0};
	char path[PATH_LEN];

	if (!is_member(in, pid, c->id) ||
	    is_same_object(path_of(path, pid, "ns/mnt"), "/proc/self/ns/mnt"))
		return false;
	if (read_layers(in, pid, &layers) == 0)
		ft_layers_resolve(&layers);
	if (!is_ours(&layers, path_of(path, pid, "root/")) ||
	    !is_member(in, pid, c->id)) {
		ft_layers_fini(&layers);
		return false;
	}
	ft_layers_fini(&c->layers);
	c->layers = layers;
	return true;
}

static bool ask_group(struct ft_within *in, const char *root, struct ft_span group,
		      struct ft_within_container *c)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes path = {0}, procs = {0};
	char *line, *rest;

	ft_bytes_put_str(&path, root);
	ft_bytes_put_span(&path, group);
	ft_bytes_put_lit(&path, "/cgroup.procs");
	if (ft_file_read(AT_FDCWD, ft_bytes_cstr(&path), PROCS_MAX, &procs) < 0)
		return false;
	ft_bytes_put_char(&procs, '\0');
	rest = procs.data;
	for (int i = 0; i < WITNESSES_MAX && (line = strsep(&rest, "\n")); i++) {
		uint64_t pid;
		if (ft_number_parse(line, INT32_MAX, &pid) == 0 && ask(in, (pid_t)pid, c))
			return true;
	}
	return false;
}

static bool look(struct ft_within *in, const struct ft_process *p,
		 struct ft_within_container *c)
{
	if (ask(in, p->pid, c))
		return true;
	for (size_t i = 0; i < p->parents_count; i++) {
		if (ask(in, p->parents[i].pid, c))
			return true;
	}
	for (size_t i = 0; i < FT_ARRAY_SIZE(cgroup_roots) && p->cgroup.len > 0; i++) {
		if (ask_group(in, cgroup_roots[i], p->cgroup, c))
			return true;
	}
	return false;
}

static struct ft_within_container *find(struct ft_within *in, struct ft_span id)
{
	struct ft_within_container *c, *oldest = in->list;

	for (size_t i = 0; i < in->count; i++) {
		c = &in->list[i];
		if (ft_span_equal(ft_span_of(c->id), id))
			return c;
		if (c->asked < oldest->asked)
			oldest = c;
	}
	c = in->count < FT_WITHIN_MAX ? &in->list[in->count] : oldest;
	char *copy = ft_span_dup(id);
	if (!copy)
		return NULL;
	forget(c);
	c->id = copy;
	in->count += c == &in->list[in->count];
	return c;
}

/* Seldom, where it is in vain. */
static bool look_again(struct ft_within *in, const struct ft_process *p,
		       struct ft_within_container *c)
{
	int64_t now = ft_boot_ns();

	if (now < c->look_ns)
		return false;
	bool is_found = look(in, p, c);
	c->look_ns = now + (FIRST_WAIT_MSEC * FT_NSEC_PER_MSEC << c->misses);
	if (c->misses < WAIT_DOUBLED_MAX)
		c->misses++;
	return is_found;
}

struct ft_span ft_within_find(struct ft_within *in, const struct ft_process *p,
			      struct ft_span path)
{
	struct ft_within_container *c;
	struct ft_span inside = {0};

	if (p->container.len == 0 || path.len == 0 || path.data[0] != '/')
		return inside;
	c = find(in, p->container);
	if (!c)
		return inside;
	c->asked = ++in->asked;
	inside = ft_layers_map(&c->layers, path);
	if (inside.len == 0 && look_again(in, p, c))
		inside = ft_layers_map(&c->layers, path);
	return inside;
}
