/* SPDX-License-Identifier: MIT */
/* Watches a tree: what happens below PATH, and which process does it. */
#include <fantail.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

static void print(const struct fantail_event *ev)
{
	char comm[128], events[256], path[16384];

	(void)fantail_escape(fantail_event_comm(ev), comm, sizeof(comm));
	(void)fantail_format_events(fantail_event_mask(ev), events, sizeof(events));
	(void)fantail_escape(fantail_event_path(ev, NULL), path, sizeof(path));
	if (fantail_event_kind(ev) == FANTAIL_KIND_LOST)
		puts("some events were lost");
	else
		printf("%s(%d) %s %s\n", comm, (int)fantail_event_pid(ev), events, path);
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
		fprintf(stderr, "watching\n");
	while (r == 0) {
		struct pollfd wait = {fantail_fd(f), POLLIN, 0};

		while ((r = fantail_next(f, &ev)) > 0)
			print(ev);
		if (fflush(stdout) == EOF || (r == 0 && poll(&wait, 1, -1) < 0))
			break;
	}
	fprintf(stderr, "watch-tree: %s\n", r < 0 && f ? fantail_error(f) : strerror(errno));
	(void)fantail_free(f);
	return 1;
}
