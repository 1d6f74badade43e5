/* SPDX-License-Identifier: MIT */
/* The mount namespaces of this machine's processes, and their mounts. */
#pragma once

#include <sys/types.h>

#include "kernel/mounts.h"

struct ft_namespace {
	uint64_t id; /* its inode in nsfs */
	int root;    /* O_PATH, of a process in it */
	/* Those that show the most of their filesystem first, then the shortest
	 * mountpoints. `visible` is true for all: nobody was asked. */
	struct ft_mounts mounts;
};

struct ft_namespaces {
	int proc;		    /* borrowed */
	struct ft_namespace **list; /* this process's own is the first */
	size_t count;
	bool is_complete; /* all that can be seen have been read */
};

/* Bound: 4096 namespaces; of more, nothing is known. 0 or -errno. */
int ft_namespaces_init(struct ft_namespaces *n, int proc);
void ft_namespaces_fini(struct ft_namespaces *n);
/* That of a process; NULL: it cannot be seen. */
const struct ft_namespace *ft_namespaces_of(struct ft_namespaces *n, pid_t pid);
/* Reads all there are, once. 0 or -errno. */
int ft_namespaces_complete(struct ft_namespaces *n);
/* An O_PATH descriptor of a mount's root, or -errno: -ENOENT it is below another one, and
 * its mountpoint leads to that. */
int ft_namespace_open(const struct ft_namespace *ns, const struct ft_mount *m);
