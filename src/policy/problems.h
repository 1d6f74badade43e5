/* SPDX-License-Identifier: MIT */
/* What is wrong with a policy file, and where: collected, so that all of it is told at
 * once. */
#pragma once

#include "base/bytes.h"

enum { FT_PROBLEMS_MAX = 20, FT_PROBLEM_LEN = 400 };

/* From 1; line 0: the file as a whole. Columns are characters, not bytes. */
struct ft_position {
	unsigned int line;
	unsigned int column;
};

struct ft_problem {
	struct ft_position at;
	char text[FT_PROBLEM_LEN];
};

struct ft_problems {
	const char *name; /* of the file */
	size_t count;	  /* of all; those past the bound are not kept */
	struct ft_problem list[FT_PROBLEMS_MAX];
};

void ft_problems_add(struct ft_problems *p, struct ft_position at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* One warning or problem as a line without its end: "file:line:column: text", control
 * characters escaped. */
void ft_problem_format(struct ft_bytes *out, const char *name,
		       const struct ft_problem *problem);
/* Lines in the order of the file; malloc'd, NULL when out of memory. */
char *ft_problems_text(struct ft_problems *p);
