/* SPDX-License-Identifier: MIT */
/* What this process may do: capabilities, namespaces, seccomp, lockdown. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "inspect/finding.h"

struct ft_privileges {
	uint64_t effective;	/* capabilities, a bit each */
	unsigned int seccomp;	/* 0: none, 1: strict, 2: filters */
	bool in_user_namespace; /* another one than the first */
	bool in_pid_namespace;
	struct ft_bytes lockdown; /* "none", "integrity"...; empty: not told */
};

/* CapEff and Seccomp of the form of /proc/self/status. 0 or -EBADMSG. */
int ft_privileges_parse_status(struct ft_privileges *p, struct ft_span text);
/* The word in brackets. */
void ft_privileges_parse_lockdown(struct ft_privileges *p, struct ft_span text);
/* 0 or -errno. */
int ft_privileges_read(struct ft_privileges *ret);
void ft_privileges_fini(struct ft_privileges *p);
void ft_privileges_judge(const struct ft_privileges *p, struct ft_findings *f);
