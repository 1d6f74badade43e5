/* SPDX-License-Identifier: MIT */
/* The rules of a running guard: loaded, put to use, replaced. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/guardian.h"
#include "cli/message.h"
#include "kernel/abi.h"
#include "kernel/group.h"
#include "session/globscan.h"

static void notice(void *data, const char *text)
{
	cli_error("%s", text);
}

struct guard_rules *guard_rules_close(struct guard_rules *r)
{
	if (!r)
		return NULL;
	for (size_t i = 0; r->scanners && i < r->file.scanners_count; i++)
		ft_scanner_close(r->scanners[i]);
	free(r->scanners);
	free(r->told_replaced);
	ft_changes_close(&r->changes);
	ft_ruleset_fini(&r->set);
	ft_policyfile_fini(&r->file);
	free(r);
	return NULL;
}

static void cleanup_rules(struct guard_rules **r)
{
	guard_rules_close(*r);
}

static int open_scanners(struct guard_rules *r)
{
	int error = 0;

	r->scanners = calloc(r->file.scanners_count + 1, sizeof(*r->scanners));
	if (!r->scanners)
		return -ENOMEM;
	for (size_t i = 0; i < r->file.scanners_count && error == 0; i++) {
		_cleanup_free_ char *why = NULL;

		error = ft_scanner_open(&r->scanners[i], &r->file.scanners[i], &why);
		if (error < 0)
			cli_error("%s", why ? why : strerror(-error));
	}
	return error;
}

static int open_set(struct guardian *g, struct guard_rules *r)
{
	const char *path = NULL;
	size_t literals;
	int error = ft_ruleset_init(&r->set, r->file.policy,
				    (const char *const *)r->file.watch,
				    r->file.watch_count, &path);

	if (error < 0)
		cli_error("%s%scannot be guarded: %s", path ? path : "", path ? ": " : "",
			  strerror(-error));
	r->set.observe = g->options->observe;
	r->set.generation = ++g->generation;
	r->set.owner = r;
	ft_policy_literals(r->file.policy, &literals);
	r->told_replaced = calloc(literals + 1, sizeof(*r->told_replaced));
	return error == 0 && !r->told_replaced ? -ENOMEM : error;
}

/* Changes are watched before what is protected is looked up: nothing comes between. */
static int open_changes(struct guard_rules *r)
{
	_cleanup_free_ char *why = NULL;
	int error = ft_changes_open(&r->changes, &r->set, notice, &why);

	if (error < 0) {
		cli_error("%s", why ? why : strerror(-error));
		return error;
	}
	error = ft_ruleset_resolve(&r->set);
	if (error < 0) {
		cli_error("%s", strerror(-error));
		return error;
	}
	ft_ruleset_find_claims(&r->set);
	guard_rules_tell_bounds(r);
	return 0;
}

int guard_rules_open(struct guardian *g, struct guard_rules **ret)
{
	_cleanup_(cleanup_rules) struct guard_rules *r = calloc(1, sizeof(*r));
	int error;

	if (!r)
		return -ENOMEM;
	error = cli_guard_load(g->options, &r->file);
	if (error == 0)
		error = open_set(g, r);
	if (error == 0)
		error = guard_safety_check(g, r);
	if (error == 0)
		error = open_scanners(r);
	if (error == 0)
		error = open_changes(r);
	if (error < 0)
		return error;
	r->use = (struct ft_decider_rules){&r->set, &r->changes};
	*ret = ft_take(r);
	return 0;
}

int guard_rules_mark(struct guardian *g, const struct guard_rules *r)
{
	const char *path = NULL;
	int error = ft_guards_mark(&r->set.guards, g->decider.group, FT_MARK_ADD,
				   r->set.events, &path);

	if (error < 0)
		cli_error("%s: cannot be guarded: %s%s", path, strerror(-error),
			  error == -EINVAL || error == -EOPNOTSUPP
				  ? " (this filesystem or kernel does not ask about one "
				    "of the events)"
				  : "");
	return error;
}

static uint64_t events_on(const struct guard_rules *r, const char *dev)
{
	for (size_t i = 0; r && i < r->set.guards.count; i++)
		if (strcmp(r->set.guards.list[i].mount->dev, dev) == 0)
			return r->set.events;
	return 0;
}

void guard_rules_unmark(struct guardian *g, const struct guard_rules *old,
			const struct guard_rules *new)
{
	for (size_t i = 0; i < old->set.guards.count; i++) {
		const struct ft_guarded *e = &old->set.guards.list[i];
		uint64_t gone = old->set.events & ~events_on(new, e->mount->dev);

		if (e->mount_fd >= 0 && gone)
			(void)ft_group_mark(g->decider.group,
					    FT_MARK_REMOVE | FT_MARK_FILESYSTEM, gone,
					    e->mount_fd, ".");
	}
}

bool guard_rules_need_pre_content(const struct guard_rules *r)
{
	const struct ft_policy *p = r->set.policy;

	for (size_t i = 0; i < ft_policy_rules_count(p); i++)
		if (ft_rule_spec(ft_policy_rule(p, i))->error != 0)
			return true;
	return r->set.events & FT_EV_PRE_ACCESS;
}

