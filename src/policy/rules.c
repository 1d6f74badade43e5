/* SPDX-License-Identifier: MIT */
/* The rules of a policy file. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/account.h"
#include "base/cleanup.h"
#include "match/match.h"
#include "policy/sections.h"

enum { NAME_MAX_LEN = 64 };

/* A rule while it is read. */
struct draft {
	const struct ft_node *map;
	struct ft_rule_spec spec; /* its lists are owned */
	uid_t *uids;
	gid_t *gids;
	const struct ft_node *verdict;
	const struct ft_node *scan;
	const struct ft_node *error_name; /* `errno` */
};

static void draft_fini(struct draft *d)
{
	free((void *)d->spec.path.list);
	free((void *)d->spec.exe.list);
	free((void *)d->spec.comm.list);
	free((void *)d->spec.container.list);
	free(d->uids);
	free(d->gids);
}

static size_t items_count(const struct ft_node *n)
{
	return n->kind == FT_NODE_LIST ? n->count : 1;
}

/* Room for as many as there are; NULL: told, or out of memory. */
static void *room_for(struct ft_policy_reader *r, const struct ft_node *n, size_t size)
{
	void *room;

	if (items_count(n) > FT_POLICY_VALUES_MAX) {
		ft_problems_add(&r->problems, n->at, "more than %d values",
				FT_POLICY_VALUES_MAX);
		return NULL;
	}
	room = calloc(items_count(n), size);
	if (!room)
		r->failed = -ENOMEM;
	return room;
}

typedef const char *(*word_fn)(struct ft_policy_reader *r, const struct ft_node *n);

static void take_words(struct ft_policy_reader *r, const struct ft_node *n,
		       struct ft_values *values, const char *expected, word_fn word)
{
	const struct ft_node *item = ft_field_items(r, n, expected);
	const char **list = item ? room_for(r, n, sizeof(*list)) : NULL;

	if (!list)
		return;
	values->list = list;
	for (; item; item = item->next) {
		list[values->count] = word(r, item);
		values->count += list[values->count] != NULL;
	}
}

static const char *take_glob(struct ft_policy_reader *r, const struct ft_node *n)
{
	const char *path = ft_field_path(r, n), *why = NULL;
	struct ft_glob *glob = NULL;

	if (!path)
		return NULL;
	if (ft_glob_new(&glob, path, &why) < 0) {
		ft_problems_add(&r->problems, n->at,
				"a path or glob is expected: %s: %.100s", why, path);
		return NULL;
	}
	ft_glob_free(glob);
	return path;
}

/* The directory in front of the first component with a wildcard, without its slash. */
static char *fixed_directory(const char *glob)
{
	size_t len = strcspn(glob, "*?[\\");

	while (len > 0 && glob[len - 1] != '/')
		len--;
	return len > 1 ? strndup(glob, len - 1) : NULL;
}

/* A file has the path that it has without symbolic links: a glob with one matches none.
 */
static const char *take_path(struct ft_policy_reader *r, const struct ft_node *n)
{
	const char *path = take_glob(r, n);
	_cleanup_free_ char *dir =
		path && r->warn && strpbrk(path, "*?[\\") ? fixed_directory(path) : NULL;
	_cleanup_free_ char *real = dir ? realpath(dir, NULL) : NULL;

	if (real && strcmp(real, dir) != 0)
		ft_warn(r, n->at,
			"%.200s: %.100s is a symbolic link, or below one: nothing has "
			"such "
			"a path; it leads to %.200s",
			path, dir, real);
	return path;
}

static void take_paths(struct ft_policy_reader *r, const struct ft_node *n, void *at)
{
	take_words(r, n, at, "a path", take_path);
}

static const char *take_exe(struct ft_policy_reader *r, const struct ft_node *n)
{
	const char *path = take_glob(r, n);
	struct stat st;

	/* A glob is told by what is not there under its name. */
	if (path && r->warn && !strpbrk(path, "*?[\\") && stat(path, &st) < 0)
		ft_warn(r, n->at,
			"%.200s: %s; it counts as this executable once it is there and "
			"the policy is loaded anew",
			path, strerror(errno));
	return path;
}

static void take_exes(struct ft_policy_reader *r, const struct ft_node *n, void *at)
{
	take_words(r, n, at, "a path", take_exe);
}

static const char *take_word(struct ft_policy_reader *r, const struct ft_node *n)
{
	return ft_field_word(r, n, "a word");
}

static void take_names(struct ft_policy_reader *r, const struct ft_node *n, void *at)
{
	take_words(r, n, at, "a name", take_word);
}

