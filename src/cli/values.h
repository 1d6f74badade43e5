/* SPDX-License-Identifier: MIT */
/* Values of options: numbers, durations, descriptors. Each says on stderr what is wrong
 * with one: 0 or -EINVAL. */
#pragma once

#include <stdint.h>

#include "cli/options.h"

int cli_take_number(const struct cli_word *word, uint64_t least, uint64_t max,
		    uint64_t *ret);
/* Not 0. */
int cli_take_duration(const struct cli_word *word, int64_t *ret_ns);
/* One that this process was given when it began. */
int cli_take_fd(const struct cli_word *word, int *ret);
