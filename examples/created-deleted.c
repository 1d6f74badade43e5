/* SPDX-License-Identifier: MIT */
/*
 * Which files and directories are created and deleted in a directory, and by whom: the
 * second example of fanotify(7), written on the library.
 */
#include <fantail.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

/* One record may be both: the kernel tells what one process did to one file at once. */
static const char *what_happened(const struct fantail_event *ev)
{
	switch (fantail_event_mask(ev)) {
	case FANTAIL_CREATE:
		return "created";
	case FANTAIL_DELETE:
		return "deleted";
	default:
		return "created and deleted";
	}
}

static void print_process(const struct fantail_event *ev)
{
	char name[16384];
	uid_t uid;

	if (fantail_event_pid(ev) == 0) {
		(void)fputs("somebody", stdout);
		return;
	}
	(void)printf("process %d", (int)fantail_event_pid(ev));
	if (fantail_event_exe(ev)) {
		(void)fantail_escape(fantail_event_exe(ev), name, sizeof(name));
		(void)printf(" (%s)", name);
	} else if (fantail_event_comm(ev)) {
		(void)fantail_escape(fantail_event_comm(ev), name, sizeof(name));
		(void)printf(" (%s)", name);
	}
	if (fantail_event_uid(ev, &uid) == 0)
		(void)printf(" of user %u", (unsigned int)uid);
}

static void print(const struct fantail_event *ev)
{
	char path[16384];

	if (fantail_event_kind(ev) == FANTAIL_KIND_LOST) {
		(void)puts("something happened that could not be seen");
		return;
	}
	(void)fantail_escape(fantail_event_path(ev, NULL), path, sizeof(path));
	(void)printf("%s %s: %s by ", fantail_event_is_dir(ev) ? "directory" : "file",
		     what_happened(ev), path);
	print_process(ev);
	(void)putchar('\n');
}

static int start(struct fantail **ret, const char *directory)
{
	int r = fantail_new(ret, 0);

	if (r == 0)
		r = fantail_set_events(*ret, FANTAIL_CREATE | FANTAIL_DELETE);
	if (r == 0)
		r = fantail_add_path(*ret, directory, FANTAIL_DIRECTORY, 0);
	return r == 0 ? fantail_start(*ret) : r;
}

/* Returns when it can no longer go on: -errno of the session, 0 of the program itself. */
static int loop(struct fantail *f)
{
	struct pollfd wait = {fantail_fd(f), POLLIN, 0};
	struct fantail_event *ev;
	int r;

	for (;;) {
		while ((r = fantail_next(f, &ev)) > 0)
			print(ev);
		if (r < 0)
			return r;
		if (fflush(stdout) == EOF || poll(&wait, 1, -1) < 0) {
			perror("created-deleted");
			return 0;
		}
	}
}

int main(int argc, char **argv)
{
	struct fantail *f = NULL;
	int r;

	if (argc != 2) {
		(void)fputs("usage: created-deleted DIRECTORY\n", stderr);
		return 2;
	}
	r = start(&f, argv[1]);
	if (r == 0) {
		(void)fputs("watching\n", stderr);
		r = loop(f);
	}
	if (r < 0)
		(void)fprintf(stderr, "created-deleted: %s\n", fantail_error(f));
	(void)fantail_free(f);
	return EXIT_FAILURE;
}
