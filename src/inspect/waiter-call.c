/* SPDX-License-Identifier: MIT */
/* The call that a thread waits in: its arguments, and what they lead to. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "inspect/bounded.h"
#include "inspect/opencalls.h"
#include "inspect/waiter.h"

enum {
	PATIENCE_MSEC = 500,
	TEXT_MAX = 1 << 16,
	NAME_LEN = 64,
	PATH_LEN = 4096,
	STAT_PROCESSOR = 36, /* words after the name: the CPU that it was on */
};

/* What the child that looks hands back, followed by asked and path, NUL-ended each. */
struct result {
	int call; /* of ft_opencalls, -1: none */
	bool has_object;
	bool has_waited;
	int64_t waited_ns;
	struct ft_covers object;
};

struct look {
	int proc;
	pid_t pid;
	pid_t tid;
	struct ft_bytes text;
	struct ft_bytes asked;
	struct ft_bytes path;
	struct result result;
};

static int read_own(struct look *l, const char *file)
{
	char path[NAME_LEN];

	snprintf(path, sizeof(path), "%d/task/%d/%s", (int)l->pid, (int)l->tid, file);
	ft_bytes_clear(&l->text);
	return ft_file_read(l->proc, path, TEXT_MAX, &l->text);
}

/* ---- since when ---- */

/* The clocks of CPUs may differ, where a hypervisor takes time from each: its own is
 * asked. */
static void go_to_its_cpu(struct look *l)
{
	char *at;
	cpu_set_t set;

	if (read_own(l, "stat") < 0)
		return;
	ft_bytes_cstr(&l->text);
	at = memrchr(l->text.data, ')', l->text.len);
	for (int i = 0; at && i <= STAT_PROCESSOR; i++)
		at = strchr(at + 1, ' ');
	if (!at)
		return;
	CPU_ZERO(&set);
	CPU_SET((size_t)strtoul(at, NULL, 10) % CPU_SETSIZE, &set);
	(void)sched_setaffinity(0, sizeof(set), &set);
	/* Our own time is brought up to date. */
	sched_yield();
}

/* The scheduler notes when a thread ran last: that is when it began to wait. */
static void find_waited(struct look *l)
{
	int64_t then, now;

	go_to_its_cpu(l);
	if (read_own(l, "sched") < 0 ||
	    ft_waiter_parse_sched(ft_bytes_span(&l->text), &then) < 0)
		return;
	ft_bytes_clear(&l->text);
	if (ft_file_read(AT_FDCWD, "/proc/self/sched", TEXT_MAX, &l->text) < 0 ||
	    ft_waiter_parse_sched(ft_bytes_span(&l->text), &now) < 0)
		return;
	l->result.has_waited = true;
	l->result.waited_ns = now > then ? now - then : 0;
}

/* ---- of what ---- */

/* A string of another process's memory, which may end with its page. */
static bool read_string(struct look *l, uint64_t address)
{
	char part[256];

	while (l->asked.len < PATH_LEN) {
		size_t n = sizeof(part) - address % sizeof(part);
		struct iovec to = {part, n};
		struct iovec from = {(void *)(uintptr_t)address, n};
		const char *end;

		if (process_vm_readv(l->pid, &to, 1, &from, 1, 0) != (ssize_t)n)
			break;
		end = memchr(part, '\0', n);
		ft_bytes_put(&l->asked, part, end ? (size_t)(end - part) : n);
		if (end)
			return true;
		address += n;
	}
	/* Cut off, it is another path. */
	ft_bytes_clear(&l->asked);
	return false;
}

static int open_link(struct look *l, const char *fmt, int n)
{
	char path[NAME_LEN];
	int used = snprintf(path, sizeof(path), "%d/task/%d/", (int)l->pid, (int)l->tid);

	snprintf(path + used, sizeof(path) - (size_t)used, fmt, n);
	return ft_file_open_path(l->proc, path);
}

