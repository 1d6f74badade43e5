/* SPDX-License-Identifier: MIT */
/* Which images each process had, and when. */
#include "proc/history.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "proc/container.h"

static uint64_t hash_of(pid_t pid)
{
	return ft_hash_u64(0, (uint64_t)pid);
}

static bool pid_equal(const void *item, const void *key)
{
	return ((const struct ft_past_pid *)item)->pid == *(const pid_t *)key;
}

struct ft_past_pid *ft_history_find_pid(const struct ft_history *h, pid_t pid)
{
	return ft_table_find(&h->pids, hash_of(pid), &pid, pid_equal);
}

static struct ft_past_pid *get_pid(struct ft_history *h, pid_t pid)
{
	struct ft_past_pid *p = ft_history_find_pid(h, pid);

	if (p)
		return p;
	p = calloc(1, sizeof(*p));
	if (!p || ft_table_add(&h->pids, hash_of(pid), p) < 0) {
		free(p);
		return NULL;
	}
	p->pid = pid;
	h->bytes += sizeof(*p);
	return p;
}

void ft_history_init(struct ft_history *h, int64_t wall_offset, int64_t tick_ns)
{
	*h = (struct ft_history){.wall_offset = wall_offset, .tick_ns = tick_ns};
}

void ft_history_end_image(struct ft_history *h, struct ft_past_pid *p,
			  struct ft_past *image, int64_t time)
{
	p->open--;
	p->judged = 0;
	image->end = time > image->begin ? time : image->begin;
	image->next_ended = NULL;
	*(h->ended_last ? &h->ended_last->next_ended : &h->ended_first) = image;
	h->ended_last = image;
}

void ft_history_end_all(struct ft_history *h, struct ft_past_pid *p, int64_t time)
{
	for (struct ft_past *i = p->newest; p->open > 0; i = i->before) {
		if (i->end == FT_OPEN)
			ft_history_end_image(h, p, i, time);
	}
}

static void put_image(struct ft_history *h, struct ft_past_pid *p, struct ft_past *image)
{
	image->before = p->newest;
	if (p->newest)
		p->newest->after = image;
	p->newest = image;
	p->open++;
	/* An answer of this backlog may be of another image from now on. */
	p->judged = 0;
	h->last = NULL;
}

/* Nothing is known any more of what could not be kept. */
static void lose(struct ft_history *h, int64_t time)
{
	h->lost++;
	ft_history_forget(h, time);
}

/* ---- steps ---- */

static bool is_of_life(const struct ft_history *h, const struct ft_past *image,
		       int64_t start)
{
	if (image->seeded)
		return start / h->tick_ns == image->start / h->tick_ns;
	return start == image->start;
}

/* What was seen in /proc is newer than this step. */
static bool is_known(const struct ft_past_pid *p, const struct ft_step *step)
{
	return p->newest && p->newest->seeded > step->time;
}

static struct ft_program *program_of(struct ft_history *h, const struct ft_step *step,
				     const struct ft_past *old)
{
	struct ft_program_text text = step->text;

	if (step->kind == FT_STEP_EXEC) {
		text.exe_dev = step->file.dev;
		text.exe_ino = step->file.ino;
	}
	if (text.cgroup.len == 0 && old && old->program)
		text.cgroup = old->program->cgroup;
	ft_container_parse(text.cgroup, &h->container);
	text.container = ft_bytes_span(&h->container);
	struct ft_program *program = ft_program_new(&text);
	if (program)
		h->bytes += program->size;
	return program;
}

static void lineage_of_pid(const struct ft_history *h, pid_t pid, struct ft_lineage *l)
{
	const struct ft_past_pid *parent = ft_history_find_pid(h, pid);

	if (parent && parent->newest)
		ft_lineage_descend(l, parent->newest);
}

static void lineage_of_image(const struct ft_past *image, struct ft_lineage *l)
{
	l->below = image->below;
	ft_lineage_add_parents(l, image);
}

static bool add_image(struct ft_history *h, struct ft_past_pid *p,
		      const struct ft_step *step, struct ft_program *program,
		      const struct ft_lineage *l)
{
	struct ft_past *image = ft_past_new(h, step, program, l);

	if (!image) {
		lose(h, step->time);
		return false;
	}
	if (p->newest) {
		image->seeded = p->newest->seeded;
		image->is_forked = p->newest->is_forked;
		image->has_threads = p->newest->has_threads;
		image->exec_id = p->newest->exec_id;
	}
	image->below |= ft_history_root_bits(h, p->pid, step->start);
	put_image(h, p, image);
	return true;
}

