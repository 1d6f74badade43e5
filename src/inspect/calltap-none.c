/* SPDX-License-Identifier: MIT */
/* Built without BPF: nothing is told of calls. */
#include <errno.h>

#include "inspect/calltap.h"

int ft_calltap_open(struct ft_calltap **ret, bool compat, struct ft_bytes *why)
{
	ft_bytes_put_lit(why, "this fantail was built without BPF (-Dbpf=disabled)");
	return -ENOSYS;
}

struct ft_calltap *ft_calltap_close(struct ft_calltap *t)
{
	return NULL;
}

int ft_calltap_fd(const struct ft_calltap *t)
{
	return -1;
}

void ft_calltap_drain(struct ft_calltap *t, ft_calltap_fn fn, void *data)
{
}

void ft_calltap_stop(struct ft_calltap *t)
{
}

uint64_t ft_calltap_take_lost(struct ft_calltap *t)
{
	return 0;
}