/* As the process would find it: below its root, from its directory. */
static int open_asked(struct look *l, int dirfd)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC,
			       .resolve = RESOLVE_NO_MAGICLINKS};
	const char *path = ft_bytes_cstr(&l->asked);
	_cleanup_close_ int from = -1;
	long fd;

	if (path[0] == '/') {
		how.resolve |= RESOLVE_IN_ROOT;
		from = open_link(l, "root", 0);
	} else if (dirfd == AT_FDCWD) {
		from = open_link(l, "cwd", 0);
	} else {
		from = open_link(l, "fd/%d", dirfd);
	}
	if (from < 0)
		return from;
	/* execveat(2) of a descriptor. */
	if (path[0] == '\0')
		return ft_take_fd(from);
	fd = syscall(SYS_openat2, from, path, &how, sizeof(how));
	return fd < 0 ? -errno : (int)fd;
}

static void find_object(struct look *l, int fd)
{
	char link[NAME_LEN], mountinfo[NAME_LEN];

	snprintf(mountinfo, sizeof(mountinfo), "/proc/%d/mountinfo", (int)l->pid);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (ft_file_readlink(AT_FDCWD, link, &l->path) < 0)
		ft_bytes_clear(&l->path);
	l->result.has_object = ft_covers_read_by(&l->result.object, link, mountinfo) == 0;
}

static void find_call(struct look *l)
{
	_cleanup_close_ int fd = -1;
	const struct ft_opencall *call = NULL;
	struct ft_syscall s;

	if (read_own(l, "syscall") < 0 ||
	    ft_waiter_parse_syscall(ft_bytes_span(&l->text), &s) < 0 || s.number < 0 ||
	    s.is_compat)
		return;
	for (size_t i = 0; i < FT_ARRAY_SIZE(ft_opencalls) && !call; i++)
		if (ft_opencalls[i].number == s.number) {
			call = &ft_opencalls[i];
			l->result.call = (int)i;
		}
	if (!call)
		return;
	if (call->path >= 0) {
		if (!read_string(l, s.args[call->path]))
			return;
		fd = open_asked(l, call->dirfd < 0 ? AT_FDCWD : (int)s.args[call->dirfd]);
	} else {
		fd = open_link(l, "fd/%d", (int)s.args[call->fd]);
	}
	if (fd >= 0)
		find_object(l, fd);
}

static void look(void *data, struct ft_bytes *out)
{
	struct look *l = data;

	find_waited(l);
	find_call(l);
	ft_bytes_put(out, &l->result, sizeof(l->result));
	ft_bytes_put(out, ft_bytes_cstr(&l->asked), l->asked.len + 1);
	ft_bytes_put(out, ft_bytes_cstr(&l->path), l->path.len + 1);
}

static void take_result(struct ft_waiter *w, struct ft_span from)
{
	struct result result;
	const char *end;

	if (from.len < sizeof(result) + 2 || from.data[from.len - 1] != '\0')
		return;
	memcpy(&result, from.data, sizeof(result));
	from.data += sizeof(result);
	from.len -= sizeof(result);
	end = memchr(from.data, '\0', from.len);
	ft_bytes_put_str(&w->asked, from.data);
	if (end + 1 < from.data + from.len)
		ft_bytes_put_str(&w->path, end + 1);
	w->call = result.call < 0 ? NULL : ft_opencalls[result.call].name;
	w->object = result.object;
	w->has_object = result.has_object;
	w->has_waited = result.has_waited;
	w->waited_ns = result.waited_ns;
}

/* Its memory may be a file of a server that is dead, and its paths may lead to one. */
void ft_waiter_look(int proc, struct ft_waiter *w)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes result = {0};
	struct look l = {.proc = proc, .pid = w->pid, .tid = w->tid, .result.call = -1};

	if (ft_bounded_run(look, &l, PATIENCE_MSEC, &result) == 0)
		take_result(w, ft_bytes_span(&result));
}
