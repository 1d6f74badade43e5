/* SPDX-License-Identifier: MIT */
/* A child that works for a bounded time. */
#include "inspect/bounded.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/number.h"

enum { KILL_MSEC = 200 };

static _Noreturn void work(ft_bounded_fn fn, void *data, int to)
{
	struct ft_bytes out = {.max = FT_BOUNDED_MAX};

	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	/* Only this child's own end is left to wait for; and who reads our output does
	 * not wait for a child that cannot be killed. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		(void)dup2(null, fd);
	fn(data, &out);
	_exit(out.failed || ft_file_write(to, out.data, out.len) < 0);
}

/* 0: all that came; -ETIMEDOUT. */
static int collect(int from, int msec, struct ft_bytes *out)
{
	int64_t end_ns = ft_boot_ns() + msec * FT_NSEC_PER_MSEC;
	struct pollfd p = {.fd = from, .events = POLLIN};
	char part[4096];
	ssize_t n;

	for (;;) {
		int64_t left = (end_ns - ft_boot_ns()) / FT_NSEC_PER_MSEC;
		int r = left < 0 ? 0 : poll(&p, 1, (int)left);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r < 0 ? -errno : -ETIMEDOUT;
		n = read(from, part, sizeof(part));
		if (n <= 0)
			return n < 0 ? -errno : 0;
		ft_bytes_put(out, part, (size_t)n);
	}
}

/* True: it ended by itself, with 0. */
static bool reap(pid_t child, bool kills)
{
	_cleanup_close_ int fd = kills ? pidfd_open(child, 0) : -1;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	siginfo_t info = {0};

	if (kills) {
		kill(child, SIGKILL);
		/* In the kernel's hands it may not even end by that. */
		if (fd < 0 || poll(&p, 1, KILL_MSEC) != 1)
			return false;
	}
	return waitid(P_PID, (id_t)child, &info, WEXITED) == 0 &&
	       info.si_code == CLD_EXITED && info.si_status == 0;
}

int ft_bounded_run(ft_bounded_fn fn, void *data, int msec, struct ft_bytes *out)
{
	_cleanup_close_ int from = -1;
	int ends[2], r;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	from = ends[0];
	child = fork();
	if (child == 0) {
		close(ends[0]);
		work(fn, data, ends[1]);
	}
	close(ends[1]);
	if (child < 0)
		return -errno;
	r = collect(from, msec, out);
	if (!reap(child, r < 0) && r == 0)
		r = -ECHILD;
	return r < 0 ? r : out->failed;
}
