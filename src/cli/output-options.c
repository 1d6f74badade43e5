/* SPDX-License-Identifier: MIT */
/* How results are printed: the table of the options, and what each does. */
#include "cli/output-options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/message.h"
#include "cli/terminal.h"

enum {
	OPT_HELP = CLI_OPTION_HELP,
	OPT_FORMAT,
	OPT_COLUMNS,
	OPT_NULL,
	OPT_OUTPUT,
	OPT_UTC,
	OPT_NO_ARGS, /* the last */
};

_Static_assert(OPT_NO_ARGS < (int)CLI_OPTION_WATCH, "ids are unique");

static const struct cli_option options[] = {
	{.name = "format",
	 .metavar = "FORMAT",
	 .help = "text, json, csv, ecs, ocsf, or '{time} {path}'",
	 .group = CLI_GROUP_OUTPUT,
	 .id = OPT_FORMAT},
	{.name = "columns",
	 .metavar = "LIST",
	 .help = "what to print, in this order",
	 .group = CLI_GROUP_OUTPUT,
	 .id = OPT_COLUMNS},
	{.name = "null",
	 .letter = '0',
	 .help = "paths alone, raw, each ended by NUL",
	 .group = CLI_GROUP_OUTPUT,
	 .id = OPT_NULL},
	{.name = "output",
	 .letter = 'o',
	 .metavar = "FILE",
	 .help = "append to FILE; SIGHUP reopens it",
	 .group = CLI_GROUP_OUTPUT,
	 .id = OPT_OUTPUT},
	{.name = "utc",
	 .help = "text: times in UTC",
	 .group = CLI_GROUP_OUTPUT,
	 .id = OPT_UTC},
	{.name = "no-args",
	 .help = "leave out the arguments of processes",
	 .group = CLI_GROUP_OUTPUT,
	 .id = OPT_NO_ARGS},
	{.name = "help",
	 .letter = 'h',
	 .help = "this help",
	 .group = CLI_GROUP_RUN,
	 .id = OPT_HELP},
};

const struct cli_options cli_output_options = {.list = options,
					       .count = FT_ARRAY_SIZE(options)};

void cli_output_init(struct cli_output *o, int fd)
{
	*o = (struct cli_output){.config = {.format = FT_FORMAT_TEXT, .fd = fd}};
}

static int parse_format(struct cli_output *o, const char *format)
{
	if (ft_output_parse_format(format, &o->config) == 0)
		return 0;
	cli_error("--format %s: one of text, json, csv, ecs, ocsf, or a template like "
		  "'{time} {path}'",
		  format);
	return -EINVAL;
}

int cli_output_take(struct cli_output *o, const struct cli_word *word)
{
	switch (word->option->id) {
	case OPT_FORMAT:
		o->format = word->value;
		return parse_format(o, word->value);
	case OPT_COLUMNS:
		o->config.columns = word->value;
		return 0;
	case OPT_NULL:
		o->null = true;
		return 0;
	case OPT_OUTPUT:
		o->config.file = word->value;
		return 0;
	case OPT_UTC:
		o->config.utc = true;
		return 0;
	case OPT_NO_ARGS:
		o->config.no_args = true;
		return 0;
	default:
		return -EINVAL;
	}
}

static int contradiction(const char *what, const char *why)
{
	cli_error("%s: %s", what, why);
	return -EINVAL;
}

static int check(const struct cli_output *o)
{
	enum ft_format_kind format = o->config.format;

	if (o->null && o->format)
		return contradiction("--null with --format", "-0 is a format itself");
	if (!o->config.columns)
		return 0;
	if (o->null)
		return contradiction("--columns with --null", "-0 prints paths alone");
	if (format == FT_FORMAT_ECS || format == FT_FORMAT_OCSF)
		return contradiction("--columns",
				     "the fields of ecs and ocsf are given by their "
				     "schemas");
	if (format == FT_FORMAT_TEMPLATE)
		return contradiction("--columns with a template",
				     "the template names its columns itself");
	return 0;
}

int cli_output_check(struct cli_output *o)
{
	int r = check(o);

	if (o->null)
		o->config.format = FT_FORMAT_RAW;
	return r;
}

void cli_output_look_at_terminal(struct cli_output *o)
{
	struct ft_output_config *c = &o->config;
	struct winsize size;

	if (c->file || !isatty(c->fd))
		return;
	c->color = cli_wants_color(c->fd);
	if (ioctl(c->fd, TIOCGWINSZ, &size) == 0)
		c->width = size.ws_col;
}
