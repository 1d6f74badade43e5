/* SPDX-License-Identifier: MIT */
/* Live children for the tests of processes: they run this very program, or a copy of it
 * under a name of one's choice. */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHILD_FLAG "--child"

enum { CHILD_ARGS_MAX = 16 };

/* A child says one byte on ready for each thing it has done and does the next at each
 * byte from go; it ends when go does. */
struct child {
	pid_t pid;
	int ready;
	int go;
};

static inline int64_t child_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

/* Until the clock has passed this moment: the condition itself, not a guess how long it
 * takes. */
static inline void child_wait_clock(int64_t moment)
{
	while (child_now() <= moment)
		sched_yield();
}

/* Two ticks of the clock in which /proc tells start times: what was started before this
 * is older than one. */
static inline int64_t child_next_tick(void)
{
	child_wait_clock(child_now() + 2 * 1000000000LL / sysconf(_SC_CLK_TCK));
	return child_now();
}

/* The child's side. */
static inline void child_say(int fd)
{
	if (write(fd, "r", 1) != 1)
		_exit(120);
}

static inline void child_wait_go(int fd)
{
	char c;

	if (read(fd, &c, 1) != 1)
		_exit(0);
}

/* The parent's side. */
static inline void child_wait_ready(const struct child *c)
{
	char got;
	ssize_t n = read(c->ready, &got, 1);

	if (n != 1) {
		fprintf(stderr, "child %d ended before it was ready\n", (int)c->pid);
		abort();
	}
}

static inline void child_step(const struct child *c)
{
	if (write(c->go, "g", 1) != 1)
		abort();
	child_wait_ready(c);
}

static inline void child_pipes(int ready[2], int go[2])
{
	if (pipe2(ready, O_CLOEXEC) < 0 || pipe2(go, O_CLOEXEC) < 0)
		abort();
}

typedef void (*child_fn)(int ready, int go, void *data);

/* A fork that runs fn, without an exec unless fn makes one. */
static inline struct child child_fork(child_fn fn, void *data)
{
	int ready[2], go[2];
	struct child c;

	child_pipes(ready, go);
	c.pid = fork();
	if (c.pid < 0)
		abort();
	if (c.pid == 0) {
		close(ready[0]);
		close(go[1]);
		fn(ready[1], go[0], data);
		_exit(0);
	}
	close(ready[1]);
	close(go[0]);
	c.ready = ready[0];
	c.go = go[1];
	return c;
}

static inline void child_hold(int ready, int go, void *data)
{
	child_say(ready);
	child_wait_go(go);
}

/* argv of a program that holds: NAME --child READY GO EXTRA... */
struct child_exec {
	const char *path;
	const char *name;
	const char *extra[CHILD_ARGS_MAX];
};

static inline void child_do_exec(const struct child_exec *x, int ready, int go)
{
	char fds[2][16];
	char *argv[CHILD_ARGS_MAX + 5] = {(char *)x->name, (char *)CHILD_FLAG, fds[0],
					  fds[1]};

	snprintf(fds[0], sizeof(fds[0]), "%d", ready);
	snprintf(fds[1], sizeof(fds[1]), "%d", go);
	for (size_t i = 0; i < CHILD_ARGS_MAX; i++)
		argv[4 + i] = (char *)x->extra[i];
	fcntl(ready, F_SETFD, 0);
	fcntl(go, F_SETFD, 0);
	execv(x->path, argv);
	_exit(121);
}

static inline void child_exec_now(int ready, int go, void *data)
{
	child_do_exec(data, ready, go);
}

/* Says that it is there, and executes when told. */
static inline void child_exec_later(int ready, int go, void *data)
{
	child_say(ready);
	child_wait_go(go);
	child_do_exec(data, ready, go);
}

/* The first of two programs that are executed one after the other: `then PATH NAME` among
 * its arguments. */
static inline void child_exec_next(int ready, int go, char **extra)
{
	struct child_exec next = {.path = extra[1], .name = extra[2]};

	for (size_t i = 0; extra[3] && extra[3 + i] && i < CHILD_ARGS_MAX; i++)
		next.extra[i] = extra[3 + i];
	child_wait_go(go);
	child_do_exec(&next, ready, go);
}

/* Two programs that execute each other so many times: `cycle N SELF OTHER` among its
 * arguments. */
static inline void child_cycle(int ready, int go, char **extra)
{
	char left[16];
	struct child_exec next = {
		extra[3], extra[3], {"cycle", left, extra[3], extra[2]}};

	snprintf(left, sizeof(left), "%d", atoi(extra[1]) - 1);
	if (atoi(extra[1]) > 0)
		child_do_exec(&next, ready, go);
}

/* For main(): this program as a child. */
static inline bool child_main(int argc, char **argv)
{
	if (argc < 4 || strcmp(argv[1], CHILD_FLAG) != 0)
		return false;
	int ready = atoi(argv[2]), go = atoi(argv[3]);
	if (argc == 8 && strcmp(argv[4], "cycle") == 0)
		child_cycle(ready, go, argv + 4);
	child_say(ready);
	if (argc >= 7 && strcmp(argv[4], "then") == 0)
		child_exec_next(ready, go, argv + 4);
	child_wait_go(go);
	return true;
}

static inline int child_end(struct child *c)
{
	int status;

	close(c->go);
	if (waitpid(c->pid, &status, 0) != c->pid)
		abort();
	close(c->ready);
	return status;
}

/* A copy of this program; the copy is complete and closed for writing when this returns.
 */
static inline void child_copy_self(const char *path)
{
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	char buf[65536];
	ssize_t n;

	if (from < 0 || to < 0)
		abort();
	while ((n = read(from, buf, sizeof(buf))) > 0) {
		if (write(to, buf, n) != n)
			abort();
	}
	close(from);
	close(to);
	if (n < 0)
		abort();
}
