/* SPDX-License-Identifier: MIT */
/* Who asks. */
#include "session/who.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "proc/container.h"
#include "proc/procfs.h"

/* Taken at once, so that nothing is later. */
static int set_aside(struct ft_who *w)
{
	struct ft_bytes *const all[] = {&w->exe, &w->cgroup, &w->container, &w->text};
	int r = 0;

	w->exes = calloc(FT_WHO_KEPT, sizeof(*w->exes));
	for (size_t i = 0; i < FT_ARRAY_SIZE(all) && r == 0; i++)
		r = ft_bytes_reserve(all[i], FT_PROC_ARGS_MAX * 2);
	return w->exes ? r : -ENOMEM;
}

int ft_who_init(struct ft_who *w, int *ret_why)
{
	const struct ft_tracker_host alone = {.never_waits = true};
	int r;

	*w = (struct ft_who){.ops = &ft_tracker_bpf, .proc = -1};
	r = set_aside(w);
	if (r == 0)
		r = ft_procfs_open(&w->proc);
	if (r < 0)
		return r;
	r = w->ops->open(&w->tracker, &alone);
	if (ret_why)
		*ret_why = r;
	if (r == 0)
		return 0;
	w->ops = &ft_tracker_none;
	return w->ops->open(&w->tracker, &alone);
}

void ft_who_fini(struct ft_who *w)
{
	if (w->tracker)
		w->ops->close(w->tracker);
	if (w->proc >= 0)
		close(w->proc);
	free(w->exes);
	ft_bytes_fini(&w->exe);
	ft_bytes_fini(&w->cgroup);
	ft_bytes_fini(&w->container);
	ft_bytes_fini(&w->text);
	*w = (struct ft_who){.proc = -1};
}

int ft_who_fd(const struct ft_who *w)
{
	return w->ops->get_poll ? w->ops->get_poll(w->tracker) : -1;
}

void ft_who_follow(struct ft_who *w)
{
	if (w->ops->is_due && w->ops->is_due(w->tracker))
		ft_who_begin(w, ft_boot_ns());
}

void ft_who_begin(struct ft_who *w, int64_t now_ns)
{
	/* Who asks waits: what it was at this moment it is until it is answered. */
	w->ops->begin(w->tracker, now_ns, now_ns);
}

/* ---- as /proc shows it: it waits, so that it does not change ---- */

/* Not its arguments: to read them takes the lock of its memory. */

static bool look_at_ids(struct ft_who *w, pid_t pid)
{
	struct ft_proc_stat stat;

	if (ft_procfs_read_stat(w->proc, pid, &w->text, &stat) < 0)
		return false;
	memcpy(w->comm, stat.comm, stat.comm_len);
	w->seen = (struct ft_process){
		.pid = pid,
		.ppid = stat.ppid,
		.has_ppid = true,
		.comm = {w->comm, stat.comm_len},
	};
	w->seen.has_ids = ft_procfs_read_ids(w->proc, pid, &w->seen.uid, &w->seen.gid);
	return w->seen.has_ids;
}

static const struct ft_process *look(struct ft_who *w, pid_t pid)
{
	if (!look_at_ids(w, pid))
		return NULL;
	ft_bytes_clear(&w->exe);
	ft_procfs_read_exe(w->proc, pid, &w->exe);
	w->seen.exe = ft_bytes_span(&w->exe);
	ft_bytes_clear(&w->cgroup);
	ft_procfs_read_cgroup(w->proc, pid, &w->cgroup);
	w->seen.cgroup = ft_procfs_parse_cgroup(ft_bytes_span(&w->cgroup));
	ft_container_parse(w->seen.cgroup, &w->container);
	w->seen.container = ft_bytes_span(&w->container);
	return &w->seen;
}

/* ---- what it runs ---- */

/*
 * What /proc says that it runs, it can have changed (PR_SET_MM): the file that was
 * executed is believed. In a subvolume that has another device, and in an overlay it is
 * the layer's, which cannot be compared. said: the mount of what /proc says, if known.
 */
static bool is_executed(const struct ft_guards *g, const struct ft_process *p,
			const struct ft_object *object, const struct ft_mount *said)
{
	const struct ft_mount *real;

	if (p->exe_ino == 0 || (p->exe_ino == object->ino && p->exe_dev == object->dev))
		return true;
	if (said)
		return strcmp(said->type, "overlay") == 0;
	real = ft_mounts_find_device(&g->mounts, p->exe_dev);
	return real && strcmp(real->type, "btrfs") == 0 && p->exe_ino == object->ino;
}

static bool look_at_exe(const struct ft_who *w, const struct ft_guards *g,
			const struct ft_process *p, struct ft_who_exe *ret)
{
	const struct ft_mount *said;
	struct ft_identity id;
	char path[32];

	snprintf(path, sizeof(path), "%d/exe", (int)p->pid);
	if (ft_identity_read(w->proc, path, true, &id) < 0)
		return false;
	said = ft_mounts_find_device(&g->mounts, id.object.dev);
	if (is_executed(g, p, &id.object, said)) {
		ret->object = id.object;
		ret->is_ours = ft_guards_has_mount(g, id.mnt_id);
	} else if (!said) {
		/* Of a filesystem that is not shown here: another one than all that are.
		 */
		ret->object = (struct ft_object){.dev = p->exe_dev, .ino = p->exe_ino};
	}
	return true;
}

static struct ft_who_exe find_exe(struct ft_who *w, const struct ft_guards *g,
				  const struct ft_process *p)
{
	struct ft_who_exe *kept = &w->exes[p->id % FT_WHO_KEPT];
	struct ft_who_exe found = {.id = p->id};

	if (p->id != 0 && kept->id == p->id)
		return *kept;
	if (look_at_exe(w, g, p, &found) && p->id != 0)
		*kept = found;
	return found;
}

void ft_who_find(struct ft_who *w, const struct ft_guards *g, pid_t pid,
		 struct ft_asker *ret)
{
	struct ft_attribution a = {0};
	struct ft_who_exe exe;

	*ret = (struct ft_asker){0};
	if (pid <= 0)
		return;
	w->ops->find(w->tracker, &(struct ft_question){.pid = pid}, &a);
	/* Several images are not more certain for being one in /proc: threads with other
	 * ids are shown as their leader. */
	if (a.certainty == FT_CERTAINTY_NONE) {
		a.process = look(w, pid);
		a.certainty = a.process ? FT_CERTAINTY_EXACT : FT_CERTAINTY_NONE;
	}
	ret->certainty = a.certainty;
	if (a.certainty != FT_CERTAINTY_EXACT)
		return;
	ret->process = a.process;
	exe = find_exe(w, g, a.process);
	ret->exe = exe.object;
	if (exe.is_ours)
		ret->exe_path = a.process->exe;
}
