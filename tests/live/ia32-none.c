/* SPDX-License-Identifier: MIT */
/* Machines that run no 32-bit x86 programs. */
#include "ia32.h"

#include <errno.h>

int ia32_open(const char *path)
{
	(void)path;
	return -ENOSYS;
}