static void add_fork(struct ft_history *h, struct ft_past_pid *p,
		     const struct ft_step *step)
{
	const struct ft_past_pid *source = ft_history_find_pid(h, step->source);
	struct ft_past *from = source ? source->newest : NULL;
	struct ft_lineage l = {0};

	/* The image that the source had then is not known. */
	if (from && from->seeded > step->time)
		from = NULL;
	lineage_of_pid(h, step->ppid, &l);
	if (from)
		l.below = from->below;
	ft_history_end_all(h, p, step->time);
	if (!add_image(h, p, step, from ? from->program : NULL, &l))
		return;
	p->newest->seeded = 0;
	p->newest->exec_id = 0;
	p->newest->is_forked = true;
	p->newest->has_threads = false;
}

static bool is_comm(const struct ft_past *image, struct ft_span comm)
{
	return ft_span_equal(image->process.comm, comm);
}

static void retire(struct ft_history *h, struct ft_past *image)
{
	image->next_ended = h->retired;
	h->retired = image;
}

/* It did nothing. */
static void take_back(struct ft_history *h, struct ft_past_pid *p, struct ft_past *image)
{
	ft_history_unlink_image(p, image);
	p->open--;
	retire(h, image);
}

static void set_executed(struct ft_past *image, const struct ft_step *step)
{
	image->is_forked = false;
	image->is_executed = true;
	image->has_threads = false;
	image->exec_id = step->exec_id;
	image->file = step->file;
	image->has_read = step->has_read;
	image->closes = step->closes;
	image->is_static = step->is_static;
}

/* Two copies of a program may both have told it. */
static bool is_told_twice(const struct ft_past_pid *p, const struct ft_step *step)
{
	const struct ft_past *i = p->newest;

	if (p->open == 0 || i->start != step->start)
		return false;
	return step->kind == FT_STEP_FORK ||
	       (step->exec_id != 0 && i->exec_id == step->exec_id);
}

/* Of a process that is known, whoever its parent is by now. */
static void keep_below(const struct ft_history *h, const struct ft_past_pid *p,
		       int64_t start, struct ft_lineage *l)
{
	const struct ft_past *i = p->newest;

	if (i && start / h->tick_ns == i->start / h->tick_ns)
		l->below = i->below;
}

static void add_exec(struct ft_history *h, struct ft_past_pid *p,
		     const struct ft_step *step)
{
	struct ft_lineage l = {0};

	lineage_of_pid(h, step->ppid, &l);
	keep_below(h, p, step->start, &l);
	struct ft_program *program = program_of(h, step, p->newest);
	ft_history_end_all(h, p, step->time);
	if (program && add_image(h, p, step, program, &l))
		set_executed(p->newest, step);
	else if (!program)
		lose(h, step->time);
	ft_history_drop_program(h, program);
}

static bool are_ids_equal(const struct ft_process *p, const struct ft_step *step)
{
	if (p->has_ids != step->has_ids || p->has_real_ids != step->has_real_ids)
		return false;
	return p->uid == step->uid && p->gid == step->gid && p->ruid == step->ruid &&
	       p->rgid == step->rgid;
}

static bool is_face_equal(const struct ft_past *image, const struct ft_step *step)
{
	const struct ft_process *p = &image->process;

	return is_comm(image, step->comm) && are_ids_equal(p, step) &&
	       p->has_login == step->has_login && p->loginuid == step->loginuid &&
	       ft_span_equal(p->cgroup, step->text.cgroup);
}

static bool has_open_face(const struct ft_past_pid *p, const struct ft_step *step)
{
	size_t left = p->open;

	for (const struct ft_past *i = p->newest; left > 0; i = i->before) {
		if (i->end != FT_OPEN)
			continue;
		if (is_face_equal(i, step))
			return true;
		left--;
	}
	return false;
}

/* Forked into a control group that is not its parent's. */
static bool is_born_so(const struct ft_past_pid *p, const struct ft_step *step)
{
	return step->kind == FT_STEP_CGROUP && p->newest->is_forked &&
	       p->newest->begin == step->time && p->open == 1;
}

static struct ft_program *program_of_face(struct ft_history *h, const struct ft_past *old,
					  struct ft_step *step)
{
	if (step->kind != FT_STEP_CGROUP || !old->program)
		return ft_program_ref(old->program);
	step->text.exe_dev = old->program->exe_dev;
	step->text.exe_ino = old->program->exe_ino;
	step->text.exe = old->program->exe;
	step->text.args = old->program->args;
	step->text.args_cut = old->program->args_cut;
	return program_of(h, step, old);
}

/* It has several ids: which of them they all have is told. */
static bool ends_all(const struct ft_past_pid *p, const struct ft_step *step)
{
	return step->kind == FT_STEP_IDS ? !step->is_mixed
					 : step->kind == FT_STEP_CGROUP && p->open == 1;
}

static void fill_face(const struct ft_past *old, struct ft_step *step)
{
	step->start = old->start;
	step->ppid = old->process.ppid;
	if (step->kind != FT_STEP_COMM)
		step->comm = old->process.comm;
	if (step->kind != FT_STEP_CGROUP)
		step->text.cgroup = old->process.cgroup;
}

