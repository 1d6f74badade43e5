/* SPDX-License-Identifier: MIT */
/* Looking at a process: is it still the image that is known, and if not, which is it? */
#include "proc/observe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/number.h"
#include "proc/container.h"

/* A process that changes under each of so many looks is left alone. */
enum { TRIES = 3 };

/* One look; the strings are in the observer's scratch. */
struct look {
	int64_t begun;	/* before anything was read */
	int64_t stated; /* after stat was */
	bool has_ids;
	uid_t uid;
	gid_t gid;
	struct ft_proc_stat stat;
	struct ft_proc_object object;
	bool args_cut;
	struct ft_ancestor parents[FT_PARENTS_MAX];
	size_t parents_count;
};

int64_t ft_observer_wall_offset(void)
{
	return ft_now_ns() - ft_boot_ns();
}

int64_t ft_observer_start(const struct ft_observer *o, const struct ft_proc_stat *stat)
{
	return ((int64_t)stat->start + 1) * o->tick_ns;
}

/* Threads with ids of their own: which of them did it is not known. */
static void drop_mixed_ids(const struct ft_observer *o, pid_t pid, struct look *l)
{
	if (!l->has_ids || l->stat.threads < 2 ||
	    ft_procfs_has_ids(o->proc, pid, l->uid, l->gid))
		return;
	l->has_ids = false;
	l->uid = l->gid = 0;
}

/*
 * The ids are read before stat: if stat then shows the image that is known, they were
 * read while it was the pid's, and not those of a successor.
 */
static int glance(struct ft_observer *o, pid_t pid, struct look *l)
{
	l->begun = ft_boot_ns();
	l->uid = l->gid = 0;
	l->has_ids = ft_procfs_read_ids(o->proc, pid, &l->uid, &l->gid);
	int r = ft_procfs_read_stat(o->proc, pid, &o->text, &l->stat);
	l->stated = ft_boot_ns();
	if (r == 0)
		drop_mixed_ids(o, pid, l);
	return r;
}

static bool is_listed(const struct ft_ancestor *parents, size_t n, pid_t pid)
{
	for (size_t i = 0; i < n; i++) {
		if (parents[i].pid == pid)
			return true;
	}
	return false;
}

/* Nobody is older than his parent: a younger one has only its pid. */
static void collect_parents(struct ft_observer *o, pid_t child, struct look *l)
{
	uint64_t start = l->stat.start;
	pid_t pid = l->stat.ppid;

	l->parents_count = 0;
	while (pid > 0 && pid != child && l->parents_count < FT_PARENTS_MAX &&
	       !is_listed(l->parents, l->parents_count, pid)) {
		struct ft_pid *p = ft_images_get(&o->images, pid);
		if (!p)
			return;
		ft_observe(o, p, FT_IMAGE_EXE);
		if (!p->now || p->now->stat.start > start)
			return;
		const struct ft_process *parent = &p->now->process;
		l->parents[l->parents_count++] =
			(struct ft_ancestor){pid, parent->comm, parent->exe};
		start = p->now->stat.start;
		pid = parent->ppid;
	}
}

static void read_details(struct ft_observer *o, pid_t pid, enum ft_image_depth depth,
			 struct look *l)
{
	ft_procfs_read_exe(o->proc, pid, &o->exe);
	l->object = ft_procfs_read_object(o->proc, pid);
	if (depth < FT_IMAGE_FULL)
		return;
	l->args_cut = ft_procfs_read_args(o->proc, pid, &o->args);
	ft_procfs_read_cgroup(o->proc, pid, &o->cgroup);
	ft_container_parse(ft_procfs_parse_cgroup(ft_bytes_span(&o->cgroup)),
			   &o->container);
}

static bool is_object_equal(struct ft_proc_object a, struct ft_proc_object b)
{
	return a.dev == b.dev && a.ino == b.ino;
}

/*
 * What was read between two looks is of one image. Where the layout proves nothing the
 * executable has to be the same at both ends too: then an exec in between was one of a
 * file that it can be watched by.
 */
static bool is_steady(struct ft_observer *o, pid_t pid, const struct look *l)
{
	struct ft_proc_stat again;

	if (ft_procfs_read_stat(o->proc, pid, &o->text, &again) < 0)
		return false;
	if (again.start != l->stat.start || again.ppid != l->stat.ppid ||
	    (again.flags ^ l->stat.flags) & FT_PF_FORKNOEXEC ||
	    ft_proc_stat_is_dead(&again) != ft_proc_stat_is_dead(&l->stat) ||
	    !ft_proc_stat_is_comm_equal(&again, &l->stat) ||
	    !ft_proc_stat_is_layout_equal(&again, &l->stat))
		return false;
	return is_object_equal(ft_procfs_read_object(o->proc, pid), l->object);
}

