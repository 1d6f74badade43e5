/* SPDX-License-Identifier: MIT */
/* No 32-bit system calls that this test knows. */
#include <errno.h>

#include "call32.h"

long call32(long number, const uint32_t args[CALL32_ARGS])
{
	return -ENOSYS;
}
