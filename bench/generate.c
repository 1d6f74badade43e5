/* SPDX-License-Identifier: MIT */
/* generate: makes file events as fast as it can and says what it did. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATH_SIZE = 512, MAX_PROCS = 64, GROUP = 100 };

/* DIRS directories, a hundred of them below each group directory, FILES files in each. */
struct work {
	const char *root;
	unsigned int dirs, files, procs, rounds;
};

/* Closing one end speaks to all processes at once: go starts them, end lets them exit. */
struct gates {
	int go[2], done[2], end[2];
};

struct truth {
	/* A pair is one process and one file. */
	unsigned long long opens, files, pairs, records;
};

typedef void (*worker_fn)(const struct work *work, unsigned int number);

static unsigned int parse_number(const char *text)
{
	char *end;
	errno = 0;
	unsigned long value = strtoul(text, &end, 10);
	if (errno || *end || end == text || value == 0 || value > 100000000)
		errx(2, "not a number from 1 to 100000000: %s", text);
	return value;
}

static void open_gate(int gate[2])
{
	if (pipe2(gate, O_CLOEXEC))
		err(1, "pipe2");
}

static void wait_for_close(int fd)
{
	char byte;
	while (read(fd, &byte, 1) > 0 || errno == EINTR)
		errno = 0;
}

static void make_dir(const char *path)
{
	if (mkdir(path, 0755))
		err(1, "mkdir %s", path);
}

static void open_close(const char *path, int flags, bool store)
{
	int fd = open(path, flags | O_CLOEXEC, 0644);
	if (fd < 0)
		err(1, "open %s", path);
	if (store && write(fd, "x", 1) != 1)
		err(1, "write %s", path);
	close(fd);
}

static int print_dir(char path[PATH_SIZE], const char *root, unsigned int dir)
{
	int length = snprintf(path, PATH_SIZE, "%s/group-%04u/dir-%02u", root,
			      dir / GROUP, dir % GROUP);
	if (length < 0 || length > PATH_SIZE - 32)
		errx(1, "path too long: %s", root);
	return length;
}

static void make_group(const char *root, unsigned int group)
{
	char path[PATH_SIZE];
	snprintf(path, sizeof(path), "%s/group-%04u", root, group);
	make_dir(path);
}

static void make_tree(const char *root, const struct work *work, bool store)
{
	char path[PATH_SIZE];
	for (unsigned int dir = 0; dir < work->dirs; dir++) {
		if (dir % GROUP == 0)
			make_group(root, dir / GROUP);
		int length = print_dir(path, root, dir);
		make_dir(path);
		for (unsigned int file = 0; file < work->files; file++) {
			sprintf(path + length, "/file-%05u", file);
			open_close(path, O_WRONLY | O_CREAT | O_EXCL, store);
		}
	}
}

static void open_files(const char *root, unsigned int dir, unsigned int files)
{
	char path[PATH_SIZE];
	int length = print_dir(path, root, dir);
	for (unsigned int file = 0; file < files; file++) {
		sprintf(path + length, "/file-%05u", file);
		open_close(path, O_RDONLY, false);
	}
}

/* Each process begins elsewhere, so that they do not touch the same file in a row. */
static void open_worker(const struct work *work, unsigned int number)
{
	unsigned int first = (uint64_t)work->dirs * number / work->procs;
	for (unsigned int round = 0; round < work->rounds; round++)
		for (unsigned int i = 0; i < work->dirs; i++)
			open_files(work->root, (first + i) % work->dirs, work->files);
}

static void create_worker(const struct work *work, unsigned int number)
{
	char root[PATH_SIZE];
	snprintf(root, sizeof(root), "%s/made-%02u", work->root, number);
	make_dir(root);
	make_tree(root, work, true);
}

static void work_in_child(const struct work *work, unsigned int number,
			  const struct gates *gates, worker_fn worker)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(gates->go[1]);
	close(gates->done[0]);
	close(gates->end[1]);
	wait_for_close(gates->go[0]);
	worker(work, number);
	if (write(gates->done[1], "", 1) != 1)
		err(1, "write");
	close(gates->done[1]);
	wait_for_close(gates->end[0]);
	_exit(0);
}

