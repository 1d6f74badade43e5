/* SPDX-License-Identifier: MIT */
/* Opening a file as a 32-bit program does: by the system call gate that they have. */
#include "ia32.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

enum { IA32_OPEN = 5, PAGE = 4096 };

int ia32_open(const char *path)
{
	int r = IA32_OPEN;
	char *low = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	if (low == MAP_FAILED || strlen(path) >= PAGE)
		return -ENOSYS;
	strcpy(low, path);
	__asm__ volatile("int $0x80"
			 : "+a"(r)
			 : "b"(low), "c"(0), "d"(0)
			 : "memory", "r8", "r9", "r10", "r11");
	return r;
}
