/* SPDX-License-Identifier: MIT */
/* The policy of `--deny PATH...`: one rule. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/number.h"
#include "policy/sections.h"

/* A directory is denied with all below it: two values a path. */
struct list {
	char **values;
	size_t count;
};

static void list_fini(struct list *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->values[i]);
	free(l->values);
}

/* The path with what a glob would take for its own escaped, and more after it. */
static int add_value(struct list *l, const char *path, const char *more)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes out = {0};

	for (const char *p = path; *p; p++) {
		if (strchr("*?[\\", *p))
			ft_bytes_put_char(&out, '\\');
		ft_bytes_put_char(&out, *p);
	}
	ft_bytes_put_str(&out, more);
	ft_bytes_put_char(&out, '\0');
	if (out.failed)
		return out.failed;
	l->values[l->count++] = ft_take(out.data);
	return 0;
}

static int add_path(struct ft_policyfile *f, struct list *l, const char *given)
{
	_cleanup_free_ char *path = realpath(given, NULL);
	struct stat st;
	int r;

	if (!path || stat(path, &st) < 0)
		return -errno;
	r = ft_watchlist_add(f, ft_span_of(path));
	if (r == 0)
		r = add_value(l, path, "");
	if (r == 0 && S_ISDIR(st.st_mode))
		r = add_value(l, strcmp(path, "/") == 0 ? "" : path, "/**");
	return r;
}

static int add_rule(struct ft_policyfile *f, const struct list *l)
{
	const struct ft_rule_spec spec = {
		.name = "deny",
		.path = {(const char *const *)l->values, l->count},
		.verdict = FT_RULE_DENY,
	};

	return ft_policy_add_rule(f->policy, &spec, NULL, NULL);
}

static int fill(struct ft_policyfile *f, const char *const *paths, size_t count,
		const char **ret_bad)
{
	static const struct ft_policy_config config = {
		.mode = FT_MODE_ENFORCE,
		.fallback = FT_VERDICT_ALLOW,
		.on_timeout = FT_VERDICT_ALLOW,
		.timeout_ns = FT_NSEC_PER_SEC,
	};
	_cleanup_(list_fini) struct list l = {calloc(count * 2, sizeof(*l.values)), 0};
	int r = ft_policy_new(&f->policy, &config);

	if (!l.values)
		return -ENOMEM;
	for (size_t i = 0; i < count && r == 0; i++) {
		r = add_path(f, &l, paths[i]);
		if (r < 0)
			*ret_bad = paths[i];
	}
	if (r == 0)
		r = ft_watchlist_settle(f);
	return r < 0 ? r : add_rule(f, &l);
}

int ft_policyfile_deny(struct ft_policyfile *ret, const char *const *paths, size_t count,
		       char **ret_error)
{
	struct ft_policyfile f = {0};
	const char *bad = NULL;
	int r = fill(&f, paths, count, &bad);

	*ret_error = NULL;
	if (r == 0) {
		*ret = f;
		return 0;
	}
	ft_policyfile_fini(&f);
	if (asprintf(ret_error, "%s: %s", bad ? bad : "--deny", strerror(-r)) < 0)
		*ret_error = NULL;
	return r;
}
