/* SPDX-License-Identifier: MIT */
/* The system calls in which a process is made to wait for a listener's answer, and where
 * they say of what. Numbers differ, and not every architecture has all. */
#pragma once

#include <sys/syscall.h>

enum { FT_OPENCALL_NONE = -1 };

/* Which argument is what; FT_OPENCALL_NONE: it has none. */
struct ft_opencall {
	long number;
	const char *name;
	int dirfd;
	int path;
	int fd;
};

#define FT_OPENCALL_PATH(call, dirfd, path)                                              \
	{                                                                                \
		SYS_##call, #call, (dirfd), (path), FT_OPENCALL_NONE                     \
	}
#define FT_OPENCALL_FD(call, fd)                                                         \
	{                                                                                \
		SYS_##call, #call, FT_OPENCALL_NONE, FT_OPENCALL_NONE, (fd)              \
	}

static const struct ft_opencall ft_opencalls[] = {
#ifdef SYS_open
	FT_OPENCALL_PATH(open, FT_OPENCALL_NONE, 0),
	FT_OPENCALL_PATH(creat, FT_OPENCALL_NONE, 0),
#endif
	FT_OPENCALL_PATH(openat, 0, 1),
	FT_OPENCALL_PATH(openat2, 0, 1),
	FT_OPENCALL_PATH(execve, FT_OPENCALL_NONE, 0),
	FT_OPENCALL_PATH(execveat, 0, 1),
	FT_OPENCALL_PATH(truncate, FT_OPENCALL_NONE, 0),
	FT_OPENCALL_FD(read, 0),
	FT_OPENCALL_FD(pread64, 0),
	FT_OPENCALL_FD(readv, 0),
	FT_OPENCALL_FD(preadv, 0),
	FT_OPENCALL_FD(preadv2, 0),
	FT_OPENCALL_FD(getdents64, 0),
	FT_OPENCALL_FD(write, 0),
	FT_OPENCALL_FD(pwrite64, 0),
	FT_OPENCALL_FD(writev, 0),
	FT_OPENCALL_FD(ftruncate, 0),
	FT_OPENCALL_FD(fallocate, 0),
	FT_OPENCALL_FD(sendfile, 1),
	FT_OPENCALL_FD(splice, 0),
	FT_OPENCALL_FD(copy_file_range, 0),
	FT_OPENCALL_FD(mmap, 4),
};
