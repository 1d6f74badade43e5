/* SPDX-License-Identifier: MIT */
/* Built without BPF: the tracker that never opens. */
#include <errno.h>

#include "proc/tracker.h"

static int none_open(struct ft_tracker **ret, const struct ft_tracker_host *host)
{
	return -ENOSYS;
}

const struct ft_tracker_ops ft_tracker_bpf = {.name = "bpf", .open = none_open};

int ft_tracker_bpf_probe(struct ft_tracker_health *ret)
{
	return -ENOSYS;
}
