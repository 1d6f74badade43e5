/* SPDX-License-Identifier: MIT */
/* A ring of records between two threads: one writes, one reads, neither waits. */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct ft_ring {
	char *space;
	size_t size; /* the bound: a power of two */
	_Atomic uint64_t written;
	_Atomic uint64_t read;
	uint64_t reserved; /* the writer's: where the record at hand begins */
};

/* size: a power of two, all of it taken and touched here. 0 or -ENOMEM. */
int ft_ring_init(struct ft_ring *r, size_t size);
void ft_ring_fini(struct ft_ring *r);

/* The writer: room for one record of n bytes (half of the ring at most, to fit for sure),
 * aligned to 16, which stays where it is until it has been read; NULL: no room. It can be
 * seen after the commit, and is forgotten without. */
void *ft_ring_reserve(struct ft_ring *r, size_t n);
void ft_ring_commit(struct ft_ring *r);
/* The reader: the oldest record; NULL: none. It is the reader's until the release. */
void *ft_ring_peek(struct ft_ring *r);
void ft_ring_release(struct ft_ring *r);
