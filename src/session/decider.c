/* SPDX-License-Identifier: MIT */
/*
 * The way of a request: read, decided on, answered, told. Read this file to know how
 * fantail says no. KERNEL.md's rules hold here: answer first, close second, tell last.
 */
#include "session/decider.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/number.h"
#include "kernel/abi.h"
#include "kernel/group.h"
#include "session/asked.h"
#include "session/deciding.h"

enum {
	BEAT_MSEC = 200, /* it goes round this often */
	SLACK_MSEC = 10, /* so much before a deadline a scanner may give up for it */
	/* Before a pause others are decided on while scans end, then scans alone. */
	PAUSE_READS_MSEC = 1000,
	PAUSE_WAITS_MSEC = 200,
};

/* ---- scans: what is decided on later ---- */

static void let_rules_go(struct ft_request *q)
{
	struct ft_ruleset *rules = q->ruleset;

	q->ruleset = NULL;
	if (rules)
		atomic_fetch_sub(&rules->users, 1);
}

/* The file's own part of a scan's verdict: what cannot be scanned is an error of it. */
static const char *unfit_for_scan(const struct ft_asked *a,
				  const struct ft_rule_spec *spec)
{
	if (!a->facts.is_regular)
		return "not a regular file, so it is not scanned";
	if (spec->max_size > 0 && a->facts.size > spec->max_size)
		return "larger than max_size, so it is not scanned";
	return NULL;
}

static const struct ft_rule_spec *spec_of(const struct ft_ruleset *rules,
					  const struct ft_outcome *o)
{
	return o->rule < 0 ? NULL
			   : ft_rule_spec(ft_policy_rule(rules->policy, (size_t)o->rule));
}

static void conclude(struct ft_decider *d, struct ft_asked *a,
		     const struct ft_ruleset *rules, const char *reason)
{
	const struct ft_conclusion c = {
		.verdict = ft_policy_verdict(rules->policy, &a->outcome, a->result),
		.reason = reason,
		.is_error =
			a->outcome.verdict == FT_RULE_SCAN && a->result == FT_SCAN_ERROR,
	};

	ft_deciding_answer(d, a, &c);
}

static void conclude_late(struct ft_decider *d, struct ft_asked *a,
			  const struct ft_ruleset *rules, const char *reason)
{
	const struct ft_conclusion c = {
		.verdict = ft_policy_config(rules->policy)->on_timeout,
		.reason = reason,
		.is_late = true,
	};

	ft_deciding_answer(d, a, &c);
}

/* True: it was given to a scanner, and is answered when that is done or too late. */
static bool begin_scan(struct ft_decider *d, struct ft_asked *a,
		       const struct ft_rule_spec *spec)
{
	struct ft_request *q = a->q;

	ft_asked_begin_scan(a);
	q->ruleset = d->rules;
	q->deadline_ns = q->began_ns + ft_policy_config(d->rules->policy)->timeout_ns;
	atomic_fetch_add(&d->rules->users, 1);
	ft_request_begin_scan(&d->requests, q);
	if (d->config.scan && d->config.scan(d->config.data, q, spec->scanner) == 0)
		return true;
	ft_request_cancel_scan(&d->requests, q);
	let_rules_go(q);
	return false;
}

/* Answered, or waiting for its scan. */
static void decide_by_content(struct ft_decider *d, struct ft_asked *a)
{
	const struct ft_rule_spec *spec = spec_of(d->rules, &a->outcome);
	const char *unfit = unfit_for_scan(a, spec);

	if (a->is_scanned || unfit) {
		if (!a->is_scanned)
			a->result = FT_SCAN_ERROR;
		conclude(d, a, d->rules, unfit);
		return;
	}
	if (!begin_scan(d, a, spec))
		conclude_late(d, a, d->rules, "too many files wait for the scanner");
}

/* A scanner that gave up at the deadline has not failed. */
static bool is_late(const struct ft_request *q)
{
	return q->result == FT_SCAN_ERROR &&
	       ft_boot_ns() >= q->deadline_ns - SLACK_MSEC * FT_NSEC_PER_MSEC;
}

