/* SPDX-License-Identifier: MIT */
/* bare-reader: reads and counts fanotify records and does nothing else: the yardstick. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER_SIZE = 64 * 1024 };

struct counts {
	uint64_t records;
	uint64_t overflows;
	uint64_t reads;
};

static const struct {
	const char *name;
	uint64_t bit;
} events[] = {
	{"open", FAN_OPEN},
	{"create", FAN_CREATE},
	{"modify", FAN_MODIFY},
	{"close_write", FAN_CLOSE_WRITE},
};

static uint64_t parse_event(const char *name)
{
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (!strcmp(events[i].name, name))
			return events[i].bit;
	errx(2, "unknown event: %s", name);
}

static uint64_t parse_events(char *list)
{
	uint64_t mask = FAN_ONDIR;
	for (char *name = strsep(&list, ","); name; name = strsep(&list, ","))
		mask |= parse_event(name);
	return mask;
}

static int open_group(uint64_t mask, const char *path)
{
	unsigned int flags = FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME_TARGET |
			     FAN_UNLIMITED_QUEUE | FAN_CLOEXEC | FAN_NONBLOCK;
	int fd = fanotify_init(flags, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		err(1, "fanotify_init");
	if (fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, mask, AT_FDCWD, path))
		err(1, "fanotify_mark %s", path);
	return fd;
}

static void count(struct counts *counts, const void *buffer, size_t size)
{
	const struct fanotify_event_metadata *record = buffer;
	for (; FAN_EVENT_OK(record, size); record = FAN_EVENT_NEXT(record, size)) {
		if (record->vers != FANOTIFY_METADATA_VERSION)
			errx(1, "record version %u", record->vers);
		if (record->mask & FAN_Q_OVERFLOW)
			counts->overflows++;
		else
			counts->records++;
	}
}

static void drain(int group, struct counts *counts)
{
	static _Alignas(8) char buffer[BUFFER_SIZE];
	ssize_t size;
	while ((size = read(group, buffer, sizeof(buffer))) > 0) {
		counts->reads++;
		count(counts, buffer, size);
	}
	if (size < 0 && errno != EAGAIN)
		err(1, "read");
}

/* A signalfd and not a handler: a signal between a check and a wait is never missed. */
static int open_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (fd < 0)
		err(1, "signalfd");
	return fd;
}

static uint64_t cpu_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * UINT64_C(1000000000) + now.tv_nsec;
}

int main(int argc, char **argv)
{
	if (argc != 3)
		errx(2, "usage: bare-reader EVENT[,EVENT...] PATH");
	int group = open_group(parse_events(argv[1]), argv[2]);
	struct pollfd fds[] = {
		{.fd = group, .events = POLLIN},
		{.fd = open_signals(), .events = POLLIN},
	};
	struct counts counts = {0};
	printf("ready\n");
	fflush(stdout);
	uint64_t begin = cpu_ns();
	while (!fds[1].revents) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			err(1, "poll");
		drain(group, &counts);
	}
	uint64_t cpu = cpu_ns() - begin;
	printf("records %llu overflows %llu reads %llu cpu_ns %llu ns_per_record %.1f\n",
	       (unsigned long long)counts.records, (unsigned long long)counts.overflows,
	       (unsigned long long)counts.reads, (unsigned long long)cpu,
	       counts.records ? (double)cpu / counts.records : 0.0);
	return 0;
}