/* After a glance: everything else, and that it all belongs together. 0, -ESRCH or -errno.
 */
static int look_closely(struct ft_observer *o, pid_t pid, enum ft_image_depth depth,
			struct look *l)
{
	for (int i = 0; i < TRIES; i++) {
		if (depth == FT_IMAGE_FULL)
			collect_parents(o, pid, l);
		read_details(o, pid, depth, l);
		if (is_steady(o, pid, l))
			return 0;
		int r = glance(o, pid, l);
		if (r < 0)
			return r;
	}
	return -EAGAIN;
}

static struct ft_span copy_span(char **at, struct ft_span from)
{
	struct ft_span to = {*at, from.len};

	if (from.len > 0)
		memcpy(*at, from.data, from.len);
	*at += from.len;
	return to;
}

static bool set_exe(struct ft_image *image, struct ft_span exe)
{
	char *at = malloc(exe.len + 1);

	if (!at)
		return false;
	image->exe = at;
	image->process.exe = copy_span(&at, exe);
	return true;
}

static size_t details_size(const struct ft_observer *o, const struct look *l)
{
	size_t size = l->parents_count * sizeof(*l->parents) + o->args.len +
		      o->cgroup.len + o->container.len;

	for (size_t i = 0; i < l->parents_count; i++)
		size += l->parents[i].comm.len + l->parents[i].exe.len;
	return size;
}

/* One block: the ancestors first, for their alignment, then all the strings. */
static bool set_details(struct ft_observer *o, struct ft_image *image,
			const struct look *l)
{
	struct ft_process *p = &image->process;
	char *block = malloc(details_size(o, l) + 1);

	if (!block)
		return false;
	char *at = block + l->parents_count * sizeof(*l->parents);
	struct ft_ancestor *parents = (struct ft_ancestor *)block;
	for (size_t i = 0; i < l->parents_count; i++) {
		parents[i].pid = l->parents[i].pid;
		parents[i].comm = copy_span(&at, l->parents[i].comm);
		parents[i].exe = copy_span(&at, l->parents[i].exe);
	}
	image->details = block;
	p->parents = parents;
	p->parents_count = l->parents_count;
	p->args = copy_span(&at, ft_bytes_span(&o->args));
	p->args_cut = l->args_cut;
	p->cgroup = copy_span(&at, ft_procfs_parse_cgroup(ft_bytes_span(&o->cgroup)));
	p->container = copy_span(&at, ft_bytes_span(&o->container));
	return true;
}

/* Only what an image does not have yet: it was not handed out before it was full. */
static bool deepen(struct ft_observer *o, struct ft_image *image,
		   enum ft_image_depth depth, const struct look *l)
{
	if (image->depth < FT_IMAGE_EXE && depth >= FT_IMAGE_EXE) {
		if (!set_exe(image, ft_bytes_span(&o->exe)))
			return false;
		image->object = l->object;
		image->depth = FT_IMAGE_EXE;
	}
	if (image->depth < FT_IMAGE_FULL && depth == FT_IMAGE_FULL) {
		if (!set_details(o, image, l))
			return false;
		image->depth = FT_IMAGE_FULL;
	}
	return true;
}

static bool are_ids_equal(const struct ft_process *p, const struct look *l)
{
	return p->has_ids == l->has_ids && p->uid == l->uid && p->gid == l->gid;
}

static bool is_face_equal(const struct ft_image *image, const struct look *l)
{
	return ft_proc_stat_is_comm_equal(&image->stat, &l->stat) &&
	       are_ids_equal(&image->process, l);
}

/* What is not known is no other one, and the dead have none. */
static bool is_cgroup_equal(const struct ft_image *image, struct ft_span cgroup,
			    const struct look *l)
{
	return image->depth < FT_IMAGE_FULL || cgroup.len == 0 ||
	       ft_proc_stat_is_dead(&l->stat) ||
	       ft_span_equal(image->process.cgroup, cgroup);
}

static struct ft_image *image_of(struct ft_observer *o, pid_t pid,
				 enum ft_image_depth depth, const struct look *l)
{
	struct ft_image *image = ft_image_new(&o->images, pid, &l->stat);

