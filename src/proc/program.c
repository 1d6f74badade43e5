/* SPDX-License-Identifier: MIT */
/* What a process runs: text that several images share. */
#include "proc/program.h"

#include <stdlib.h>

static struct ft_span copy_span(char **at, struct ft_span from)
{
	struct ft_span to = {*at, from.len};

	if (from.len > 0)
		memcpy(*at, from.data, from.len);
	*at += from.len;
	return to;
}

struct ft_program *ft_program_new(const struct ft_program_text *text)
{
	size_t size = sizeof(struct ft_program) + text->exe.len + text->args.len +
		      text->cgroup.len + text->container.len;
	struct ft_program *p = malloc(size);

	if (!p)
		return NULL;
	char *at = p->text;
	p->refs = 1;
	p->size = size;
	p->exe_dev = text->exe_dev;
	p->exe_ino = text->exe_ino;
	p->exe = copy_span(&at, text->exe);
	p->args = copy_span(&at, text->args);
	p->cgroup = copy_span(&at, text->cgroup);
	p->container = copy_span(&at, text->container);
	p->args_cut = text->args_cut;
	return p;
}

struct ft_program *ft_program_ref(struct ft_program *p)
{
	if (p)
		p->refs++;
	return p;
}

struct ft_program *ft_program_unref(struct ft_program *p)
{
	if (p && --p->refs == 0)
		free(p);
	return NULL;
}