static void spawn(const struct work *work, const struct gates *gates, worker_fn worker,
		  pid_t *ret_pids)
{
	for (unsigned int number = 0; number < work->procs; number++) {
		pid_t pid = fork();
		if (pid < 0)
			err(1, "fork");
		if (pid == 0)
			work_in_child(work, number, gates, worker);
		ret_pids[number] = pid;
	}
}

/* A worker that fails closes its end without a byte. */
static void await_workers(int fd, unsigned int procs)
{
	char byte;
	for (unsigned int done = 0; done < procs; done++)
		if (read(fd, &byte, 1) != 1)
			errx(1, "%u of %u processes failed", procs - done, procs);
}

static uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * UINT64_C(1000000000) + now.tv_nsec;
}

static void print_truth(const struct truth *truth, uint64_t ns, const pid_t *pids,
			unsigned int procs)
{
	printf("opens %llu files %llu pairs %llu records %llu ns %llu pids ",
	       truth->opens, truth->files, truth->pairs, truth->records,
	       (unsigned long long)ns);
	for (unsigned int i = 0; i < procs; i++)
		printf("%s%d", i ? "," : "", (int)pids[i]);
	printf("\n");
	fflush(stdout);
}

/* The processes stay until stdin ends: a late reader can still ask /proc about them. */
static void run(const struct work *work, worker_fn worker, const struct truth *truth)
{
	pid_t pids[MAX_PROCS];
	struct gates gates;
	open_gate(gates.go);
	open_gate(gates.done);
	open_gate(gates.end);
	spawn(work, &gates, worker, pids);
	close(gates.done[1]);
	uint64_t begin = now_ns();
	close(gates.go[1]);
	await_workers(gates.done[0], work->procs);
	print_truth(truth, now_ns() - begin, pids, work->procs);
	wait_for_close(STDIN_FILENO);
	close(gates.end[1]);
	while (wait(NULL) > 0)
		;
}

static void make_marks(const char *root, unsigned int count)
{
	char path[PATH_SIZE];
	for (unsigned int i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/mark-%05u", root, i);
		open_close(path, O_WRONLY | O_CREAT, false);
	}
}

/* The records of a late reader: opens of one file by one process have merged. */
static void run_open(const struct work *work)
{
	unsigned long long files = (unsigned long long)work->dirs * work->files;
	struct truth truth = {
		.opens = files * work->procs * work->rounds,
		.files = files,
		.pairs = files * work->procs,
		.records = files * work->procs,
	};
	run(work, open_worker, &truth);
}

static void run_create(const struct work *work)
{
	unsigned long long files = (unsigned long long)work->dirs * work->files;
	unsigned long long dirs = 1 + (work->dirs + GROUP - 1) / GROUP + work->dirs;
	struct truth truth = {
		.opens = files * work->procs,
		.files = files * work->procs,
		.pairs = files * work->procs,
		.records = (files + dirs) * work->procs,
	};
	run(work, create_worker, &truth);
}

static void usage(void)
{
	fprintf(stderr, "usage: generate tree ROOT DIRS FILES\n"
			"       generate open ROOT DIRS FILES PROCS ROUNDS\n"
			"       generate create ROOT DIRS FILES PROCS\n"
			"       generate mark ROOT COUNT\n");
	exit(2);
}

int main(int argc, char **argv)
{
	unsigned int numbers[4] = {0};
	if (argc < 4 || argc > 7)
		usage();
	for (int i = 3; i < argc; i++)
		numbers[i - 3] = parse_number(argv[i]);
	struct work work = {argv[2], numbers[0], numbers[1], numbers[2], numbers[3]};
	if (work.procs > MAX_PROCS)
		errx(2, "at most %d processes", MAX_PROCS);
	if (!strcmp(argv[1], "tree") && argc == 5)
		make_tree(work.root, &work, false);
	else if (!strcmp(argv[1], "open") && argc == 7)
		run_open(&work);
	else if (!strcmp(argv[1], "create") && argc == 6)
		run_create(&work);
	else if (!strcmp(argv[1], "mark") && argc == 4)
		make_marks(work.root, numbers[0]);
	else
		usage();
	return 0;
}
