/* SPDX-License-Identifier: MIT */
/* find-process: what it costs to ask a tracker who did it, again and again. */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "proc/tracker.h"

enum { PROCESSES = 4, BACKLOG = 4096 };

static int64_t now_ns(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void start(pid_t pids[PROCESSES])
{
	for (int i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		if (pids[i] < 0)
			err(1, "fork");
		if (pids[i] > 0)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
}

static void end(const pid_t pids[PROCESSES])
{
	for (int i = 0; i < PROCESSES; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
}

/* Each of another process than the one before, in backlogs as they come. */
static unsigned long long ask(struct ft_tracker *t, const pid_t pids[PROCESSES],
			      unsigned long long count)
{
	unsigned long long exact = 0;
	for (unsigned long long i = 0; i < count; i++) {
		struct ft_attribution a;
		if (i % BACKLOG == 0) {
			int64_t now = now_ns(CLOCK_BOOTTIME);
			ft_tracker_bpf.begin(t, now, now);
		}
		const struct ft_question q = {
			.pid = pids[i % PROCESSES], .queue = 1, .position = i};
		ft_tracker_bpf.find(t, &q, &a);
		exact += a.certainty == FT_CERTAINTY_EXACT;
	}
	return exact;
}

int main(int argc, char **argv)
{
	unsigned long long count = argc == 2 ? strtoull(argv[1], NULL, 10) : 0;
	const struct ft_tracker_host host = {0};
	struct ft_tracker *t;
	pid_t pids[PROCESSES];
	if (count == 0)
		errx(2, "usage: find-process COUNT");
	start(pids);
	int r = ft_tracker_bpf.open(&t, &host);
	if (r < 0)
		errx(1, "no BPF here: error %d", -r);
	int64_t begun = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	unsigned long long exact = ask(t, pids, count);
	int64_t cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID) - begun;
	printf("asked %llu exact %llu ns %lld\n", count, exact, (long long)cpu);
	ft_tracker_bpf.close(t);
	end(pids);
	return 0;
}
