/* SPDX-License-Identifier: MIT */
/* fantail guard: its options, and which of its tasks is asked for. */
#include "cli/guard.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/message.h"
#include "cli/values.h"

enum {
	OPT_POLICY = CLI_OPTION_OWN,
	OPT_DENY,
	OPT_OBSERVE,
	OPT_CHECK,
	OPT_EXPLAIN,
	OPT_PATH,
	OPT_EVENT,
	OPT_EXE,
	OPT_COMM,
	OPT_UID,
	OPT_GID,
	OPT_CONTAINER,
	OPT_LOG,
	OPT_CONFIRM,
	OPT_CONFIRM_FD,
	OPT_YES,
	OPT_TAKE_OVER,
	OPT_FOR,
	OPT_COUNT,
	OPT_READY_FD,
};

static const struct cli_option own_options[] = {
	{.name = "policy",
	 .metavar = "FILE",
	 .help = "the rules, see fantail-policy(5)",
	 .group = CLI_GROUP_POLICY,
	 .id = OPT_POLICY},
	{.name = "deny",
	 .help = "in place of a policy: nobody opens the PATHs",
	 .group = CLI_GROUP_POLICY,
	 .id = OPT_DENY},
	{.name = "observe",
	 .help = "allow everything, print what would be denied",
	 .group = CLI_GROUP_POLICY,
	 .id = OPT_OBSERVE},
	{.name = "check",
	 .help = "say whether the policy is right, and what it guards",
	 .group = CLI_GROUP_ASK,
	 .id = OPT_CHECK},
	{.name = "explain",
	 .help = "say what would be answered, and by which rule",
	 .group = CLI_GROUP_ASK,
	 .id = OPT_EXPLAIN},
	{.name = "path",
	 .metavar = "PATH",
	 .help = "--explain: the file",
	 .group = CLI_GROUP_ASK,
	 .id = OPT_PATH},
	{.name = "event",
	 .metavar = "EVENT",
	 .help = "--explain: open (default), exec, access, pre_access",
	 .group = CLI_GROUP_ASK,
	 .id = OPT_EVENT},
	{.name = "exe",
	 .metavar = "PATH",
	 .help = "--explain: executable of the process",
	 .group = CLI_GROUP_ASK,
	 .id = OPT_EXE},
	{.name = "comm",
	 .metavar = "NAME",
	 .help = "--explain: command name",
	 .group = CLI_GROUP_ASK,
	 .id = OPT_COMM},
	{.name = "uid",
	 .metavar = "USER",
	 .help = "--explain: effective user, name or number",
	 .group = CLI_GROUP_ASK,
	 .id = OPT_UID},
	{.name = "gid",
	 .metavar = "GROUP",
	 .help = "--explain: effective group, name or number",
	 .group = CLI_GROUP_ASK,
	 .id = OPT_GID},
	{.name = "container",
	 .metavar = "ID",
	 .help = "--explain: container id",
	 .group = CLI_GROUP_ASK,
	 .id = OPT_CONTAINER},
	{.name = "log",
	 .metavar = "WHAT",
	 .help = "all: print what is allowed, too",
	 .group = CLI_GROUP_OUTPUT,
	 .id = OPT_LOG},
	{.name = "confirm",
	 .metavar = "DURATION",
	 .help = "stop guarding unless Enter is pressed in time",
	 .group = CLI_GROUP_RUN,
	 .id = OPT_CONFIRM},
	{.name = "confirm-fd",
	 .metavar = "N",
	 .help = "--confirm: a byte from descriptor N in place of Enter",
	 .group = CLI_GROUP_RUN,
	 .id = OPT_CONFIRM_FD},
	{.name = "yes",
	 .help = "guard /, /usr or fantail's own files, too",
	 .group = CLI_GROUP_RUN,
	 .id = OPT_YES},
	{.name = "take-over",
	 .help = "go on where the guard that runs now stops",
	 .group = CLI_GROUP_RUN,
	 .id = OPT_TAKE_OVER},
	{.name = "for",
	 .metavar = "DURATION",
	 .help = "stop after 250ms, 30s, 1h30m",
	 .group = CLI_GROUP_RUN,
	 .id = OPT_FOR},
	{.name = "count",
	 .metavar = "N",
	 .help = "stop after N printed decisions",
	 .group = CLI_GROUP_RUN,
	 .id = OPT_COUNT},
	{.name = "ready-fd",
	 .metavar = "N",
	 .help = "a newline on descriptor N once requests are answered",
	 .group = CLI_GROUP_RUN,
	 .id = OPT_READY_FD},
};

static const struct cli_options guard_options = {.list = own_options,
						 .count = FT_ARRAY_SIZE(own_options),
						 .more = &cli_output_options};

static int usage(const char *text)
{
	cli_error("guard: %s", text);
	return -EINVAL;
}

static int take_log(struct cli_guard *g, const char *what)
{
	if (strcmp(what, "all") != 0) {
		cli_error("--log %s: it is 'all', or not given", what);
		return -EINVAL;
	}
	g->log_all = true;
	return 0;
}

