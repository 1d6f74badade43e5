/* SPDX-License-Identifier: MIT */
/* One request as it is decided on: what is known of it, and whether that was decided on
 * before. */
#pragma once

#include "session/decider.h"

struct ft_asked {
	struct ft_request *q;
	struct ft_facts facts;
	struct ft_asker asker;
	bool has_path; /* it was looked up, found or not */
	bool has_asker;
	bool is_idle; /* when it was read all changes had been followed */
	bool is_scanned;
	uint64_t followed;
	struct ft_verdict_stamp stamp;
	int64_t now_ns; /* wall clock, before anything was looked at */
	struct ft_outcome outcome;
	enum ft_scan_result result;
};

/* What one statx(2) tells. */
void ft_asked_begin(struct ft_decider *d, struct ft_request *q, struct ft_asked *ret);
/* Of one that was scanned meanwhile. */
void ft_asked_resume(struct ft_decider *d, struct ft_request *q, struct ft_asked *ret);
/* Who asks, where it is; once. */
void ft_asked_find_process(struct ft_decider *d, struct ft_asked *a);
void ft_asked_find_path(struct ft_decider *d, struct ft_asked *a);
/* Decides: with a verdict that was kept, or by the rules. */
void ft_asked_decide(struct ft_decider *d, struct ft_asked *a);
/* The request goes to a scanner: what the verdict will be kept by; then it is. */
void ft_asked_begin_scan(const struct ft_asked *a);
void ft_asked_keep_scan(struct ft_decider *d, const struct ft_request *q);
/* Lets the kernel keep that everyone may open it, where that is so. After the answer. */
void ft_asked_keep_mark(struct ft_decider *d, const struct ft_asked *a);
