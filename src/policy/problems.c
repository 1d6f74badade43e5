/* SPDX-License-Identifier: MIT */
/* What is wrong with a policy file. */
#include "policy/problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/escape.h"

void ft_problems_add(struct ft_problems *p, struct ft_position at, const char *fmt, ...)
{
	struct ft_problem *problem;
	va_list ap;

	if (p->count++ >= FT_PROBLEMS_MAX)
		return;
	problem = &p->list[p->count - 1];
	problem->at = at;
	va_start(ap, fmt);
	vsnprintf(problem->text, sizeof(problem->text), fmt, ap);
	va_end(ap);
}

void ft_problem_format(struct ft_bytes *out, const char *name,
		       const struct ft_problem *problem)
{
	ft_escape_text(out, ft_span_of(name));
	if (problem->at.line > 0)
		ft_bytes_printf(out, ":%u:%u", problem->at.line, problem->at.column);
	ft_bytes_put_lit(out, ": ");
	ft_escape_text(out, ft_span_of(problem->text));
}

static int compare(const void *a, const void *b)
{
	const struct ft_position *x = &((const struct ft_problem *)a)->at;
	const struct ft_position *y = &((const struct ft_problem *)b)->at;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return (x->column > y->column) - (x->column < y->column);
}

char *ft_problems_text(struct ft_problems *p)
{
	size_t kept = p->count < FT_PROBLEMS_MAX ? p->count : FT_PROBLEMS_MAX;
	struct ft_bytes out = {0};

	qsort(p->list, kept, sizeof(p->list[0]), compare);
	for (size_t i = 0; i < kept; i++) {
		if (i > 0)
			ft_bytes_put_char(&out, '\n');
		ft_problem_format(&out, p->name, &p->list[i]);
	}
	ft_bytes_put_char(&out, '\0');
	if (!out.failed)
		return out.data;
	ft_bytes_fini(&out);
	return NULL;
}
