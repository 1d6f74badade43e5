/* SPDX-License-Identifier: MIT */
/*
 * Processes that open files and know what must come of it: "deny-N" fails with EPERM,
 * "allow-N" does not. openers DIRECTORY PROCESSES OPENS: prints one JSON object. With
 * OPENS 0 they go on until SIGTERM. A guard may end meanwhile: what is wrong with one and
 * without is counted besides: "allow-N" that failed, and "deny-N" that failed with
 * another error, or once more after one was opened.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

enum { FILES = 20 };

static volatile sig_atomic_t *stop;

struct result {
	long opens;
	long wrong;
	long never_right;
	long let; /* "deny-N" that were opened */
	long denied;
	long max_us;
};

static long now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void open_one(int dir, unsigned int *seed, struct result *r)
{
	int denied = rand_r(seed) % 4 == 0, fd, error;
	long began = now_us(), took;
	char name[32];

	snprintf(name, sizeof(name), "%s-%d", denied ? "deny" : "allow",
		 rand_r(seed) % FILES);
	fd = openat(dir, name, O_RDONLY);
	error = errno;
	took = now_us() - began;
	if (fd >= 0)
		close(fd);
	r->opens++;
	r->denied += fd < 0;
	r->wrong += denied ? fd >= 0 || error != EPERM : fd < 0;
	r->never_right += fd < 0 && (!denied || error != EPERM || r->let > 0);
	r->let += denied && fd >= 0;
	r->max_us = took > r->max_us ? took : r->max_us;
}

static int work(const char *path, unsigned int seed, long opens, struct result *r)
{
	int dir = open(path, O_PATH | O_DIRECTORY);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (dir < 0)
		return 1;
	for (long i = 0; opens > 0 ? i < opens : !*stop; i++)
		open_one(dir, &seed, r);
	return 0;
}

static void tell_to_stop(int number)
{
	*stop = 1;
}

static void *share(size_t n)
{
	void *p =
		mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

int main(int argc, char **argv)
{
	int processes = argc == 4 ? atoi(argv[2]) : 0, failed = 0, status;
	long opens = argc == 4 ? atol(argv[3]) : 0;
	struct result *r, sum = {0};

	if (processes < 1 || opens < 0)
		return 2;
	r = share(sizeof(*r) * (size_t)processes);
	stop = share(sizeof(*stop));
	if (!r || !stop)
		return 1;
	for (int i = 0; i < processes; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return 1;
		if (pid == 0)
			_exit(work(argv[1], (unsigned int)i + 1, opens / processes,
				   &r[i]));
	}
	signal(SIGTERM, tell_to_stop);
	for (;;) {
		pid_t pid = wait(&status);

		if (pid < 0 && errno != EINTR)
			break;
		failed += pid > 0 && status != 0;
	}
	for (int i = 0; i < processes; i++) {
		sum.opens += r[i].opens;
		sum.wrong += r[i].wrong;
		sum.never_right += r[i].never_right;
		sum.denied += r[i].denied;
		sum.max_us = r[i].max_us > sum.max_us ? r[i].max_us : sum.max_us;
	}
	printf("{\"opens\": %ld, \"wrong\": %ld, \"never_right\": %ld, \"denied\": %ld, "
	       "\"max_us\": %ld, \"failed\": %d}\n",
	       sum.opens, sum.wrong, sum.never_right, sum.denied, sum.max_us, failed);
	return 0;
}
