/* SPDX-License-Identifier: MIT */
/* A process whose /proc/PID/exe says that it runs the argument. */
#include "reach.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/prctl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

static void unmap_oneself_from_exe(void)
{
	char self[PATH_MAX], line[PATH_MAX + 200], perms[8];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long from, to;

	if (!maps || len < 0)
		reach_absent("/proc/self");
	self[len] = '\0';
	while (fgets(line, sizeof(line), maps)) {
		void *copy, *at;
		size_t size;

		if (!strstr(line, self) ||
		    sscanf(line, "%lx-%lx %7s", &from, &to, perms) != 3)
			continue;
		size = to - from;
		at = (void *)from;
		copy = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (perms[0] != 'r' || copy == MAP_FAILED)
			reach_absent("a mapping");
		memcpy(copy, at, size);
		mprotect(copy, size,
			 PROT_READ | (perms[1] == 'w' ? PROT_WRITE : 0) |
				 (perms[2] == 'x' ? PROT_EXEC : 0));
		if (mremap(copy, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, at) ==
		    MAP_FAILED)
			reach_absent("mremap");
	}
	fclose(maps);
}

/* Fields of /proc/self/stat that the kernel takes back as they are. */
static struct prctl_mm_map map_as_it_is(void)
{
	unsigned long f[53] = {0};
	char text[4096], *at;
	FILE *file = fopen("/proc/self/stat", "re");

	if (!file || !fgets(text, sizeof(text), file))
		reach_absent("/proc/self/stat");
	fclose(file);
	at = strrchr(text, ')') + 3;
	for (int i = 4; i < 53; i++) {
		at = strchr(at, ' ') + 1;
		f[i] = strtoul(at, NULL, 10);
	}
	return (struct prctl_mm_map){
		.start_code = f[26],
		.end_code = f[27],
		.start_stack = f[28],
		.start_data = f[45],
		.end_data = f[46],
		.start_brk = f[47],
		.brk = (uintptr_t)sbrk(0),
		.arg_start = f[48],
		.arg_end = f[49],
		.env_start = f[50],
		.env_end = f[51],
	};
}

int reach_forged_exe(struct request *q)
{
	struct prctl_mm_map map = map_as_it_is();
	int exe = open(q->argument, O_RDONLY);

	if (exe < 0)
		return -errno;
	unmap_oneself_from_exe();
	map.exe_fd = (uint32_t)exe;
	if (prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof(map), 0) < 0)
		return reach_absent("PR_SET_MM_MAP");
	return reach_plain(q);
}
