/* SPDX-License-Identifier: MIT */
/* A process image: what one program run by one process was, from an exec (or fork) to the
 * next or its end. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/bytes.h"

enum ft_certainty {
	FT_CERTAINTY_NONE,	  /* the pid at most */
	FT_CERTAINTY_CREDENTIALS, /* pid, ppid and ids, no image */
	FT_CERTAINTY_AMBIGUOUS,	  /* one of several images: see candidates */
	FT_CERTAINTY_EXACT,
};

struct ft_ancestor {
	pid_t pid;
	struct ft_span comm; /* empty: unknown */
	struct ft_span exe;  /* empty: unknown */
};

/* Everything that is not known is absent: len 0, or the has_ flag unset. Immutable once
 * it was handed out. */
struct ft_process {
	uint64_t
		id; /* unique in a session, never reused: keys what output caches of it */
	pid_t pid;
	pid_t ppid;
	bool has_ppid;
	bool has_ids; /* uid and gid, effective */
	uid_t uid;
	gid_t gid;
	bool has_real_ids;
	uid_t ruid;
	gid_t rgid;
	bool has_login; /* false: unknown, or of no login at all */
	uid_t loginuid;
	uint64_t pidfd_id; /* never another process's in this boot; 0: unknown */
	int64_t start_ns;  /* wall clock, 0: unknown */
	struct ft_span comm;
	struct ft_span
		exe; /* resolved path of the file that runs, bytes, no " (deleted)" */
	/* The file itself, as it was executed: in an overlay the layer's. The
	 * filesystem's own device, which is not st_dev in a subvolume. ino 0: unknown */
	dev_t exe_dev;
	uint64_t exe_ino;
	struct ft_span args;	  /* each argument NUL-ended */
	bool args_cut;		  /* args were longer than what was kept */
	struct ft_span cgroup;	  /* path of the unified (or systemd's) hierarchy */
	struct ft_span container; /* id, from the cgroup path */
	const struct ft_ancestor *parents; /* nearest first */
	size_t parents_count;
};
