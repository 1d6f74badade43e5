/* SPDX-License-Identifier: MIT */
/* A ring of records between two threads. */
#include "base/ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 16 };

/* In front of each record. */
struct head {
	uint64_t size; /* of both; what is left of the ring's end has one without a record
			*/
	uint64_t is_record;
};

_Static_assert(sizeof(struct head) == ALIGN, "records are aligned, too");

int ft_ring_init(struct ft_ring *r, size_t size)
{
	memset(r, 0, sizeof(*r));
	r->space = aligned_alloc(ALIGN, size);
	if (!r->space)
		return -ENOMEM;
	memset(r->space, 0, size);
	r->size = size;
	return 0;
}

void ft_ring_fini(struct ft_ring *r)
{
	free(r->space);
	memset(r, 0, sizeof(*r));
}

static struct head *head_at(struct ft_ring *r, uint64_t position)
{
	return (struct head *)(r->space + (position & (r->size - 1)));
}

void *ft_ring_reserve(struct ft_ring *r, size_t n)
{
	uint64_t at = atomic_load_explicit(&r->written, memory_order_relaxed);
	uint64_t used = at - atomic_load_explicit(&r->read, memory_order_acquire);
	size_t size = (n + sizeof(struct head) + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	size_t to_end = r->size - (at & (r->size - 1));
	size_t skipped = to_end < size ? to_end : 0;

	if (n > r->size || r->size - used < skipped + size)
		return NULL;
	/* A record lies in one piece. */
	if (skipped > 0)
		*head_at(r, at) = (struct head){.size = skipped};
	r->reserved = at + skipped;
	*head_at(r, r->reserved) = (struct head){.size = size, .is_record = 1};
	return head_at(r, r->reserved) + 1;
}

void ft_ring_commit(struct ft_ring *r)
{
	atomic_store_explicit(&r->written, r->reserved + head_at(r, r->reserved)->size,
			      memory_order_release);
}

static uint64_t skip(struct ft_ring *r, uint64_t at)
{
	const struct head *h = head_at(r, at);

	return h->is_record ? at : at + h->size;
}

void *ft_ring_peek(struct ft_ring *r)
{
	uint64_t at = atomic_load_explicit(&r->read, memory_order_relaxed);

	if (at == atomic_load_explicit(&r->written, memory_order_acquire))
		return NULL;
	return head_at(r, skip(r, at)) + 1;
}

void ft_ring_release(struct ft_ring *r)
{
	uint64_t at = skip(r, atomic_load_explicit(&r->read, memory_order_relaxed));

	atomic_store_explicit(&r->read, at + head_at(r, at)->size, memory_order_release);
}
