/* SPDX-License-Identifier: MIT */
/* One walk over the rules, which decides and explains. */
#include <assert.h>

#include "base/cleanup.h"
#include "guard/rule.h"

enum { CONTAINER_PREFIX_MIN = 4 };

/* The facts, and what was found out of them so far. */
struct question {
	const struct ft_policy *policy;
	const struct ft_facts *facts;
	struct ft_pathhits path;
	struct ft_rulebits objects;    /* rules that have the file by its object */
	struct ft_rulebits candidates; /* no other rule can match, by the path */
	bool has_exe;		       /* what follows was worked out */
	struct ft_pathhits exe;
	struct ft_rulebits exe_objects;
};

enum answer { NO, YES, UNKNOWN };

static bool is_file_unknown(const struct ft_facts *f)
{
	return f->path.len == 0 && f->object.dev == 0 && f->claims_count == 0;
}

static void question_init(struct question *q, const struct ft_policy *p,
			  const struct ft_facts *f)
{
	*q = (struct question){.policy = p, .facts = f};
	if (f->hits)
		q->path = *f->hits;
	else
		ft_policy_match(p, f->path, &q->path);
	ft_literals_match(&p->literals, FT_LITERAL_PATH, &f->object, &q->objects);
	for (size_t i = 0; i < f->claims_count; i++) {
		if (f->claims[i] < p->count)
			ft_rulebits_set(&q->objects, f->claims[i]);
	}
	q->candidates = is_file_unknown(f) ? p->in_doubt : p->anywhere;
	for (size_t i = 0; i < FT_ARRAY_SIZE(q->candidates.words); i++) {
		q->candidates.words[i] |= q->path.globs.words[i] |
					  q->path.literals.words[i] | q->objects.words[i];
		if (f->is_path_long)
			q->candidates.words[i] |= p->deep.words[i];
	}
}

/* Only where a rule asks: most requests are decided by the path. */
static void learn_exe(struct question *q)
{
	if (q->has_exe)
		return;
	q->has_exe = true;
	ft_pathindex_match(&q->policy->exes, q->facts->exe_path, &q->exe);
	ft_literals_match(&q->policy->literals, FT_LITERAL_EXE, &q->facts->exe,
			  &q->exe_objects);
}

static enum answer ask_events(struct question *q, unsigned int rule)
{
	return q->policy->rules[rule].spec.events & q->facts->event ? YES : NO;
}

static bool has_name(const struct question *q, unsigned int rule)
{
	return ft_rulebits_has(&q->path.globs, rule) ||
	       ft_rulebits_has(&q->path.literals, rule);
}

static enum answer ask_path(struct question *q, unsigned int rule)
{
	if (has_name(q, rule) || ft_rulebits_has(&q->objects, rule))
		return YES;
	if (q->facts->is_path_long && q->policy->rules[rule].has_deep_globs)
		return UNKNOWN;
	return is_file_unknown(q->facts) && q->policy->rules[rule].has_path_literals
		       ? UNKNOWN
		       : NO;
}

static enum answer ask_uid(struct question *q, unsigned int rule)
{
	const struct ft_rule *r = &q->policy->rules[rule];
	const struct ft_process *p = q->facts->process;

	if (!p || !p->has_ids)
		return UNKNOWN;
	for (size_t i = 0; i < r->uids_count; i++) {
		if (r->uids[i] == p->uid)
			return YES;
	}
	return NO;
}

static enum answer ask_gid(struct question *q, unsigned int rule)
{
	const struct ft_rule *r = &q->policy->rules[rule];
	const struct ft_process *p = q->facts->process;

	if (!p || !p->has_ids)
		return UNKNOWN;
	for (size_t i = 0; i < r->gids_count; i++) {
		if (r->gids[i] == p->gid)
			return YES;
	}
	return NO;
}

static enum answer ask_comm(struct question *q, unsigned int rule)
{
	const struct ft_rule *r = &q->policy->rules[rule];
	const struct ft_process *p = q->facts->process;

