/* SPDX-License-Identifier: MIT */
/* Executing a program, by its name and without. */
#include "reach.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Comes back only if it cannot. */
static int execute(int fd, const char *path)
{
	char program[] = "program", nothing[] = "--";
	char *const argv[] = {program, nothing, NULL}, *const envp[] = {NULL};

	syscall(SYS_execveat, fd, path, argv, envp, path[0] ? 0 : AT_EMPTY_PATH);
	return -errno;
}

int reach_exec(struct request *q)
{
	return execute(AT_FDCWD, q->path);
}

int reach_exec_fd(struct request *q)
{
	return execute(open(q->path, O_PATH), "");
}

int reach_exec_link(struct request *q)
{
	char link[32];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", open(q->path, O_PATH));
	return execute(AT_FDCWD, link);
}

static int copy(int from, int to)
{
	char buffer[65536];
	ssize_t n;

	if (from < 0 || to < 0)
		return -errno;
	while ((n = read(from, buffer, sizeof(buffer))) > 0)
		if (write(to, buffer, (size_t)n) != n)
			return -errno;
	close(from);
	return n < 0 ? -errno : 0;
}

/* A copy in a file that has no name. */
static int execute_copy(struct request *q, int fd)
{
	int r = copy(open(q->path, O_RDONLY), fd), named;
	char link[32];

	if (r < 0)
		return r;
	/* Not while it is open for writing. */
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	named = open(link, O_PATH | O_CLOEXEC);
	close(fd);
	return execute(named, "");
}

int reach_exec_memory(struct request *q)
{
	return execute_copy(q, memfd_create("program", MFD_CLOEXEC));
}

int reach_exec_unnamed(struct request *q)
{
	return execute_copy(q, open(q->argument, O_TMPFILE | O_RDWR, 0700));
}

int reach_exec_here(struct request *q)
{
	if (chdir(q->argument) < 0)
		return reach_absent("chdir");
	return reach_exec(q);
}

/* Copies PATH below the argument, deeper than any path can say, and executes it. */
int reach_exec_deep(struct request *q)
{
	struct request here = {.path = "program"};
	int from = open(q->path, O_RDONLY), fd, r;

	reach_descend(q->argument);
	fd = open(here.path, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	r = copy(from, fd);
	close(fd);
	return r < 0 ? r : reach_exec(&here);
}