/* The same program with another name, for another user, or in another control group. */
static void add_face(struct ft_history *h, struct ft_past_pid *p, struct ft_step *step)
{
	struct ft_past *old = p->newest;
	struct ft_lineage l = {0};

	if (!old)
		return;
	fill_face(old, step);
	if (has_open_face(p, step) && (step->is_mixed || p->open == 1))
		return;
	struct ft_program *program = program_of_face(h, old, step);
	p->has_overlaps = p->has_overlaps || step->is_mixed;
	lineage_of_image(old, &l);
	if (is_born_so(p, step))
		take_back(h, p, old);
	else if (ends_all(p, step))
		ft_history_end_all(h, p, step->time);
	else if (step->kind == FT_STEP_COMM && old->end == FT_OPEN)
		ft_history_end_image(h, p, old, step->time);
	add_image(h, p, step, program, &l);
	ft_history_drop_program(h, program);
}

static void set_loader(struct ft_past_pid *p, const struct ft_step *step)
{
	struct ft_past *i = p->newest;

	if (!i || !i->is_executed || i->start != step->start ||
	    i->exec_id != step->exec_id)
		return;
	i->loader = step->file;
	p->judged = 0;
}

static void set_failed(const struct ft_history *h, struct ft_past_pid *p,
		       const struct ft_step *step)
{
	if (!p->newest || !is_of_life(h, p->newest, step->start))
		return;
	p->newest->has_failed = true;
	p->judged = 0;
}

static void set_away(struct ft_history *h, const struct ft_past_pid *p,
		     const struct ft_step *step)
{
	if (p->newest && is_of_life(h, p->newest, step->start))
		h->away |= p->newest->below;
}

/* It may be told later than that its number was taken again. */
static void add_end(struct ft_history *h, struct ft_past_pid *p,
		    const struct ft_step *step)
{
	if (p->open > 0 && is_of_life(h, p->newest, step->start))
		ft_history_end_all(h, p, step->time);
}

static bool is_seed_known(const struct ft_history *h, const struct ft_past_pid *p,
			  const struct ft_step *step)
{
	const struct ft_past *i = p->newest;

	return i && i->end == FT_OPEN && i->program && p->open == 1 &&
	       step->start / h->tick_ns == i->start / h->tick_ns &&
	       is_face_equal(i, step) && ft_span_equal(i->program->exe, step->text.exe) &&
	       ft_span_equal(i->program->args, step->text.args);
}

static void add_seed(struct ft_history *h, struct ft_past_pid *p,
		     const struct ft_step *step)
{
	struct ft_lineage l = {0};

	p->seen = h->seeding;
	p->parent = step->ppid;
	if (is_seed_known(h, p, step))
		return;
	lineage_of_pid(h, step->ppid, &l);
	/* Who has that number may be another by now: ft_history_mark_below() sees. */
	l.below = 0;
	keep_below(h, p, step->start, &l);
	struct ft_program *program = program_of(h, step, NULL);
	ft_history_end_all(h, p, step->time);
	if (program && add_image(h, p, step, program, &l)) {
		p->newest->seeded = step->time;
		p->newest->is_forked = !step->has_executed;
		p->newest->is_executed = step->has_executed;
		p->newest->has_threads = step->has_threads;
	}
	ft_history_drop_program(h, program);
}

void ft_history_add(struct ft_history *h, const struct ft_step *told)
{
	struct ft_step step = *told;
	struct ft_past_pid *p = step.kind == FT_STEP_END
					? ft_history_find_pid(h, step.pid)
					: get_pid(h, step.pid);

	if (!p) {
		if (step.kind != FT_STEP_END)
			lose(h, step.time);
		return;
	}
	if (step.kind != FT_STEP_SEED && is_known(p, &step))
		return;
	if ((step.kind == FT_STEP_FORK || step.kind == FT_STEP_EXEC) &&
	    is_told_twice(p, &step))
		return;
	switch (step.kind) {
	case FT_STEP_SEED:
		add_seed(h, p, &step);
		break;
	case FT_STEP_FORK:
		add_fork(h, p, &step);
		break;
	case FT_STEP_EXEC:
		add_exec(h, p, &step);
		break;
	case FT_STEP_COMM:
	case FT_STEP_IDS:
	case FT_STEP_CGROUP:
		add_face(h, p, &step);
		break;
	case FT_STEP_THREAD:
		if (p->newest)
			p->newest->has_threads = true;
		break;
	case FT_STEP_LOADER:
		set_loader(p, &step);
		break;
	case FT_STEP_AWAY:
		set_away(h, p, &step);
		break;
	case FT_STEP_FAILED:
		set_failed(h, p, &step);
		break;
	case FT_STEP_END:
		add_end(h, p, &step);
		break;
	}
}
