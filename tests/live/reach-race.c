/* SPDX-License-Identifier: MIT */
/*
 * A race: one thread moves files that everybody may open to where they are denied, and to
 * and fro; a second one does so with a directory; a third opens. Prints how long after
 * its move a file could be opened where it is denied, and how often one could be opened
 * after it had been denied once: that is wrong.
 */
#include "reach.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { NAME = 64, KEPT = 3, TO_AND_FRO = 2, AFTERWARDS = 4 };

struct race {
	int base; /* with directories "free" and "no", and "free/dir/file" */
	long rounds;
	atomic_long round;    /* that was moved to where it is denied */
	atomic_long moved_us; /* when */
	atomic_long seen;     /* denied in this round */
	atomic_bool is_over;
	atomic_long renames;
	long denied, reached, last_us, wrong;
	bool was_denied; /* what is in the directory */
};

static long now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* 1: it was opened, 0: denied, -1: not there. */
static int try_open(const struct race *r, const char *name)
{
	int fd = openat(r->base, name, O_RDONLY);

	if (fd < 0)
		return errno == EPERM ? 0 : -1;
	close(fd);
	return 1;
}

static void move(struct race *r, const char *from, const char *to)
{
	if (renameat(r->base, from, r->base, to) == 0)
		atomic_fetch_add(&r->renames, 1);
}

static void *move_files(void *data)
{
	struct race *r = data;
	char from[NAME], to[NAME];

	for (long i = 1; i <= r->rounds; i++) {
		snprintf(from, sizeof(from), "free/%ld", i);
		snprintf(to, sizeof(to), "no/%ld", i);
		close(openat(r->base, from, O_RDONLY | O_CREAT, 0600));
		for (int n = 0; n < KEPT; n++)
			try_open(r, from);
		move(r, from, to);
		atomic_store(&r->moved_us, now_us());
		atomic_store(&r->round, i);
		while (atomic_load(&r->seen) != i)
			sched_yield();
		for (int n = 0; n < TO_AND_FRO; n++) {
			move(r, to, from);
			move(r, from, to);
		}
		unlinkat(r->base, to, 0);
	}
	atomic_store(&r->is_over, true);
	return NULL;
}

static void *move_directory(void *data)
{
	struct race *r = data;

	for (long done = 0; !atomic_load(&r->is_over);) {
		long round = atomic_load(&r->round);

		/* Once a round: more would be a race with nothing but itself. */
		if (round == done) {
			sched_yield();
			continue;
		}
		move(r, "free/dir", "no/dir");
		move(r, "no/dir", "free/dir");
		done = round;
	}
	return NULL;
}

static void open_moved(struct race *r, long round)
{
	char from[NAME], to[NAME];
	int result;

	snprintf(from, sizeof(from), "free/%ld", round);
	snprintf(to, sizeof(to), "no/%ld", round);
	result = try_open(r, to);
	if (atomic_load(&r->seen) == round) {
		/* Under either name, as often as it is met. */
		r->wrong += result == 1;
		r->wrong += try_open(r, from) == 1;
	} else if (result == 0) {
		r->denied++;
		atomic_store(&r->seen, round);
	} else if (result == 1) {
		long late = now_us() - atomic_load(&r->moved_us);

		r->reached++;
		r->last_us = late > r->last_us ? late : r->last_us;
	}
}

static void open_in_directory(struct race *r)
{
	int a = try_open(r, "no/dir/file"), b = try_open(r, "free/dir/file");

	r->wrong += r->was_denied && (a == 1 || b == 1);
	r->was_denied |= a == 0 || b == 0;
}

/* Until it is denied, then some more: whoever only waits for denials keeps the others
 * from moving. */
static void *open_all(void *data)
{
	struct race *r = data;
	long last = 0;

	for (int n = 0; !atomic_load(&r->is_over);) {
		long round = atomic_load(&r->round);

		n = round == last ? n : 0;
		last = round;
		if (round == 0 || n >= AFTERWARDS) {
			sched_yield();
			continue;
		}
		n += atomic_load(&r->seen) == round;
		open_moved(r, round);
		open_in_directory(r);
	}
	return NULL;
}

int reach_race(struct request *q)
{
	void *(*const work[])(void *) = {move_files, move_directory, open_all};
	struct race r = {.base = open(q->path, O_PATH | O_DIRECTORY),
			 .rounds = atol(q->argument)};
	pthread_t threads[3];

	for (int i = 0; i < 3; i++)
		if (pthread_create(&threads[i], NULL, work[i], &r) != 0)
			return reach_absent("thread");
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	printf("{\"renames\": %ld, \"denied\": %ld, \"reached\": %ld, \"last_us\": %ld, "
	       "\"wrong\": %ld}\n",
	       atomic_load(&r.renames), r.denied, r.reached, r.last_us, r.wrong);
	fflush(stdout);
	return open("/dev/null", O_RDONLY);
}