/* A scan is done, in time or not, or its time is over. */
static void finish_scan(struct ft_decider *d, struct ft_request *q)
{
	struct ft_ruleset *rules = q->ruleset;
	bool is_scanned = atomic_load_explicit(&q->scan, memory_order_acquire) ==
			  FT_REQUEST_SCANNED;
	struct ft_asked a;

	if (!q->is_answered) {
		ft_asked_resume(d, q, &a);
		a.result = is_scanned ? q->result : FT_SCAN_ERROR;
		if (is_scanned && !is_late(q))
			conclude(d, &a, rules, q->text);
		else
			conclude_late(d, &a, rules, "the scanner did not answer in time");
	}
	if (!is_scanned)
		return;
	ft_asked_keep_scan(d, q);
	let_rules_go(q);
	ft_request_release(&d->requests, q);
}

static bool has_passed(const struct ft_decider *d, int64_t msec)
{
	return ft_boot_ns() - atomic_load(&d->ordered_ns) >= msec * FT_NSEC_PER_MSEC;
}

/* Nobody waits for a scan any longer. */
static bool ends_scans(const struct ft_decider *d)
{
	int order = atomic_load(&d->order);

	return order == FT_ORDER_STOP ||
	       (order == FT_ORDER_PAUSE &&
		has_passed(d, PAUSE_READS_MSEC + PAUSE_WAITS_MSEC));
}

static void finish_scans(struct ft_decider *d)
{
	int64_t now = ends_scans(d) ? INT64_MAX : ft_boot_ns();
	struct ft_request *q;
	size_t pos = 0;

	if (d->requests.scanning == 0)
		return;
	ft_who_begin(&d->who, ft_boot_ns());
	while ((q = ft_requests_next_due(&d->requests, now, &pos)))
		finish_scan(d, q);
}

/* ---- a request ---- */

static bool is_trusted(const struct ft_decider *d, pid_t pid)
{
	return pid == d->self || (d->config.is_trusted &&
				  d->config.is_trusted(d->config.data, d->rules, pid));
}

static void answer(struct ft_decider *d, struct ft_request *q)
{
	struct ft_asked a;

	if (is_trusted(d, q->pid)) {
		const struct ft_answer allow = {.verdict = FT_VERDICT_ALLOW};

		(void)ft_request_answer(&d->requests, q, &allow, NULL);
		ft_request_release(&d->requests, q);
		return;
	}
	ft_asked_begin(d, q, &a);
	ft_asked_decide(d, &a);
	if (a.outcome.verdict == FT_RULE_SCAN)
		decide_by_content(d, &a);
	else
		conclude(d, &a, d->rules, NULL);
	if (q->is_answered) {
		ft_asked_keep_mark(d, &a);
		ft_request_release(&d->requests, q);
	}
}

static void lose_request(struct ft_decider *d, int error)
{
	atomic_fetch_add(&d->lost_descriptors, 1);
	/* To break it would be to wait for its holder. */
	if (error == -EWOULDBLOCK)
		atomic_store(&d->met_lease, true);
	d->telling.is_due = true;
}

static void take_record(struct ft_decider *d, const struct ft_record *rec, int64_t now)
{
	struct ft_request *q;

	if (rec->fd < 0) {
		/* The kernel had no descriptor for it, and has denied it. */
		if (!(rec->mask & FT_EV_Q_OVERFLOW))
			lose_request(d, rec->fd);
		return;
	}
	q = ft_requests_take(&d->requests, rec->fd, now);
	q->event = rec->mask & FT_MASK_ASK;
	q->pid = rec->pid;
	answer(d, q);
}

/* ---- reading ---- */

/* Each request comes with a descriptor: no more are read than there are places for. Two
 * at least, as one may be twice as long as another. */
static size_t room(const struct ft_decider *d)
{
	size_t n = ft_requests_free(&d->requests);

	if (n > FT_DECIDER_READ)
		n = FT_DECIDER_READ;
	return n < 2 ? 0 : n;
}

static int take_records(struct ft_decider *d, size_t n, int64_t now)
{
	for (size_t at = 0; at < n;) {
		struct ft_record rec;
		ssize_t size = ft_decode_size(d->buffer + at, n - at);

		if (size < 0 || ft_decode(d->buffer + at, (size_t)size, &rec) < 0)
			return -EBADMSG;
		take_record(d, &rec, now);
		at += (size_t)size;
	}
	return 0;
}

