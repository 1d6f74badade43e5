/* SPDX-License-Identifier: MIT */
/* A policy in use. */
#include "session/ruleset.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "session/globscan.h"

int ft_ruleset_init(struct ft_ruleset *s, struct ft_policy *policy,
		    const char *const *watch, size_t watch_count, const char **ret_path)
{
	int r;

	memset(s, 0, sizeof(*s));
	s->guards.links = -1;
	s->policy = policy;
	s->events = ft_policy_events(policy);
	s->counts = calloc(ft_policy_rules_count(policy) + 1, sizeof(*s->counts));
	if (!s->counts)
		return -ENOMEM;
	r = ft_claims_new(&s->claims, FT_RULESET_CLAIMS);
	if (r == 0)
		r = ft_guards_init(&s->guards);
	for (size_t i = 0; i < watch_count && r == 0; i++) {
		r = ft_guards_add(&s->guards, watch[i]);
		if (r < 0 && ret_path)
			*ret_path = watch[i];
	}
	return r;
}

void ft_ruleset_fini(struct ft_ruleset *s)
{
	/* It never began: 0 is somebody's descriptor. */
	if (!s->policy)
		return;
	ft_claims_free(s->claims);
	ft_pathindex_fini(&s->aliases);
	ft_guards_fini(&s->guards);
	free(s->counts);
	memset(s, 0, sizeof(*s));
}

struct ft_rule_count *ft_ruleset_count(struct ft_ruleset *s, int rule)
{
	size_t rules = ft_policy_rules_count(s->policy);

	return &s->counts[rule >= 0 ? (size_t)rule : rules];
}

bool ft_ruleset_observes(const struct ft_ruleset *s)
{
	return s->observe || ft_policy_config(s->policy)->mode == FT_MODE_OBSERVE;
}

void ft_ruleset_match(const struct ft_ruleset *s, struct ft_span path,
		      struct ft_pathhits *ret)
{
	ft_policy_match(s->policy, path, ret);
	ft_pathindex_match(&s->aliases, path, ret);
}

static void add_claim(struct ft_ruleset *s, unsigned int rule,
		      const struct ft_object *object)
{
	struct ft_object o = *object;

	if (!ft_guards_keeps_births(&s->guards, o.dev))
		o.birth_ns = 0;
	if (ft_claims_add(s->claims, &o, rule) == -ENOSPC)
		atomic_store(&s->claims_full, true);
}

void ft_ruleset_claim(struct ft_ruleset *s, const struct ft_pathhits *hits,
		      const struct ft_object *object)
{
	int rule = ft_policy_claims(s->policy, hits, 0);

	for (; rule >= 0; rule = ft_policy_claims(s->policy, hits, rule + 1))
		add_claim(s, (unsigned int)rule, object);
}

void ft_ruleset_claim_deep(struct ft_ruleset *s, const struct ft_object *object)
{
	int rule = ft_policy_claims_deep(s->policy, 0);

	for (; rule >= 0; rule = ft_policy_claims_deep(s->policy, rule + 1))
		add_claim(s, (unsigned int)rule, object);
}

/* What is in this place, by the rules for a path that it has, or had. */
static void see_as(struct ft_ruleset *s, int dirfd, const char *name, struct ft_span path)
{
	struct ft_pathhits hits;
	struct ft_identity id;

	/* Gone already: the record of where it went comes. */
	if (ft_identity_read(dirfd, name, false, &id) < 0 || S_ISDIR(id.mode))
		return;
	ft_ruleset_match(s, path, &hits);
	ft_ruleset_claim(s, &hits, &id.object);
}

static bool is_named(const struct ft_ruleset *s, struct ft_span path)
{
	struct ft_pathhits hits;

	ft_ruleset_match(s, path, &hits);
	return ft_policy_claims(s->policy, &hits, 0) >= 0;
}

void ft_ruleset_see(struct ft_ruleset *s, struct ft_span path)
{
	ft_ruleset_see_moved(s, (struct ft_span){0}, path);
}

void ft_ruleset_see_moved(struct ft_ruleset *s, struct ft_span from, struct ft_span path)
{
	_cleanup_close_ int fd = -1;

	if (!is_named(s, path) && !is_named(s, from))
		return;
	fd = ft_guards_open(&s->guards, path);
	if (fd < 0)
		return;
	see_as(s, fd, "", path);
	see_as(s, fd, "", from);
}

static int open_dir(void *data, struct ft_span path)
{
	const struct ft_ruleset *s = data;
	_cleanup_close_ int fd = ft_guards_open(&s->guards, path);

	return fd < 0 ? fd : ft_file_open_dir(fd, ".");
}

static void found(void *data, int dirfd, const char *name, struct ft_span path)
{
	struct ft_ruleset *s = data;

	if (is_named(s, path))
		see_as(s, dirfd, name, path);
}

static struct ft_globscan globscan_of(struct ft_ruleset *s)
{
	return (struct ft_globscan){.open = open_dir, .found = found, .data = s};
}

void ft_ruleset_see_tree(struct ft_ruleset *s, struct ft_span path)
{
	const struct ft_globscan scan = globscan_of(s);

	if (ft_globscan_below(&scan, path) > 0)
		atomic_store(&s->claims_cut, true);
}

/* Malloc'd; NULL: nowhere. What is not there yet has a directory that is. */
static char *resolve(const char *path)
{
	_cleanup_free_ char *parent = NULL, *dir = NULL;
	const char *slash = strrchr(path, '/');
	char *whole = realpath(path, NULL);

	if (whole || errno != ENOENT)
		return whole;
	parent = strndup(path, (size_t)(slash - path) + 1);
	dir = parent ? realpath(parent, NULL) : NULL;
	if (!dir || asprintf(&whole, "%s%s", dir[1] ? dir : "", slash) < 0)
		return NULL;
	return whole;
}

static int add_alias(struct ft_ruleset *s, const struct ft_literal *l)
{
	_cleanup_free_ char *path = resolve(l->path);

	if (!path || strcmp(path, l->path) == 0)
		return 0;
	return ft_pathindex_add_literal(&s->aliases, l->rule, path);
}

int ft_ruleset_resolve(struct ft_ruleset *s)
{
	size_t count;
	const struct ft_literal *literals = ft_policy_literals(s->policy, &count);
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++) {
		struct ft_identity id;

		if (literals[i].kind == FT_LITERAL_PATH)
			r = add_alias(s, &literals[i]);
		else if (ft_identity_read(AT_FDCWD, literals[i].path, true, &id) == 0)
			ft_policy_set_literal(s->policy, i, &id.object);
	}
	return r;
}

static void claim_literals(struct ft_ruleset *s)
{
	size_t count;
	const struct ft_literal *literals = ft_policy_literals(s->policy, &count);

	for (size_t i = 0; i < count; i++) {
		const struct ft_literal *l = &literals[i];
		struct ft_identity id;

		if (l->kind == FT_LITERAL_PATH &&
		    ft_identity_read(AT_FDCWD, l->path, true, &id) == 0 &&
		    !S_ISDIR(id.mode))
			add_claim(s, l->rule, &id.object);
	}
}

void ft_ruleset_find_claims(struct ft_ruleset *s)
{
	size_t count;
	const struct ft_policy_glob *globs = ft_policy_globs(s->policy, &count);
	const struct ft_globscan scan = globscan_of(s);

	claim_literals(s);
	for (size_t i = 0; i < count; i++)
		if (ft_globscan(&scan, globs[i].pattern) > 0)
			atomic_store(&s->claims_cut, true);
}
