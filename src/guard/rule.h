/* SPDX-License-Identifier: MIT */
/* A rule and a policy as they are kept, for policy.c that builds and decide.c that reads
 * them. */
#pragma once

#include "guard/literals.h"
#include "guard/pathindex.h"

/* What a rule may ask for, in the order in which it is looked at. */
enum ft_rule_key {
	FT_KEY_EVENTS,
	FT_KEY_PATH,
	FT_KEY_UID,
	FT_KEY_GID,
	FT_KEY_COMM,
	FT_KEY_CONTAINER,
	FT_KEY_EXE,
	FT_KEY_COUNT,
};

struct ft_rule {
	struct ft_rule_spec spec; /* its name is ours, its lists are empty */
	unsigned int asks;	  /* a bit a key */
	bool is_strict;		  /* it denies or scans: what is not known matches */
	bool has_path_literals;
	bool has_deep_globs; /* with a component that stands for any number of them */
	bool has_exe_globs;
	size_t exe_literals;
	size_t exe_objects; /* of these literals the object is known */
	char **comms;	    /* as long as the kernel keeps them */
	size_t comms_count;
	char **containers;
	size_t containers_count;
	uid_t *uids;
	size_t uids_count;
	gid_t *gids;
	size_t gids_count;
};

/* Of a checked spec, but for its paths. 0 or -ENOMEM; to be ended in both cases. */
int ft_rule_init(struct ft_rule *r, const struct ft_rule_spec *spec);
void ft_rule_fini(struct ft_rule *r);

static inline bool ft_rule_asks(const struct ft_rule *r, enum ft_rule_key key)
{
	return r->asks >> key & 1;
}

struct ft_policy {
	struct ft_policy_config config;
	struct ft_rule *rules;
	size_t count;
	uint64_t events; /* of all rules */
	struct ft_pathindex paths;
	struct ft_pathindex exes;
	struct ft_literals literals;
	struct ft_policy_glob *globs;
	size_t globs_count;
	/* Rules that match, as far as the path goes, whatever it is; and the same where
	 * neither it nor the object is known. */
	struct ft_rulebits anywhere;
	struct ft_rulebits in_doubt;
	struct ft_rulebits deep; /* strict ones that a path of any length may match */
	struct ft_rulebits strict;
};
