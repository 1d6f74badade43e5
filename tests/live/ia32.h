/* SPDX-License-Identifier: MIT */
/* Opening a file as a 32-bit program does. */
#pragma once

/* A descriptor for reading, or -errno; -ENOSYS: not on this machine. */
int ia32_open(const char *path);
