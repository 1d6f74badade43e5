/* SPDX-License-Identifier: MIT */
/*
 * A compiled policy: rules, of which the first that matches decides. Built once, rule by
 * rule, then never changed: any thread may ask it. Deciding and explaining are pure, and
 * one walk over the rules.
 */
#pragma once

#include "event/decision.h"
#include "event/mask.h"
#include "event/process.h"

/* Bounds. Past them -E2BIG. */
enum {
	FT_POLICY_RULES_MAX = 1024,
	FT_POLICY_VALUES_MAX = 4096, /* of one key of one rule */
	FT_POLICY_SCANNERS_MAX = 16,
};

/* What identifies a file under every name that it has. Its birth tells it from a later
 * one that got the same number; 0: not known on this filesystem, then it is not compared.
 */
struct ft_object {
	uint64_t dev; /* st_dev; 0: not known */
	uint64_t ino;
	int64_t birth_ns;
};

enum ft_rule_verdict {
	FT_RULE_ALLOW,
	FT_RULE_DENY,
	FT_RULE_SCAN, /* as the scanner says */
};

/* What a scanner may answer; each has a verdict in the rule. */
enum ft_scan_result {
	FT_SCAN_CLEAN,
	FT_SCAN_INFECTED,
	FT_SCAN_ERROR, /* it is down, it failed, or the file cannot be scanned */
	FT_SCAN_RESULT_COUNT,
};

struct ft_values {
	const char *const *list;
	size_t count; /* 0: the rule does not ask */
};

/* A rule as it is written; everything is borrowed for the call. */
struct ft_rule_spec {
	const char *name;
	uint64_t events; /* FT_EV_..._PERM, FT_EV_PRE_ACCESS; 0: open and exec */
	/* A path that is no glob is a literal one (`\*` is a star in it): it holds by
	 * name and by object. */
	struct ft_values path;
	struct ft_values exe;
	struct ft_values comm;
	struct ft_values container;
	const uid_t *uids;
	size_t uids_count;
	const gid_t *gids;
	size_t gids_count;
	enum ft_rule_verdict verdict;
	unsigned int scanner; /* of a scan: its number */
	enum ft_verdict on_result[FT_SCAN_RESULT_COUNT];
	uint64_t max_size; /* larger files are not scanned, which is FT_SCAN_ERROR; 0: no
			      bound */
	int error;	   /* positive errno to deny with; 0: EPERM */
	bool audit;
};

/* What a policy is but its rules. */
struct ft_policy_config {
	enum ft_guard_mode mode;
	enum ft_verdict fallback; /* `default` */
	enum ft_verdict on_timeout;
	int64_t timeout_ns;
};

struct ft_policy;
struct ft_rule;

int ft_policy_new(struct ft_policy **ret, const struct ft_policy_config *config);
struct ft_policy *ft_policy_free(struct ft_policy *p);
/* Appends a rule. -EINVAL: a bad glob, a path that is not absolute, things that do not go
 * together; *ret_error (static, may be NULL) says what and *ret_bad (may be NULL) is the
 * value, as in spec, or NULL. After a failure the policy may take more rules, to find
 * their mistakes, but is to be used for nothing. */
int ft_policy_add_rule(struct ft_policy *p, const struct ft_rule_spec *spec,
		       const char **ret_error, const char **ret_bad);

const struct ft_policy_config *ft_policy_config(const struct ft_policy *p);
size_t ft_policy_rules_count(const struct ft_policy *p);
const struct ft_rule *ft_policy_rule(const struct ft_policy *p, size_t i);
struct ft_span ft_rule_name(const struct ft_rule *r);
/* As it was added, with the defaults set, but without what it asks for (path to gids). */
const struct ft_rule_spec *ft_rule_spec(const struct ft_rule *r);
/* Permission bits that any rule asks for. */
uint64_t ft_policy_events(const struct ft_policy *p);
/* Does a verdict depend on who asks? Then processes must be known. */
bool ft_policy_needs_process(const struct ft_policy *p);

/* ---- literal paths and executables: by object, too ---- */

enum ft_literal_kind { FT_LITERAL_PATH, FT_LITERAL_EXE };

/* The literal paths of all rules, each once a rule. *ret_count; borrowed. `object` is set
 * by whoever looked it up (ft_policy_set_literal), before the policy is used. As it stays
 * so, one that follows what is at a path keeps FT_LITERAL_PATH in claims instead. An exe
 * must be set: a rule that allows knows it by its object alone. */
