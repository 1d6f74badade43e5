/* SPDX-License-Identifier: MIT */
/*
 * opens: how long open() takes, at several places in turns.
 *
 * opens OPENERS ROUNDS OPENS PLACE...: in each round, at each place, every opener opens
 * and closes OPENS files. A place is a file (the same one each time) or a directory: the
 * next ones of its files "0", "1", ..., each once. Prints for each place how many, and
 * p50, p99 and the mean in ns.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { OPENERS_MAX = 64, PLACES_MAX = 64 };

struct plan {
	long openers, rounds, opens;
	char **places;
	int places_count;
	int fds[PLACES_MAX]; /* of directories; -1: a file */
	pthread_barrier_t *barrier;
	uint32_t *samples; /* [place][opener][round][open] */
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * UINT64_C(1000000000) + now.tv_nsec;
}

static long parse(const char *text, long max)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*end || n < 1 || n > max)
		errx(2, "not a number from 1 to %ld: %s", max, text);
	return n;
}

static void *share(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED)
		err(1, "mmap");
	return p;
}

static size_t samples_of_place(const struct plan *p)
{
	return (size_t)(p->openers * p->rounds * p->opens);
}

static uint32_t time_open(int dir, const char *name)
{
	uint64_t begin = now_ns(), took;
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

	took = now_ns() - begin;
	if (fd < 0)
		err(1, "%s", name);
	close(fd);
	return took > UINT32_MAX ? UINT32_MAX : (uint32_t)took;
}

static void work_at(const struct plan *p, int place, long opener, long round)
{
	size_t first = (size_t)((opener * p->rounds + round) * p->opens);
	uint32_t *samples = p->samples + place * samples_of_place(p) + first;
	const char *file = p->places[place];
	char name[32];

	for (long i = 0; i < p->opens; i++) {
		if (p->fds[place] >= 0) {
			snprintf(name, sizeof(name), "%zu", first + (size_t)i);
			samples[i] = time_open(p->fds[place], name);
		} else {
			samples[i] = time_open(AT_FDCWD, file);
		}
	}
}

/* All openers are at the same place at the same time. */
static void work(const struct plan *p, long opener)
{
	for (long round = 0; round < p->rounds; round++)
		for (int place = 0; place < p->places_count; place++) {
			pthread_barrier_wait(p->barrier);
			work_at(p, place, opener, round);
		}
}

static void open_places(struct plan *p)
{
	for (int i = 0; i < p->places_count; i++) {
		p->fds[i] = open(p->places[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (p->fds[i] < 0 && errno != ENOTDIR)
			err(1, "%s", p->places[i]);
	}
}

static pthread_barrier_t *make_barrier(long count)
{
	pthread_barrier_t *barrier = share(sizeof(*barrier));
	pthread_barrierattr_t attr;

	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(barrier, &attr, (unsigned int)count);
	return barrier;
}

static void run(const struct plan *p)
{
	int status;

	for (long i = 0; i < p->openers; i++) {
		pid_t pid = fork();

		if (pid < 0)
			err(1, "fork");
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			work(p, i);
			_exit(0);
		}
	}
	while (wait(&status) > 0)
		if (status != 0)
			errx(1, "an opener failed");
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void print(const struct plan *p, int place)
{
	size_t n = samples_of_place(p);
	uint32_t *samples = p->samples + place * n;
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += samples[i];
	qsort(samples, n, sizeof(*samples), compare);
	printf("%zu %u %u %llu\n", n, samples[n / 2], samples[n * 99 / 100],
	       (unsigned long long)(sum / n));
}

int main(int argc, char **argv)
{
	if (argc < 5 || argc > 4 + PLACES_MAX)
		errx(2, "usage: opens OPENERS ROUNDS OPENS PLACE...");
	struct plan p = {
		.openers = parse(argv[1], OPENERS_MAX),
		.rounds = parse(argv[2], 100000),
		.opens = parse(argv[3], 100000),
		.places = argv + 4,
		.places_count = argc - 4,
	};
	open_places(&p);
	p.barrier = make_barrier(p.openers);
	p.samples =
		share((size_t)p.places_count * samples_of_place(&p) * sizeof(*p.samples));
	run(&p);
	for (int i = 0; i < p.places_count; i++)
		print(&p, i);
	return 0;
}
