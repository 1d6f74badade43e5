/* SPDX-License-Identifier: MIT */
/* The children of this process, as /proc has them. */
#include "cli/children.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/number.h"
#include "proc/procfs.h"

static void cleanup_dir(DIR **d)
{
	if (*d)
		closedir(*d);
}

static int add(struct cli_children *c, pid_t pid)
{
	pid_t *list = reallocarray(c->list, c->count + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	c->list = list;
	list[c->count++] = pid;
	return 0;
}

void cli_children_fini(struct cli_children *c)
{
	free(c->list);
	*c = (struct cli_children){0};
}

int cli_children_read(struct cli_children *c)
{
	_cleanup_(cleanup_dir) DIR *d = opendir("/proc");
	_cleanup_(ft_bytes_fini) struct ft_bytes text = {0};
	const struct dirent *entry;
	struct ft_proc_stat stat;
	uint64_t pid;
	int r = 0;

	cli_children_fini(c);
	if (!d)
		return -errno;
	while (r == 0 && (entry = readdir(d))) {
		if (ft_number_parse(entry->d_name, INT32_MAX, &pid) == 0 &&
		    ft_procfs_read_stat(dirfd(d), (pid_t)pid, &text, &stat) == 0 &&
		    stat.ppid == getpid())
			r = add(c, (pid_t)pid);
	}
	return r;
}

bool cli_children_has(const struct cli_children *c, pid_t pid)
{
	for (size_t i = 0; i < c->count; i++) {
		if (c->list[i] == pid)
			return true;
	}
	return false;
}

void cli_children_remove(struct cli_children *c, pid_t pid)
{
	for (size_t i = 0; i < c->count; i++) {
		if (c->list[i] == pid)
			c->list[i--] = c->list[--c->count];
	}
}
