/* SPDX-License-Identifier: MIT */
/* Who did it, from what /proc shows before and after, and the OPEN_EXEC records in
 * between. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "proc/execs.h"
#include "proc/observe.h"
#include "proc/share.h"

/*
 * A record is read later than it happened: what /proc shows then may be another image of
 * the process, or another process with its pid. `exact` needs a proof that the image seen
 * now, after the last record of the backlog, was the pid's before its first. There are
 * three.
 *
 * 1. It was seen before, and its memory still lies where it lay: addresses are drawn anew
 * at each exec.
 *
 * 2. It has the kernel's flag that it did not execute anything since it was forked, which
 * was before.
 *
 * 3. It was started before, every exec of a file on its executable's filesystem is told,
 * and none was.
 *
 * Where in the backlog an OPEN_EXEC stands proves nothing, so it is not asked: a record
 * stands where its first event was, and a program that was opened, or executed, once
 * before stands before what the process did in between; records of different queues have
 * no order; and a program from where nobody watches (a memfd) is not told at all.
 */

enum { DEAD_SLOTS = 1024, WALK_MAX = 64, INIT = 1 };

struct dead_slot {
	pid_t pid;
	uint64_t backlog;
};

struct root {
	pid_t pid;
	uint64_t start; /* ticks */
	int64_t added;
};

struct ft_tracker {
	struct ft_tracker_host host;
	struct ft_observer observer;
	int64_t from;
	int64_t to;
	struct ft_execs execs;
	struct ft_pid *last; /* most records follow one of their own process */
	/* Pids of which nothing was found in this backlog. */
	struct dead_slot dead[DEAD_SLOTS];
	struct root roots[FT_TRACKER_ROOTS];
	size_t roots_count;
	uint64_t lost;
};

static void procfs_begin(struct ft_tracker *t, int64_t from, int64_t to)
{
	t->from = from;
	t->to = to;
	t->last = NULL;
	ft_images_begin(&t->observer.images);
}

/* By time, not by backlog: it may be read with one queue's records and matter for those
 * of another. */
static void procfs_exec(struct ft_tracker *t, const struct ft_open_exec *exec)
{
	ft_execs_add(&t->execs, exec->pid, ft_boot_ns());
}

static bool is_exec_told(const struct ft_tracker *t, pid_t pid)
{
	return ft_execs_is_told(&t->execs, pid, t->from);
}

/* Would an exec of the file that this image runs be told? */
static bool is_seen_at_exec(struct ft_tracker *t, const struct ft_image *image)
{
	return t->host.execs_seen && image->object.ino != 0 &&
	       t->host.execs_seen(t->host.data, image->object.dev) &&
	       !ft_procfs_is_overlaid(t->observer.proc, image->process.pid);
}

static bool is_started_before(struct ft_tracker *t, const struct ft_image *image)
{
	return ft_observer_start(&t->observer, &image->stat) <= t->from;
}

/*
 * OPEN_EXEC comes first and the new image a little later. While the exec takes place the
 * process does nothing else, but its other threads may: what they did is the old image's,
 * told or not.
 */
static bool may_have_had_threads(const struct ft_tracker *t, const struct ft_pid *p)
{
	const struct ft_image *before = p->before;

	return before && before->gone > t->from &&
	       before->stat.start == p->now->stat.start && before->stat.threads > 1;
}

/* Drains after the look: an exec before the look is then told, one after it does not
 * matter. */
static bool is_without_exec(struct ft_tracker *t, const struct ft_pid *p)
{
	if (!t->host.drain || !is_started_before(t, p->now) || is_exec_told(t, p->pid) ||
	    may_have_had_threads(t, p) || !is_seen_at_exec(t, p->now))
		return false;
	return t->host.drain(t->host.data) == 0 && !is_exec_told(t, p->pid) &&
	       t->host.execs_seen(t->host.data, p->now->object.dev);
}

static bool is_exact(struct ft_tracker *t, struct ft_pid *p)
{
	struct ft_image *now = p->now;

	if (p->sight != FT_SIGHT_IMAGE || now->seen < t->to)
		return false;
	if (now->since > t->from && is_without_exec(t, p))
		now->since = t->from;
	return now->since <= t->from && now->same_since <= t->from;
}

/* One image with two faces, the first of them from before the backlog. */
static bool is_all_known(const struct ft_tracker *t, const struct ft_pid *p)
{
	return p->sight == FT_SIGHT_IMAGE && p->now->seen >= t->to &&
	       p->now->since <= t->from && p->before->since <= t->from &&
	       p->before->same_since <= t->from;
}