bool guard_rules_need_audit(const struct guard_rules *r)
{
	const struct ft_policy *p = r->set.policy;

	for (size_t i = 0; i < ft_policy_rules_count(p); i++)
		if (ft_rule_spec(ft_policy_rule(p, i))->audit)
			return true;
	return false;
}

static void tell_replaced(struct guard_rules *r, size_t i, const struct ft_literal *l)
{
	struct ft_identity now;

	if (r->told_replaced[i] ||
	    (ft_identity_read(AT_FDCWD, l->path, true, &now) == 0 &&
	     ft_object_equal(&now.object, &l->object)))
		return;
	r->told_replaced[i] = true;
	cli_error("%s was replaced: the rules know the one that was there when they were "
		  "loaded (kill -HUP loads them anew)",
		  l->path);
}

void guard_rules_tell_replaced(struct guard_rules *r, const struct ft_event *ev)
{
	size_t count;
	const struct ft_literal *literals = ft_policy_literals(r->set.policy, &count);

	for (size_t i = 0; i < count && ev->process; i++)
		if (literals[i].kind == FT_LITERAL_EXE &&
		    ft_span_equal(ft_span_of(literals[i].path), ev->process->exe))
			tell_replaced(r, i, &literals[i]);
}

void guard_rules_tell_bounds(struct guard_rules *r)
{
	if (atomic_load(&r->set.claims_full) && !r->told_full) {
		r->told_full = true;
		cli_error("no room for more than %d protected files: those beyond are so "
			  "under their own names alone (kill -HUP forgets those that "
			  "were removed)",
			  FT_RULESET_CLAIMS);
	}
	if (atomic_load(&r->set.claims_cut) && !r->told_cut) {
		r->told_cut = true;
		cli_error("not all that the rules name was looked at (directories are "
			  "nested deeper than %d, or memory or descriptors ran out): the "
			  "rest is protected under its own names alone",
			  FT_GLOBSCAN_DEPTH);
	}
}

void guard_rules_tell_news(const struct guardian *g)
{
	const struct ft_policyfile *f = &g->rules->file;
	struct ft_scanned news;

	for (size_t i = 0; i < f->scanners_count; i++)
		if (ft_scanner_take_news(g->rules->scanners[i], &news))
			cli_error("scanner %s: %s", f->scanners[i].name, news.text);
}

/* What the group was made for is for its life. */
static int check_class(const struct guardian *g, const struct guard_rules *r)
{
	if (guard_rules_need_audit(r) && !g->has_audit)
		cli_error("%s: 'audit' has no effect until a new start",
			  g->options->policy);
	if (!guard_rules_need_pre_content(r) || g->is_pre_content)
		return 0;
	cli_error("%s: pre_access and errno need a new start, not a reload",
		  g->options->policy);
	return -EINVAL;
}

static void retire(struct guardian *g, struct guard_rules *r)
{
	ft_changes_close(&r->changes);
	r->next = g->retired;
	g->retired = r;
}

/*
 * What is new is marked before, what is gone is unmarked after: nothing is unguarded in
 * between. What the kernel was told to allow by the old rules goes last.
 */
static int replace(struct guardian *g, struct guard_rules *new)
{
	struct guard_rules *old = g->rules;
	int error = check_class(g, new);

	if (error == 0)
		error = guard_rules_mark(g, new);
	if (error < 0) {
		guard_rules_unmark(g, new, old);
		return error;
	}
	new->changes.group = g->decider.group;
	error = guard_threads_use(g, new);
	if (error < 0)
		return error;
	g->rules = new;
	guard_rules_unmark(g, old, new);
	ft_group_flush(g->decider.group, FT_MARK_INODE);
	retire(g, old);
	return 0;
}

void guard_rules_reload(struct guardian *g)
{
	_cleanup_(cleanup_rules) struct guard_rules *new = NULL;
	int error = guard_rules_open(g, &new);

	if (error == 0)
		error = replace(g, new);
	if (error < 0) {
		cli_error("the policy that was in use stays in use");
		return;
	}
	ft_take(new);
	cli_error("the policy was loaded anew: %zu rule%s",
		  ft_policy_rules_count(g->rules->set.policy),
		  ft_policy_rules_count(g->rules->set.policy) == 1 ? "" : "s");
}

void guard_rules_sweep(struct guardian *g)
{
	struct guard_rules **at = &g->retired;

	while (*at) {
		struct guard_rules *r = *at;

		if (atomic_load(&r->set.users) > 0) {
			at = &r->next;
			continue;
		}
		*at = r->next;
		guard_rules_close(r);
	}
}

static void print_count(struct ft_span name, const struct ft_rule_count *n)
{
	uint64_t allowed = atomic_load(&n->allowed), denied = atomic_load(&n->denied),
		 late = atomic_load(&n->late);

	if (allowed + denied > 0)
		cli_error("%.*s: %" PRIu64 " allowed, %" PRIu64 " denied, %" PRIu64
			  " of them too late",
			  (int)name.len, name.data, allowed, denied, late);
}

void guard_rules_print_counts(const struct guardian *g)
{
	struct ft_ruleset *set = &g->rules->set;
	size_t count = ft_policy_rules_count(set->policy);

	for (size_t i = 0; i < count; i++)
		print_count(ft_rule_name(ft_policy_rule(set->policy, i)),
			    ft_ruleset_count(set, (int)i));
	print_count(FT_SPAN("default"), ft_ruleset_count(set, -1));
}
