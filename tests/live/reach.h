/* SPDX-License-Identifier: MIT */
/* Ways to reach a file: see reach.c. */
#pragma once

#include <errno.h>

enum { REACH_ABSENT = 125 };

struct request {
	const char *path;
	const char *argument;
	int result;
};

/* Says why this machine does not have a way, and ends. */
int reach_absent(const char *what);
/* Goes into a directory that is deeper below this one than a path can say. */
void reach_descend(const char *directory);

static inline int reach_result(long r)
{
	return r < 0 ? -errno : (int)r;
}

/* Each a way: a descriptor to read from, or -errno. */
int reach_plain(struct request *q);
int reach_uring(struct request *q);
int reach_uring_worker(struct request *q);
int reach_uring_poll(struct request *q);
int reach_forged_exe(struct request *q);
int reach_race(struct request *q);
int reach_exec(struct request *q);
int reach_exec_fd(struct request *q);
int reach_exec_link(struct request *q);
int reach_exec_memory(struct request *q);
int reach_exec_unnamed(struct request *q);
int reach_exec_here(struct request *q);
int reach_exec_deep(struct request *q);
