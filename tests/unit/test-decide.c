/* SPDX-License-Identifier: MIT */
/* Deciding: random policies and facts against a naive second reading of the rules, and
 * what a verdict says that it depends on against changes of all the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "event/mask.h"
#include "guard/pathindex.h"
#include "guard/policy.h"
#include "naive-policy.h"

enum { POLICIES = 2500, QUESTIONS = 80, CHANGES = 6 };

/* Few of everything, so that rules and facts meet. */
static const char *const paths[] = {
	"/",	  "/a",	    "/a/b",    "/a/b/c",   "/a/x",     "/b",
	"/b/a/x", "/a/b/x", "/a/b/xy", "/a/.s/id", "/b/.s/id", "/a/b/c/x",
};
static const char *const patterns[] = {
	"/",	     "/a",	  "/a/b",     "/a/b/c",	     "/b/a/x",	"/a/b/x",
	"/b/.s/id",  "/a/**",	  "/**",      "/a/*",	     "/*/x",	"/a/b/x*",
	"/**/x",     "/*/.s/id*", "/a/b/**",  "/[ab]/*",     "/a/**/x", "/?",
	"/b/*/[!y]", "/nowhere",  "/a/\\b/*", "/\\a/**/[x]",
};
static const char *const comms[] = {"cat", "ssh", "a-name-of-fifteen-and-more", "c"};
static const char *const told_comms[] = {"", "cat", "ssh", "a-name-of-fifte", "c"};
static const char *const containers[] = {"abcdef0123", "abcd", "abc", "ffff"};
static const char *const told_containers[] = {"", "abcdef0123", "abc", "ffff00"};
static const uint64_t events[] = {FT_EV_OPEN_PERM, FT_EV_OPEN_EXEC_PERM,
				  FT_EV_ACCESS_PERM, FT_EV_PRE_ACCESS};

struct dice {
	uint64_t state;
};

static unsigned int throw(struct dice * d, unsigned int n)
{
	d->state = ft_hash_u64(d->state, 1);
	return (unsigned int)(d->state >> 16) % n;
}

#define ANY(d, array) ((array)[throw((d), FT_ARRAY_SIZE(array))])

static struct ft_object any_object(struct dice *d)
{
	if (throw(d, 4) == 0)
		return (struct ft_object){0};
	return (struct ft_object){1 + throw(d, 2), 1 + throw(d, 4), throw(d, 3)};
}

static struct ft_values any_values(struct dice *d, const char *list[NAIVE_VALUES_MAX],
				   const char *const *all, unsigned int n)
{
	size_t count = throw(d, 3) == 0 ? 1 + throw(d, NAIVE_VALUES_MAX) : 0;

	for (size_t i = 0; i < count; i++)
		list[i] = all[throw(d, n)];
	return (struct ft_values){list, count};
}

static void make_rule(struct dice *d, struct naive_rule *r)
{
	*r = (struct naive_rule){.spec = {.name = "r", .uids = r->uids, .gids = r->gids}};
	r->spec.verdict = throw(d, 3);
	for (size_t i = 0; i < FT_SCAN_RESULT_COUNT; i++)
		r->spec.on_result[i] = throw(d, 2) ? FT_VERDICT_ALLOW : FT_VERDICT_DENY;
	for (size_t i = throw(d, 3); i > 0; i--)
		r->spec.events |= ANY(d, events);
	do {
		r->spec.path = any_values(d, r->path, patterns, FT_ARRAY_SIZE(patterns));
	} while (r->spec.path.count == 0 && throw(d, 4) > 0);
	r->spec.exe = any_values(d, r->exe, patterns, FT_ARRAY_SIZE(patterns));
	r->spec.comm = any_values(d, r->comm, comms, FT_ARRAY_SIZE(comms));
	r->spec.container =
		any_values(d, r->container, containers, FT_ARRAY_SIZE(containers));
	if (throw(d, 4) == 0)
		r->uids[r->spec.uids_count++] = throw(d, 3);
	if (throw(d, 4) == 0)
		r->gids[r->spec.gids_count++] = throw(d, 3);
	for (size_t i = 0; i < NAIVE_VALUES_MAX; i++) {
		r->path_objects[i] = any_object(d);
		r->exe_objects[i] = any_object(d);
	}
}

static void make_naive(struct dice *d, struct naive_policy *n)
{
	n->count = 1 + throw(d, NAIVE_RULES_MAX);
	n->fallback = throw(d, 2) ? FT_VERDICT_ALLOW : FT_VERDICT_DENY;
	for (size_t i = 0; i < n->count; i++)
		make_rule(d, &n->rules[i]);
}

