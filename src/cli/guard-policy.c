/* SPDX-License-Identifier: MIT */
/* The policy of a command line: what is wrong with it, and how it is told. */
#include "cli/guard.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "base/file.h"
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
	if (r == 0) {
		if (!g->explain)
			cli_guard_warn_of_mounts(ret);
		return 0;
	}
	if (errors)
		tell(errors);
	else
		cli_error("%s: %s", g->deny ? "--deny" : g->policy, strerror(-r));
	return r;
}

const char *cli_guard_verdict_name(enum ft_rule_verdict v)
{
	static const char *const names[] = {
		[FT_RULE_ALLOW] = "allow",
		[FT_RULE_DENY] = "deny",
		[FT_RULE_SCAN] = "scan",
	};

	return names[v];
}

void cli_guard_put_results(struct ft_bytes *out, const struct ft_policyfile *f,
			   const struct ft_rule_spec *s)
{
	ft_bytes_put_lit(out, "; ");
	ft_escape_text(out, ft_span_of(f->scanners[s->scanner].name));
	ft_bytes_printf(out, ": clean %s, infected %s, error %s",
			ft_verdict_name(s->on_result[FT_SCAN_CLEAN]),
			ft_verdict_name(s->on_result[FT_SCAN_INFECTED]),
			ft_verdict_name(s->on_result[FT_SCAN_ERROR]));
}

int cli_guard_print(const struct ft_bytes *text)
{
	int r = text->failed;

	if (r == 0)
		r = ft_file_write(STDOUT_FILENO, text->data, text->len);
	if (r < 0)
		cli_error("output: %s", strerror(-r));
	return r < 0 ? CLI_FAILED : CLI_DONE;
}
