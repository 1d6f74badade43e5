/* SPDX-License-Identifier: MIT */
/* Tables of keys, and values of several kinds. */
#include "policy/fields.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/near.h"
#include "base/number.h"

static const char *nearest(const char *word, const char *best, size_t *distance,
			   const char *name)
{
	size_t n = ft_near_distance(ft_span_of(word), ft_span_of(name));

	if (n >= *distance)
		return best;
	*distance = n;
	return name;
}

static void unknown_key(struct ft_policy_reader *r, const struct ft_keys *keys,
			const struct ft_node *key)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes all = {0};
	const char *near = NULL;
	size_t distance = SIZE_MAX;

	for (size_t i = 0; i < keys->count; i++) {
		near = nearest(key->text, near, &distance, keys->list[i].name);
		ft_bytes_printf(&all, "%s%s", i > 0 ? ", " : "", keys->list[i].name);
	}
	if (near)
		ft_problems_add(&r->problems, key->at,
				"'%.100s' is no key of %s, did you mean '%s'?", key->text,
				keys->what, near);
	else
		ft_problems_add(&r->problems, key->at,
				"'%.100s' is no key of %s; its keys are %s", key->text,
				keys->what, ft_bytes_cstr(&all));
}

static const struct ft_key *find_key(const struct ft_keys *keys, const char *name)
{
	for (size_t i = 0; i < keys->count; i++)
		if (strcmp(keys->list[i].name, name) == 0)
			return &keys->list[i];
	return NULL;
}

const struct ft_node *ft_keys_find(const struct ft_node *map, const char *name)
{
	for (const struct ft_node *k = map->first; k; k = k->next)
		if (strcmp(k->text, name) == 0)
			return k->value;
	return NULL;
}

void ft_keys_take(struct ft_policy_reader *r, const struct ft_keys *keys,
		  const struct ft_node *map, void *target)
{
	if (map->kind != FT_NODE_MAP) {
		ft_problems_add(&r->problems, map->at,
				"%s is expected, keys with values; not a %s", keys->what,
				map->kind == FT_NODE_LIST ? "list" : "word");
		return;
	}
	for (const struct ft_node *k = map->first; k; k = k->next) {
		const struct ft_key *key = find_key(keys, k->text);

		/* One that stands twice was told of, and is read once. */
		if (ft_keys_find(map, k->text) != k->value)
			continue;
		if (key)
			key->take(r, k->value, (char *)target + key->offset);
		else
			unknown_key(r, keys, k);
	}
	for (size_t i = 0; i < keys->count; i++)
		if (keys->list[i].required && !ft_keys_find(map, keys->list[i].name))
			ft_problems_add(&r->problems, map->at, "%s needs '%s'",
					keys->what, keys->list[i].name);
}

void ft_warn(struct ft_policy_reader *r, struct ft_position at, const char *fmt, ...)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes line = {0};
	struct ft_problem warning = {.at = at};
	va_list ap;

	if (!r->warn)
		return;
	va_start(ap, fmt);
	vsnprintf(warning.text, sizeof(warning.text), fmt, ap);
	va_end(ap);
	ft_problem_format(&line, r->problems.name, &warning);
	r->warn(r->data, ft_bytes_cstr(&line));
}

const char *ft_field_word(struct ft_policy_reader *r, const struct ft_node *n,
			  const char *expected)
{
	if (n->kind == FT_NODE_WORD && n->text[0] != '\0')
		return n->text;
	ft_problems_add(&r->problems, n->at, "%s is expected, %s", expected,
			n->kind == FT_NODE_WORD	  ? "not nothing"
			: n->kind == FT_NODE_LIST ? "not a list"
						  : "not keys with values");
	return NULL;
}

const struct ft_node *ft_field_items(struct ft_policy_reader *r, const struct ft_node *n,
				     const char *expected)
{
	if (n->kind == FT_NODE_WORD)
		return n;
	if (n->kind == FT_NODE_LIST && n->first)
		return n->first;
	ft_problems_add(&r->problems, n->at, "%s or a list is expected, %s", expected,
			n->kind == FT_NODE_LIST ? "and this list is empty"
						: "not keys with values");
	return NULL;
}

int ft_field_choice(struct ft_policy_reader *r, const struct ft_node *n,
		    const char *const *names, size_t count)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes all = {0};

	for (size_t i = 0; i < count; i++) {
		if (n->kind == FT_NODE_WORD && strcmp(n->text, names[i]) == 0)
			return (int)i;
		ft_bytes_printf(&all, "%s%s",
				i == 0		? ""
				: i + 1 < count ? ", "
						: " or ",
				names[i]);
	}
	if (ft_field_word(r, n, ft_bytes_cstr(&all)))
		ft_problems_add(&r->problems, n->at, "%s is expected, not '%.100s'",
				ft_bytes_cstr(&all), n->text);
	return -1;
}

/* Parts that no path has when it is looked up by its name. */
static bool has_odd_part(const char *path)
{
	size_t len;

	for (const char *part = path + 1; *part; part += len + (part[len] == '/')) {
		len = strcspn(part, "/");
		if (len == 0 || (len == 1 && part[0] == '.') ||
		    (len == 2 && memcmp(part, "..", 2) == 0))
			return true;
	}
	return false;
}

const char *ft_field_path(struct ft_policy_reader *r, const struct ft_node *n)
{
	const char *path = ft_field_word(r, n, "a path");

	if (!path)
		return NULL;
	if (path[0] != '/') {
		ft_problems_add(&r->problems, n->at,
				"an absolute path is expected, one that begins with '/', "
				"not '%.100s'",
				path);
		return NULL;
	}
	if (!has_odd_part(path))
		return path;
	ft_problems_add(&r->problems, n->at,
			"a path without '//', '.' and '..' is expected, not '%.100s'",
			path);
	return NULL;
}

void ft_take_node(struct ft_policy_reader *r, const struct ft_node *n, void *at)
{
	*(const struct ft_node **)at = n;
}

void ft_take_word(struct ft_policy_reader *r, const struct ft_node *n, void *at)
{
	const char *word = ft_field_word(r, n, "a word");

	if (word)
		*(const char **)at = word;
}

void ft_take_bool(struct ft_policy_reader *r, const struct ft_node *n, void *at)
{
	static const char *const names[] = {"false", "true"};
	int i = ft_field_choice(r, n, names, FT_ARRAY_SIZE(names));

	if (i >= 0)
		*(bool *)at = i == 1;
}

void ft_take_size(struct ft_policy_reader *r, const struct ft_node *n, void *at)
{
	const char *word = ft_field_word(r, n, "a size like 100M");
	uint64_t size;

	if (!word)
		return;
	if (ft_size_parse(word, &size) == 0 && size > 0)
		*(uint64_t *)at = size;
	else
		ft_problems_add(&r->problems, n->at,
				"a size like 512K, 100M or 2G is expected, not '%.100s'",
				word);
}

void ft_take_verdict(struct ft_policy_reader *r, const struct ft_node *n, void *at)
{
	static const char *const names[] = {"allow", "deny"};
	static const enum ft_verdict verdicts[] = {FT_VERDICT_ALLOW, FT_VERDICT_DENY};
	int i = ft_field_choice(r, n, names, FT_ARRAY_SIZE(names));

	if (i >= 0)
		*(enum ft_verdict *)at = verdicts[i];
}
