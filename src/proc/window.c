/* SPDX-License-Identifier: MIT */
/* Whose image it was in a window of time, and what no window asks for any more. */
#include <stdlib.h>

#include "base/hash.h"
#include "proc/history.h"
#include "proc/share.h"

void ft_history_free_retired(struct ft_history *h)
{
	while (h->retired) {
		struct ft_past *image = h->retired;
		h->retired = image->next_ended;
		ft_history_free_image(h, image);
	}
}

void ft_history_fini(struct ft_history *h)
{
	struct ft_past_pid *p;
	size_t pos = 0;

	while ((p = ft_table_next(&h->pids, &pos))) {
		while (p->newest) {
			struct ft_past *image = p->newest;
			p->newest = image->before;
			ft_history_free_image(h, image);
		}
		ft_takeover_free_execs(h, p);
		h->bytes -= sizeof(*p);
		free(p);
	}
	ft_history_free_retired(h);
	ft_table_fini(&h->pids);
	ft_bytes_fini(&h->container);
}

void ft_history_forget(struct ft_history *h, int64_t until)
{
	if (h->forgotten < until)
		h->forgotten = until;
}

static void remove_pid(struct ft_history *h, struct ft_past_pid *p)
{
	ft_table_remove(&h->pids, ft_hash_u64(0, (uint64_t)p->pid), p);
	ft_takeover_free_execs(h, p);
	h->bytes -= sizeof(*p);
	free(p);
}

void ft_history_unlink_image(struct ft_past_pid *p, struct ft_past *image)
{
	*(image->after ? &image->after->before : &p->newest) = image->before;
	if (image->before)
		image->before->after = image->after;
}

static void evict_first(struct ft_history *h)
{
	struct ft_past *image = h->ended_first;
	struct ft_past_pid *p = ft_history_find_pid(h, image->process.pid);

	h->ended_first = image->next_ended;
	if (!h->ended_first)
		h->ended_last = NULL;
	ft_history_forget(h, image->end);
	ft_history_unlink_image(p, image);
	/* What it executed cannot be counted any more. */
	p->execs_count = 0;
	p->judged = 0;
	if (!p->newest)
		remove_pid(h, p);
	ft_history_free_image(h, image);
}

static bool must_evict(const struct ft_history *h)
{
	if (!h->ended_first || h->bytes <= FT_HISTORY_KEEP)
		return false;
	return h->ended_first->end < h->from || h->bytes > FT_HISTORY_MAX;
}

void ft_history_begin(struct ft_history *h, int64_t from, int64_t to)
{
	h->from = from;
	h->to = to;
	h->backlog++;
	h->last = NULL;
	ft_history_free_retired(h);
	while (must_evict(h)) {
		h->lost += h->ended_first->end >= h->from;
		evict_first(h);
	}
}

/* What happened until then may have been done by an image that is not known. */
static bool is_forgotten(const struct ft_history *h)
{
	return h->from <= h->forgotten;
}

static int64_t end_of(const struct ft_past *image, const struct ft_question *q)
{
	const struct ft_past *after = image->after;

	if (!q->is_close || !after || !after->is_executed || !after->closes)
		return image->end;
	return image->end + FT_CLOSING_NSEC;
}

struct findings {
	const struct ft_past *newest;
	size_t count; /* more than there is room for, maybe */
};

/* What they share is of all, also of those that there is no room for in the list. */
static void add_candidate(struct ft_past_pid *p, struct findings *v,
			  const struct ft_past *image)
{
	const struct ft_process so_far = p->shared;

	if (v->count == 0) {
		v->newest = image;
		p->shared = image->process;
	} else {
		ft_process_share(&p->shared, &so_far, &image->process);
	}
	p->below |= image->below;
	if (v->count < FT_HISTORY_CANDIDATES)
		p->candidates[v->count] = &image->process;
	v->count++;
}