struct ft_literal {
	enum ft_literal_kind kind;
	unsigned int rule;
	const char *path; /* absolute, NUL-ended, without escapes */
	struct ft_object object;
};
const struct ft_literal *ft_policy_literals(const struct ft_policy *p, size_t *ret_count);
void ft_policy_set_literal(struct ft_policy *p, size_t i, const struct ft_object *object);

/* The globs on paths of rules that deny or scan, as written: what matches them now is to
 * be found, and stays protected under every name. *ret_count; borrowed. */
struct ft_policy_glob {
	unsigned int rule;
	const char *pattern;
};
const struct ft_policy_glob *ft_policy_globs(const struct ft_policy *p,
					     size_t *ret_count);
/* Which rules have this path: most of the work of deciding. See guard/pathindex.h. */
struct ft_pathhits;
void ft_policy_match(const struct ft_policy *p, struct ft_span path,
		     struct ft_pathhits *ret);
/* Number of the first rule from `from` on that denies or scans and has the path among
 * its globs or literal paths, or -1: it claims what is there. Whatever else the rule asks
 * for is not looked at. */
int ft_policy_claims(const struct ft_policy *p, const struct ft_pathhits *hits, int from);

/* The first from `from` on of those that a path too long to be known may match. */
int ft_policy_claims_deep(const struct ft_policy *p, int from);

/* ---- to decide ---- */

/* What is known of one request. What is not known is absent: len 0, dev 0, NULL. */
struct ft_facts {
	uint64_t event;			/* one bit */
	struct ft_span path;		/* on the host, whatever the process calls it */
	bool is_path_long;		/* it is not known as no path can be so long */
	const struct ft_pathhits *hits; /* of the path; NULL: not looked up yet */
	struct ft_object object;
	uint64_t size;
	bool is_regular;
	const unsigned int *claims; /* rules that protect this object (by a literal path
				       or a glob that it matched once), ascending */
	size_t claims_count;
	pid_t pid;
	const struct ft_process *process; /* only where it is sure */
	/* What it runs. The path on the host: not process->exe, which is as the process
	 * sees it, and can be made to be anything by whoever makes a mount namespace. */
	struct ft_object exe;
	struct ft_span exe_path;
};

/* Not where one is not known; a birth that one side does not know is not compared. */
static inline bool ft_object_equal(const struct ft_object *a, const struct ft_object *b)
{
	return a->dev != 0 && a->dev == b->dev && a->ino == b->ino &&
	       (a->birth_ns == b->birth_ns || a->birth_ns == 0 || b->birth_ns == 0);
}

enum ft_depends {
	FT_DEPENDS_PATH = 1 << 0,
	FT_DEPENDS_PROCESS = 1 << 1,
	FT_DEPENDS_CONTENT = 1 << 2,
	FT_DEPENDS_EVENT =
		1 << 3, /* another event of this file may be answered otherwise */
};

struct ft_outcome {
	enum ft_rule_verdict verdict;
	int rule; /* -1: the default */
	unsigned int
		depends; /* on what else: the verdict may be kept while that is as it is
			  */
};

/*
 * The first rule that matches. Something unknown matches where it makes stricter: a rule
 * that allows never matches by what is not known, one that denies or scans does (but a
 * path that is not known matches no glob: the object's claims stand for it; one that is
 * too long matches each that is strict and has a `**`). One that scans decides by what is
 * not known only where nothing after it would deny.
 *
 * A literal exe is the object that was looked up: a replaced one is another, one under
 * another name is not. Rules that deny or scan take one of the same path, too.
 */
void ft_policy_decide(const struct ft_policy *p, const struct ft_facts *f,
		      struct ft_outcome *ret);

/* Why a rule did or did not match: the first key that decided against it, NULL if none.
 */
struct ft_explained {
	int rule; /* -1: the default */
	bool matches;
	const char *key; /* "events", "path", "exe"...: what does not match */
	bool by_object;	 /* the path did not match, the object did */
	bool by_doubt;	 /* something asked for is not known: so a strict rule matches,
			    and one that allows does not */
};
typedef void (*ft_explain_fn)(void *data, const struct ft_explained *e);
/* As decide, and tells every rule that was looked at, the deciding one last (a scan by
 * doubt a second time then, if others had to be looked at first). */
void ft_policy_explain(const struct ft_policy *p, const struct ft_facts *f,
		       ft_explain_fn fn, void *data, struct ft_outcome *ret);
/* The verdict of an outcome that needs no scan; or, of one that does, after its result.
 */
enum ft_verdict ft_policy_verdict(const struct ft_policy *p, const struct ft_outcome *o,
				  enum ft_scan_result result);
