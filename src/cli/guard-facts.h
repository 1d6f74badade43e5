/* SPDX-License-Identifier: MIT */
/* What --explain asks for, as the guard would know it. */
#pragma once

#include "cli/guard.h"

struct cli_guard_facts {
	struct ft_facts facts; /* points to what follows */
	const char *event;     /* its name */
	struct ft_process process;
	char *path;
	char *exe;
	unsigned int claims[FT_POLICY_RULES_MAX];
	bool is_outside; /* of what is watched: no rule is asked */
};

/* Looks at the files that are there, and at what the policy names. 0, -EINVAL or -errno
 * after a message; to be ended in each case. It may not be moved. */
int cli_guard_facts_init(struct cli_guard_facts *a, const struct cli_guard_request *q,
			 const struct ft_policyfile *f);
void cli_guard_facts_fini(struct cli_guard_facts *a);
