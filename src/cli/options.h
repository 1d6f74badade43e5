/* SPDX-License-Identifier: MIT */
/* Tables of options: what a command takes. Parser and help read them; completions and
 * manual pages are checked against them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum cli_group {
	CLI_GROUP_POLICY,
	CLI_GROUP_ASK,
	CLI_GROUP_WATCH,
	CLI_GROUP_EVENTS,
	CLI_GROUP_FILTER,
	CLI_GROUP_OUTPUT,
	CLI_GROUP_RUN,
	CLI_GROUP_COUNT,
};

struct cli_option {
	const char *name;    /* long, without -- */
	const char *metavar; /* NULL: takes no value */
	const char *help;
	enum cli_group group;
	int id;		/* what the command knows it by */
	char letter;	/* 0: none */
	bool negatable; /* has a --not- twin */
};

/* A command's own options, then those that it shares with others. */
struct cli_options {
	const struct cli_option *list;
	size_t count;
	const struct cli_options *more; /* NULL: that is all */
};

struct cli_command {
	const char *name;
	const char *synopsis; /* after the name */
	const char *summary;  /* one line */
	const struct cli_options *options;
	int (*run)(const struct cli_command *c, int argc, char **argv);
};

/* One parsed option, or an argument (option NULL). */
struct cli_word {
	const struct cli_option *option;
	const char *value; /* borrowed from argv */
	bool negated;
};

struct cli_parser {
	const struct cli_command *command;
	int argc;
	char **argv;
	int at;		       /* next of argv */
	const char *more;      /* rest of a cluster of letters */
	bool only_arguments;   /* after -- */
	bool stop_at_argument; /* everything from the first argument on is left alone
				  (run) */
};

/*
 * The next word: 1 and *ret, 0 at the end, -EINVAL after a message on stderr. GNU style:
 * --name=value, --name value, -n value, -nvalue, clusters, arguments anywhere, -- ends
 * options. Names are not abbreviated.
 */
int cli_next(struct cli_parser *p, struct cli_word *ret);
/* On stdout: every option with its meaning (`fantail help COMMAND`), or, brief, what fits
 * a screen (-h). */
void cli_print_help(const struct cli_command *c, bool brief);
