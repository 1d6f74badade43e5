/* SPDX-License-Identifier: MIT */
/* Begins and ends of calls. */
#include "inspect/callqueue.h"

#include <stdlib.h>

#include "base/hash.h"

static uint64_t hash_of(unsigned int tid)
{
	return ft_hash_u64(0, tid);
}

static bool is_of_thread(const void *item, const void *key)
{
	const struct ft_whole_call *call = item;

	return call->wire.tid == *(const unsigned int *)key;
}

/* The call that the thread has begun, which is not kept any more. */
static struct ft_whole_call *take_open(struct ft_callqueue *q, unsigned int tid)
{
	struct ft_whole_call *call =
		ft_table_find(&q->open, hash_of(tid), &tid, is_of_thread);

	if (call)
		ft_table_remove(&q->open, hash_of(tid), call);
	return call;
}

void ft_callqueue_fini(struct ft_callqueue *q)
{
	struct ft_whole_call *call;
	size_t pos = 0;

	while ((call = ft_table_next(&q->open, &pos)))
		free(call);
	ft_table_fini(&q->open);
	while ((call = ft_callqueue_take(q)))
		free(call);
}

void ft_callqueue_lose(struct ft_callqueue *q, uint64_t count)
{
	*(q->last ? &q->last->lost : &q->lost) += count;
}

uint64_t ft_callqueue_take_lost(struct ft_callqueue *q)
{
	uint64_t lost = q->lost;

	q->lost = 0;
	return lost;
}

static const char *base_of(const struct ft_callwire *w)
{
	return (const char *)(w + 1);
}

static const char *pathname_of(const struct ft_callwire *w)
{
	return base_of(w) + w->base_len;
}

static struct ft_whole_call *make(const struct ft_callwire *base,
				  const struct ft_callwire *pathname)
{
	size_t size =
		sizeof(struct ft_whole_call) + base->base_len + pathname->pathname_len;
	struct ft_whole_call *call = malloc(size);

	if (!call)
		return NULL;
	*call = (struct ft_whole_call){.size = size};
	memcpy(call->text, base_of(base), base->base_len);
	memcpy(call->text + base->base_len, pathname_of(pathname),
	       pathname->pathname_len);
	return call;
}

static void begin(struct ft_callqueue *q, const struct ft_callwire *w)
{
	struct ft_whole_call *call;

	/* One whose end was not told: that was counted. */
	free(take_open(q, w->tid));
	call = make(w, w);
	if (call)
		call->wire = *w;
	if (!call || q->open.count >= FT_CALLWIRE_OPEN_MAX ||
	    ft_table_add(&q->open, hash_of(w->tid), call) < 0) {
		free(call);
		ft_callqueue_lose(q, 1);
	}
}

static void set_end(struct ft_callwire *to, const struct ft_callwire *end)
{
	to->ret = end->ret;
	if (end->group) {
		to->group = end->group;
		to->group_flags = end->group_flags;
	}
}

/* The pathname was not in memory before; only with it was it seen where it begins. */
static struct ft_whole_call *add_pathname(struct ft_whole_call *call,
					  const struct ft_callwire *end)
{
	bool has_base = end->pathname_len > 0 && *pathname_of(end) == '/';
	const struct ft_callwire *base = has_base ? end : &call->wire;
	struct ft_whole_call *whole = make(base, end);

	if (!whole)
		return NULL;
	whole->wire = call->wire;
	whole->wire.base_len = base->base_len;
	whole->wire.pathname_len = end->pathname_len;
	whole->wire.link_len = end->link_len;
	whole->wire.flags |= end->flags & FT_CALLWIRE_PATHNAME;
	if (has_base)
		whole->wire.flags =
			(whole->wire.flags & ~(unsigned int)FT_CALLWIRE_BASE) |
			(end->flags & FT_CALLWIRE_BASE);
	free(call);
	return whole;
}

static void append(struct ft_callqueue *q, struct ft_whole_call *call)
{
	if (q->bytes + call->size > FT_CALLQUEUE_MAX) {
		free(call);
		ft_callqueue_lose(q, 1);
		return;
	}
	q->bytes += call->size;
	if (q->last)
		q->last->next = call;
	else
		q->first = call;
	q->last = call;
}

static void end(struct ft_callqueue *q, const struct ft_callwire *w)
{
	struct ft_whole_call *call = take_open(q, w->tid), *whole = call;

	if (!call || call->wire.time != w->time) {
		free(call);
		return;
	}
	set_end(&call->wire, w);
	if (w->flags & FT_CALLWIRE_PATHNAME)
		whole = add_pathname(call, w);
	/* Without memory for it, the pathname is not told. */
	append(q, whole ? whole : call);
}

void ft_callqueue_put(struct ft_callqueue *q, const struct ft_callwire *record)
{
	if (record->part == FT_CALLWIRE_BEGIN)
		begin(q, record);
	else
		end(q, record);
}

struct ft_whole_call *ft_callqueue_take(struct ft_callqueue *q)
{
	struct ft_whole_call *call = q->first;

	if (!call)
		return NULL;
	q->first = call->next;
	if (!q->first)
		q->last = NULL;
	q->bytes -= call->size;
	q->lost += call->lost;
	call->next = NULL;
	return call;
}
