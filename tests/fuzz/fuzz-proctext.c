/* SPDX-License-Identifier: MIT */
/* Fuzz: what doctor reads of /proc and of a kernel's configuration. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/capability.h"
#include "inspect/kconfig.h"
#include "inspect/waiter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Is it a part of the input? */
static void check_inside(struct ft_span part, struct ft_span whole)
{
	if (part.len > 0)
		assert(part.data >= whole.data &&
		       part.data + part.len <= whole.data + whole.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ft_privileges p = {0};
	struct ft_syscall call;
	struct ft_span in;
	int64_t ns = -1;
	/* Of its very size: what reads past it is seen. */
	char *copy = malloc(size ? size : 1);

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	in = (struct ft_span){copy, size};
	if (ft_privileges_parse_status(&p, in) == 0)
		assert(p.seccomp <= 9);
	ft_privileges_parse_lockdown(&p, in);
	assert(p.lockdown.len <= size);
	if (ft_waiter_parse_syscall(in, &call) == 0)
		assert(call.number >= -1);
	if (ft_waiter_parse_sched(in, &ns) == 0)
		assert(ns >= 0);
	(void)ft_waiter_is_held(in, in);
	check_inside(ft_kconfig_get(in, "CONFIG_FANOTIFY"), in);
	ft_privileges_fini(&p);
	free(copy);
	return 0;
}
