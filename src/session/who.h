/* SPDX-License-Identifier: MIT */
/* Who asks: the process behind a request that waits, so that what it is now is what it
 * is.
 */
#pragma once

#include "guard/identity.h"
#include "proc/tracker.h"
#include "session/guarded.h"

enum { FT_WHO_KEPT = 1024 }; /* executables of processes, direct-mapped */

struct ft_asker {
	enum ft_certainty certainty;
	const struct ft_process
		*process;	 /* NULL: not known; lives until the next begin */
	struct ft_object exe;	 /* what it runs; dev 0: not known */
	struct ft_span exe_path; /* on this host; empty: not known */
};

struct ft_who_exe {
	uint64_t id; /* of the process image; 0: free */
	struct ft_object object;
	bool is_ours; /* on a mount of this namespace */
};

struct ft_who {
	const struct ft_tracker_ops *ops;
	struct ft_tracker *tracker;
	int proc; /* O_PATH of /proc */
	struct ft_who_exe *exes;
	/* Where the tracker knows nothing: as /proc shows it. */
	struct ft_process seen;
	struct ft_bytes exe;
	struct ft_bytes cgroup;
	struct ft_bytes container;
	struct ft_bytes text;
	char comm[64];
};

/* By BPF, else by /proc alone: *ret_why (may be NULL) is then what BPF was refused with.
 * 0 or -errno. */
int ft_who_init(struct ft_who *w, int *ret_why);
void ft_who_fini(struct ft_who *w);
/* What polls readable when ft_who_follow() is to be called; -1: nothing. */
int ft_who_fd(const struct ft_who *w);
/* Processes begin and end also while nobody asks. */
void ft_who_follow(struct ft_who *w);
/* Requests were read at this moment of the boot clock. */
void ft_who_begin(struct ft_who *w, int64_t now_ns);
/* Opens nothing but files of /proc. */
void ft_who_find(struct ft_who *w, const struct ft_guards *g, pid_t pid,
		 struct ft_asker *ret);
