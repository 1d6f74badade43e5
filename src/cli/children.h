/* SPDX-License-Identifier: MIT */
/* The children of this process. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct cli_children {
	pid_t *list;
	size_t count;
};

/* Zero-initialised is empty; what was in it is dropped. 0 or -errno. */
int cli_children_read(struct cli_children *c);
void cli_children_fini(struct cli_children *c);
bool cli_children_has(const struct cli_children *c, pid_t pid);
void cli_children_remove(struct cli_children *c, pid_t pid);
