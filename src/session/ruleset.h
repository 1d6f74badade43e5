/* SPDX-License-Identifier: MIT */
/*
 * A policy in use: with the filesystems that it guards, the objects that it protects and
 * what it was asked. Made by one thread, then given to the one that decides, which never
 * changes it but for the counters.
 */
#pragma once

#include <stdatomic.h>

#include "guard/claims.h"
#include "guard/pathindex.h"
#include "session/guarded.h"

enum { FT_RULESET_CLAIMS = 1 << 18 };

/* How often a rule decided. */
struct ft_rule_count {
	_Atomic uint64_t allowed;
	_Atomic uint64_t denied;
	_Atomic uint64_t late; /* of these: by on_timeout */
};

struct ft_ruleset {
	struct ft_policy *policy; /* borrowed */
	bool observe;		  /* whatever the policy says */
	uint64_t generation;	  /* never 0, never the same */
	uint64_t events;
	struct ft_guards guards;
	struct ft_claims *claims;
	struct ft_pathindex aliases; /* where literal paths led when they were resolved */
	struct ft_rule_count *counts; /* the last one is the default's */
	_Atomic bool claims_full;
	_Atomic bool claims_cut; /* not all that is there was looked at */
	/* Requests that wait for its scanners, and the decider while it uses it. */
	_Atomic unsigned int users;
	void *owner; /* whoever made it: its scanners */
};

/* events: what is asked for, at least one. 0 or -errno; *ret_path (may be NULL) is the
 * PATH that cannot be guarded. */
int ft_ruleset_init(struct ft_ruleset *s, struct ft_policy *policy,
		    const char *const *watch, size_t watch_count, const char **ret_path);
void ft_ruleset_fini(struct ft_ruleset *s);

/* Before it is given to anybody: looks up which executables its rules name, and where its
 * paths lead by symbolic links. 0 or -ENOMEM. */
int ft_ruleset_resolve(struct ft_ruleset *s);
/* Which rules have this path, or one that led there. */
void ft_ruleset_match(const struct ft_ruleset *s, struct ft_span path,
		      struct ft_pathhits *ret);
/* Looks up which file is at each literal path, and every one that a glob protects. The
 * changes that happen from here on must be told by ft_ruleset_see(). */
void ft_ruleset_find_claims(struct ft_ruleset *s);
/* Something is at this path now: rules that name it protect the object from here on. */
void ft_ruleset_see(struct ft_ruleset *s, struct ft_span path);
/* It came there from another path: what rules name that protect it, too. In an overlay it
 * may be a copy, and so another object. */
void ft_ruleset_see_moved(struct ft_ruleset *s, struct ft_span from, struct ft_span path);
/* The same, if it is known what is there, and by which rules the path is named. */
void ft_ruleset_claim(struct ft_ruleset *s, const struct ft_pathhits *hits,
		      const struct ft_object *object);
/* A path that is too long to be known may be any that a `**` matches. */
void ft_ruleset_claim_deep(struct ft_ruleset *s, const struct ft_object *object);
/* A directory is at this path now, with all that is below it. */
void ft_ruleset_see_tree(struct ft_ruleset *s, struct ft_span path);
struct ft_rule_count *ft_ruleset_count(struct ft_ruleset *s, int rule);
/* Its verdicts are not enforced. */
bool ft_ruleset_observes(const struct ft_ruleset *s);
