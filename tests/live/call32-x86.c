/* SPDX-License-Identifier: MIT */
/* int 0x80. */
#include "call32.h"

long call32(long number, const uint32_t args[CALL32_ARGS])
{
	int32_t result;

	/* rbp holds the sixth, and may be the compiler's. */
	__asm__ volatile("push %%rbp\n\t"
			 "movl %[sixth], %%ebp\n\t"
			 "int $0x80\n\t"
			 "pop %%rbp"
			 : "=a"(result)
			 : "a"((int32_t)number), "b"(args[0]), "c"(args[1]), "d"(args[2]),
			   "S"(args[3]), "D"(args[4]), [sixth] "r"(args[5])
			 : "memory", "r8", "r9", "r10", "r11");
	return result;
}
