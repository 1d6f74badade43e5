/* SPDX-License-Identifier: MIT */
/* Draining a group into bounded memory. */
#include "session/backlog.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "kernel/group.h"

/* The moment before a read that found nothing: whatever is read later happened after it.
 */
static void see_empty(struct ft_backlog *b, int64_t now_ns, int64_t boot_ns)
{
	b->empty_ns = now_ns;
	b->empty_boot_ns = boot_ns;
	b->was_emptied = true;
}

void ft_backlog_init(struct ft_backlog *b)
{
	*b = (struct ft_backlog){0};
	see_empty(b, ft_now_ns(), ft_boot_ns());
}

void ft_backlog_fini(struct ft_backlog *b)
{
	if (b->space)
		munmap(b->space, b->max * FT_READ_SIZE);
	free(b->reads);
	*b = (struct ft_backlog){0};
}

bool ft_backlog_is_empty(const struct ft_backlog *b)
{
	return b->position == b->end_position;
}

void ft_backlog_clear(struct ft_backlog *b)
{
	size_t keep = (size_t)FT_BACKLOG_KEEP * FT_READ_SIZE;

	/* At once: giving memory back stops the other threads for a moment. */
	if (b->count > FT_BACKLOG_KEEP)
		madvise(b->space + keep, b->count * FT_READ_SIZE - keep, MADV_DONTNEED);
	b->count = 0;
	b->at = 0;
	b->offset = 0;
}

/* As much as there is room for: with less, what can be looked ahead ends earlier. */
static int reserve_space(struct ft_backlog *b)
{
	for (size_t n = FT_BACKLOG_READS; n >= FT_BACKLOG_KEEP; n /= 4) {
		void *space = mmap(NULL, n * FT_READ_SIZE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (space == MAP_FAILED)
			continue;
		b->space = space;
		b->max = n;
		return 0;
	}
	return -ENOMEM;
}

/* Room for one more read; NULL with *ret = 1 at the bound, -ENOMEM. */
static struct ft_read *next_read(struct ft_backlog *b, int *ret)
{
	struct ft_read *reads;

	*ret = 1;
	if (b->space && b->count == b->max)
		return NULL;
	*ret = b->space ? 0 : reserve_space(b);
	if (*ret < 0)
		return NULL;
	if (b->count == b->capacity) {
		size_t capacity = b->capacity ? 2 * b->capacity : FT_BACKLOG_KEEP;

		*ret = -ENOMEM;
		reads = reallocarray(b->reads, capacity, sizeof(*reads));
		if (!reads)
			return NULL;
		b->reads = reads;
		b->capacity = capacity;
	}
	b->reads[b->count].data = b->space + b->count * FT_READ_SIZE;
	return &b->reads[b->count];
}

/* Shows each record to scan; what cannot be a record ends the read. */
static int scan_read(struct ft_backlog *b, struct ft_read *r, ft_scan_fn scan, void *data)
{
	size_t offset = 0;

	while (offset < r->len) {
		ssize_t n = ft_decode_size(r->data + offset, r->len - offset);

		if (n < 0) {
			r->len = offset;
			return (int)n;
		}
		if (scan)
			scan(data, r->data + offset, (size_t)n, b->end_position);
		b->end_position++;
		offset += (size_t)n;
	}
	return 0;
}

int ft_backlog_drain(struct ft_backlog *b, int group, ft_scan_fn scan, void *data)
{
	int64_t after_ns = b->empty_ns, now_ns, boot_ns;
	struct ft_read *r;
	ssize_t n;
	int e;

	b->was_emptied = false;
	for (;;) {
		r = next_read(b, &e);
		if (!r)
			return e;
		now_ns = ft_now_ns();
		boot_ns = ft_boot_ns();
		n = ft_group_read(group, r->data, FT_READ_SIZE);
		if (n < 0)
			return (int)n;
		if (n == 0)
			break;
		r->len = (size_t)n;
		r->time_ns = ft_now_ns();
		r->after_ns = after_ns;
		b->count++;
		e = scan_read(b, r, scan, data);
		if (e < 0)
			return e;
	}
	see_empty(b, now_ns, boot_ns);
	return 0;
}

/* Steps over reads that hold nothing more. */
static bool find_record(const struct ft_backlog *b, size_t *at, size_t *offset)
{
	while (*at < b->count && *offset >= b->reads[*at].len) {
		++*at;
		*offset = 0;
	}
	return *at < b->count;
}

bool ft_backlog_next(struct ft_backlog *b, struct ft_record *ret,
		     const struct ft_read **ret_read)
{
	struct ft_read *r;
	const char *p;

	if (!find_record(b, &b->at, &b->offset))
		return false;
	r = &b->reads[b->at];
	p = r->data + b->offset;
	b->offset += (size_t)ft_decode_size(p, r->len - b->offset);
	b->position++;
	*ret_read = r;
	/* A record that is broken inside is told as nothing known. */
	if (ft_decode(p, r->len - (size_t)(p - r->data), ret) < 0)
		*ret = (struct ft_record){.fd = -1, .pidfd = -1};
	return true;
}

bool ft_backlog_peek(const struct ft_backlog *b, unsigned int n, struct ft_record *ret)
{
	size_t at = b->at, offset = b->offset;

	for (;; n--) {
		if (!find_record(b, &at, &offset))
			return false;
		if (n == 0)
			break;
		offset += (size_t)ft_decode_size(b->reads[at].data + offset,
						 b->reads[at].len - offset);
	}
	return ft_decode(b->reads[at].data + offset, b->reads[at].len - offset, ret) == 0;
}
