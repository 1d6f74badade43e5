/* SPDX-License-Identifier: MIT */
/* What /proc says of one process at one moment: reading and parsing, no memory of its
 * own. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/bytes.h"

enum {
	FT_PROC_COMM_MAX = 64, /* 15 for programs; more for kernel workers */
	FT_PROC_ARGS_MAX = 4096,
	FT_PROC_LAYOUT = 9,
};

/*
 * Task flags (stat field 9). They are the kernel's own, not its ABI, but have had these
 * values since long before 5.10; the unit tests hold the running kernel to them.
 */
enum {
	FT_PF_FORKNOEXEC = 0x00000040, /* forked, no exec since */
	FT_PF_SUPERPRIV = 0x00000100,  /* has used a privilege since it was forked */
	FT_PF_KTHREAD = 0x00200000,
	FT_PF_RANDOMIZE = 0x00400000, /* its addresses were drawn at its exec */
};

struct ft_proc_stat {
	pid_t ppid;
	char state;
	uint64_t flags;
	uint64_t threads;
	uint64_t start; /* clock ticks after boot, rounded down */
	/*
	 * Where code, stack, data, heap, arguments and environment lie: drawn anew at
	 * each exec. Not permitted: the first two are 1, the rest 0; without memory
	 * (kernel threads, zombies): all 0.
	 */
	uint64_t layout[FT_PROC_LAYOUT];
	size_t comm_len;
	char comm[FT_PROC_COMM_MAX];
};

/* The file that runs, as an object: it may have another name by now, or none. 0, 0:
 * unknown. */
struct ft_proc_object {
	dev_t dev;
	ino_t ino;
};

/* The text of /proc/PID/stat; 0 or -EINVAL. */
int ft_procfs_parse_stat(struct ft_span text, struct ft_proc_stat *ret);
/* The path in the text of /proc/PID/cgroup: of the unified hierarchy, else of systemd's;
 * empty: neither. */
struct ft_span ft_procfs_parse_cgroup(struct ft_span text);

static inline bool ft_proc_stat_is_dead(const struct ft_proc_stat *s)
{
	return s->state == 'Z' || s->state == 'X' || s->state == 'x';
}

/* No exec since the fork: proven by the kernel's flag. */
bool ft_proc_stat_is_forked(const struct ft_proc_stat *s);
/* The name that a kernel worker shows is that of its work and changes all the time: it is
 * not compared. */
bool ft_proc_stat_is_comm_equal(const struct ft_proc_stat *a,
				const struct ft_proc_stat *b);
bool ft_proc_stat_is_layout_equal(const struct ft_proc_stat *a,
				  const struct ft_proc_stat *b);
/* Two looks at one pid: is it proven that nothing was executed between them? */
bool ft_proc_stat_is_continued(const struct ft_proc_stat *a,
			       const struct ft_proc_stat *b);

/* An O_PATH descriptor of /proc; 0 or -errno. */
int ft_procfs_open(int *ret_fd);
/* text is scratch. 0, -ESRCH: no such process, or -errno. */
int ft_procfs_read_stat(int proc, pid_t pid, struct ft_bytes *text,
			struct ft_proc_stat *ret);
/* Effective user and group; false: no such process. */
bool ft_procfs_read_ids(int proc, pid_t pid, uid_t *ret_uid, gid_t *ret_gid);
/* Do all of its threads have these ids? False as well where there are too many to look.
 */
bool ft_procfs_has_ids(int proc, pid_t pid, uid_t uid, gid_t gid);
/* Real user and group; false: no such process. text is scratch. */
bool ft_procfs_read_real_ids(int proc, pid_t pid, struct ft_bytes *text, uid_t *ret_uid,
			     gid_t *ret_gid);
/* Who logged in; false: nobody did, or it cannot be known. text is scratch. */
bool ft_procfs_read_login(int proc, pid_t pid, struct ft_bytes *text, uid_t *ret);
/* May its ids have been others since it was forked, but for those that an exec gave it?
 */
bool ft_procfs_may_have_new_ids(int proc, pid_t pid, const struct ft_proc_stat *stat);
/* The path of the file that runs; empty where there is none or it is not permitted. */
void ft_procfs_read_exe(int proc, pid_t pid, struct ft_bytes *out);
struct ft_proc_object ft_procfs_read_object(int proc, pid_t pid);
/* Is the file that runs reached through an overlay, whose files may bear the device of
 * another filesystem? */
bool ft_procfs_is_overlaid(int proc, pid_t pid);
/* Each argument NUL-ended; true: there were more than FT_PROC_ARGS_MAX bytes. */
bool ft_procfs_read_args(int proc, pid_t pid, struct ft_bytes *out);
/* The whole text of /proc/PID/cgroup. */
void ft_procfs_read_cgroup(int proc, pid_t pid, struct ft_bytes *out);
