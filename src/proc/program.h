/* SPDX-License-Identifier: MIT */
/* What a process runs: text that all images share which run the same since one exec. */
#pragma once

#include <sys/types.h>

#include "base/bytes.h"

/* Immutable, and freed with its last owner. */
struct ft_program {
	unsigned int refs;
	size_t size; /* of all of it */
	dev_t exe_dev;
	uint64_t exe_ino; /* 0: not known */
	struct ft_span exe;
	struct ft_span args;
	struct ft_span cgroup;
	struct ft_span container;
	bool args_cut;
	char text[];
};

/* What is copied into a new one. */
struct ft_program_text {
	dev_t exe_dev;
	uint64_t exe_ino; /* 0: not known */
	struct ft_span exe;
	struct ft_span args;
	struct ft_span cgroup;
	struct ft_span container;
	bool args_cut;
};

/* NULL: no memory. */
struct ft_program *ft_program_new(const struct ft_program_text *text);
/* Takes part in owning it; NULL stays NULL. */
struct ft_program *ft_program_ref(struct ft_program *p);
struct ft_program *ft_program_unref(struct ft_program *p);
