/* SPDX-License-Identifier: MIT */
/* A policy file (YAML, fantail-policy(5)) becomes a compiled policy. */
#pragma once

#include "guard/policy.h"
#include "scan/scan.h"

/* All that a policy file says. */
struct ft_policyfile {
	struct ft_policy *policy;
	struct ft_scanner_spec *scanners; /* their numbers are those of the rules */
	size_t scanners_count;
	char **watch; /* absolute paths */
	size_t watch_count;
	struct ft_bytes strings; /* what the above point into */
};

/*
 * Reads and checks everything; unknown keys, bad globs, unknown users and the like are
 * errors. *ret_error (malloc'd, the caller frees): "file:line:column: what is wrong, what
 * was expected", a line for each error, at most 20. Warnings (an executable that is not
 * there) go to warn (may be NULL). 0; -EINVAL: the file says something wrong; -errno.
 */
typedef void (*ft_policyfile_warn_fn)(void *data, const char *text);
int ft_policyfile_read(struct ft_policyfile *ret, const char *path,
		       ft_policyfile_warn_fn warn, void *data, char **ret_error);
/* The same of bytes: name stands for the file in messages. Pure but for users and groups.
 */
int ft_policyfile_parse(struct ft_policyfile *ret, const char *name, struct ft_span text,
			ft_policyfile_warn_fn warn, void *data, char **ret_error);
/* The policy of three lines for `--deny PATH...`. */
int ft_policyfile_deny(struct ft_policyfile *ret, const char *const *paths, size_t count,
		       char **ret_error);
void ft_policyfile_fini(struct ft_policyfile *f);
