/* SPDX-License-Identifier: MIT */
/* fantail: which command, and help. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/audit.h"
#include "cli/doctor.h"
#include "cli/guard.h"
#include "cli/marks.h"
#include "cli/message.h"
#include "cli/run.h"
#include "cli/watch.h"
#include "event/call.h"
#include "event/mask.h"
#include "output/output.h"

static const struct cli_command *const commands[] = {
	&cli_watch_command,  &cli_run_command,	 &cli_guard_command,
	&cli_doctor_command, &cli_marks_command, &cli_audit_command,
};

static void print_usage(FILE *f)
{
	fprintf(f, "usage: fantail COMMAND [OPTIONS] [PATH...]\n\n"
		   "Shows what this machine does to its files, which process did it and "
		   "where.\n\n");
	for (size_t i = 0; i < FT_ARRAY_SIZE(commands); i++)
		fprintf(f, "  %-8s %s\n", commands[i]->name, commands[i]->summary);
	fprintf(f, "  %-8s %s\n\n", "help", "Explains a command, 'events' or 'columns'.");
	fprintf(f, "  sudo fantail watch /etc          who touches it, now\n"
		   "  sudo fantail watch -e write /    who writes, anywhere\n"
		   "  sudo fantail run -- make         what one command does\n\n"
		   "Exit status: 0 done, 1 failed, 2 wrong usage, 3 done but something "
		   "was lost.\n");
}

static void print_events(void)
{
	size_t count;
	const struct ft_mask_name *names = ft_mask_names(&count);

	for (size_t i = 0; i < count; i++)
		if (!(names[i].bit & FT_MASK_ASK))
			printf("%-15s %s\n", names[i].name, names[i].meaning);
	printf("\nGroups: read (access), write (modify close_write), exec (open_exec),\n"
	       "change (create delete rename modify close_write attrib), all.\n"
	       "open_perm, access_perm, open_exec_perm and pre_access are for guarding, "
	       "not for\nwatching.\n\nOf audit, calls:\n");
	for (unsigned int i = 0; i < FT_CALL_COUNT; i++) {
		const struct ft_call_info *info = ft_call_info((enum ft_call_kind)i);

		printf("%-18s %s\n", info->name, info->meaning);
	}
	printf("\nGroups of calls: fanotify, inotify, all.\n");
}

static void print_columns(void)
{
	size_t count;
	const struct ft_column *columns = ft_columns(&count);

	for (size_t i = 0; i < count; i++)
		printf("%-18s %s\n", columns[i].name, columns[i].meaning);
}

static const struct cli_command *find_command(const char *name)
{
	for (size_t i = 0; i < FT_ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static int help(const char *topic)
{
	const struct cli_command *c = topic ? find_command(topic) : NULL;

	if (!topic)
		print_usage(stdout);
	else if (c)
		cli_print_help(c, false);
	else if (strcmp(topic, "events") == 0)
		print_events();
	else if (strcmp(topic, "columns") == 0)
		print_columns();
	else {
		cli_error("help %s: no such command or topic (fantail help lists them)",
			  topic);
		return CLI_USAGE;
	}
	return CLI_DONE;
}

/* Else what is opened next becomes standard output, and is printed into. What is printed
 * there fails, as it would have. What is executed finds them closed, as they were. */
static int open_standard_fds(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		int flags = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;

		/* The lowest that is free is this one. */
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", flags | O_CLOEXEC) < 0)
			return -errno;
	}
	return 0;
}

/* What was printed is there only when it could be written. */
static int finish(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	cli_error("output: %s", strerror(errno));
	return CLI_FAILED;
}

static int run(int argc, char **argv)
{
	const struct cli_command *c;

	if (strcmp(argv[1], "--version") == 0) {
		printf("fantail %s\n", FT_VERSION);
		return CLI_DONE;
	}
	if (strcmp(argv[1], "help") == 0)
		return help(argc > 2 ? argv[2] : NULL);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return help(NULL);
	c = find_command(argv[1]);
	if (!c) {
		cli_error("%s: no such command (fantail help lists them)", argv[1]);
		return CLI_USAGE;
	}
	return c->run(c, argc - 2, argv + 2);
}

int main(int argc, char **argv)
{
	int r = open_standard_fds();

	if (r < 0) {
		cli_error("/dev/null: %s", strerror(-r));
		return CLI_FAILED;
	}
	if (argc < 2) {
		print_usage(stderr);
		return CLI_USAGE;
	}
	return finish(run(argc, argv));
}
