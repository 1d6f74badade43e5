/* SPDX-License-Identifier: MIT */
/* Watches a tree: what happens below PATH, and which process does it. */
#include <fantail.h>
#include <poll.h>
#include <stdio.h>

static void print(const struct fantail_event *ev)
{
	char comm[128], events[256], path[16384];

	(void)fantail_escape(fantail_event_comm(ev), comm, sizeof(comm));
	(void)fantail_format_events(fantail_event_mask(ev), events, sizeof(events));
	(void)fantail_escape(fantail_event_path(ev, NULL), path, sizeof(path));
	if (fantail_event_kind(ev) == FANTAIL_KIND_LOST)
		(void)puts("some events were lost");
	else
		(void)printf("%s(%d) %s %s\n", comm, (int)fantail_event_pid(ev), events,
			     path);
}

int main(int argc, char **argv)
{
	struct fantail_event *ev;
	struct fantail *f = NULL;
	int r = fantail_new(&f, 0);

	if (r == 0)
		r = fantail_add_path(f, argc > 1 ? argv[1] : ".", FANTAIL_TREE, 0);
	if (r == 0)
		r = fantail_start(f);
	if (r == 0)
		(void)fputs("watching\n", stderr);
	while (r == 0) {
		struct pollfd wait = {fantail_fd(f), POLLIN, 0};

		while ((r = fantail_next(f, &ev)) > 0)
			print(ev);
		/* What could not be printed is seen here, too. */
		if (r == 0 && (fflush(stdout) == EOF || poll(&wait, 1, -1) < 0))
			break;
	}
	if (r < 0)
		(void)fprintf(stderr, "watch-tree: %s\n", fantail_error(f));
	else
		perror("watch-tree");
	(void)fantail_free(f);
	return 1;
}