typedef int (*account_fn)(const char *name, uint32_t *ret_id);

static size_t take_ids(struct ft_policy_reader *r, const struct ft_node *n, uint32_t **at,
		       const char *what, account_fn look_up)
{
	const struct ft_node *item = ft_field_items(r, n, what);
	uint32_t *ids = item ? room_for(r, n, sizeof(*ids)) : NULL;
	size_t count = 0;

	if (!ids)
		return 0;
	for (; item; item = item->next) {
		const char *name = ft_field_word(r, item, what);
		int e = name ? look_up(name, &ids[count]) : 0;

		if (e < 0)
			ft_problems_add(&r->problems, item->at,
					"%s is expected, '%.100s': %s", what, name,
					e == -ENOENT   ? "there is none of this name"
					: e == -ERANGE ? "out of range"
						       : strerror(-e));
		count += name && e == 0;
	}
	*at = ids;
	return count;
}

static void take_users(struct ft_policy_reader *r, const struct ft_node *n, void *at)
{
	struct draft *d = at;

	d->spec.uids_count = take_ids(r, n, &d->uids, "a user", ft_account_user);
	d->spec.uids = d->uids;
}

static void take_groups(struct ft_policy_reader *r, const struct ft_node *n, void *at)
{
	struct draft *d = at;

	d->spec.gids_count = take_ids(r, n, &d->gids, "a group", ft_account_group);
	d->spec.gids = d->gids;
}

static void take_events(struct ft_policy_reader *r, const struct ft_node *n, void *at)
{
	const struct ft_node *item = ft_field_items(r, n, "an event");
	uint64_t *events = at;

	for (; item; item = item->next) {
		int i = ft_field_choice(r, item, ft_policyfile_event_names,
					FT_POLICYFILE_EVENTS);

		if (i >= 0)
			*events |= ft_policyfile_event_bits[i];
	}
}

/* What a kernel takes for an answer (FAN_DENY_ERRNO, Linux 6.14). */
static void take_errno(struct ft_policy_reader *r, const struct ft_node *n, void *at)
{
	static const char *const names[] = {"EPERM",   "EIO",	 "EBUSY",
					    "ETXTBSY", "EAGAIN", "EDQUOT"};
	static const int errors[] = {EPERM, EIO, EBUSY, ETXTBSY, EAGAIN, EDQUOT};
	struct draft *d = at;
	int i = ft_field_choice(r, n, names, FT_ARRAY_SIZE(names));

	d->error_name = n;
	if (i >= 0)
		d->spec.error = errors[i];
}

/* Names are printed, counted and put on command lines. */
static void take_rule_name(struct ft_policy_reader *r, const struct ft_node *n, void *at)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	const char *name = ft_field_word(r, n, "a name");

	if (!name)
		return;
	if (name[strspn(name, allowed)] != '\0' || strlen(name) > NAME_MAX_LEN)
		ft_problems_add(&r->problems, n->at,
				"a name of at most %d letters, digits and . _ - is "
				"expected, not '%.100s'",
				NAME_MAX_LEN, name);
	*(const char **)at = name;
}

static const struct ft_key key_list[] = {
	{"name", take_rule_name, offsetof(struct draft, spec.name), true},
	{"events", take_events, offsetof(struct draft, spec.events)},
	{"path", take_paths, offsetof(struct draft, spec.path)},
	{"exe", take_exes, offsetof(struct draft, spec.exe)},
	{"uid", take_users, 0},
	{"gid", take_groups, 0},
	{"comm", take_names, offsetof(struct draft, spec.comm)},
	{"container", take_names, offsetof(struct draft, spec.container)},
	{"verdict", ft_take_node, offsetof(struct draft, verdict)},
	{"scan", ft_take_node, offsetof(struct draft, scan)},
	{"clean", ft_take_verdict, offsetof(struct draft, spec.on_result[FT_SCAN_CLEAN])},
	{"infected", ft_take_verdict,
	 offsetof(struct draft, spec.on_result[FT_SCAN_INFECTED])},
	{"error", ft_take_verdict, offsetof(struct draft, spec.on_result[FT_SCAN_ERROR])},
	{"max_size", ft_take_size, offsetof(struct draft, spec.max_size)},
	{"audit", ft_take_bool, offsetof(struct draft, spec.audit)},
	{"errno", take_errno, 0},
};

static const struct ft_keys keys = {"a rule", key_list, FT_ARRAY_SIZE(key_list)};

