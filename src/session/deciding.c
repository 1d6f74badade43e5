/* SPDX-License-Identifier: MIT */
/* A conclusion becomes an answer. */
#include "session/deciding.h"

static struct ft_ruleset *rules_of(const struct ft_decider *d, const struct ft_asked *a)
{
	return a->q->ruleset ? a->q->ruleset : d->rules;
}

static bool is_told(const struct ft_decider *d, const struct ft_conclusion *c)
{
	return d->config.tells_all || c->verdict == FT_VERDICT_DENY || c->is_late ||
	       c->is_error;
}

static const char *reason_of(const struct ft_ruleset *rules, const struct ft_asked *a,
			     const struct ft_conclusion *c)
{
	int rule = a->outcome.rule;
	struct ft_pathhits hits;

	if (c->reason)
		return c->reason;
	if (rule < 0)
		return "no rule matches";
	if (c->verdict != FT_VERDICT_DENY || a->facts.path.len == 0)
		return "the rule matches";
	ft_policy_match(rules->policy, a->facts.path, &hits);
	return ft_policy_claims(rules->policy, &hits, rule) == rule
		       ? "the rule matches"
		       : "a protected file under another name";
}

static void fill_event(const struct ft_ruleset *rules, const struct ft_asked *a,
		       struct ft_event *ev)
{
	const struct ft_mount *m = ft_guards_find(&rules->guards, &a->q->identity);

	*ev = (struct ft_event){
		.kind = FT_KIND_EVENT,
		.time_ns = a->now_ns,
		.mask = a->q->event,
		.inode = a->facts.object.ino,
		.has_inode = a->facts.object.dev != 0,
		.path = a->facts.path,
		.path_source = a->facts.path.len > 0 ? FT_PATH_NOW : FT_PATH_NONE,
		.pid = a->q->pid,
		.certainty = a->asker.certainty,
		.process = a->asker.process,
	};
	if (!m)
		return;
	ev->dev = ft_span_of(m->dev);
	ev->fs = ft_span_of(m->type);
}

static void tell(struct ft_decider *d, const struct ft_ruleset *rules,
		 const struct ft_asked *a, const struct ft_conclusion *c,
		 struct ft_decision *decision)
{
	struct ft_event ev;

	if (c->verdict == FT_VERDICT_ALLOW && !c->is_late && a->facts.path.len > 0 &&
	    !ft_guards_has(&rules->guards, a->facts.path))
		return;
	decision->reason = ft_span_of(reason_of(rules, a, c));
	if (a->outcome.rule >= 0)
		decision->rule = ft_rule_name(
			ft_policy_rule(rules->policy, (size_t)a->outcome.rule));
	fill_event(rules, a, &ev);
	ft_telling_put(&d->telling, &ev, decision);
}

static void count(struct ft_ruleset *rules, const struct ft_asked *a,
		  const struct ft_conclusion *c)
{
	struct ft_rule_count *n = ft_ruleset_count(rules, a->outcome.rule);

	atomic_fetch_add_explicit(c->verdict == FT_VERDICT_DENY ? &n->denied
								: &n->allowed,
				  1, memory_order_relaxed);
	if (c->is_late)
		atomic_fetch_add_explicit(&n->late, 1, memory_order_relaxed);
}

static struct ft_answer answer_of(const struct ft_ruleset *rules,
				  const struct ft_asked *a, enum ft_verdict verdict)
{
	struct ft_answer answer = {.verdict = verdict};
	const struct ft_rule_spec *spec;

	if (a->outcome.rule < 0)
		return answer;
	spec = ft_rule_spec(ft_policy_rule(rules->policy, (size_t)a->outcome.rule));
	answer.error = spec->error;
	answer.audit = spec->audit;
	answer.audit_rule = (uint32_t)a->outcome.rule + 1;
	return answer;
}

void ft_deciding_answer(struct ft_decider *d, struct ft_asked *a,
			const struct ft_conclusion *c)
{
	struct ft_ruleset *rules = rules_of(d, a);
	bool observes = ft_ruleset_observes(rules);
	struct ft_decision decision = {
		.verdict = c->verdict,
		.answered = observes ? FT_VERDICT_ALLOW : c->verdict,
		.mode = observes ? FT_MODE_OBSERVE : FT_MODE_ENFORCE,
	};
	struct ft_answer answer = answer_of(rules, a, decision.answered);
	bool told = is_told(d, c);

	/* While it waits it is there to be looked at. */
	if (told) {
		ft_asked_find_process(d, a);
		ft_asked_find_path(d, a);
	}
	/* Whoever asked may have been killed: then nobody waits. */
	(void)ft_request_answer(&d->requests, a->q, &answer, &decision.error);
	count(rules, a, c);
	if (!told)
		return;
	decision.took_ns = ft_boot_ns() - a->q->began_ns;
	tell(d, rules, a, c, &decision);
}
