/* SPDX-License-Identifier: MIT */
/* Tracepoints. */
#include "inspect/tracepoint.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/number.h"
#include "kernel/mounts.h"

enum { NAME_MAX_LEN = 128, ID_MAX = 32 };

int ft_tracepoint_open_list(void)
{
	return ft_mounts_open_tracefs();
}

static int read_id(int list, const char *name, uint64_t *ret)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes text = {0};
	char path[NAME_MAX_LEN];
	int r;

	snprintf(path, sizeof(path), "events/%s/id", name);
	r = ft_file_read(list, path, ID_MAX, &text);
	if (r < 0)
		return r;
	if (text.len > 0 && text.data[text.len - 1] == '\n')
		text.len--;
	return ft_number_parse(ft_bytes_cstr(&text), UINT32_MAX, ret);
}

int ft_tracepoint_open(int list, const char *name)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_TRACEPOINT,
				       .size = sizeof(attr)};
	uint64_t id = 0;
	int r = read_id(list, name, &id);
	long fd;

	if (r < 0)
		return r;
	attr.config = id;
	/* Of any process; a program runs on every processor, whichever this is of. */
	fd = syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : (int)fd;
}