static size_t set_literals(struct ft_policy *p, size_t at, const struct ft_values *values,
			   const struct ft_object *objects)
{
	for (size_t i = 0; i < values->count; i++) {
		if (!naive_is_literal(values->list[i]))
			continue;
		/* More than once, as an object may be looked up anew. */
		ft_policy_set_literal(p, at, &objects[(i + 1) % NAIVE_VALUES_MAX]);
		ft_policy_set_literal(p, at++, &objects[i]);
	}
	return at;
}

static struct ft_policy *compile(const struct naive_policy *n)
{
	const struct ft_policy_config config = {.fallback = n->fallback};
	struct ft_policy *p;
	size_t at = 0, count;

	assert_int_equal(ft_policy_new(&p, &config), 0);
	for (size_t i = 0; i < n->count; i++) {
		const struct naive_rule *r = &n->rules[i];

		assert_int_equal(ft_policy_add_rule(p, &r->spec, NULL, NULL), 0);
		at = set_literals(p, at, &r->spec.path, r->path_objects);
		at = set_literals(p, at, &r->spec.exe, r->exe_objects);
	}
	ft_policy_literals(p, &count);
	assert_int_equal(count, at);
	return p;
}

/* Facts with room for what they point to. */
struct scene {
	struct ft_facts facts;
	struct ft_process process;
	unsigned int claims[NAIVE_RULES_MAX];
};

static void change_path(struct dice *d, const struct naive_policy *n, struct scene *s)
{
	struct ft_facts *f = &s->facts;

	f->path = throw(d, 4) ? ft_span_of(ANY(d, paths)) : (struct ft_span){0};
	f->is_path_long = f->path.len == 0 && throw(d, 2) == 0;
	f->object = any_object(d);
	f->claims = s->claims;
	f->claims_count = 0;
	for (unsigned int i = 0; i < n->count; i++) {
		if (throw(d, 6) == 0)
			s->claims[f->claims_count++] = i;
	}
}

static void change_process(struct dice *d, struct scene *s)
{
	struct ft_facts *f = &s->facts;

	s->process = (struct ft_process){
		.has_ids = throw(d, 4) > 0,
		.uid = throw(d, 3),
		.gid = throw(d, 3),
		.comm = ft_span_of(ANY(d, told_comms)),
		.container = ft_span_of(ANY(d, told_containers)),
	};
	if (s->process.container.len > 0 || throw(d, 3) > 0)
		s->process.cgroup = FT_SPAN("/group");
	f->process = throw(d, 5) ? &s->process : NULL;
	f->exe = any_object(d);
	f->exe_path = throw(d, 4) ? ft_span_of(ANY(d, paths)) : (struct ft_span){0};
	f->pid = 1 + (pid_t) throw(d, 9);
}

static void change_event(struct dice *d, uint64_t among, struct scene *s)
{
	do {
		s->facts.event = ANY(d, events);
	} while (among != 0 && !(s->facts.event & among));
}

static void change_content(struct dice *d, struct scene *s)
{
	s->facts.size = throw(d, 3);
	s->facts.is_regular = throw(d, 2);
}

static void change_rest(struct dice *d, const struct naive_policy *n, uint64_t asked,
			unsigned int depends, struct scene *s)
{
	if (!(depends & FT_DEPENDS_PATH))
		change_path(d, n, s);
	if (!(depends & FT_DEPENDS_PROCESS))
		change_process(d, s);
	if (!(depends & FT_DEPENDS_EVENT))
		change_event(d, asked, s);
	if (!(depends & FT_DEPENDS_CONTENT))
		change_content(d, s);
}

/* What an explanation told, in order. */
struct told {
	struct ft_explained last;
	size_t count;
	size_t matching;
	int highest;
};

static void on_told(void *data, const struct ft_explained *e)
{
	struct told *t = data;

	t->last = *e;
	t->count++;
	t->matching += e->matches;
	assert_true(e->matches == (e->key == NULL));
	if (e->rule > t->highest)
		t->highest = e->rule;
}

static void check_explain(const struct ft_policy *p, const struct ft_facts *f,
			  const struct ft_outcome *decided)
{
	struct told t = {.highest = -1};
	struct ft_outcome o;

	ft_policy_explain(p, f, on_told, &t, &o);
	assert_int_equal(o.rule, decided->rule);
	assert_int_equal(o.verdict, decided->verdict);
	assert_int_equal(o.depends, decided->depends);
	assert_int_equal(t.last.rule, o.rule);
	assert_true(t.last.matches);
	/* Every rule up to the deciding one. */
	assert_true(t.count >= (size_t)(t.highest + 1));
}

/* 0 allow, 1 as the scanner says, 2 deny. */
static int strictness(enum ft_rule_verdict v)
{
	return v == FT_RULE_ALLOW ? 0 : v == FT_RULE_SCAN ? 1 : 2;
}

