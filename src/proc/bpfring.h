/* SPDX-License-Identifier: MIT */
/* The reader's end of a BPF ring buffer. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ft_bpfring {
	size_t page; /* 0: closed */
	int wakeups; /* polls readable when a program has woken the reader */
	size_t size;
	unsigned long *consumer; /* pages that are mapped, as the next */
	const unsigned long *producer;
	const char *data; /* twice, one behind the other: no record is cut at the end */
};

typedef void (*ft_bpfring_fn)(void *data, const void *record, size_t len);

/* Zero-initialised is closed. 0 or -errno; size is the map's. */
int ft_bpfring_open(struct ft_bpfring *r, int map, size_t size);
void ft_bpfring_close(struct ft_bpfring *r);
/* Once for all wake-ups until now. */
bool ft_bpfring_was_woken(struct ft_bpfring *r);
/*
 * Shows each record that is there. 0: all of them; 1: one was begun but not ended in a
 * while, and hides what follows it.
 */
int ft_bpfring_drain(struct ft_bpfring *r, ft_bpfring_fn fn, void *data);
