/* SPDX-License-Identifier: MIT */
/* The reader's end of a BPF ring buffer. */
#include "proc/bpfring.h"

#include <errno.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"

/* A record is begun and ended by one program without a stop, but where that can be
 * preempted. */
enum { PATIENCE = 1000 };

static void *map_pages(int map, size_t size, int prot, size_t offset)
{
	void *p = mmap(NULL, size, prot, MAP_SHARED, map, (off_t)offset);

	return p == MAP_FAILED ? NULL : p;
}

/* The map itself is readable as long as anything is in it. */
static int open_wakeups(int map)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLET};
	_cleanup_close_ int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0 || epoll_ctl(fd, EPOLL_CTL_ADD, map, &ev) < 0)
		return -errno;
	return ft_take_fd(fd);
}

static int map_all(struct ft_bpfring *r, int map)
{
	r->consumer = map_pages(map, r->page, PROT_READ | PROT_WRITE, 0);
	if (!r->consumer)
		return -errno;
	r->producer = map_pages(map, r->page + 2 * r->size, PROT_READ, r->page);
	if (!r->producer)
		return -errno;
	r->data = (const char *)r->producer + r->page;
	return 0;
}

int ft_bpfring_open(struct ft_bpfring *r, int map, size_t size)
{
	*r = (struct ft_bpfring){.page = (size_t)sysconf(_SC_PAGESIZE), .size = size};
	r->wakeups = open_wakeups(map);
	int error = r->wakeups < 0 ? r->wakeups : map_all(r, map);
	if (error < 0)
		ft_bpfring_close(r);
	return error;
}

void ft_bpfring_close(struct ft_bpfring *r)
{
	if (r->consumer)
		munmap(r->consumer, r->page);
	if (r->producer)
		munmap((void *)r->producer, r->page + 2 * r->size);
	if (r->page > 0 && r->wakeups >= 0)
		close(r->wakeups);
	*r = (struct ft_bpfring){0};
}

bool ft_bpfring_was_woken(struct ft_bpfring *r)
{
	struct epoll_event ev;

	return epoll_wait(r->wakeups, &ev, 1, 0) > 0;
}

/* The length that stands before a record, once that is whole; else with its busy bit. */
static uint32_t await_length(const uint32_t *head)
{
	uint32_t len = __atomic_load_n(head, __ATOMIC_ACQUIRE);

	for (int i = 0; len & BPF_RINGBUF_BUSY_BIT && i < PATIENCE; i++) {
		sched_yield();
		len = __atomic_load_n(head, __ATOMIC_ACQUIRE);
	}
	return len;
}

int ft_bpfring_drain(struct ft_bpfring *r, ft_bpfring_fn fn, void *data)
{
	unsigned long at = *r->consumer;
	unsigned long end = __atomic_load_n(r->producer, __ATOMIC_ACQUIRE);

	while (at < end) {
		const char *head = r->data + (at & (r->size - 1));
		uint32_t len = await_length((const uint32_t *)head);
		if (len & BPF_RINGBUF_BUSY_BIT)
			return 1;
		bool is_told = !(len & BPF_RINGBUF_DISCARD_BIT);
		len &= ~(uint32_t)BPF_RINGBUF_DISCARD_BIT;
		if (is_told)
			fn(data, head + BPF_RINGBUF_HDR_SZ, len);
		at += (len + BPF_RINGBUF_HDR_SZ + 7) / 8 * 8;
		__atomic_store_n(r->consumer, at, __ATOMIC_RELEASE);
	}
	return 0;
}
