/* SPDX-License-Identifier: MIT */
/* The process behind a pid, as it is now. */
#include "inspect/owner.h"

#include <errno.h>
#include <unistd.h>

#include "base/number.h"
#include "proc/container.h"

/* A process that changes under each of so many looks is told as it was at the last. */
enum { TRIES = 3 };

static void read_text(struct ft_owner *o, int proc, pid_t pid)
{
	struct ft_process *p = &o->process;

	p->has_ids = ft_procfs_read_ids(proc, pid, &p->uid, &p->gid);
	ft_procfs_read_exe(proc, pid, &o->exe);
	p->args_cut = ft_procfs_read_args(proc, pid, &o->args);
	ft_procfs_read_cgroup(proc, pid, &o->cgroup);
	p->exe = ft_bytes_span(&o->exe);
	p->args = ft_bytes_span(&o->args);
	p->cgroup = ft_procfs_parse_cgroup(ft_bytes_span(&o->cgroup));
	ft_container_parse(p->cgroup, &o->container);
	p->container = ft_bytes_span(&o->container);
}

/* What was read between two equal looks belongs together. */
static bool is_same(const struct ft_proc_stat *a, const struct ft_proc_stat *b)
{
	return a->start == b->start && ft_proc_stat_is_comm_equal(a, b) &&
	       ft_proc_stat_is_layout_equal(a, b);
}

static int look(struct ft_owner *o, int proc, pid_t pid)
{
	struct ft_proc_stat before;

	for (int i = 0; i < TRIES; i++) {
		if (ft_procfs_read_stat(proc, pid, &o->text, &before) < 0)
			return -ESRCH;
		read_text(o, proc, pid);
		if (ft_procfs_read_stat(proc, pid, &o->text, &o->stat) < 0)
			return -ESRCH;
		if (is_same(&before, &o->stat))
			break;
	}
	return 0;
}

int ft_owner_read(struct ft_owner *o, int proc, pid_t pid, int64_t wall_offset)
{
	int64_t tick_ns = FT_NSEC_PER_SEC / sysconf(_SC_CLK_TCK);
	struct ft_process *p = &o->process;

	*p = (struct ft_process){.pid = pid};
	if (look(o, proc, pid) < 0) {
		*p = (struct ft_process){.pid = pid};
		return -ESRCH;
	}
	o->start = o->stat.start;
	p->comm = (struct ft_span){o->stat.comm, o->stat.comm_len};
	p->has_ppid = true;
	p->ppid = o->stat.ppid;
	p->start_ns = wall_offset + (int64_t)o->stat.start * tick_ns;
	return 0;
}

void ft_owner_fini(struct ft_owner *o)
{
	ft_bytes_fini(&o->text);
	ft_bytes_fini(&o->exe);
	ft_bytes_fini(&o->args);
	ft_bytes_fini(&o->cgroup);
	ft_bytes_fini(&o->container);
}