	if (!image)
		return NULL;
	image->process.start_ns = o->wall_offset + (int64_t)l->stat.start * o->tick_ns;
	image->seen = l->begun;
	image->since = ft_observer_start(o, &l->stat);
	if (!ft_proc_stat_is_forked(&l->stat) && image->since < l->stated)
		image->since = l->stated;
	image->process.has_ids = l->has_ids;
	image->process.uid = l->uid;
	image->process.gid = l->gid;
	if (ft_procfs_may_have_new_ids(o->proc, pid, &l->stat))
		image->same_since = l->stated;
	return deepen(o, image, depth, l) ? image : ft_image_free(image);
}

/* comm stays: it has been handed out. */
static void see_again(struct ft_image *image, const struct look *l)
{
	image->stat.state = l->stat.state;
	image->stat.flags = l->stat.flags;
	image->stat.threads = l->stat.threads;
	memcpy(image->stat.layout, l->stat.layout, sizeof(image->stat.layout));
	image->seen = l->begun;
	image->gone = FT_NEVER;
}

static void see_gone(struct ft_image *image, const struct look *l)
{
	if (image && image->gone == FT_NEVER)
		image->gone = l->stated;
}

static bool spans_equal(const struct ft_process *a, const struct ft_process *b)
{
	return ft_span_equal(a->exe, b->exe) && ft_span_equal(a->args, b->args) &&
	       ft_span_equal(a->cgroup, b->cgroup);
}

/* Nothing proves it, but nothing can be told apart: what was handed out may be handed out
 * again. */
static bool looks_equal(const struct ft_image *old, const struct ft_image *new)
{
	const struct ft_process *a = &old->process, *b = &new->process;

	return old->depth == new->depth && old->stat.start == new->stat.start &&
	       a->ppid == b->ppid && a->uid == b->uid &&
	       a->gid == b->gid &&ft_proc_stat_is_comm_equal(&old->stat, &new->stat) &&
	       ft_proc_stat_is_layout_equal(&old->stat, &new->stat) &&
	       is_object_equal(old->object, new->object) && spans_equal(a, b);
}

/* New ids, another cgroup, or a new name within one image: both were its, and which of
 * them when is not known. */
static void inherit(struct ft_image *image, const struct ft_image *old,
		    const struct look *l)
{
	bool is_same = are_ids_equal(&old->process, l) &&
		       is_cgroup_equal(old, image->process.cgroup, l);

	if (old->stat.start != image->stat.start)
		return;
	image->first_ppid = old->first_ppid;
	if (ft_proc_stat_is_continued(&old->stat, &image->stat)) {
		image->since = old->since;
		is_same = is_same && ft_proc_stat_is_comm_equal(&old->stat, &l->stat);
	}
	image->same_since = is_same ? old->same_since : l->stated;
}

static bool take_new(struct ft_observer *o, struct ft_pid *p, enum ft_image_depth depth,
		     const struct look *l)
{
	struct ft_image *image = image_of(o, p->pid, depth, l), *old = p->now;

	if (!image)
		return false;
	if (old && !ft_proc_stat_is_continued(&old->stat, &l->stat) &&
	    looks_equal(old, image)) {
		see_again(old, l);
		old->since = image->since;
		ft_image_free(image);
		return true;
	}
	if (old)
		inherit(image, old, l);
	see_gone(old, l);
	ft_images_replace(&o->images, p, image);
	return true;
}

/* Is it, as far as the look goes, in every respect what is known? */
static bool is_unchanged(const struct ft_image *image, const struct look *l)
{
	return image && ft_proc_stat_is_continued(&image->stat, &l->stat) &&
	       is_face_equal(image, l) && image->process.ppid == l->stat.ppid;
}

/* What a zombie ran is no longer to be seen, unless it never ran anything but what it was
 * forked with. */
static enum ft_sight sight_of(const struct look *l)
{
	if (!ft_proc_stat_is_dead(&l->stat) || ft_proc_stat_is_forked(&l->stat))
		return FT_SIGHT_IMAGE;
	return FT_SIGHT_UNSURE;
}

/* Nothing more can be learnt than what is known of it from when it lived. */
static bool is_dead_known(const struct ft_image *image, const struct look *l)
{
	return ft_proc_stat_is_dead(&l->stat) && image && image->depth > FT_IMAGE_LEAN &&
	       image->stat.start == l->stat.start &&
	       ft_proc_stat_is_comm_equal(&image->stat, &l->stat);
}