static void read_verdict(struct ft_policy_reader *r, struct draft *d)
{
	static const char *const of_scans[] = {"clean", "infected", "error", "max_size"};
	enum ft_verdict v = FT_VERDICT_ALLOW;

	ft_take_verdict(r, d->verdict, &v);
	d->spec.verdict = v == FT_VERDICT_DENY ? FT_RULE_DENY : FT_RULE_ALLOW;
	if (d->error_name && v == FT_VERDICT_ALLOW)
		ft_problems_add(&r->problems, d->error_name->at,
				"'errno' is what a denial gives, this rule allows");
	for (size_t i = 0; i < FT_ARRAY_SIZE(of_scans); i++) {
		const struct ft_node *n = ft_keys_find(d->map, of_scans[i]);

		if (n)
			ft_problems_add(
				&r->problems, n->at,
				"'%s' goes with 'scan', this rule has a 'verdict'",
				of_scans[i]);
	}
}

static void read_scan(struct ft_policy_reader *r, struct draft *d)
{
	const char *name = ft_field_word(r, d->scan, "the name of a scanner");

	d->spec.verdict = FT_RULE_SCAN;
	if (!ft_keys_find(d->map, "error"))
		ft_problems_add(
			&r->problems, d->map->at,
			"a rule that scans needs 'error: allow' or 'error: deny', "
			"for when the scanner fails");
	for (size_t i = 0; name && i < r->out->scanners_count; i++) {
		if (strcmp(r->out->scanners[i].name, name) != 0)
			continue;
		d->spec.scanner = (unsigned int)i;
		return;
	}
	if (name)
		ft_problems_add(&r->problems, d->scan->at,
				"the name of a scanner is expected, '%.100s' is none of "
				"'scanners'",
				name);
}

static void read_answer(struct ft_policy_reader *r, struct draft *d)
{
	if (d->verdict && d->scan)
		ft_problems_add(&r->problems, d->scan->at,
				"'verdict' or 'scan' is expected, not both");
	else if (d->verdict)
		read_verdict(r, d);
	else if (d->scan)
		read_scan(r, d);
	else
		ft_problems_add(&r->problems, d->map->at,
				"a rule needs 'verdict: allow', 'verdict: deny' or "
				"'scan: SCANNER'");
}

static void check_name(struct ft_policy_reader *r, const struct draft *d)
{
	const struct ft_node *n = ft_keys_find(d->map, "name");

	for (size_t i = 0; d->spec.name && i < ft_policy_rules_count(r->out->policy); i++)
		if (ft_span_equal(ft_rule_name(ft_policy_rule(r->out->policy, i)),
				  ft_span_of(d->spec.name)))
			ft_problems_add(&r->problems, n->at,
					"another rule is called '%.100s' already",
					d->spec.name);
}

static void add(struct ft_policy_reader *r, const struct draft *d)
{
	const char *why = NULL, *bad = NULL;
	int e = ft_policy_add_rule(r->out->policy, &d->spec, &why, &bad);

	if (e == -EINVAL || e == -E2BIG)
		ft_problems_add(&r->problems, d->map->at, "%s%s%.100s",
				why ? why : strerror(-e), bad ? ": " : "",
				bad ? bad : "");
	else if (e < 0)
		r->failed = e;
}

static void read_rule(struct ft_policy_reader *r, const struct ft_node *n)
{
	_cleanup_(draft_fini) struct draft d = {
		.map = n,
		.spec.on_result = {[FT_SCAN_CLEAN] = FT_VERDICT_ALLOW,
				   [FT_SCAN_INFECTED] = FT_VERDICT_DENY,
				   [FT_SCAN_ERROR] = FT_VERDICT_DENY},
	};
	size_t before = r->problems.count;

	ft_keys_take(r, &keys, n, &d);
	if (n->kind != FT_NODE_MAP)
		return;
	read_answer(r, &d);
	check_name(r, &d);
	if (r->problems.count == before && r->failed == 0)
		add(r, &d);
}

void ft_section_read_rules(struct ft_policy_reader *r, const struct ft_node *list)
{
	if (list->kind != FT_NODE_LIST || !list->first) {
		ft_problems_add(&r->problems, list->at,
				"a list of rules is expected, each a '- name: ...'");
		return;
	}
	if (list->count > FT_POLICY_RULES_MAX) {
		ft_problems_add(&r->problems, list->at, "more than %d rules",
				FT_POLICY_RULES_MAX);
		return;
	}
	for (const struct ft_node *n = list->first; n; n = n->next)
		read_rule(r, n);
}
