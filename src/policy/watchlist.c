/* SPDX-License-Identifier: MIT */
/* Where a policy looks: as it says, or as its rules say. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "policy/sections.h"

int ft_watchlist_add(struct ft_policyfile *f, struct ft_span path)
{
	char **list = reallocarray(f->watch, f->watch_count + 1, sizeof(*list));
	char *copy = ft_span_dup(path);

	if (list)
		f->watch = list;
	if (!list || !copy) {
		free(copy);
		return -ENOMEM;
	}
	list[f->watch_count++] = copy;
	return 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void remove_repeats(struct ft_policyfile *f)
{
	size_t kept = 0;

	if (f->watch_count > 1)
		qsort(f->watch, f->watch_count, sizeof(*f->watch), compare);
	for (size_t i = 0; i < f->watch_count; i++) {
		if (kept > 0 && strcmp(f->watch[kept - 1], f->watch[i]) == 0)
			free(f->watch[i]);
		else
			f->watch[kept++] = f->watch[i];
	}
	f->watch_count = kept;
}

/* Cuts the last part off; false: it is the root. */
static bool cut_last(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash || path[1] == '\0')
		return false;
	slash[slash == path] = '\0';
	return true;
}

/* A file stays what it is where something is mounted on it: its directory is on another
 * filesystem then. */
static void settle(char *path)
{
	_cleanup_free_ char *parent = NULL;
	struct stat st, above;

	while (stat(path, &st) < 0)
		if (!cut_last(path))
			return;
	parent = S_ISDIR(st.st_mode) ? NULL : strdup(path);
	if (parent && cut_last(parent) && stat(parent, &above) == 0 &&
	    above.st_dev == st.st_dev)
		strcpy(path, parent);
}

int ft_watchlist_settle(struct ft_policyfile *f)
{
	for (size_t i = 0; i < f->watch_count; i++)
		settle(f->watch[i]);
	remove_repeats(f);
	return f->watch_count > FT_POLICYFILE_WATCH_MAX ? -E2BIG : 0;
}

static void add(struct ft_policy_reader *r, struct ft_span path)
{
	int e = ft_watchlist_add(r->out, path);

	if (e < 0)
		r->failed = e;
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
			add(r, without_end_slash(path));
	}
	if (r->out->watch_count > FT_POLICYFILE_WATCH_MAX)
		ft_problems_add(&r->problems, n->at, "more than %d paths to watch",
				FT_POLICYFILE_WATCH_MAX);
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
		add(r, literal_part(item->text));
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
	remove_repeats(r->out);
	if (r->out->watch_count == 0 && r->problems.count == 0)
		ft_problems_add(
			&r->problems, rules->at,
			"a rule that denies or scans is expected: these allow, as "
			"the default does");
}