static enum ft_sight failed_sight(struct ft_pid *p, const struct look *l, int error)
{
	if (error != -ESRCH)
		return FT_SIGHT_UNSURE;
	see_gone(p->now, l);
	return FT_SIGHT_GONE;
}

static enum ft_sight observe_closely(struct ft_observer *o, struct ft_pid *p,
				     enum ft_image_depth depth, struct look *l)
{
	/* Never less than what is known already of what it was. */
	if (p->now && p->now->depth > depth)
		depth = p->now->depth;
	int r = look_closely(o, p->pid, depth, l);
	if (r < 0)
		return failed_sight(p, l, r);
	if (!is_unchanged(p->now, l) || p->now->depth >= depth)
		return take_new(o, p, depth, l) ? sight_of(l) : FT_SIGHT_UNSURE;
	if (!deepen(o, p->now, depth, l))
		return FT_SIGHT_UNSURE;
	see_again(p->now, l);
	return sight_of(l);
}

/* Others move it, and nothing else tells that it was moved. */
static bool is_elsewhere(struct ft_observer *o, const struct ft_image *image,
			 const struct look *l)
{
	if (image->depth < FT_IMAGE_FULL || ft_proc_stat_is_dead(&l->stat))
		return false;
	ft_procfs_read_cgroup(o->proc, image->process.pid, &o->cgroup);
	struct ft_span now = ft_procfs_parse_cgroup(ft_bytes_span(&o->cgroup));
	return !is_cgroup_equal(image, now, l);
}

static enum ft_sight observe(struct ft_observer *o, struct ft_pid *p,
			     enum ft_image_depth depth)
{
	struct look l;
	int r = glance(o, p->pid, &l);

	if (r < 0)
		return failed_sight(p, &l, r);
	bool is_unchanged_now = is_unchanged(p->now, &l) && !is_elsewhere(o, p->now, &l);
	if (is_unchanged_now && (p->now->depth >= depth || is_dead_known(p->now, &l))) {
		see_again(p->now, &l);
		return sight_of(&l);
	}
	if (is_dead_known(p->now, &l))
		return sight_of(&l);
	return observe_closely(o, p, depth, &l);
}

enum ft_sight ft_observe(struct ft_observer *o, struct ft_pid *p,
			 enum ft_image_depth depth)
{
	bool is_done = p->sight == FT_SIGHT_GONE || (p->now && p->now->depth >= depth);

	if (p->looked != o->images.backlog || !is_done) {
		p->sight = observe(o, p, depth);
		p->looked = o->images.backlog;
	}
	return p->sight;
}

static pid_t parse_pid(const char *name)
{
	uint64_t pid;

	return ft_number_parse(name, INT32_MAX, &pid) == 0 ? (pid_t)pid : 0;
}

/* Full at FT_IMAGES_MAX: the others are read when they are met. */
static bool seed_one(struct ft_observer *o, pid_t pid)
{
	struct look l = {0};
	struct ft_pid *p;

	if (glance(o, pid, &l) < 0)
		return true;
	p = ft_images_get(&o->images, pid);
	if (!p)
		return false;
	p->now = image_of(o, pid, FT_IMAGE_LEAN, &l);
	if (!p->now)
		ft_images_remove(&o->images, p);
	return true;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

int ft_observer_seed(struct ft_observer *o)
{
	_cleanup_(close_dir) DIR *dir = opendir("/proc");
	const struct dirent *entry;

	if (!dir)
		return -EIO;
	while ((entry = readdir(dir))) {
		pid_t pid = parse_pid(entry->d_name);
		if (pid > 0 && !seed_one(o, pid))
			break;
	}
	return 0;
}

int ft_observer_init(struct ft_observer *o)
{
	*o = (struct ft_observer){.proc = -1};
	o->tick_ns = FT_NSEC_PER_SEC / sysconf(_SC_CLK_TCK);
	o->wall_offset = ft_observer_wall_offset();
	return ft_procfs_open(&o->proc);
}

void ft_observer_fini(struct ft_observer *o)
{
	_cleanup_close_ int proc = ft_take_fd(o->proc);

	(void)proc;
	ft_images_fini(&o->images);
	ft_bytes_fini(&o->text);
	ft_bytes_fini(&o->exe);
	ft_bytes_fini(&o->args);
	ft_bytes_fini(&o->cgroup);
	ft_bytes_fini(&o->container);
}
