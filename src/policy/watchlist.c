/* SPDX-License-Identifier: MIT */
/* Where a policy looks: as it says, or as its rules say. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "policy/sections.h"

static void add(struct ft_policy_reader *r, struct ft_position at, struct ft_span path)
{
	struct ft_policyfile *f = r->out;
	char **list, *copy;

	for (size_t i = 0; i < f->watch_count; i++)
		if (ft_span_equal(ft_span_of(f->watch[i]), path))
			return;
	if (f->watch_count >= FT_POLICYFILE_WATCH_MAX) {
		ft_problems_add(&r->problems, at,
				"more than %d places to watch; give the few directories "
				"above them as 'watch'",
				FT_POLICYFILE_WATCH_MAX);
		return;
	}
	list = reallocarray(f->watch, f->watch_count + 1, sizeof(*list));
	copy = strndup(path.data, path.len);
	if (list)
		f->watch = list;
	if (list && copy)
		list[f->watch_count++] = copy;
	else
		r->failed = -ENOMEM;
	if (!list)
		free(copy);
}

static struct ft_span without_end_slash(const char *path)
{
	struct ft_span s = ft_span_of(path);

	if (s.len > 1 && s.data[s.len - 1] == '/')
		s.len--;
	return s;
}

void ft_section_read_watch(struct ft_policy_reader *r, const struct ft_node *n)
{
	const struct ft_node *item = ft_field_items(r, n, "a path");

	for (; item; item = item->next) {
		const char *path = ft_field_path(r, item);

		if (path)
			add(r, item->at, without_end_slash(path));
	}
}

/* The part of a glob that is no glob: whole components, at least the slash. */
static struct ft_span literal_part(const char *glob)
{
	size_t end = strcspn(glob, "*?[\\");

	if (glob[end] != '\0')
		while (end > 0 && glob[end - 1] != '/')
			end--;
	if (end > 1 && glob[end - 1] == '/')
		end--;
	return (struct ft_span){glob, end};
}

static bool is_allowing(const struct ft_node *rule)
{
	const struct ft_node *verdict = ft_keys_find(rule, "verdict");

	return verdict && verdict->text && strcmp(verdict->text, "allow") == 0;
}

static void derive_rule(struct ft_policy_reader *r, const struct ft_node *rule)
{
	const struct ft_node *path = ft_keys_find(rule, "path");
	const struct ft_node *item = path;

	if (!path) {
		ft_problems_add(&r->problems, rule->at,
				"'watch' is needed: this rule has no 'path' that says "
				"where to look");
		return;
	}
	if (path->kind == FT_NODE_LIST)
		item = path->first;
	for (; item; item = item->next)
		add(r, item->at, literal_part(item->text));
}

void ft_section_derive_watch(struct ft_policy_reader *r, const struct ft_node *rules)
{
	r->out->watch_is_derived = true;
	if (ft_policy_config(r->out->policy)->fallback == FT_VERDICT_DENY) {
		ft_problems_add(&r->problems, rules->at,
				"'watch' is needed: 'default: deny' alone does not say "
				"where to look");
		return;
	}
	for (const struct ft_node *n = rules->first; n; n = n->next)
		if (!is_allowing(n))
			derive_rule(r, n);
	if (r->out->watch_count == 0 && r->problems.count == 0)
		ft_problems_add(
			&r->problems, rules->at,
			"a rule that denies or scans is expected: these allow, as "
			"the default does");
}