static struct findings collect(const struct ft_history *h, struct ft_past_pid *p,
			       const struct ft_question *q)
{
	const struct ft_takeover t = {.h = h, .p = p, .q = q};
	struct findings v = {0};

	for (const struct ft_past *i = p->newest; i; i = i->before) {
		int64_t end = end_of(i, q);
		if (end < h->from && !p->has_overlaps)
			break;
		if (end >= h->from && i->begin <= h->to) {
			add_candidate(p, &v, i);
		}
		if (i->is_executed && ft_takeover_is_before(&t, i))
			break;
	}
	return v;
}

/* Between two OPEN_EXEC records of a process all its records have the same answer. */
static struct ft_judged range_of(const struct ft_past_pid *p, const struct ft_question *q)
{
	struct ft_judged range = {q->queue, q->is_close, 0, UINT64_MAX};

	for (size_t i = 0; i < p->execs_count; i++) {
		uint64_t at = p->execs[i].position;
		if (p->execs[i].queue != q->queue)
			continue;
		if (at < q->position)
			range.first = at + 1;
		else if (at == q->position)
			range.first = range.last = at;
		else if (range.last > at)
			range.last = at - 1;
	}
	return range;
}

static bool is_judged(const struct ft_history *h, const struct ft_past_pid *p,
		      const struct ft_question *q)
{
	const struct ft_judged *range = &p->range;

	return p->judged == h->backlog && range->queue == q->queue &&
	       range->is_close == q->is_close && range->first <= q->position &&
	       q->position <= range->last;
}

/* After a loss: did the process that has the number now not have it all the time? */
static bool may_be_of_another(const struct ft_history *h, const struct ft_past_pid *p)
{
	return is_forgotten(h) && (p->open == 0 || p->newest->start > h->from);
}

static void judge(struct ft_history *h, struct ft_past_pid *p,
		  const struct ft_question *q)
{
	p->below = 0;
	p->may_be_of_another = may_be_of_another(h, p);
	struct findings v = collect(h, p, q);
	struct ft_attribution *a = &p->answer;

	p->judged = h->backlog;
	p->range = range_of(p, q);
	*a = (struct ft_attribution){.certainty = FT_CERTAINTY_NONE};
	if (v.count == 0)
		return;
	a->process = p->candidates[0];
	if (v.count == 1 && !is_forgotten(h)) {
		a->certainty =
			v.newest->program ? FT_CERTAINTY_EXACT : FT_CERTAINTY_CREDENTIALS;
		return;
	}
	a->certainty = FT_CERTAINTY_AMBIGUOUS;
	a->candidates = p->candidates;
	a->candidates_count =
		v.count < FT_HISTORY_CANDIDATES ? v.count : FT_HISTORY_CANDIDATES;
	a->may_be_another = v.count > FT_HISTORY_CANDIDATES || is_forgotten(h);
	if (v.count > 1)
		a->process = &p->shared;
}

void ft_history_find(struct ft_history *h, const struct ft_question *q,
		     struct ft_attribution *ret)
{
	if (!h->last || h->last->pid != q->pid)
		h->last = ft_history_find_pid(h, q->pid);
	struct ft_past_pid *p = h->last;
	if (p && !is_judged(h, p, q))
		judge(h, p, q);
	if (p)
		*ret = p->answer;
	else
		*ret = (struct ft_attribution){.certainty = FT_CERTAINTY_NONE};
}

void ft_history_begin_seeding(struct ft_history *h)
{
	h->seeding++;
}

void ft_history_end_seeding(struct ft_history *h, int64_t time)
{
	struct ft_past_pid *p;
	size_t pos = 0;

	while ((p = ft_table_next(&h->pids, &pos))) {
		if (p->seen == h->seeding)
			continue;
		if (p->open > 0 && p->newest->begin <= time)
			ft_history_end_all(h, p, time);
	}
	ft_history_mark_below(h);
}
