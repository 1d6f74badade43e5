/* SPDX-License-Identifier: MIT */
/* The policy of a command line, and what is wrong with it. */
#include "cli/guard.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/message.h"

static void warn(void *data, const char *text)
{
	cli_error("%s", text);
}

/* A line each. */
static void tell(char *errors)
{
	char *rest = errors, *line;

	while ((line = strsep(&rest, "\n")))
		if (*line)
			cli_error("%s", line);
}

int cli_guard_load(const struct cli_guard *g, struct ft_policyfile *ret)
{
	_cleanup_free_ char *errors = NULL;
	int r;

	if (g->deny)
		r = ft_policyfile_deny(ret, g->paths, g->paths_count, &errors);
	else
		r = ft_policyfile_read(ret, g->policy, warn, NULL, &errors);
	if (r == 0)
		return 0;
	if (errors)
		tell(errors);
	else
		cli_error("%s: %s", g->deny ? "--deny" : g->policy, strerror(-r));
	return r;
}