	if (!p || p->comm.len == 0)
		return UNKNOWN;
	for (size_t i = 0; i < r->comms_count; i++) {
		if (ft_span_equal(p->comm, ft_span_of(r->comms[i])))
			return YES;
	}
	return NO;
}

static bool is_container(struct ft_span id, struct ft_span wanted)
{
	if (wanted.len >= CONTAINER_PREFIX_MIN && id.len > wanted.len)
		id.len = wanted.len;
	return ft_span_equal(id, wanted);
}

/* Whose control group is known and is no container's is in none. */
static enum answer ask_container(struct question *q, unsigned int rule)
{
	const struct ft_rule *r = &q->policy->rules[rule];
	const struct ft_process *p = q->facts->process;

	if (!p || (p->container.len == 0 && p->cgroup.len == 0))
		return UNKNOWN;
	for (size_t i = 0; i < r->containers_count; i++) {
		if (is_container(p->container, ft_span_of(r->containers[i])))
			return YES;
	}
	return NO;
}

/* Where the path is not known, it may be one of the globs; or a literal one, unless all
 * objects are known, and are others. */
static bool may_be_exe(const struct question *q, const struct ft_rule *r)
{
	if (q->facts->exe_path.len > 0)
		return false;
	return r->has_exe_globs || (r->exe_literals > 0 && q->facts->exe.dev == 0) ||
	       r->exe_objects < r->exe_literals;
}

static enum answer ask_exe(struct question *q, unsigned int rule)
{
	const struct ft_rule *r = &q->policy->rules[rule];

	learn_exe(q);
	if (ft_rulebits_has(&q->exe_objects, rule) ||
	    ft_rulebits_has(&q->exe.globs, rule))
		return YES;
	if (r->is_strict && ft_rulebits_has(&q->exe.literals, rule))
		return YES;
	return may_be_exe(q, r) ? UNKNOWN : NO;
}

static const struct key {
	const char *name;
	unsigned int depends;
	enum answer (*ask)(struct question *q, unsigned int rule);
} keys[FT_KEY_COUNT] = {
	[FT_KEY_EVENTS] = {"events", FT_DEPENDS_EVENT, ask_events},
	[FT_KEY_PATH] = {"path", FT_DEPENDS_PATH, ask_path},
	[FT_KEY_UID] = {"uid", FT_DEPENDS_PROCESS, ask_uid},
	[FT_KEY_GID] = {"gid", FT_DEPENDS_PROCESS, ask_gid},
	[FT_KEY_COMM] = {"comm", FT_DEPENDS_PROCESS, ask_comm},
	[FT_KEY_CONTAINER] = {"container", FT_DEPENDS_PROCESS, ask_container},
	[FT_KEY_EXE] = {"exe", FT_DEPENDS_PROCESS, ask_exe},
};

/* A key that no event of the policy can change is nothing that a verdict depends on. */
static unsigned int depends_of(const struct ft_policy *p, const struct ft_rule *r,
			       unsigned int key)
{
	if (key == FT_KEY_EVENTS && (p->events & ~r->spec.events) == 0)
		return 0;
	return keys[key].depends;
}

/*
 * Adds to *depends. A rule that does not match goes on not to match while the key that
 * was found against it does; one that matches needs all its keys.
 */
static struct ft_explained check_rule(struct question *q, unsigned int rule,
				      unsigned int *depends)
{
	const struct ft_rule *r = &q->policy->rules[rule];
	struct ft_explained e = {.rule = (int)rule, .matches = true};
	unsigned int sum = 0;

	for (unsigned int i = 0; i < FT_KEY_COUNT; i++) {
		enum answer a;

		if (!ft_rule_asks(r, i))
			continue;
		a = keys[i].ask(q, rule);
		if (a == NO || (a == UNKNOWN && !r->is_strict)) {
			*depends |= depends_of(q->policy, r, i);
			return (struct ft_explained){.rule = (int)rule,
						     .key = keys[i].name,
						     .by_doubt = a == UNKNOWN};
		}
		e.by_doubt |= a == UNKNOWN;
		sum |= depends_of(q->policy, r, i);
	}
	e.by_object = ft_rule_asks(r, FT_KEY_PATH) && !has_name(q, rule) &&
		      ft_rulebits_has(&q->objects, rule);
	*depends |= sum;
	return e;
}

