/* SPDX-License-Identifier: MIT */
/* One filter of one kind: what it is made of, and whether one path or one process is what
 * it asks for. */
#pragma once

#include <regex.h>

#include "match/match.h"

/* What an event has one or several of, and a filter looks at one by one. */
enum ft_filter_side {
	FT_FILTER_SIDE_PATH,
	FT_FILTER_SIDE_PROCESS,
	FT_FILTER_SIDE_COUNT,
};

struct ft_filter {
	enum ft_match_kind kind;
	bool negate;
	bool is_open_ended; /* a glob that ends in a component of two stars: what it
			       matches, it matches with all below */
	union {
		struct ft_glob *glob;
		regex_t *regex;
		char *text;
		uint64_t number;
	};
};

/* What the filters of one match share. */
struct ft_filter_context {
	struct ft_span *roots; /* the array and its data are the match's */
	size_t roots_count;
	ft_match_below_fn below; /* NULL: by the parents that a process names */
	void *below_data;
	char error[128]; /* of the last regex that was refused */
};

/* path (not empty) on the path's side, pid (0: unknown) and process (NULL: unknown) on
 * the other. */
struct ft_filter_subject {
	struct ft_span path;
	pid_t pid;
	const struct ft_process *process;
};

enum ft_filter_side ft_filter_side_of(enum ft_match_kind kind);
/* As ft_match_add(); ret_error is not NULL. */
int ft_filter_init(struct ft_filter *f, struct ft_filter_context *c, const char *value,
		   const char **ret_error);
void ft_filter_fini(struct ft_filter *f);
/* A question that cannot be worked out (a regex out of memory) is answered so that the
 * event is shown. */
bool ft_filter_hits(const struct ft_filter *f, const struct ft_filter_context *c,
		    const struct ft_filter_subject *s);
