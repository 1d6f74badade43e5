/* SPDX-License-Identifier: MIT */
/* Where in the queue an image takes over from the one before: by the OPEN_EXEC records.
 */
#include <stdlib.h>

#include "proc/history.h"

/*
 * A record stands where its first event was. What stands behind an OPEN_EXEC was begun
 * after the execution had begun, when the old image did nothing any more: it was the new
 * one, or one still later. What stands before it was begun by the old one, but the new
 * one may have added to it.
 *
 * So an OPEN_EXEC that stands too late costs certainty, one that stands too early costs
 * the truth. It does where the execution was merged into an older record of the same
 * process and file:
 *
 * - of an execution of the same file: they are counted, and of the images the nth one is
 *   given the nth record, which is never the one of an earlier execution;
 * - of an execution of the same file that failed (E2BIG): that is told;
 * - of the old image opening the file, as who verifies a program before he runs it. Most
 *   programs have a loader (ld.so), which is opened after them: the later of the two
 *   records counts. Without a loader it has to be known that nothing else was merged in,
 *   or that the process had not read anything since it was forked.
 *
 * What is left is who opens both, the program and its loader, does something, and then
 * executes. Nobody does so by chance (docs/ARCHITECTURE.md).
 *
 * Other threads go on while one executes: then nothing is known.
 */

enum { FIRST_ROOM = 2, WALK_MAX = 64 };

static bool make_room(struct ft_history *h, struct ft_past_pid *p)
{
	size_t max = p->execs_max ? 2 * p->execs_max : FIRST_ROOM;

	if (p->execs_count < p->execs_max)
		return true;
	if (p->execs_max == FT_HISTORY_EXECS) {
		memmove(p->execs, p->execs + 1, --p->execs_count * sizeof(*p->execs));
		return true;
	}
	struct ft_open_exec *execs = reallocarray(p->execs, max, sizeof(*execs));
	if (!execs)
		return false;
	h->bytes += (max - p->execs_max) * sizeof(*execs);
	p->execs = execs;
	p->execs_max = max;
	return true;
}

bool ft_history_execute(struct ft_history *h, const struct ft_open_exec *exec)
{
	struct ft_past_pid *p = ft_history_find_pid(h, exec->pid);

	if (!p)
		return false;
	p->judged = 0;
	if (make_room(h, p))
		p->execs[p->execs_count++] = *exec;
	return true;
}

void ft_takeover_free_execs(struct ft_history *h, struct ft_past_pid *p)
{
	h->bytes -= p->execs_max * sizeof(*p->execs);
	free(p->execs);
	p->execs = NULL;
	p->execs_count = p->execs_max = 0;
}

static bool is_equal(struct ft_proc_object a, struct ft_proc_object b)
{
	return a.ino == b.ino && a.dev == b.dev;
}

static bool is_of_file(const struct ft_open_exec *exec, struct ft_proc_object file)
{
	return exec->ino != 0 && exec->ino == file.ino && exec->dev == file.dev;
}

static const struct ft_open_exec *exec_at(const struct ft_takeover *t, size_t i)
{
	return &t->p->execs[i];
}

static bool is_of_queue(const struct ft_takeover *t, size_t i)
{
	return exec_at(t, i)->queue == t->q->queue;
}

/* The nth record of this file, or the count of all. */
static size_t find_record(const struct ft_takeover *t, struct ft_proc_object file,
			  size_t n)
{
	for (size_t i = 0; i < t->p->execs_count; i++) {
		if (is_of_queue(t, i) && is_of_file(exec_at(t, i), file) && n-- == 0)
			return i;
	}
	return t->p->execs_count;
}

static bool is_same_file(const struct ft_past *a, const struct ft_past *b)
{
	return a->file.ino == 0 || is_equal(a->file, b->file);
}

/* Executions before this one, of the same file or of any that is loaded, of which there
 * may be a record that is not older than since. */
static size_t count_before(const struct ft_past *image, int64_t since, bool any)
{
	const struct ft_past *i = image->before;
	size_t count = 0;

	for (int steps = 0; i && i->begin >= since; i = i->before) {
		if (++steps > WALK_MAX)
			return SIZE_MAX;
		if (i->is_executed && (any ? !i->is_static : is_same_file(i, image)))
			count++;
	}
	return count;
}

static size_t find_own(const struct ft_takeover *t, const struct ft_past *image)
{
	size_t first = find_record(t, image->file, 0);

	if (first == t->p->execs_count)
		return first;
	return find_record(t, image->file,
			   count_before(image, exec_at(t, first)->since, false));
}

/* Also where its own is not there (a memfd, a filesystem that has no mark). */
static size_t find_loader(const struct ft_takeover *t, const struct ft_past *image)
{
	const struct ft_proc_object loader =
		image->loader.ino != 0 ? image->loader : t->h->loader;
	size_t first = find_record(t, loader, 0);

	if (first == t->p->execs_count)
		return first;
	return find_record(t, loader,
			   count_before(image, exec_at(t, first)->since, true));
}

static bool is_credible(const struct ft_open_exec *own, const struct ft_past *image)
{
	return own->is_alone || (image->before->is_forked && !image->has_read);
}

static bool is_there(const struct ft_takeover *t, size_t exec)
{
	return exec < t->p->execs_count;
}

static bool stands_before(const struct ft_takeover *t, size_t exec)
{
	return is_there(t, exec) && exec_at(t, exec)->position <= t->q->position;
}

static bool is_own_record(const struct ft_takeover *t, size_t own)
{
	return is_there(t, own) && exec_at(t, own)->position == t->q->position;
}

/* Nothing else is a witness. */
static bool is_proved_alone(const struct ft_takeover *t, const struct ft_past *image,
			    size_t own)
{
	return stands_before(t, own) && is_credible(exec_at(t, own), image);
}

static bool is_proved(const struct ft_takeover *t, const struct ft_past *image)
{
	size_t own = find_own(t, image), loader = find_loader(t, image);

	if (image->is_static)
		return is_proved_alone(t, image, own);
	if (is_there(t, own) && !stands_before(t, own))
		return false;
	if (stands_before(t, loader))
		return true;
	/* It comes later. */
	if (is_there(t, loader) && !is_own_record(t, own))
		return false;
	return is_proved_alone(t, image, own);
}

/* Which record is that of the execution, and which of one that failed before? */
static bool has_failed_before(const struct ft_past *image)
{
	const struct ft_past *i = image->before;

	for (int steps = 0; i && steps < WALK_MAX; i = i->before, steps++) {
		if (i->has_failed)
			return true;
	}
	return i != NULL;
}

bool ft_takeover_is_before(const struct ft_takeover *t, const struct ft_past *image)
{
	if (!image->before || image->before->has_threads ||
	    (t->q->is_close && image->closes))
		return false;
	return is_proved(t, image) && !has_failed_before(image);
}
