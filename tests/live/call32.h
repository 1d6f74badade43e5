/* SPDX-License-Identifier: MIT */
/* A 32-bit system call out of a 64-bit program, where the machine has such a thing. */
#pragma once

#include <stdint.h>

enum { CALL32_ARGS = 6 };

/* Its result, negative: -errno. Pointers must fit. */
long call32(long number, const uint32_t args[CALL32_ARGS]);
