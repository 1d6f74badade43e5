/* SPDX-License-Identifier: MIT */
/*
 * Permission requests that were read. Each is answered exactly once, whatever happens to
 * it, and its descriptor is closed after that and not before anybody who reads it is
 * done: answers match by the descriptor's number. One thread owns all of this; only
 * ft_request_end_scan() may be called by another.
 */
#pragma once

#include <stdatomic.h>

#include "guard/identity.h"
#include "guard/verdicts.h"

enum { FT_REQUEST_TEXT_MAX = 128 };

enum ft_request_scan {
	FT_REQUEST_NO_SCAN,
	FT_REQUEST_SCANNING, /* somebody else reads the descriptor */
	FT_REQUEST_SCANNED,
};

struct ft_answer {
	enum ft_verdict verdict;
	int error;	     /* positive errno to deny with; 0: the kernel's own */
	bool audit;	     /* tell the audit log, with the rule's number */
	uint32_t audit_rule; /* from 1; 0: none */
};

struct ft_request {
	int fd;			 /* -1: the place is free */
	struct ft_request *next; /* that is free */
	bool is_answered;
	int64_t began_ns; /* boot clock: it was read */
	uint64_t event;
	pid_t pid;
	struct ft_identity identity;

	/* Of a scan. The result is written before `scan` says that it is there. */
	_Atomic int scan;
	int64_t deadline_ns; /* boot clock */
	int64_t looked_ns;   /* wall clock, before the file's state was read */
	struct ft_outcome outcome;
	bool keep; /* the verdict, by these */
	struct ft_verdict_key key;
	struct ft_verdict_stamp stamp;
	void *ruleset; /* the outcome's */
	enum ft_scan_result result;
	char text[FT_REQUEST_TEXT_MAX];
};

struct ft_requests {
	int group;		  /* borrowed */
	enum ft_verdict fallback; /* for what was forgotten */
	struct ft_request *list;
	size_t count;
	size_t used;
	size_t scanning;	 /* not answered, or answered and still read by a scan */
	struct ft_request *free; /* the last one that was given back is the first to be
				    taken: it is warm */
	bool takes_audit;  /* until the kernel refuses: the owner may say no before */
	bool takes_errors; /* an errno of one's own; the owner says so */
};

/* All memory is taken here. 0 or -ENOMEM. */
int ft_requests_init(struct ft_requests *r, int group, size_t count);
/* Answers what is left with the fallback; no scan may be running any more. */
void ft_requests_fini(struct ft_requests *r);
static inline size_t ft_requests_free(const struct ft_requests *r)
{
	return r->count - r->used;
}

/* A place for the request that came with fd, which is owned from here on. There must be a
 * free one. */
struct ft_request *ft_requests_take(struct ft_requests *r, int fd, int64_t now_ns);
/*
 * The first answer counts: 0; -EALREADY: it was answered before; -ENOENT: who asked waits
 * no more (killed). What the kernel does not take is left out: the errno, the number of
 * the rule, the audit record, in this order; *ret_error (may be NULL) is the errno that
 * was told.
 */
int ft_request_answer(struct ft_requests *r, struct ft_request *q,
		      const struct ft_answer *answer, int *ret_error);
/* Gives the place back: forgotten ones are answered with the fallback, and the descriptor
 * is closed. While a scan reads it nothing happens but that; the end of the scan must
 * call it again. */
void ft_request_release(struct ft_requests *r, struct ft_request *q);

void ft_request_begin_scan(struct ft_requests *r, struct ft_request *q);
/* By any thread: the descriptor is not used any more, and the result is there. */
void ft_request_end_scan(struct ft_request *q, enum ft_scan_result result,
			 const char *text);
/* The scan could not be begun after all. */
void ft_request_cancel_scan(struct ft_requests *r, struct ft_request *q);

/* The next request whose scan is done, or that has reached its deadline without an
 * answer; NULL: none. Start with *pos = 0. */
struct ft_request *ft_requests_next_due(struct ft_requests *r, int64_t now_ns,
					size_t *pos);
/* The earliest deadline of those not answered; 0: none. */
int64_t ft_requests_deadline(const struct ft_requests *r);
