/* SPDX-License-Identifier: MIT */
/* The mount namespaces of this machine's processes. */
#include "inspect/namespaces.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/number.h"

enum {
	PATH_LEN = 48,
	MOUNTINFO_MAX = 64 << 20,
	NAMESPACES_MAX = 4096,
};

static struct ft_namespace *namespace_free(struct ft_namespace *ns)
{
	if (!ns)
		return NULL;
	if (ns->root >= 0)
		close(ns->root);
	ft_mounts_fini(&ns->mounts);
	free(ns);
	return NULL;
}

static void namespace_freep(struct ft_namespace **ns)
{
	namespace_free(*ns);
}

static int compare_mounts(const void *a, const void *b)
{
	const struct ft_mount *x = a, *y = b;
	size_t x_root = strlen(x->root), y_root = strlen(y->root);
	size_t x_len = strlen(x->mountpoint), y_len = strlen(y->mountpoint);

	if (x_root != y_root)
		return x_root < y_root ? -1 : 1;
	if (x_len != y_len)
		return x_len < y_len ? -1 : 1;
	return x->id - y->id;
}

static int read_mounts(struct ft_namespace *ns, int proc, const char *process)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes text = {0};
	char path[PATH_LEN];
	int r;

	snprintf(path, sizeof(path), "%s/mountinfo", process);
	r = ft_file_read(proc, path, MOUNTINFO_MAX, &text);
	if (r == 0)
		r = ft_mounts_parse(&ns->mounts, ft_bytes_span(&text));
	if (r == 0 && ns->mounts.count > 0)
		qsort(ns->mounts.list, ns->mounts.count, sizeof(*ns->mounts.list),
		      compare_mounts);
	return r;
}

/* "mnt:[4026531832]" */
static int read_id(int proc, const char *process, uint64_t *ret)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes link = {0};
	char path[PATH_LEN];
	unsigned long long id;
	int r;

	snprintf(path, sizeof(path), "%s/ns/mnt", process);
	r = ft_file_readlink(proc, path, &link);
	if (r < 0)
		return r;
	if (sscanf(ft_bytes_cstr(&link), "mnt:[%llu]", &id) != 1)
		return -EBADMSG;
	*ret = id;
	return 0;
}

static const struct ft_namespace *find(const struct ft_namespaces *n, uint64_t id)
{
	for (size_t i = 0; i < n->count; i++)
		if (n->list[i]->id == id)
			return n->list[i];
	return NULL;
}

static int append(struct ft_namespaces *n, struct ft_namespace *ns)
{
	struct ft_namespace **grown;

	if (n->count == NAMESPACES_MAX)
		return -ENOBUFS;
	grown = reallocarray(n->list, n->count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	n->list = grown;
	n->list[n->count++] = ns;
	return 0;
}

/* process: its name below /proc. 0 (also where it was known) or -errno. */
static int add(struct ft_namespaces *n, const char *process,
	       const struct ft_namespace **ret)
{
	_cleanup_(namespace_freep) struct ft_namespace *ns = NULL;
	char path[PATH_LEN];
	uint64_t id;
	int r = read_id(n->proc, process, &id);

	if (r < 0)
		return r;
	*ret = find(n, id);
	if (*ret)
		return 0;
	ns = calloc(1, sizeof(*ns));
	if (!ns)
		return -ENOMEM;
	ns->id = id;
	snprintf(path, sizeof(path), "%s/root", process);
	ns->root = ft_file_open_path(n->proc, path);
	if (ns->root < 0)
		return ns->root;
	r = read_mounts(ns, n->proc, process);
	if (r == 0)
		r = append(n, ns);
	if (r < 0)
		return r;
	*ret = ft_take(ns);
	return 0;
}

int ft_namespaces_init(struct ft_namespaces *n, int proc)
{
	const struct ft_namespace *own;

	*n = (struct ft_namespaces){.proc = proc};
	return add(n, "self", &own);
}

void ft_namespaces_fini(struct ft_namespaces *n)
{
	for (size_t i = 0; i < n->count; i++)
		namespace_free(n->list[i]);
	free(n->list);
	*n = (struct ft_namespaces){0};
}

const struct ft_namespace *ft_namespaces_of(struct ft_namespaces *n, pid_t pid)
{
	const struct ft_namespace *ns;
	char process[PATH_LEN];

	snprintf(process, sizeof(process), "%d", (int)pid);
	return add(n, process, &ns) < 0 ? NULL : ns;
}

static void close_dir(DIR **d)
{
	if (*d)
		closedir(*d);
}

int ft_namespaces_complete(struct ft_namespaces *n)
{
	_cleanup_(close_dir) DIR *d = NULL;
	const struct ft_namespace *ns;
	const struct dirent *entry;
	uint64_t pid;
	int fd;

	if (n->is_complete)
		return 0;
	fd = ft_file_open_dir(n->proc, ".");
	if (fd < 0)
		return fd;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	/* One that has gone, or is not ours to see, is passed over. */
	while ((entry = readdir(d)))
		if (ft_number_parse(entry->d_name, INT32_MAX, &pid) == 0)
			(void)add(n, entry->d_name, &ns);
	n->is_complete = true;
	return 0;
}

int ft_namespace_open(const struct ft_namespace *ns, const struct ft_mount *m)
{
	_cleanup_close_ int fd = ft_file_open_below(ns->root, m->mountpoint);
	int id;

	if (fd < 0)
		return fd;
	id = ft_mounts_id_of(fd);
	if (id < 0)
		return id;
	return id == m->id ? ft_take_fd(fd) : -ENOENT;
}
