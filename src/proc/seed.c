/* SPDX-License-Identifier: MIT */
/* Everything that /proc says of the processes there are, as steps of their history. */
#include "proc/seed.h"

#include <dirent.h>
#include <errno.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/number.h"

/* A process that changes under each of so many looks: what it becomes will be told. */
enum { TRIES = 3 };

static void read_text(struct ft_seeder *s, pid_t pid, struct ft_step *step)
{
	step->has_ids =
		s->has_ids && ft_procfs_read_ids(s->proc, pid, &step->uid, &step->gid);
	step->has_real_ids =
		s->has_ids &&
		ft_procfs_read_real_ids(s->proc, pid, &s->text, &step->ruid, &step->rgid);
	step->has_login = ft_procfs_read_login(s->proc, pid, &s->text, &step->loginuid);
	ft_procfs_read_exe(s->proc, pid, &s->exe);
	ft_bytes_clear(&s->args);
	step->text.args_cut = !s->no_args && ft_procfs_read_args(s->proc, pid, &s->args);
	ft_procfs_read_cgroup(s->proc, pid, &s->cgroup);
	step->text.exe = ft_bytes_span(&s->exe);
	step->text.args = ft_bytes_span(&s->args);
	step->text.cgroup = ft_procfs_parse_cgroup(ft_bytes_span(&s->cgroup));
}

/* Threads with ids of their own: whose they are of the one that did it is not known. */
static void drop_mixed_ids(struct ft_seeder *s, struct ft_step *step)
{
	if (step->has_ids && step->has_threads &&
	    !ft_procfs_has_ids(s->proc, step->pid, step->uid, step->gid))
		step->has_ids = step->has_real_ids = false;
}

static bool is_same(const struct ft_proc_stat *a, const struct ft_proc_stat *b)
{
	return a->start == b->start && a->ppid == b->ppid && a->comm_len == b->comm_len &&
	       memcmp(a->comm, b->comm, a->comm_len) == 0 &&
	       memcmp(a->layout, b->layout, sizeof(a->layout)) == 0;
}

/* What was read between two equal looks belongs together. False: there is no such
 * process. */
static bool look(struct ft_seeder *s, pid_t pid, struct ft_proc_stat *stat,
		 struct ft_step *step)
{
	struct ft_proc_stat again;

	for (int i = 0; i < TRIES; i++) {
		step->time = ft_boot_ns();
		if (ft_procfs_read_stat(s->proc, pid, &s->text, stat) < 0)
			return false;
		read_text(s, pid, step);
		step->has_threads = stat->threads > 1;
		drop_mixed_ids(s, step);
		if (ft_procfs_read_stat(s->proc, pid, &s->text, &again) < 0)
			return false;
		if (is_same(stat, &again))
			break;
	}
	return true;
}

static void seed_one(struct ft_seeder *s, struct ft_history *h, pid_t pid)
{
	struct ft_step step = {.kind = FT_STEP_SEED, .pid = pid};
	struct ft_proc_stat stat;

	if (!look(s, pid, &stat, &step))
		return;
	step.ppid = stat.ppid;
	step.start = (int64_t)stat.start * s->tick_ns;
	step.comm = (struct ft_span){stat.comm, stat.comm_len};
	step.has_executed = !(stat.flags & FT_PF_FORKNOEXEC);
	ft_history_add(h, &step);
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

int ft_seeder_run(struct ft_seeder *s, struct ft_history *h)
{
	_cleanup_(close_dir) DIR *dir = opendir("/proc");
	const struct dirent *entry;
	uint64_t pid;

	if (!dir)
		return -EIO;
	ft_history_begin_seeding(h);
	int64_t begun = ft_boot_ns();
	while ((entry = readdir(dir))) {
		if (ft_number_parse(entry->d_name, INT32_MAX, &pid) == 0 && pid > 0)
			seed_one(s, h, (pid_t)pid);
	}
	ft_history_end_seeding(h, begun);
	return 0;
}

int ft_seeder_init(struct ft_seeder *s, int64_t tick_ns)
{
	*s = (struct ft_seeder){.proc = -1, .tick_ns = tick_ns};
	return ft_procfs_open(&s->proc);
}

void ft_seeder_fini(struct ft_seeder *s)
{
	_cleanup_close_ int proc = ft_take_fd(s->proc);

	(void)proc;
	ft_bytes_fini(&s->text);
	ft_bytes_fini(&s->exe);
	ft_bytes_fini(&s->args);
	ft_bytes_fini(&s->cgroup);
}
