/* SPDX-License-Identifier: MIT */
/* What the BPF programs say: records in the ring buffer, and their switches. Read by both
 * compilers, so that it includes nothing. */
#pragma once

enum {
	/* Bounds: what is longer is cut, and said to be. */
	FT_WIRE_PATH_MAX = 4096,
	FT_WIRE_ARGS_MAX = 4096,
	FT_WIRE_CGROUP_MAX = 1024,
	FT_WIRE_NAME_MAX = 256, /* one component, its NUL included */
	FT_WIRE_COMPONENTS_MAX = 64,
	FT_WIRE_CGROUPS_MAX = 16,
	FT_WIRE_COMM = 16,
	FT_WIRE_SCRATCHES = 5,
	FT_WIRE_RING_SIZE = 8 * 1024 * 1024,
	FT_WIRE_RING_WAKE =
		FT_WIRE_RING_SIZE / 8, /* with so much in it the reader is woken */
};

enum ft_wire_kind {
	FT_WIRE_FORK = 1,
	FT_WIRE_EXEC,
	FT_WIRE_FREE,
	FT_WIRE_COMM_SET,
	FT_WIRE_IDS,
	FT_WIRE_CGROUP_SET,
	FT_WIRE_THREAD, /* it has more than one from now on, or had for a moment */
	FT_WIRE_LOADER, /* of what was executed last */
	FT_WIRE_FAILED, /* to execute, after the file had been opened */
	FT_WIRE_AWAY,	/* it ends in another mount namespace */
	FT_WIRE_LAST = FT_WIRE_AWAY,
};

enum ft_wire_flags {
	FT_WIRE_ARGS_CUT = 1 << 0,
	FT_WIRE_PATH_CUT = 1 << 1,
	FT_WIRE_CGROUP_CUT = 1 << 2,
	/* Not all threads of the process have these ids. */
	FT_WIRE_MIXED = 1 << 3,
	/* Exec: what it executed may have been opened, and read, by itself before. */
	FT_WIRE_HAS_READ = 1 << 4,
	/* Exec: files are closed by it that the image before had opened. */
	FT_WIRE_CLOSES = 1 << 5,
	FT_WIRE_HAS_LOGIN = 1 << 6,
	/* Exec: nothing loads what it executed. */
	FT_WIRE_STATIC = 1 << 7,
};

/* Times are CLOCK_BOOTTIME, ns; pids those of the initial namespace, of processes. */
struct ft_wire {
	unsigned int kind;
	unsigned int flags;
	unsigned long long time;
	unsigned long long start;    /* of the process */
	unsigned long long exec_id;  /* exec: one more than that before */
	unsigned long long ino;	     /* exec: of the file that runs; loader: its */
	unsigned long long pidfd_id; /* 0: not known (before 6.9) */
	unsigned int dev;	     /* of that file's filesystem, as the kernel has it */
	unsigned int pid;
	unsigned int ppid;
	unsigned int source; /* fork: whose image it begins with */
	unsigned int uid;    /* effective, as the next */
	unsigned int gid;
	unsigned int ruid;
	unsigned int rgid;
	unsigned int loginuid;
	/* Lengths of what follows, of an exec and of a cgroup: components of the path of
	 * the file that runs, from the last one up, each with its NUL; those of the
	 * cgroup's; the arguments. */
	unsigned int path_len;
	unsigned int cgroup_len;
	unsigned int args_len;
	char comm[FT_WIRE_COMM];
};
