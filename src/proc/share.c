/* SPDX-License-Identifier: MIT */
/* What several candidates have in common. */
#include "proc/share.h"

static bool is_ancestry_equal(const struct ft_process *a, const struct ft_process *b)
{
	if (a->parents_count != b->parents_count)
		return false;
	for (size_t i = 0; i < a->parents_count; i++) {
		const struct ft_ancestor *x = &a->parents[i], *y = &b->parents[i];
		if (x->pid != y->pid || !ft_span_equal(x->comm, y->comm) ||
		    !ft_span_equal(x->exe, y->exe))
			return false;
	}
	return true;
}

void ft_process_share(struct ft_process *to, const struct ft_process *a,
		      const struct ft_process *b)
{
	*to = (struct ft_process){.pid = a->pid};
	to->has_ppid = a->has_ppid && b->has_ppid && a->ppid == b->ppid;
	to->ppid = to->has_ppid ? a->ppid : 0;
	to->has_ids = a->has_ids && b->has_ids && a->uid == b->uid && a->gid == b->gid;
	to->uid = to->has_ids ? a->uid : 0;
	to->gid = to->has_ids ? a->gid : 0;
	to->has_real_ids = a->has_real_ids && b->has_real_ids && a->ruid == b->ruid &&
			   a->rgid == b->rgid;
	to->ruid = to->has_real_ids ? a->ruid : 0;
	to->rgid = to->has_real_ids ? a->rgid : 0;
	to->has_login = a->has_login && b->has_login && a->loginuid == b->loginuid;
	to->loginuid = to->has_login ? a->loginuid : 0;
	if (a->pidfd_id == b->pidfd_id)
		to->pidfd_id = a->pidfd_id;
	if (a->start_ns == b->start_ns)
		to->start_ns = a->start_ns;
	if (ft_span_equal(a->comm, b->comm))
		to->comm = a->comm;
	if (ft_span_equal(a->exe, b->exe))
		to->exe = a->exe;
	if (ft_span_equal(a->args, b->args) && a->args_cut == b->args_cut) {
		to->args = a->args;
		to->args_cut = a->args_cut;
	}
	if (ft_span_equal(a->cgroup, b->cgroup))
		to->cgroup = a->cgroup;
	if (ft_span_equal(a->container, b->container))
		to->container = a->container;
	if (is_ancestry_equal(a, b)) {
		to->parents = a->parents;
		to->parents_count = a->parents_count;
	}
}
