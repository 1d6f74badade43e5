/* SPDX-License-Identifier: MIT */
/* A policy is built, rule by rule, and asked what it is made of. */
#include "guard/policy.h"

#include <assert.h>
#include <errno.h>

#include "base/cleanup.h"
#include "guard/rule.h"

int ft_policy_new(struct ft_policy **ret, const struct ft_policy_config *config)
{
	struct ft_policy *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->config = *config;
	*ret = p;
	return 0;
}

struct ft_policy *ft_policy_free(struct ft_policy *p)
{
	if (!p)
		return NULL;
	for (size_t i = 0; i < p->count; i++)
		ft_rule_fini(&p->rules[i]);
	free(p->rules);
	ft_pathindex_fini(&p->paths);
	ft_pathindex_fini(&p->exes);
	ft_literals_fini(&p->literals);
	for (size_t i = 0; i < p->globs_count; i++)
		free((char *)p->globs[i].pattern);
	free(p->globs);
	free(p);
	return NULL;
}

/* What is wrong, and with which value. */
struct complaint {
	const char *error;
	const char *bad;
};

static int complain(struct complaint *c, const char *error, const char *bad)
{
	*c = (struct complaint){error, bad};
	return -EINVAL;
}

static int check_texts(const struct ft_values *v, struct complaint *c)
{
	if (v->count > FT_POLICY_VALUES_MAX) {
		complain(c, "more than 4096 values", NULL);
		return -E2BIG;
	}
	for (size_t i = 0; i < v->count; i++) {
		if (v->list[i][0] == '\0')
			return complain(c, "empty value", v->list[i]);
	}
	return 0;
}

static int check_lists(const struct ft_rule_spec *spec, struct complaint *c)
{
	const struct ft_values *lists[] = {&spec->path, &spec->exe, &spec->comm,
					   &spec->container};
	int r = 0;

	for (size_t i = 0; i < FT_ARRAY_SIZE(lists) && r == 0; i++)
		r = check_texts(lists[i], c);
	if (r == 0 && (spec->uids_count > FT_POLICY_VALUES_MAX ||
		       spec->gids_count > FT_POLICY_VALUES_MAX)) {
		complain(c, "more than 4096 values", NULL);
		r = -E2BIG;
	}
	return r;
}

static bool is_verdict(enum ft_verdict v)
{
	return v == FT_VERDICT_ALLOW || v == FT_VERDICT_DENY;
}

static bool may_deny(const struct ft_rule_spec *spec)
{
	if (spec->verdict != FT_RULE_SCAN)
		return spec->verdict == FT_RULE_DENY;
	for (size_t i = 0; i < FT_SCAN_RESULT_COUNT; i++) {
		if (spec->on_result[i] == FT_VERDICT_DENY)
			return true;
	}
	return false;
}

static int check_verdict(const struct ft_rule_spec *spec, struct complaint *c)
{
	bool scans = spec->verdict == FT_RULE_SCAN;

	if (scans && spec->scanner >= FT_POLICY_SCANNERS_MAX)
		return complain(c, "no such scanner", NULL);
	for (size_t i = 0; scans && i < FT_SCAN_RESULT_COUNT; i++) {
		if (!is_verdict(spec->on_result[i]))
			return complain(c, "a result of the scan has no verdict", NULL);
	}
	if (!scans && spec->max_size > 0)
		return complain(c, "max_size without scan", NULL);
	if (spec->error < 0)
		return complain(c, "errno is not positive", NULL);
	if (spec->error > 0 && !may_deny(spec))
		return complain(c, "errno on a rule that never denies", NULL);
	return 0;
}

static int check_spec(const struct ft_policy *p, const struct ft_rule_spec *spec,
		      struct complaint *c)
{
	int r;

	if (p->count == FT_POLICY_RULES_MAX) {
		complain(c, "more than 1024 rules", spec->name);
		return -E2BIG;
	}
	if (!spec->name || spec->name[0] == '\0')
		return complain(c, "rule without a name", NULL);
	if (spec->events & ~(uint64_t)FT_MASK_ASK)
		return complain(c, "event that asks for no permission", NULL);
	r = check_lists(spec, c);
	return r < 0 ? r : check_verdict(spec, c);
}

static int keep_glob(struct ft_policy *p, const char *pattern)
{
	struct ft_policy_glob *grown =
		reallocarray(p->globs, p->globs_count + 1, sizeof(*grown));
	char *copy = strdup(pattern);

	if (grown)
		p->globs = grown;
	if (!grown || !copy) {
		free(copy);
		return -ENOMEM;
	}
	p->globs[p->globs_count++] =
		(struct ft_policy_glob){(unsigned int)p->count, copy};
	return 0;
}

static int add_path(struct ft_policy *p, struct ft_rule *rule, const char *value,
		    const char **ret_error)
{
	unsigned int number = (unsigned int)p->count;
	char *literal;
	int r = ft_pathindex_add(&p->paths, number, value, &literal, ret_error);

	if (r < 0)
		return r;
	*ret_error = "out of memory";
	if (r > 0) {
		rule->has_path_literals = true;
		return ft_literals_add(&p->literals, FT_LITERAL_PATH, number, literal);
	}
	if (!rule->is_strict)
		return 0;
	rule->has_deep_globs |= strstr(value, "**") != NULL;
	return keep_glob(p, value);
}