/* 1: there may be more, 0: the queue is empty, -errno: it cannot go on. */
static int read_requests(struct ft_decider *d)
{
	size_t n = room(d) * sizeof(struct ft_abi_metadata);
	ssize_t len = ft_group_read(d->group, d->buffer, n);
	int64_t now;
	int r;

	if (len == -EMFILE || len == -ENFILE) {
		lose_request(d, (int)len);
		return 1;
	}
	if (len <= 0)
		return (int)len;
	now = ft_boot_ns();
	ft_who_begin(&d->who, now);
	r = take_records(d, (size_t)len, now);
	ft_telling_flush(&d->telling);
	return r < 0 ? r : 1;
}

/* ---- a round ---- */

static void take_rules(struct ft_decider *d)
{
	struct ft_decider_rules *next = atomic_exchange(&d->next, NULL);

	if (!next)
		return;
	atomic_fetch_add(&next->set->users, 1);
	if (d->rules)
		atomic_fetch_sub(&d->rules->users, 1);
	d->rules = next->set;
	d->changes = next->changes;
	d->requests.fallback = ft_policy_config(next->set->policy)->on_timeout;
	atomic_store(&d->generation, next->set->generation);
}

static int wait_msec(const struct ft_decider *d)
{
	int64_t deadline = ft_requests_deadline(&d->requests), left;

	if (deadline == 0)
		return BEAT_MSEC;
	left = (deadline - ft_boot_ns()) / FT_NSEC_PER_MSEC + 1;
	return left < 0 ? 0 : left < BEAT_MSEC ? (int)left : BEAT_MSEC;
}

/* True: there is something to read. All is waited for by epoll, which does not begin
 * anew each time. */
static bool wait_for_more(struct ft_decider *d, bool reads)
{
	struct pollfd wake = {.fd = d->wake, .events = POLLIN};
	struct epoll_event ready[3];
	bool more = false;
	eventfd_t count;
	int n;

	if (!reads) {
		if (poll(&wake, 1, wait_msec(d)) > 0)
			(void)eventfd_read(d->wake, &count);
		return false;
	}
	n = epoll_wait(d->epoll, ready, FT_ARRAY_SIZE(ready), wait_msec(d));
	for (int i = 0; i < n; i++) {
		if (ready[i].data.fd == d->wake)
			(void)eventfd_read(d->wake, &count);
		else if (ready[i].data.fd == d->group)
			more = true;
		else
			ft_who_follow(&d->who);
	}
	return more;
}

/*
 * Who follows changes may be busy for long (a policy that is loaded anew looks at the
 * whole disk): what the kernel keeps on allowing does not wait for that.
 */
static void forget_if_behind(struct ft_decider *d)
{
	int64_t now = ft_boot_ns();

	if (!d->changes || now - d->looked_ns < BEAT_MSEC * FT_NSEC_PER_MSEC)
		return;
	d->looked_ns = now;
	if (ft_changes_is_idle(d->changes)) {
		d->is_behind = false;
		return;
	}
	if (d->is_behind)
		ft_group_flush(d->group, FT_MARK_INODE);
	d->is_behind = true;
}

/* All that was read is answered; late scans may go on. */
static bool is_answered(const struct ft_decider *d)
{
	return ft_requests_deadline(&d->requests) == 0;
}

static bool may_read(const struct ft_decider *d, int order)
{
	if (order == FT_ORDER_PAUSE)
		return !is_answered(d) && !has_passed(d, PAUSE_READS_MSEC);
	return order == FT_ORDER_GO || order == FT_ORDER_STOP;
}

bool ft_decider_step(struct ft_decider *d)
{
	int order = atomic_load(&d->order), r = 0;
	bool may = may_read(d, order);
	bool more = wait_for_more(d, may && room(d) > 0);

	take_rules(d);
	if (may)
		forget_if_behind(d);
	finish_scans(d);
	ft_telling_flush(&d->telling);
	if (more || order == FT_ORDER_STOP)
		r = room(d) > 0 ? read_requests(d) : 1;
	if (r < 0) {
		atomic_store(&d->error, r);
		return false;
	}
	if (order == FT_ORDER_GO || !is_answered(d) || (order == FT_ORDER_STOP && r > 0))
		return true;
	atomic_store(&d->is_done, true);
	ft_telling_wake(&d->telling);
	return order == FT_ORDER_PAUSE;
}
