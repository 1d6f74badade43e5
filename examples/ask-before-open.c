/* SPDX-License-Identifier: MIT */
/*
 * Asks before files are opened: the first example of fanotify(7), written on the library.
 *
 * Each open through the mount that MOUNT is on waits for an answer. With globs after it,
 * files that match one cannot be opened, and nobody is asked; without, the terminal is.
 * An open that nobody answers for ten seconds is allowed: a terminal that itself waits to
 * open a file would else wait for ever. When this program ends, in whatever way, the
 * kernel allows all that still wait.
 */
#include <fantail.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ANSWER_MSEC = 10 * 1000 };

/* The first character of a line; 0: nobody answers; EOF: nobody ever will. */
static int read_answer(void)
{
	struct pollfd wait = {STDIN_FILENO, POLLIN, 0};
	char first = '\0', c = '\0';

	while (c != '\n') {
		int r = poll(&wait, 1, ANSWER_MSEC);

		if (r == 0)
			return 0;
		if (r < 0 || read(STDIN_FILENO, &c, 1) <= 0)
			return EOF;
		if (first == '\0')
			first = c;
	}
	return first;
}

static void print(const char *what, const struct fantail_event *ev)
{
	char comm[128], path[16384];

	(void)fantail_escape(fantail_event_comm(ev), comm, sizeof(comm));
	(void)fantail_escape(fantail_event_path(ev, NULL), path, sizeof(path));
	(void)printf("%s %s(%d) %s", what, comm, (int)fantail_event_pid(ev), path);
}

/* A verdict; 0: there is nobody to ask any more. */
static int ask(const struct fantail_event *ev)
{
	for (;;) {
		print("allow?", ev);
		(void)fputs(" [y/n] ", stdout);
		if (fflush(stdout) == EOF)
			return 0;
		switch (read_answer()) {
		case 'y':
			return FANTAIL_ALLOW;
		case 'n':
			return FANTAIL_DENY;
		case 0:
			(void)puts("no answer: allowed");
			return FANTAIL_ALLOW;
		case EOF:
			return 0;
		}
	}
}

/* 0; 1: to be ended; -errno. */
static int take(struct fantail *f, struct fantail_event *ev, int has_rule)
{
	int r, verdict;

	if (fantail_event_kind(ev) != FANTAIL_KIND_EVENT) {
		(void)fputs("ask-before-open: an open was not asked about\n", stderr);
		return 0;
	}
	verdict = has_rule ? FANTAIL_DENY : ask(ev);
	if (verdict == 0)
		return 1;
	r = fantail_answer(f, ev, (enum fantail_verdict)verdict);
	/* After the answer: until then somebody waits, perhaps who shows this line. */
	if (r == 0 && has_rule) {
		print("denied", ev);
		(void)puts("");
	}
	return r;
}

static int loop(struct fantail *f, int has_rule)
{
	struct pollfd wait = {fantail_fd(f), POLLIN, 0};
	struct fantail_event *ev;
	int r = 0;

	while (r == 0) {
		if (fflush(stdout) == EOF || poll(&wait, 1, -1) < 0) {
			perror("ask-before-open");
			return -1;
		}
		while (r == 0 && (r = fantail_next(f, &ev)) > 0)
			r = take(f, ev, has_rule);
	}
	if (r < 0)
		(void)fprintf(stderr, "ask-before-open: %s\n", fantail_error(f));
	return r;
}

static int start(struct fantail **ret, char **arguments)
{
	int r = fantail_new(ret, FANTAIL_ASK);

	if (r == 0)
		r = fantail_set_events(*ret, FANTAIL_OPEN_PERM);
	if (r == 0)
		r = fantail_add_path(*ret, arguments[0], FANTAIL_MOUNT, 0);
	/* What matches none of them is allowed by the library. */
	for (size_t i = 1; r == 0 && arguments[i]; i++)
		r = fantail_add_filter(*ret, FANTAIL_FILTER_PATH, arguments[i], 0);
	if (r == 0)
		r = fantail_start(*ret);
	if (r < 0)
		(void)fprintf(stderr, "ask-before-open: %s\n", fantail_error(*ret));
	return r;
}

int main(int argc, char **argv)
{
	struct fantail *f = NULL;
	int r;

	if (argc < 2) {
		(void)fputs("usage: ask-before-open MOUNT [GLOB...]\n", stderr);
		return 2;
	}
	r = start(&f, argv + 1);
	if (r == 0) {
		(void)fputs("asking\n", stderr);
		r = loop(f, argc > 2);
	}
	(void)fantail_free(f);
	return r < 0 || ferror(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
