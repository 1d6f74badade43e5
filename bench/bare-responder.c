/* SPDX-License-Identifier: MIT */
/* bare-responder: allows every open and does nothing else: the yardstick of a guard. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
#include <unistd.h>

enum { EVENTS = 64, PRIORITY = -10 };

static int open_group(const char *path)
{
	int fd = fanotify_init(FAN_CLASS_CONTENT | FAN_UNLIMITED_QUEUE | FAN_CLOEXEC |
				       FAN_NONBLOCK,
			       O_RDONLY | O_LARGEFILE | O_CLOEXEC);
	if (fd < 0)
		err(1, "fanotify_init");
	if (fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN_PERM, AT_FDCWD,
			  path))
		err(1, "fanotify_mark %s", path);
	return fd;
}

static void ignore(int group, const char *file)
{
	if (fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK, FAN_OPEN_PERM,
			  AT_FDCWD, file))
		err(1, "fanotify_mark %s", file);
}

static void allow(int group, const struct fanotify_event_metadata *record)
{
	struct fanotify_response answer = {.fd = record->fd, .response = FAN_ALLOW};

	if (record->fd < 0)
		return;
	if (write(group, &answer, sizeof(answer)) < 0 && errno != ENOENT)
		err(1, "write");
	close(record->fd);
}

static void answer(int group)
{
	_Alignas(8) char buffer[EVENTS * sizeof(struct fanotify_event_metadata)];
	ssize_t size = read(group, buffer, sizeof(buffer));
	const struct fanotify_event_metadata *record = (void *)buffer;

	if (size < 0 && errno != EAGAIN && errno != EINTR)
		err(1, "read");
	for (; FAN_EVENT_OK(record, size); record = FAN_EVENT_NEXT(record, size))
		allow(group, record);
}

int main(int argc, char **argv)
{
	if (argc != 2 && argc != 3)
		errx(2, "usage: bare-responder PATH [FILE that the kernel keeps]");
	/* That of a guard: who is woken first is not what is compared. */
	if (nice(PRIORITY) == -1 && errno)
		err(1, "nice");
	struct pollfd fd = {.fd = open_group(argv[1]), .events = POLLIN};
	if (argc == 3)
		ignore(fd.fd, argv[2]);
	printf("ready\n");
	fflush(stdout);
	while (poll(&fd, 1, -1) >= 0 || errno == EINTR)
		answer(fd.fd);
	err(1, "poll");
}