/* That a process has them now does not say that it had them then. */
static void forget_owner(struct ft_process *p)
{
	p->has_ids = false;
	p->uid = 0;
	p->gid = 0;
	p->cgroup = (struct ft_span){0};
	p->container = (struct ft_span){0};
}

/* Was it, or may it have been, the pid's image in this backlog? */
static bool is_candidate(const struct ft_tracker *t, const struct ft_image *image)
{
	return image && image->gone > t->from;
}

static bool is_before_candidate(struct ft_tracker *t, const struct ft_pid *p)
{
	if (!is_candidate(t, p->before))
		return false;
	return p->before->stat.start == p->now->stat.start ||
	       !is_started_before(t, p->now);
}

static void judge_ambiguous(struct ft_tracker *t, struct ft_pid *p)
{
	struct ft_judgement *j = &p->judgement;
	const struct ft_process **candidates = j->candidates;
	size_t count = 0;

	if (is_candidate(t, p->now))
		candidates[count++] = &p->now->process;
	if (is_before_candidate(t, p))
		candidates[count++] = &p->before->process;
	if (count == 0)
		return;
	j->answer = (struct ft_attribution){
		.certainty = FT_CERTAINTY_AMBIGUOUS,
		.process = candidates[0],
		.candidates = candidates,
		.candidates_count = count,
		.may_be_another = count < 2 || !is_all_known(t, p),
	};
	if (count < 2 && p->now->same_since <= t->from)
		return;
	ft_process_share(&j->shared, candidates[0], candidates[count - 1]);
	if (count < 2)
		forget_owner(&j->shared);
	j->answer.process = &j->shared;
}

static void judge(struct ft_tracker *t, struct ft_pid *p)
{
	struct ft_judgement *j = &p->judgement;

	*j = (struct ft_judgement){
		.backlog = t->observer.images.backlog,
		.answer.certainty = FT_CERTAINTY_NONE,
	};
	if (!is_exact(t, p)) {
		judge_ambiguous(t, p);
		return;
	}
	ft_images_forget_before(&t->observer.images, p);
	j->answer.certainty = FT_CERTAINTY_EXACT;
	j->answer.process = &p->now->process;
}

static struct dead_slot *dead_slot(struct ft_tracker *t, pid_t pid)
{
	return &t->dead[(uint32_t)pid % DEAD_SLOTS];
}

static bool is_dead(struct ft_tracker *t, pid_t pid)
{
	const struct dead_slot *slot = dead_slot(t, pid);

	return slot->pid == pid && slot->backlog == t->observer.images.backlog;
}

/* The pid with its judgement, or NULL: nothing is known of it. */
static struct ft_pid *look_up(struct ft_tracker *t, pid_t pid)
{
	struct ft_images *images = &t->observer.images;
	struct ft_pid *p = ft_images_find(images, pid);

	if (p && p->judgement.backlog == images->backlog)
		return p;
	if (pid <= 0 || (!p && is_dead(t, pid)))
		return NULL;
	p = ft_images_get(images, pid);
	if (!p) {
		t->lost++;
		return NULL;
	}
	ft_observe(&t->observer, p, FT_IMAGE_FULL);
	if (!p->now) {
		ft_images_remove(images, p);
		*dead_slot(t, pid) = (struct dead_slot){pid, images->backlog};
		return NULL;
	}
	judge(t, p);
	return p;
}

/* Closed by an exec, what the image before had opened? */
static bool may_be_of_exec(const struct ft_tracker *t, const struct ft_question *q)
{
	return q->is_close &&
	       ft_execs_is_told(&t->execs, q->pid, t->from - FT_CLOSING_NSEC);
}

static struct ft_attribution doubt(struct ft_pid *p)
{
	struct ft_attribution a = p->judgement.answer;

	if (a.certainty != FT_CERTAINTY_EXACT)
		return a;
	p->judgement.candidates[0] = a.process;
	a.certainty = FT_CERTAINTY_AMBIGUOUS;
	a.candidates = p->judgement.candidates;
	a.candidates_count = 1;
	a.may_be_another = true;
	return a;
}

static void procfs_find(struct ft_tracker *t, const struct ft_question *q,
			struct ft_attribution *ret)
{
	struct ft_pid *p = t->last;

	if (!p || p->pid != q->pid) {
		p = look_up(t, q->pid);
		t->last = p;
	}
	if (p && may_be_of_exec(t, q))
		*ret = doubt(p);
	else if (p)
		*ret = p->judgement.answer;
	else
		*ret = (struct ft_attribution){.certainty = FT_CERTAINTY_NONE};
}

