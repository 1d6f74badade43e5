/* SPDX-License-Identifier: MIT */
/* One image: what it is made of, and from whom it descends. */
#include <stdlib.h>

#include "proc/history.h"

void ft_lineage_add_parents(struct ft_lineage *l, const struct ft_past *image)
{
	for (size_t i = 0;
	     i < image->process.parents_count && l->count < FT_HISTORY_PARENTS; i++) {
		l->programs[l->count] = image->programs[i];
		l->comms[l->count] = image->comms[i];
		l->pids[l->count++] = image->parents[i].pid;
	}
}

void ft_lineage_descend(struct ft_lineage *l, const struct ft_past *image)
{
	l->below = image->below;
	l->programs[l->count] = image->program;
	l->comms[l->count] = image->comm;
	l->pids[l->count++] = image->process.pid;
	ft_lineage_add_parents(l, image);
}

/* What spans and what is owned, from the lineage into a new image. */
static void set_parents(struct ft_past *image, const struct ft_lineage *l)
{
	image->below = l->below;
	image->comms = (void *)(image->parents + l->count);
	for (size_t i = 0; i < l->count; i++) {
		struct ft_program *program = ft_program_ref(l->programs[i]);
		image->programs[i] = program;
		memcpy(image->comms[i], l->comms[i], FT_HISTORY_COMM);
		image->parents[i] = (struct ft_ancestor){
			.pid = l->pids[i],
			.comm = {image->comms[i],
				 strnlen(image->comms[i], FT_HISTORY_COMM)},
		};
		if (program)
			image->parents[i].exe = program->exe;
	}
	image->process.parents = image->parents;
	image->process.parents_count = l->count;
}

static void set_program(struct ft_past *image, struct ft_program *program)
{
	struct ft_process *p = &image->process;

	image->program = ft_program_ref(program);
	if (!program)
		return;
	p->exe_dev = program->exe_dev;
	p->exe_ino = program->exe_ino;
	p->exe = program->exe;
	p->args = program->args;
	p->args_cut = program->args_cut;
	p->cgroup = program->cgroup;
	p->container = program->container;
}

static void set_comm(struct ft_past *image, struct ft_span comm)
{
	size_t n = comm.len < FT_HISTORY_COMM ? comm.len : FT_HISTORY_COMM;

	memset(image->comm, 0, sizeof(image->comm));
	if (n > 0)
		memcpy(image->comm, comm.data, n);
	image->process.comm = (struct ft_span){image->comm, n};
}

struct ft_past *ft_past_new(struct ft_history *h, const struct ft_step *step,
			    struct ft_program *program, const struct ft_lineage *l)
{
	size_t size = sizeof(struct ft_past) +
		      l->count * (sizeof(struct ft_ancestor) + FT_HISTORY_COMM);
	struct ft_past *image = calloc(1, size);

	if (!image)
		return NULL;
	h->bytes += size;
	image->size = size;
	image->begin = step->time;
	image->end = FT_OPEN;
	image->start = step->start;
	image->process = (struct ft_process){
		.id = ++h->last_id,
		.pid = step->pid,
		.ppid = step->ppid,
		.has_ppid = true,
		.has_ids = step->has_ids,
		.uid = step->uid,
		.gid = step->gid,
		.has_real_ids = step->has_real_ids,
		.ruid = step->ruid,
		.rgid = step->rgid,
		.has_login = step->has_login,
		.loginuid = step->loginuid,
		.pidfd_id = step->pidfd_id,
		.start_ns = h->wall_offset + step->start,
	};
	set_parents(image, l);
	set_program(image, program);
	set_comm(image, step->comm);
	return image;
}

void ft_history_drop_program(struct ft_history *h, struct ft_program *p)
{
	if (p && p->refs == 1)
		h->bytes -= p->size;
	ft_program_unref(p);
}

void ft_history_free_image(struct ft_history *h, struct ft_past *image)
{
	for (size_t i = 0; i < image->process.parents_count; i++)
		ft_history_drop_program(h, image->programs[i]);
	ft_history_drop_program(h, image->program);
	h->bytes -= image->size;
	free(image);
}
