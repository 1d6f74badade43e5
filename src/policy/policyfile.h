/* SPDX-License-Identifier: MIT */
/* A policy file (YAML, fantail-policy(5)) becomes a compiled policy. */
#pragma once

#include "guard/policy.h"
#include "scan/scan.h"

enum { FT_POLICYFILE_WATCH_MAX = 64, FT_POLICYFILE_EVENTS = 4 };

/* What rules call events, and their bits. */
extern const char *const ft_policyfile_event_names[FT_POLICYFILE_EVENTS];
extern const uint64_t ft_policyfile_event_bits[FT_POLICYFILE_EVENTS];

/* All that a policy file says. */
struct ft_policyfile {
	struct ft_policy *policy;
	struct ft_scanner_spec *scanners; /* their numbers are those of the rules */
	size_t scanners_count;
	/* Absolute paths; what is on their filesystems is asked about. */
	char **watch;
	size_t watch_count;
	/* `watch` was not given: they are what rules that deny or scan name. */
	bool watch_is_derived;
};

/*
 * Reads and checks everything; unknown keys, bad globs, unknown users and the like are
 * errors, and so is a file that somebody else than root (or the user who runs this) could
 * change or replace. *ret_error (malloc'd, the caller frees; NULL: out of memory):
 * "file:line:column: what is wrong, what was expected", a line for each error, at most
 * 20. Warnings (an executable that is not there) go to warn (may be NULL). 0; -EINVAL:
 * the file says something wrong; -errno.
 */
typedef void (*ft_policyfile_warn_fn)(void *data, const char *text);
int ft_policyfile_read(struct ft_policyfile *ret, const char *path,
		       ft_policyfile_warn_fn warn, void *data, char **ret_error);
/* The same of bytes: name stands for the file in messages. Pure but for users and groups,
 * and for executables where there is a warn; what is watched may be absent then. */
int ft_policyfile_parse(struct ft_policyfile *ret, const char *name, struct ft_span text,
			ft_policyfile_warn_fn warn, void *data, char **ret_error);
/* The policy of three lines for `--deny PATH...`: a file or directory that is there, and
 * everything below it. */
int ft_policyfile_deny(struct ft_policyfile *ret, const char *const *paths, size_t count,
		       char **ret_error);
void ft_policyfile_fini(struct ft_policyfile *f);
