/* SPDX-License-Identifier: MIT */
/* What the kernel tells of calls, as it tells it. */
#pragma once

#include "base/bytes.h"
#include "inspect/callwire.h"

struct ft_calltap;

/* base and pathname follow the record. */
typedef void (*ft_calltap_fn)(void *data, const struct ft_callwire *record);

/*
 * From now on the calls of all processes but this one are told; compat: those of 32-bit
 * callers, too. 0 or -errno; *why then holds what failed.
 */
int ft_calltap_open(struct ft_calltap **ret, bool compat, struct ft_bytes *why);
struct ft_calltap *ft_calltap_close(struct ft_calltap *t);
/* Readable when there is something to drain. */
int ft_calltap_fd(const struct ft_calltap *t);
void ft_calltap_drain(struct ft_calltap *t, ft_calltap_fn fn, void *data);
/* No more calls: what was told so far can be drained. */
void ft_calltap_stop(struct ft_calltap *t);
/* Calls, or ends of calls, that were not told since it was asked last. */
uint64_t ft_calltap_take_lost(struct ft_calltap *t);