static int procfs_add_root(struct ft_tracker *t, pid_t root)
{
	struct ft_images *images = &t->observer.images;
	struct ft_pid *p;

	if (t->roots_count == FT_TRACKER_ROOTS)
		return -E2BIG;
	p = ft_images_get(images, root);
	if (!p)
		return -ENOMEM;
	ft_observe(&t->observer, p, FT_IMAGE_LEAN);
	if (!p->now) {
		ft_images_remove(images, p);
		return -ESRCH;
	}
	t->roots[t->roots_count++] =
		(struct root){root, p->now->stat.start, ft_boot_ns()};
	return 0;
}

static const struct root *find_root(const struct ft_tracker *t, pid_t pid)
{
	for (size_t i = 0; i < t->roots_count; i++)
		if (t->roots[i].pid == pid)
			return &t->roots[i];
	return NULL;
}

static bool has_parent(const struct ft_image *image, pid_t root)
{
	const struct ft_process *p = &image->process;

	if (p->ppid == root || image->first_ppid == root)
		return true;
	for (size_t i = 0; i < p->parents_count; i++) {
		if (p->parents[i].pid == root)
			return true;
	}
	return false;
}

/* Who had this pid when one of his children, or of theirs, was started. */
static const struct ft_image *holder(const struct ft_tracker *t, pid_t pid,
				     uint64_t start)
{
	const struct ft_pid *p = ft_images_find(&t->observer.images, pid);

	if (!p)
		return NULL;
	if (p->now && p->now->stat.start <= start)
		return p->now;
	return p->before && p->before->stat.start <= start ? p->before : NULL;
}

/* Of a root that is not kept any more the number is all there is. */
static bool was_held_by(const struct ft_tracker *t, const struct root *root,
			uint64_t start)
{
	const struct ft_image *image = holder(t, root->pid, start);

	return !image || image->stat.start == root->start;
}

static const struct ft_image *image_of(const struct ft_tracker *t,
				       const struct ft_process *process)
{
	const struct ft_pid *p = ft_images_find(&t->observer.images, process->pid);

	if (p && p->before && p->before->process.id == process->id)
		return p->before;
	return p ? p->now : NULL;
}

/* Nobody saw its parent before it ended, or before init was its parent: it may have been
 * forked below the root. */
static bool is_foundling(const struct ft_tracker *t, const struct root *root,
			 const struct ft_image *image)
{
	if (ft_observer_start(&t->observer, &image->stat) < root->added)
		return false;
	return image->first_ppid == INIT ||
	       !holder(t, image->first_ppid, image->stat.start);
}

/* By the parents that each had first, also those who have died since. */
static int procfs_is_below(struct ft_tracker *t, const struct ft_process *process,
			   pid_t pid)
{
	const struct root *root = find_root(t, pid);
	const struct ft_image *image = root ? image_of(t, process) : NULL;

	for (size_t i = 0; i < WALK_MAX && image; i++) {
		if (image->process.pid == pid)
			return image->stat.start == root->start;
		if (has_parent(image, pid))
			return was_held_by(t, root, image->stat.start);
		if (is_foundling(t, root, image))
			return -ENODATA;
		image = holder(t, image->first_ppid, image->stat.start);
	}
	return false;
}

static uint64_t procfs_take_lost(struct ft_tracker *t)
{
	uint64_t lost = t->lost;

	t->lost = 0;
	return lost;
}

static void procfs_get_health(const struct ft_tracker *t, struct ft_tracker_health *ret)
{
	*ret = (struct ft_tracker_health){.processes = t->observer.images.table.count};
}

static struct ft_tracker *procfs_close(struct ft_tracker *t)
{
	if (!t)
		return NULL;
	ft_observer_fini(&t->observer);
	ft_execs_fini(&t->execs);
	free(t);
	return NULL;
}

static void cleanup_tracker(struct ft_tracker **t)
{
	procfs_close(*t);
}

static int procfs_open(struct ft_tracker **ret, const struct ft_tracker_host *host)
{
	_cleanup_(cleanup_tracker) struct ft_tracker *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->host = *host;
	int r = ft_observer_init(&t->observer);
	if (r < 0)
		return r;
	r = ft_observer_seed(&t->observer);
	if (r < 0)
		return r;
	*ret = ft_take(t);
	return 0;
}

const struct ft_tracker_ops ft_tracker_procfs = {
	.name = "procfs",
	.open = procfs_open,
	.close = procfs_close,
	.begin = procfs_begin,
	.exec = procfs_exec,
	.find = procfs_find,
	.add_root = procfs_add_root,
	.is_below = procfs_is_below,
	.take_lost = procfs_take_lost,
	.get_health = procfs_get_health,
};
