/* SPDX-License-Identifier: MIT */
/*
 * Runs a program on a kernel as it was before FAN_RENAME (5.17): before-rename PROGRAM
 * [ARG...]
 *
 * What came since is refused with EINVAL, as a kernel refuses flags that it does not
 * know.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	/* REPORT_PIDFD, REPORT_TARGET_FID, REPORT_FD_ERROR, REPORT_MNT */
	INIT_NEWER = 0x80 | 0x1000 | 0x2000 | 0x4000,
	/* EVICTABLE, IGNORE */
	MARK_NEWER = 0x200 | 0x400,
	/* FS_ERROR, PRE_ACCESS, MNT_ATTACH, MNT_DETACH, RENAME */
	MASK_NEWER = 0x8000 | 0x100000 | 0x1000000 | 0x2000000 | 0x10000000,
};

/* The low half of an argument, on a little-endian machine. */
#define ARG(n)			 ((unsigned int)offsetof(struct seccomp_data, args[n]))
#define LOAD(offset)		 BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)
#define IF_EQUAL(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, yes, no)
#define IF_ANY(bits, yes, no)	 BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, yes, no)
#define RETURN(what)		 BPF_STMT(BPF_RET | BPF_K, what)

int main(int argc, char **argv)
{
	struct sock_filter filter[] = {
		LOAD(offsetof(struct seccomp_data, nr)),
		IF_EQUAL(SYS_fanotify_init, 0, 2),
		LOAD(ARG(0)),
		IF_ANY(INIT_NEWER, 6, 5),
		IF_EQUAL(SYS_fanotify_mark, 0, 4),
		LOAD(ARG(1)),
		IF_ANY(MARK_NEWER, 3, 0),
		LOAD(ARG(2)),
		IF_ANY(MASK_NEWER, 1, 0),
		RETURN(SECCOMP_RET_ALLOW),
		RETURN(SECCOMP_RET_ERRNO | EINVAL),
	};
	const struct sock_fprog program = {.len = sizeof(filter) / sizeof(filter[0]),
					   .filter = filter};

	if (argc < 2) {
		fprintf(stderr, "usage: before-rename PROGRAM [ARG...]\n");
		return 2;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) {
		perror("before-rename: seccomp");
		return 1;
	}
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 127;
}
