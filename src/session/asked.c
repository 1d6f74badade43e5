/* SPDX-License-Identifier: MIT */
/* One request as it is decided on. */
#include "session/asked.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/number.h"
#include "kernel/abi.h"
#include "kernel/group.h"

enum {
	/* For changes to be followed that may concern the file; and when they were not,
	 * for how long nobody waits again. */
	WAIT_MSEC = 50,
	WAIT_AGAIN_MSEC = 1000,
};

/* Names that only a claim protects, and verdicts by a name: not where there are several.
 */
static bool has_one_name(const struct ft_asked *a)
{
	return a->facts.is_regular && a->q->identity.links == 1;
}

void ft_asked_begin(struct ft_decider *d, struct ft_request *q, struct ft_asked *ret)
{
	struct ft_asked *a = ret;

	*a = (struct ft_asked){.q = q, .now_ns = ft_now_ns()};
	a->stamp.policy = d->rules->generation;
	/* In this order: what was followed to find it idle must count, or a verdict from
	 * before it is taken for one of now. */
	a->is_idle = ft_changes_is_idle(d->changes);
	a->stamp.changes = atomic_load(&d->changes->generation);
	a->followed = atomic_load(&d->changes->followed);
	a->facts.event = q->event;
	a->facts.pid = q->pid;
	if (ft_identity_read(q->fd, "", false, &q->identity) < 0) {
		q->identity = (struct ft_identity){0};
		a->is_idle = false;
	}
	a->facts.object = q->identity.object;
	a->facts.size = q->identity.size;
	a->facts.is_regular = S_ISREG(q->identity.mode);
	a->stamp.ctime_ns = q->identity.changed_ns;
}

void ft_asked_resume(struct ft_decider *d, struct ft_request *q, struct ft_asked *ret)
{
	*ret = (struct ft_asked){.q = q, .now_ns = ft_now_ns(), .outcome = q->outcome};
	ret->facts.event = q->event;
	ret->facts.pid = q->pid;
	ret->facts.object = q->identity.object;
}

void ft_asked_find_process(struct ft_decider *d, struct ft_asked *a)
{
	if (a->has_asker)
		return;
	a->has_asker = true;
	ft_who_find(&d->who, &d->rules->guards, a->q->pid, &a->asker);
	a->facts.process = a->asker.process;
	a->facts.exe = a->asker.exe;
	a->facts.exe_path = a->asker.exe_path;
}

void ft_asked_find_path(struct ft_decider *d, struct ft_asked *a)
{
	int r;

	if (a->has_path)
		return;
	a->has_path = true;
	r = ft_guards_locate(&d->rules->guards, a->q->fd, &a->q->identity, &d->path);
	if (r == 0)
		a->facts.path = ft_bytes_span(&d->path);
	a->facts.is_path_long = r == -ENAMETOOLONG;
}

/* ---- verdicts that were kept ---- */

static struct ft_verdict_key key_of(const struct ft_asked *a, uint64_t process)
{
	return (struct ft_verdict_key){
		.object = a->facts.object, .event = a->facts.event, .process = process};
}

static bool recall_for(struct ft_decider *d, struct ft_asked *a, uint64_t process)
{
	struct ft_verdict_key key = key_of(a, process);
	struct ft_verdict_kept kept;

	if (!ft_verdicts_find(d->verdicts, &key, &a->stamp, &kept))
		return false;
	a->outcome = kept.outcome;
	a->result = kept.result;
	a->is_scanned = kept.outcome.verdict == FT_RULE_SCAN;
	return true;
}

static uint64_t process_id(const struct ft_asked *a)
{
	return a->asker.process ? a->asker.process->id : 0;
}

static bool recall(struct ft_decider *d, struct ft_asked *a)
{
	if (!a->is_idle || !has_one_name(a))
		return false;
	if (recall_for(d, a, 0))
		return true;
	if (!ft_policy_needs_process(d->rules->policy))
		return false;
	ft_asked_find_process(d, a);
	return process_id(a) != 0 && recall_for(d, a, process_id(a));
}

static bool may_keep(const struct ft_asked *a, uint64_t process)
{
	return a->is_idle && has_one_name(a) && a->facts.object.dev != 0 &&
	       (process != 0 || !(a->outcome.depends & FT_DEPENDS_PROCESS));
}

static void keep(struct ft_decider *d, const struct ft_asked *a)
{
	uint64_t process = a->outcome.depends & FT_DEPENDS_PROCESS ? process_id(a) : 0;
	struct ft_verdict_key key = key_of(a, process);
	struct ft_verdict_kept kept = {.outcome = a->outcome, .result = a->result};

	if (may_keep(a, process))
		ft_verdicts_put(d->verdicts, &key, &a->stamp, &kept, a->now_ns);
}

