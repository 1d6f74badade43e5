/* SPDX-License-Identifier: MIT */
/* A conclusion becomes an answer, a count and what is told. */
#pragma once

#include "session/asked.h"

struct ft_conclusion {
	enum ft_verdict verdict;
	const char *reason; /* NULL: it is the rule alone */
	bool is_late;	    /* by on_timeout */
	bool is_error;	    /* of a scanner */
};

/* Answers, and tells it after that. The rules are those of the request's scan, or the
 * ones in use. */
void ft_deciding_answer(struct ft_decider *d, struct ft_asked *a,
			const struct ft_conclusion *c);