/* Not to know who asks never makes a verdict laxer. */
static void check_doubt(struct dice *d, const struct ft_policy *p, struct scene s,
			const struct ft_outcome *known)
{
	struct ft_outcome o;

	switch (throw(d, 4)) {
	case 0:
		s.process.has_ids = false;
		break;
	case 1:
		s.process.comm = (struct ft_span){0};
		break;
	case 2:
		s.process.container = s.process.cgroup = (struct ft_span){0};
		break;
	default:
		s.facts.process = NULL;
		s.facts.exe = (struct ft_object){0};
		s.facts.exe_path = (struct ft_span){0};
	}
	if (s.facts.process)
		s.facts.process = &s.process;
	ft_policy_decide(p, &s.facts, &o);
	if (strictness(o.verdict) < strictness(known->verdict))
		fail_msg("laxer by doubt: rule %d, was %d", o.rule, known->rule);
}

struct tally {
	unsigned long rules[FT_RULE_SCAN + 1];
	unsigned long decided, by_default, kept[16];
};

static void check_question(struct dice *d, const struct naive_policy *n,
			   const struct ft_policy *p, struct tally *tally)
{
	struct scene s = {0};
	struct ft_outcome o, again;
	int rule;

	change_path(d, n, &s);
	change_process(d, &s);
	change_event(d, 0, &s);
	change_content(d, &s);
	rule = naive_decide(n, &s.facts);
	ft_policy_decide(p, &s.facts, &o);
	if (o.rule != rule)
		fail_msg("rule %d, the naive one says %d", o.rule, rule);
	assert_int_equal((o.depends & FT_DEPENDS_CONTENT) != 0,
			 o.verdict == FT_RULE_SCAN);
	tally->decided++;
	tally->rules[o.verdict]++;
	tally->by_default += rule < 0;
	tally->kept[o.depends]++;
	check_explain(p, &s.facts, &o);
	check_doubt(d, p, s, &o);
	/* An event that no rule asks for is never asked about. */
	if (!(s.facts.event & ft_policy_events(p)))
		return;
	for (unsigned int i = 0; i < CHANGES; i++) {
		change_rest(d, n, ft_policy_events(p), o.depends, &s);
		ft_policy_decide(p, &s.facts, &again);
		if (again.rule != o.rule || again.verdict != o.verdict)
			fail_msg("rule %d depends on %u and became %d", o.rule, o.depends,
				 again.rule);
	}
}

static void check_claims(const struct naive_policy *n, const struct ft_policy *p)
{
	for (size_t i = 0; i < FT_ARRAY_SIZE(paths); i++) {
		struct ft_span path = ft_span_of(paths[i]);
		struct ft_pathhits hits;

		ft_policy_match(p, path, &hits);
		int found = ft_policy_claims(p, &hits, 0);

		for (int r = 0; r < (int)n->count; r++) {
			const struct ft_facts f = {.path = path};
			bool claims =
				n->rules[r].spec.verdict != FT_RULE_ALLOW &&
				naive_path(&n->rules[r], (unsigned int)r, &f) == NAIVE_IS;

			assert_int_equal(found == r, claims);
			if (claims)
				found = ft_policy_claims(p, &hits, r + 1);
		}
		assert_int_equal(found, -1);
	}
}

/* What has a path that is too long to be known is claimed by those that it may match. */
static void check_deep_claims(const struct naive_policy *n, const struct ft_policy *p)
{
	const struct ft_facts f = {.is_path_long = true, .object = {.dev = 99}};
	int found = ft_policy_claims_deep(p, 0);

	for (int r = 0; r < (int)n->count; r++) {
		bool claims =
			naive_path(&n->rules[r], (unsigned int)r, &f) == NAIVE_MAY_BE;

		assert_int_equal(found == r, claims);
		if (claims)
			found = ft_policy_claims_deep(p, r + 1);
	}
	assert_int_equal(found, -1);
}

static void run(uint64_t seed)
{
	struct dice d = {seed};
	struct tally tally = {0};

	print_message("seed %llu\n", (unsigned long long)seed);
	for (unsigned int i = 0; i < POLICIES; i++) {
		struct naive_policy n = {0};
		struct ft_policy *p;

		make_naive(&d, &n);
		p = compile(&n);
		for (unsigned int q = 0; q < QUESTIONS; q++)
			check_question(&d, &n, p, &tally);
		check_claims(&n, p);
		check_deep_claims(&n, p);
		assert_null(ft_policy_free(p));
	}
	/* The dice show every side, or the test would show nothing. */
	for (size_t i = 0; i < FT_ARRAY_SIZE(tally.rules); i++)
		assert_true(tally.rules[i] > tally.decided / 50);
	assert_true(tally.by_default > tally.decided / 50);
	assert_true(tally.kept[FT_DEPENDS_PATH] > tally.decided / 200);
	assert_true(tally.kept[FT_DEPENDS_PATH | FT_DEPENDS_PROCESS] >
		    tally.decided / 200);
}

static void test_fixed(void **state)
{
	run(1);
}

static void test_random(void **state)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	run((uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fixed),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