static int add_exe(struct ft_policy *p, struct ft_rule *rule, const char *value,
		   const char **ret_error)
{
	unsigned int number = (unsigned int)p->count;
	char *literal;
	int r = ft_pathindex_add(&p->exes, number, value, &literal, ret_error);

	if (r < 0)
		return r;
	*ret_error = "out of memory";
	if (r > 0) {
		rule->exe_literals++;
		return ft_literals_add(&p->literals, FT_LITERAL_EXE, number, literal);
	}
	rule->has_exe_globs = true;
	return 0;
}

typedef int (*add_fn)(struct ft_policy *p, struct ft_rule *rule, const char *value,
		      const char **ret_error);

static int add_values(struct ft_policy *p, struct ft_rule *rule,
		      const struct ft_values *values, add_fn add, struct complaint *c)
{
	for (size_t i = 0; i < values->count; i++) {
		int r = add(p, rule, values->list[i], &c->error);

		if (r < 0) {
			c->bad = values->list[i];
			return r;
		}
	}
	return 0;
}

static int add_checked(struct ft_policy *p, const struct ft_rule_spec *spec,
		       struct complaint *c)
{
	struct ft_rule *grown = reallocarray(p->rules, p->count + 1, sizeof(*grown));
	struct ft_rule *rule;
	int r;

	c->error = "out of memory";
	if (!grown)
		return -ENOMEM;
	p->rules = grown;
	rule = &p->rules[p->count];
	r = ft_rule_init(rule, spec);
	if (r == 0)
		r = add_values(p, rule, &spec->path, add_path, c);
	if (r == 0)
		r = add_values(p, rule, &spec->exe, add_exe, c);
	if (r < 0) {
		ft_rule_fini(rule);
		return r;
	}
	p->events |= rule->spec.events;
	if (!ft_rule_asks(rule, FT_KEY_PATH))
		ft_rulebits_set(&p->anywhere, (unsigned int)p->count);
	if (!ft_rule_asks(rule, FT_KEY_PATH) || rule->has_path_literals)
		ft_rulebits_set(&p->in_doubt, (unsigned int)p->count);
	if (rule->has_deep_globs)
		ft_rulebits_set(&p->deep, (unsigned int)p->count);
	if (rule->is_strict)
		ft_rulebits_set(&p->strict, (unsigned int)p->count);
	p->count++;
	return 0;
}

int ft_policy_add_rule(struct ft_policy *p, const struct ft_rule_spec *spec,
		       const char **ret_error, const char **ret_bad)
{
	struct complaint c = {0};
	int r = check_spec(p, spec, &c);

	if (r == 0)
		r = add_checked(p, spec, &c);
	if (r < 0 && ret_error)
		*ret_error = c.error;
	if (r < 0 && ret_bad)
		*ret_bad = c.bad;
	return r;
}

const struct ft_policy_config *ft_policy_config(const struct ft_policy *p)
{
	return &p->config;
}

size_t ft_policy_rules_count(const struct ft_policy *p)
{
	return p->count;
}

const struct ft_rule *ft_policy_rule(const struct ft_policy *p, size_t i)
{
	assert(i < p->count);
	return &p->rules[i];
}

struct ft_span ft_rule_name(const struct ft_rule *r)
{
	return ft_span_of(r->spec.name);
}

const struct ft_rule_spec *ft_rule_spec(const struct ft_rule *r)
{
	return &r->spec;
}

uint64_t ft_policy_events(const struct ft_policy *p)
{
	return p->events;
}

bool ft_policy_needs_process(const struct ft_policy *p)
{
	for (size_t i = 0; i < p->count; i++) {
		if (p->rules[i].asks & ~(1u << FT_KEY_EVENTS | 1u << FT_KEY_PATH))
			return true;
	}
	return false;
}

const struct ft_literal *ft_policy_literals(const struct ft_policy *p, size_t *ret_count)
{
	*ret_count = p->literals.count;
	return p->literals.items;
}

void ft_policy_set_literal(struct ft_policy *p, size_t i, const struct ft_object *object)
{
	const struct ft_literal *l;

	assert(i < p->literals.count);
	l = &p->literals.items[i];
	if (l->kind == FT_LITERAL_EXE) {
		p->rules[l->rule].exe_objects -= l->object.dev != 0;
		p->rules[l->rule].exe_objects += object->dev != 0;
	}
	ft_literals_set(&p->literals, i, object);
}

const struct ft_policy_glob *ft_policy_globs(const struct ft_policy *p, size_t *ret_count)
{
	*ret_count = p->globs_count;
	return p->globs;
}

void ft_policy_match(const struct ft_policy *p, struct ft_span path,
		     struct ft_pathhits *ret)
{
	*ret = (struct ft_pathhits){0};
	ft_pathindex_match(&p->paths, path, ret);
}

int ft_policy_claims(const struct ft_policy *p, const struct ft_pathhits *hits, int from)
{
	struct ft_rulebits found;

	for (size_t i = 0; i < FT_ARRAY_SIZE(found.words); i++)
		found.words[i] = (hits->globs.words[i] | hits->literals.words[i]) &
				 p->strict.words[i];
	return ft_rulebits_next(&found, from);
}

int ft_policy_claims_deep(const struct ft_policy *p, int from)
{
	return ft_rulebits_next(&p->deep, from);
}
