/* SPDX-License-Identifier: MIT */
/* Policies once more, read from the rules as they are written: slow and plain, to compare
 * with. */
#pragma once

#include "guard/policy.h"
#include "naive-glob.h"

enum { NAIVE_RULES_MAX = 8, NAIVE_VALUES_MAX = 3 };

/* A rule with room for its values; exe_objects[i] belongs to exe[i] where that is
 * literal. */
struct naive_rule {
	struct ft_rule_spec spec;
	const char *path[NAIVE_VALUES_MAX];
	const char *exe[NAIVE_VALUES_MAX];
	const char *comm[NAIVE_VALUES_MAX];
	const char *container[NAIVE_VALUES_MAX];
	uid_t uids[NAIVE_VALUES_MAX];
	gid_t gids[NAIVE_VALUES_MAX];
	struct ft_object path_objects[NAIVE_VALUES_MAX];
	struct ft_object exe_objects[NAIVE_VALUES_MAX];
};

struct naive_policy {
	struct naive_rule rules[NAIVE_RULES_MAX];
	size_t count;
	enum ft_verdict fallback;
};

enum naive_answer { NAIVE_IS_NOT, NAIVE_IS, NAIVE_MAY_BE };

static inline bool naive_is_literal(const char *value)
{
	return strpbrk(value, "*?[\\") == NULL;
}

static inline bool naive_is_file(const struct ft_object *a, const struct ft_object *b)
{
	if (a->dev == 0 || b->dev == 0 || a->dev != b->dev || a->ino != b->ino)
		return false;
	return a->birth_ns == 0 || b->birth_ns == 0 || a->birth_ns == b->birth_ns;
}

static inline bool naive_has_text(struct ft_span s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.data, text, s.len) == 0;
}

static inline enum naive_answer naive_path(const struct naive_rule *r,
					   unsigned int number, const struct ft_facts *f)
{
	bool literal = false, deep = false;

	for (size_t i = 0; i < r->spec.path.count; i++) {
		literal |= naive_is_literal(r->path[i]);
		deep |= strstr(r->path[i], "**") != NULL;
		if (f->path.len > 0 &&
		    naive_glob(r->path[i], f->path.data, f->path.len, "/") == NAIVE_YES)
			return NAIVE_IS;
		if (naive_is_literal(r->path[i]) &&
		    naive_is_file(&r->path_objects[i], &f->object))
			return NAIVE_IS;
	}
	for (size_t i = 0; i < f->claims_count; i++) {
		if (f->claims[i] == number)
			return NAIVE_IS;
	}
	if (f->is_path_long && deep && r->spec.verdict != FT_RULE_ALLOW)
		return NAIVE_MAY_BE;
	if (literal && f->path.len == 0 && f->object.dev == 0 && f->claims_count == 0)
		return NAIVE_MAY_BE;
	return NAIVE_IS_NOT;
}

static inline enum naive_answer naive_exe(const struct naive_rule *r,
					  const struct ft_facts *f)
{
	bool strict = r->spec.verdict != FT_RULE_ALLOW, may_be = false;

	for (size_t i = 0; i < r->spec.exe.count; i++) {
		bool literal = naive_is_literal(r->exe[i]);
		bool by_name = f->exe_path.len > 0 &&
			       naive_glob(r->exe[i], f->exe_path.data, f->exe_path.len,
					  "/") == NAIVE_YES;

		if (by_name && (!literal || strict))
			return NAIVE_IS;
		if (literal && naive_is_file(&r->exe_objects[i], &f->exe))
			return NAIVE_IS;
		if (f->exe_path.len == 0 &&
		    (!literal || f->exe.dev == 0 || r->exe_objects[i].dev == 0))
			may_be = true;
	}
	return may_be ? NAIVE_MAY_BE : NAIVE_IS_NOT;
}

static inline enum naive_answer naive_ids(const struct naive_rule *r,
					  const struct ft_facts *f, bool group)
{
	size_t n = group ? r->spec.gids_count : r->spec.uids_count;

	if (!f->process || !f->process->has_ids)
		return NAIVE_MAY_BE;
	for (size_t i = 0; i < n; i++) {
		if (group ? r->gids[i] == f->process->gid : r->uids[i] == f->process->uid)
			return NAIVE_IS;
	}
	return NAIVE_IS_NOT;
}

static inline enum naive_answer naive_comm(const struct naive_rule *r,
					   const struct ft_facts *f)
{
	if (!f->process || f->process->comm.len == 0)
		return NAIVE_MAY_BE;
	for (size_t i = 0; i < r->spec.comm.count; i++) {
		char kept[16] = "";

		strncat(kept, r->comm[i], 15);
		if (naive_has_text(f->process->comm, kept))
			return NAIVE_IS;
	}
	return NAIVE_IS_NOT;
}

static inline enum naive_answer naive_container(const struct naive_rule *r,
						const struct ft_facts *f)
{
	const struct ft_process *p = f->process;

	if (!p || (p->container.len == 0 && p->cgroup.len == 0))
		return NAIVE_MAY_BE;
	for (size_t i = 0; i < r->spec.container.count; i++) {
		size_t n = strlen(r->container[i]);

		if (naive_has_text(p->container, r->container[i]) ||
		    (n >= 4 && p->container.len > n &&
		     memcmp(p->container.data, r->container[i], n) == 0))
			return NAIVE_IS;
	}
	return NAIVE_IS_NOT;
}

static inline enum naive_answer naive_rule(const struct naive_rule *r,
					   unsigned int number, const struct ft_facts *f)
{
	uint64_t events =
		r->spec.events ? r->spec.events : UINT64_C(0x10000) | UINT64_C(0x40000);
	const enum naive_answer answers[] = {
		f->event & events ? NAIVE_IS : NAIVE_IS_NOT,
		r->spec.path.count ? naive_path(r, number, f) : NAIVE_IS,
		r->spec.exe.count ? naive_exe(r, f) : NAIVE_IS,
		r->spec.comm.count ? naive_comm(r, f) : NAIVE_IS,
		r->spec.container.count ? naive_container(r, f) : NAIVE_IS,
		r->spec.uids_count ? naive_ids(r, f, false) : NAIVE_IS,
		r->spec.gids_count ? naive_ids(r, f, true) : NAIVE_IS,
	};
	enum naive_answer all = NAIVE_IS;

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		if (answers[i] == NAIVE_IS_NOT)
			return NAIVE_IS_NOT;
		if (answers[i] == NAIVE_MAY_BE)
			all = NAIVE_MAY_BE;
	}
	return all;
}

/* The number of the rule, or -1. */
static inline int naive_decide(const struct naive_policy *p, const struct ft_facts *f)
{
	int scan = -1;

	for (unsigned int i = 0; i < p->count; i++) {
		const struct naive_rule *r = &p->rules[i];
		enum naive_answer a = naive_rule(r, i, f);

		if (a == NAIVE_IS_NOT ||
		    (a == NAIVE_MAY_BE && r->spec.verdict == FT_RULE_ALLOW))
			continue;
		if (a == NAIVE_MAY_BE && r->spec.verdict == FT_RULE_SCAN) {
			scan = scan < 0 ? (int)i : scan;
			continue;
		}
		return scan >= 0 && r->spec.verdict != FT_RULE_DENY ? scan : (int)i;
	}
	return p->fallback == FT_VERDICT_DENY ? -1 : scan;
}
