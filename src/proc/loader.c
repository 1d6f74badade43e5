/* SPDX-License-Identifier: MIT */
/* What loads programs. */
#include "proc/loader.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/file.h"

enum { MAPS_MAX = 1024 * 1024 };

/* The mapping that has this address. The device is the filesystem's own here, and not
 * that of a subvolume. */
static bool parse_line(const char *line, uint64_t address, struct ft_proc_object *ret)
{
	uint64_t begin, end, ino;
	unsigned int major, minor;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %*s %x:%x %" SCNu64, &begin, &end,
		   &major, &minor, &ino) != 5 ||
	    address < begin || address >= end)
		return false;
	*ret = (struct ft_proc_object){makedev(major, minor), ino};
	return true;
}

struct ft_proc_object ft_loader_find(void)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes maps = {0};
	struct ft_proc_object loader = {0};
	uint64_t base = getauxval(AT_BASE);

	if (base == 0 || ft_file_read(AT_FDCWD, "/proc/self/maps", MAPS_MAX, &maps) < 0)
		return loader;
	for (const char *line = ft_bytes_cstr(&maps); line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (parse_line(line, base, &loader))
			break;
	}
	return loader;
}
