/* SPDX-License-Identifier: MIT */
/* Scanners: what is in a file, asked of clamd, YARA rules or a list of checksums. */
#pragma once

#include "guard/policy.h"

enum ft_scanner_type { FT_SCANNER_CLAMD, FT_SCANNER_YARA, FT_SCANNER_SHA256 };

struct ft_scanner_spec {
	const char *name;
	enum ft_scanner_type type;
	const char *file; /* clamd: its socket; yara: rules; sha256: list */
};

struct ft_scanner;

/*
 * Loads everything that a scan will need (rules are compiled, the list is read): nothing
 * is opened afterwards, but the socket of clamd. *ret_error (may be NULL; malloc'd): one
 * line. That clamd does not answer now is no error. 0 or -errno.
 */
int ft_scanner_open(struct ft_scanner **ret, const struct ft_scanner_spec *spec,
		    char **ret_error);
struct ft_scanner *ft_scanner_close(struct ft_scanner *s);

struct ft_scan {
	int fd;		     /* borrowed, open for reading; its offset may be changed */
	int64_t deadline_ns; /* boot clock: an answer after it is of no use */
	int stop;	     /* readable: no answer is; -1: none; a pool has its own */
};
struct ft_scanned {
	enum ft_scan_result result;
	char text[128]; /* what was found, or why it failed; NUL-ended, printable */
};
/* Several threads may ask one scanner. Never waits past the deadline. */
void ft_scanner_scan(struct ft_scanner *s, const struct ft_scan *scan,
		     struct ft_scanned *ret);
/* Is that the process that scans (clamd)? Its own requests are always allowed, or nobody
 * would ever be answered. */
bool ft_scanner_is(struct ft_scanner *s, pid_t pid);
/* Did it go down, or come back, since this was last asked? Then *ret says so: to be told
 * once. */
bool ft_scanner_take_news(struct ft_scanner *s, struct ft_scanned *ret);

/* ---- a bounded pool of threads (all signals blocked in them) ---- */

typedef void (*ft_pool_done_fn)(void *data, void *job, const struct ft_scanned *scanned);

struct ft_pool_config {
	unsigned int threads;
	unsigned int waiting_max; /* jobs that wait for a thread */
	ft_pool_done_fn done;	  /* called on a thread of the pool, once a job */
	void *data;
};

struct ft_pool;
int ft_pool_open(struct ft_pool **ret, const struct ft_pool_config *config);
/* 0; -EBUSY: full. Never waits, allocates nothing. A job whose deadline has passed before
 * its turn is done with FT_SCAN_ERROR. */
int ft_pool_submit(struct ft_pool *pool, struct ft_scanner *s, const struct ft_scan *scan,
		   void *job);
/* What runs is told to stop, what waits is done, both with FT_SCAN_ERROR. NULL; or the
 * pool, if a scan did not end within msec: then all that it uses must stay. */
struct ft_pool *ft_pool_close(struct ft_pool *pool, unsigned int msec);
