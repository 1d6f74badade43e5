/* SPDX-License-Identifier: MIT */
/* What several candidates have in common. */
#pragma once

#include "event/process.h"

/* What both have alike, and only that, with id 0; the spans are a's. */
void ft_process_share(struct ft_process *to, const struct ft_process *a,
		      const struct ft_process *b);
