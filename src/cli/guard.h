/* SPDX-License-Identifier: MIT */
/* fantail guard: what its parts share. */
#pragma once

#include "cli/output-options.h"
#include "policy/policyfile.h"

/* What --explain asks about; NULL: not known. */
struct cli_guard_request {
	const char *path;
	const char *event;
	const char *exe;
	const char *comm;
	const char *uid;
	const char *gid;
	const char *container;
};

struct cli_guard {
	struct cli_output output;
	const char *policy; /* of --policy; NULL: --deny */
	const char **paths; /* of --deny, borrowed from argv */
	size_t paths_count;
	bool deny;
	bool check;
	bool explain;
	struct cli_guard_request request;
	bool observe; /* whatever the policy says */
	bool yes;
	bool log_all;
	bool take_over;
	int64_t confirm_ns; /* 0: need not be confirmed */
	int confirm_fd;	    /* -1: standard input */
	int ready_fd;	    /* -1: none */
	int64_t for_ns;	    /* 0: no end */
	uint64_t count;	    /* 0: no end */
};

extern const struct cli_command cli_guard_command;

/* The policy that was asked for, to be ended by ft_policyfile_fini(). 0 or -errno after
 * messages, in which case *ret is empty. */
int cli_guard_load(const struct cli_guard *g, struct ft_policyfile *ret);

/* On stderr, in one line. */
void cli_guard_warn_of_mounts(const struct ft_policyfile *f);
/* Where it runs, it would be refused without --yes. */
void cli_guard_warn_of_need(const struct cli_guard *g, const struct ft_policyfile *f);

/* "allow", "deny", "scan". */
const char *cli_guard_verdict_name(enum ft_rule_verdict v);
/* Of a rule that scans: "; clamav: clean allow, infected deny, error deny". */
void cli_guard_put_results(struct ft_bytes *out, const struct ft_policyfile *f,
			   const struct ft_rule_spec *s);
/* On stdout. Returns an exit status, after a message. */
int cli_guard_print(const struct ft_bytes *text);

/* What the command does. Return its exit status. */
int cli_guard_run(struct cli_guard *g);
int cli_guard_check(struct cli_guard *g);
int cli_guard_explain(struct cli_guard *g);