/* Where an option puts its word, NULL: it is no such option. */
static const char **text_of(struct cli_guard *g, int id)
{
	switch (id) {
	case OPT_POLICY:
		return &g->policy;
	case OPT_PATH:
		return &g->request.path;
	case OPT_EVENT:
		return &g->request.event;
	case OPT_EXE:
		return &g->request.exe;
	case OPT_COMM:
		return &g->request.comm;
	case OPT_UID:
		return &g->request.uid;
	case OPT_GID:
		return &g->request.gid;
	case OPT_CONTAINER:
		return &g->request.container;
	default:
		return NULL;
	}
}

static bool *flag_of(struct cli_guard *g, int id)
{
	switch (id) {
	case OPT_DENY:
		return &g->deny;
	case OPT_OBSERVE:
		return &g->observe;
	case OPT_CHECK:
		return &g->check;
	case OPT_EXPLAIN:
		return &g->explain;
	case OPT_YES:
		return &g->yes;
	case OPT_TAKE_OVER:
		return &g->take_over;
	default:
		return NULL;
	}
}

static int take_option(struct cli_guard *g, const struct cli_word *word)
{
	const char **text = text_of(g, word->option->id);
	bool *flag = flag_of(g, word->option->id);

	if (text) {
		*text = word->value;
		return 0;
	}
	if (flag) {
		*flag = true;
		return 0;
	}
	switch (word->option->id) {
	case OPT_LOG:
		return take_log(g, word->value);
	case OPT_CONFIRM:
		return cli_take_duration(word, &g->confirm_ns);
	case OPT_CONFIRM_FD:
		return cli_take_fd(word, &g->confirm_fd);
	case OPT_FOR:
		return cli_take_duration(word, &g->for_ns);
	case OPT_COUNT:
		return cli_take_number(word, 1, UINT64_MAX, &g->count);
	case OPT_READY_FD:
		return cli_take_fd(word, &g->ready_fd);
	default:
		return cli_output_take(&g->output, word);
	}
}

static int take_path(struct cli_guard *g, const char *path)
{
	const char **list = reallocarray(g->paths, g->paths_count + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	g->paths = list;
	list[g->paths_count++] = path;
	return 0;
}

static bool asks_anything(const struct cli_guard_request *r)
{
	return r->path || r->event || r->exe || r->comm || r->uid || r->gid ||
	       r->container;
}

static int check_tasks(const struct cli_guard *g)
{
	if (g->check && g->explain)
		return usage("--check or --explain, not both");
	if (g->explain && !g->request.path)
		return usage("--explain needs --path PATH, the file that is asked for");
	if (!g->explain && asks_anything(&g->request))
		return usage("--path, --event, --exe, --comm, --uid, --gid and "
			     "--container go with --explain");
	if (g->confirm_fd >= 0 && g->confirm_ns == 0)
		return usage("--confirm-fd needs --confirm DURATION");
	return 0;
}

static int check(struct cli_guard *g)
{
	if (!g->policy == !g->deny)
		return usage("--policy FILE or --deny PATH..., one of them");
	if (g->deny && g->paths_count == 0)
		return usage("--deny which PATH?");
	if (!g->deny && g->paths_count > 0)
		return usage("PATHs go with --deny; a policy names its own");
	return check_tasks(g);
}

/* 1: help was printed. */
static int parse(struct cli_guard *g, const struct cli_command *c, int argc, char **argv)
{
	struct cli_parser p = {.command = c, .argc = argc, .argv = argv};
	struct cli_word word;
	int r;

	while ((r = cli_next(&p, &word)) > 0) {
		if (word.option && word.option->id == CLI_OPTION_HELP) {
			cli_print_help(c, true);
			return 1;
		}
		r = word.option ? take_option(g, &word) : take_path(g, word.value);
		if (r < 0)
			return r;
	}
	if (r == 0)
		r = check(g);
	if (r == 0)
		r = cli_output_check(&g->output);
	cli_output_look_at_terminal(&g->output);
	return r;
}

static int run_guard(const struct cli_command *c, int argc, char **argv)
{
	struct cli_guard g = {.confirm_fd = -1, .ready_fd = -1};
	int r;

	cli_output_init(&g.output, STDOUT_FILENO);
	r = parse(&g, c, argc, argv);
	if (r != 0)
		r = r == 1 ? CLI_DONE : r == -EINVAL ? CLI_USAGE : CLI_FAILED;
	else if (g.check)
		r = cli_guard_check(&g);
	else if (g.explain)
		r = cli_guard_explain(&g);
	else
		r = cli_guard_run(&g);
	free(g.paths);
	return r;
}

const struct cli_command cli_guard_command = {
	.name = "guard",
	.synopsis = "--policy FILE | --deny PATH... [OPTIONS]",
	.summary = "who may open which file",
	.options = &guard_options,
	.run = run_guard,
};
