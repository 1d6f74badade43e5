/* SPDX-License-Identifier: MIT */
/* What has been read from a group and not been told yet. */
#pragma once

#include "base/clock.h"
#include "kernel/decode.h"

enum {
	FT_READ_SIZE = 64 << 10,
	/* 256 MiB of records (some 2.5 million). When it is full the rest waits in the
	 * kernel's queue: nothing is lost, but what can be looked ahead ends there. */
	FT_BACKLOG_READS = 4096,
	FT_BACKLOG_KEEP = 16, /* of them keep their memory for the next backlog */
};

struct ft_read {
	char *data;
	size_t len;
	int64_t time_ns;  /* wall clock */
	int64_t after_ns; /* wall clock: the queue was last seen empty */
};

typedef void (*ft_scan_fn)(void *data, const void *record, size_t n, uint64_t position);

struct ft_backlog {
	char *space; /* reserved for max reads, in use up to count */
	size_t max;  /* FT_BACKLOG_READS, or what address space there was for */
	struct ft_read *reads;
	size_t count;
	size_t capacity;
	size_t at;	       /* the read at hand */
	size_t offset;	       /* of the next record in it */
	uint64_t position;     /* of the next record */
	uint64_t end_position; /* behind the last one drained */
	int64_t empty_ns; /* wall clock and boot clock: the queue was last seen empty */
	int64_t empty_boot_ns;
	bool was_emptied; /* by the last drain */
};

void ft_backlog_init(struct ft_backlog *b);
void ft_backlog_fini(struct ft_backlog *b);
/*
 * Reads to EAGAIN. Each record is shown to scan (may be NULL) by its bytes. 0: empty now;
 * 1: the bound was reached; -errno (what was read before stays; -EBADMSG: the kernel sent
 * what cannot be a record: the rest of that read is dropped).
 */
int ft_backlog_drain(struct ft_backlog *b, int group, ft_scan_fn scan, void *data);
/* The next record; false: all told. *ret_read is the read that it came with. */
bool ft_backlog_next(struct ft_backlog *b, struct ft_record *ret,
		     const struct ft_read **ret_read);
/* The nth record after the last one returned by next, without moving. */
bool ft_backlog_peek(const struct ft_backlog *b, unsigned int n, struct ft_record *ret);
bool ft_backlog_is_empty(const struct ft_backlog *b);
/* All told: the memory of a long backlog goes back. */
void ft_backlog_clear(struct ft_backlog *b);