void ft_asked_begin_scan(const struct ft_asked *a)
{
	uint64_t process = a->outcome.depends & FT_DEPENDS_PROCESS ? process_id(a) : 0;
	struct ft_request *q = a->q;

	q->outcome = a->outcome;
	q->keep = may_keep(a, process);
	q->key = key_of(a, process);
	q->stamp = a->stamp;
	q->looked_ns = a->now_ns;
}

void ft_asked_keep_scan(struct ft_decider *d, const struct ft_request *q)
{
	const struct ft_verdict_kept kept = {.outcome = q->outcome, .result = q->result};

	/* A scanner that failed may not fail the next time. */
	if (q->keep && q->result != FT_SCAN_ERROR)
		ft_verdicts_put(d->verdicts, &q->key, &q->stamp, &kept, q->looked_ns);
}

/* ---- by the rules ---- */

/*
 * A rename or a link that makes an object a protected one may not have been followed yet.
 * It changed the ctime: older files need not wait.
 */
static void wait_for_changes(struct ft_decider *d, struct ft_asked *a)
{
	int64_t now;

	if (a->is_idle || !ft_changes_may_concern(d->changes, a->stamp.ctime_ns))
		return;
	now = ft_boot_ns();
	if (now < d->patience_ns || ft_changes_wait(d->changes, WAIT_MSEC))
		return;
	d->patience_ns = now + WAIT_AGAIN_MSEC * FT_NSEC_PER_MSEC;
}

/* Of a filesystem more is asked for than the PATHs. */
static bool is_outside(const struct ft_decider *d, const struct ft_asked *a)
{
	return a->facts.claims_count == 0 && a->facts.path.len > 0 &&
	       !ft_guards_has(&d->rules->guards, a->facts.path);
}

static void find_claims(struct ft_decider *d, struct ft_asked *a)
{
	ft_ruleset_match(d->rules, a->facts.path, &d->hits);
	a->facts.hits = &d->hits;
	if (a->facts.object.dev == 0)
		return;
	/* What has no name yet, or none any more, may be another file the next moment. */
	if (a->q->identity.links > 0)
		ft_ruleset_claim(d->rules, &d->hits, &a->facts.object);
	if (a->facts.is_path_long && a->q->identity.links > 0)
		ft_ruleset_claim_deep(d->rules, &a->facts.object);
	a->facts.claims = d->claims;
	a->facts.claims_count =
		ft_claims_find(d->rules->claims, &a->facts.object, d->claims);
}

void ft_asked_decide(struct ft_decider *d, struct ft_asked *a)
{
	if (recall(d, a))
		return;
	wait_for_changes(d, a);
	ft_asked_find_path(d, a);
	find_claims(d, a);
	if (is_outside(d, a)) {
		a->outcome = (struct ft_outcome){
			.verdict = FT_RULE_ALLOW, .rule = -1, .depends = FT_DEPENDS_PATH};
	} else {
		if (ft_policy_needs_process(d->rules->policy))
			ft_asked_find_process(d, a);
		ft_policy_decide(d->rules->policy, &a->facts, &a->outcome);
	}
	if (a->outcome.verdict != FT_RULE_SCAN)
		keep(d, a);
}

/* ---- verdicts that the kernel keeps ---- */

static bool may_mark(const struct ft_decider *d, const struct ft_asked *a)
{
	const unsigned int others =
		FT_DEPENDS_PROCESS | FT_DEPENDS_CONTENT | FT_DEPENDS_EVENT;

	return !d->config.tells_all && a->is_idle && has_one_name(a) &&
	       a->outcome.verdict == FT_RULE_ALLOW && !(a->outcome.depends & others);
}

void ft_asked_keep_mark(struct ft_decider *d, const struct ft_asked *a)
{
	if (!may_mark(d, a))
		return;
	if (ft_group_mark(d->group, FT_MARK_ADD | FT_MARK_EVICTABLE | FT_MARK_IGNORE,
			  d->rules->events, a->q->fd, NULL) < 0)
		return;
	/* What changed since it was looked at was followed before the mark was there. */
	if (ft_changes_is_idle(d->changes) &&
	    atomic_load(&d->changes->generation) == a->stamp.changes &&
	    atomic_load(&d->changes->followed) == a->followed)
		return;
	(void)ft_group_mark(d->group, FT_MARK_REMOVE | FT_MARK_IGNORE, d->rules->events,
			    a->q->fd, NULL);
}
