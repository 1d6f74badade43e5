/* SPDX-License-Identifier: MIT */
/* Opening by io_uring, by its bare system calls. */
#include "reach.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct uring {
	struct io_uring_params params;
	int fd;
	char *rings;
	struct io_uring_sqe *sqes;
};

static void uring_begin(struct uring *u, unsigned int flags)
{
	u->params = (struct io_uring_params){.flags = flags, .sq_thread_idle = 1000};
	u->fd = (int)syscall(SYS_io_uring_setup, 4, &u->params);
	if (u->fd < 0)
		reach_absent("io_uring");
	u->rings = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			u->fd, IORING_OFF_SQ_RING);
	u->sqes = mmap(NULL, 4 * sizeof(*u->sqes), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_POPULATE, u->fd, IORING_OFF_SQES);
	if (u->rings == MAP_FAILED || u->sqes == MAP_FAILED)
		reach_absent("io_uring");
}

static unsigned int *ring_word(const struct uring *u, unsigned int offset)
{
	return (unsigned int *)(void *)(u->rings + offset);
}

static int uring_open(struct request *q, unsigned int setup, unsigned int sqe_flags)
{
	struct uring u;
	struct io_uring_cqe *cqe;

	uring_begin(&u, setup);
	u.sqes[0] = (struct io_uring_sqe){
		.opcode = IORING_OP_OPENAT,
		.flags = (unsigned char)sqe_flags,
		.fd = AT_FDCWD,
		.addr = (uintptr_t)q->path,
		.open_flags = O_RDONLY,
	};
	ring_word(&u, u.params.sq_off.array)[0] = 0;
	__atomic_store_n(ring_word(&u, u.params.sq_off.tail), 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, u.fd, 1, 1,
		    IORING_ENTER_GETEVENTS |
			    (setup & IORING_SETUP_SQPOLL ? IORING_ENTER_SQ_WAKEUP : 0),
		    NULL, 0) < 0)
		reach_absent("io_uring_enter");
	cqe = (struct io_uring_cqe *)(void *)(u.rings + u.params.cq_off.cqes);
	return cqe->res;
}

int reach_uring(struct request *q)
{
	return uring_open(q, 0, 0);
}

int reach_uring_worker(struct request *q)
{
	return uring_open(q, 0, IOSQE_ASYNC);
}

int reach_uring_poll(struct request *q)
{
	return uring_open(q, IORING_SETUP_SQPOLL, 0);
}
