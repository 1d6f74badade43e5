/* SPDX-License-Identifier: MIT */
/* Requests, answered exactly once. */
#include "guard/requests.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "kernel/abi.h"
#include "kernel/group.h"

int ft_requests_init(struct ft_requests *r, int group, size_t count)
{
	*r = (struct ft_requests){
		.group = group,
		.fallback = FT_VERDICT_ALLOW,
		.takes_audit = true,
	};
	r->list = calloc(count, sizeof(*r->list));
	if (!r->list)
		return -ENOMEM;
	r->count = count;
	for (size_t i = 0; i < count; i++)
		r->list[i] = (struct ft_request){
			.fd = -1, .next = i + 1 < count ? &r->list[i + 1] : NULL};
	r->free = r->list;
	return 0;
}

void ft_requests_fini(struct ft_requests *r)
{
	for (size_t i = 0; i < r->count; i++) {
		struct ft_request *q = &r->list[i];

		if (q->fd < 0)
			continue;
		atomic_store_explicit(&q->scan, FT_REQUEST_NO_SCAN, memory_order_relaxed);
		ft_request_release(r, q);
	}
	free(r->list);
	*r = (struct ft_requests){.group = -1};
}

struct ft_request *ft_requests_take(struct ft_requests *r, int fd, int64_t now_ns)
{
	struct ft_request *q = r->free;

	assert(q);
	r->free = q->next;
	q->fd = fd;
	q->is_answered = false;
	q->began_ns = now_ns;
	q->ruleset = NULL;
	atomic_store_explicit(&q->scan, FT_REQUEST_NO_SCAN, memory_order_relaxed);
	r->used++;
	return q;
}

/*
 * What the kernel refuses is EINVAL, and the request waits on: the same without it, the
 * newest first. One that takes an errno takes a rule's number, too.
 */
static int respond(struct ft_requests *r, int fd, const struct ft_answer *a,
		   int *ret_error)
{
	int error = a->verdict == FT_VERDICT_DENY && r->takes_errors ? a->error : 0;
	uint32_t rule = a->audit_rule;
	bool audit = a->audit && r->takes_audit;
	int result;

	for (;;) {
		uint32_t bits = a->verdict == FT_VERDICT_DENY ? FT_RESPONSE_DENY
							      : FT_RESPONSE_ALLOW;

		bits |= audit ? FT_RESPONSE_AUDIT : 0;
		bits |= (uint32_t)error << FT_RESPONSE_ERRNO_SHIFT;
		result = ft_group_respond(r->group, fd, bits, rule);
		*ret_error = error;
		if (result != -EINVAL || (!audit && error == 0))
			return result;
		if (error != 0)
			error = 0;
		else if (rule > 0 && audit)
			rule = 0;
		else
			r->takes_audit = audit = false;
	}
}

int ft_request_answer(struct ft_requests *r, struct ft_request *q,
		      const struct ft_answer *answer, int *ret_error)
{
	int error = 0, result;

	if (q->is_answered)
		return -EALREADY;
	q->is_answered = true;
	result = respond(r, q->fd, answer, &error);
	if (ret_error)
		*ret_error = error;
	return result;
}

static bool is_scanned(const struct ft_request *q)
{
	return atomic_load_explicit(&q->scan, memory_order_acquire) == FT_REQUEST_SCANNED;
}

void ft_request_release(struct ft_requests *r, struct ft_request *q)
{
	const struct ft_answer forgotten = {.verdict = r->fallback};
	int scan = atomic_load_explicit(&q->scan, memory_order_acquire);

	/* Nobody waits any more, perhaps: then there is nothing to be done about it. */
	if (!q->is_answered)
		(void)ft_request_answer(r, q, &forgotten, NULL);
	if (scan == FT_REQUEST_SCANNING)
		return;
	if (scan == FT_REQUEST_SCANNED)
		r->scanning--;
	close(q->fd);
	q->fd = -1;
	q->next = r->free;
	r->free = q;
	r->used--;
}

void ft_request_begin_scan(struct ft_requests *r, struct ft_request *q)
{
	r->scanning++;
	atomic_store_explicit(&q->scan, FT_REQUEST_SCANNING, memory_order_release);
}

void ft_request_cancel_scan(struct ft_requests *r, struct ft_request *q)
{
	r->scanning--;
	atomic_store_explicit(&q->scan, FT_REQUEST_NO_SCAN, memory_order_relaxed);
}

void ft_request_end_scan(struct ft_request *q, enum ft_scan_result result,
			 const char *text)
{
	size_t n = strnlen(text, sizeof(q->text) - 1);

	q->result = result;
	memcpy(q->text, text, n);
	q->text[n] = '\0';
	atomic_store_explicit(&q->scan, FT_REQUEST_SCANNED, memory_order_release);
}

struct ft_request *ft_requests_next_due(struct ft_requests *r, int64_t now_ns,
					size_t *pos)
{
	if (r->scanning == 0)
		return NULL;
	for (; *pos < r->count; (*pos)++) {
		struct ft_request *q = &r->list[*pos];

		if (q->fd < 0)
			continue;
		if (is_scanned(q) || (!q->is_answered && q->deadline_ns <= now_ns)) {
			(*pos)++;
			return q;
		}
	}
	return NULL;
}

int64_t ft_requests_deadline(const struct ft_requests *r)
{
	int64_t first = 0;

	for (size_t i = 0; r->scanning > 0 && i < r->count; i++) {
		const struct ft_request *q = &r->list[i];

		if (q->fd >= 0 && !q->is_answered &&
		    (first == 0 || q->deadline_ns < first))
			first = q->deadline_ns;
	}
	return first;
}