/* The first candidate from this rule on, or the number of rules. */
static unsigned int next_candidate(const struct question *q, unsigned int rule)
{
	int next = ft_rulebits_next(&q->candidates, (int)rule);

	return next < 0 ? (unsigned int)q->policy->count : (unsigned int)next;
}

struct telling {
	ft_explain_fn fn; /* may be NULL */
	void *data;
};

static void tell(const struct telling *t, const struct ft_explained *e)
{
	if (t->fn)
		t->fn(t->data, e);
}

/* The rules that are no candidates have another path, and are only told of. */
static unsigned int skip(const struct question *q, unsigned int rule,
			 const struct telling *t, unsigned int *depends)
{
	unsigned int next = next_candidate(q, rule);

	if (next > rule)
		*depends |= FT_DEPENDS_PATH;
	for (; t->fn && rule < next; rule++)
		tell(t, &(struct ft_explained){.rule = (int)rule,
					       .key = keys[FT_KEY_PATH].name});
	return next;
}

static enum ft_rule_verdict verdict_of(const struct ft_policy *p, int rule)
{
	if (rule >= 0)
		return p->rules[rule].spec.verdict;
	return p->config.fallback == FT_VERDICT_DENY ? FT_RULE_DENY : FT_RULE_ALLOW;
}

static void walk(const struct ft_policy *p, const struct ft_facts *f,
		 const struct telling *t, struct ft_outcome *ret)
{
	struct ft_explained last = {.rule = -1, .matches = true};
	struct ft_explained scan = {.rule = -1};
	unsigned int depends = 0;
	struct question q;

	question_init(&q, p, f);
	for (unsigned int i = skip(&q, 0, t, &depends); i < p->count;
	     i = skip(&q, i + 1, t, &depends)) {
		struct ft_explained e = check_rule(&q, i, &depends);

		if (e.matches &&
		    !(e.by_doubt && p->rules[i].spec.verdict == FT_RULE_SCAN)) {
			last = e;
			break;
		}
		tell(t, &e);
		if (e.matches && scan.rule < 0)
			scan = e;
	}
	if (scan.rule >= 0 && verdict_of(p, last.rule) != FT_RULE_DENY)
		last = scan;
	tell(t, &last);
	if (verdict_of(p, last.rule) == FT_RULE_SCAN)
		depends |= FT_DEPENDS_CONTENT;
	*ret = (struct ft_outcome){verdict_of(p, last.rule), last.rule, depends};
}

void ft_policy_decide(const struct ft_policy *p, const struct ft_facts *f,
		      struct ft_outcome *ret)
{
	walk(p, f, &(struct telling){0}, ret);
}

void ft_policy_explain(const struct ft_policy *p, const struct ft_facts *f,
		       ft_explain_fn fn, void *data, struct ft_outcome *ret)
{
	walk(p, f, &(struct telling){fn, data}, ret);
}

enum ft_verdict ft_policy_verdict(const struct ft_policy *p, const struct ft_outcome *o,
				  enum ft_scan_result result)
{
	assert(result < FT_SCAN_RESULT_COUNT);
	switch (o->verdict) {
	case FT_RULE_ALLOW:
		return FT_VERDICT_ALLOW;
	case FT_RULE_DENY:
		return FT_VERDICT_DENY;
	case FT_RULE_SCAN:
		break;
	}
	return p->rules[o->rule].spec.on_result[result];
}
