/* SPDX-License-Identifier: MIT */
/* The kernel's process connector, listened to by a BPF program alone. */
#include "proc/connector.h"

#include <errno.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"

struct request {
	struct nlmsghdr netlink;
	struct {
		struct cn_msg head;
		enum proc_cn_mcast_op op;
	} __attribute__((packed)) connector;
} __attribute__((aligned(NLMSG_ALIGNTO)));

struct answer {
	struct nlmsghdr netlink;
	struct cn_msg head;
	struct proc_event event;
} __attribute__((packed));

static int request(int fd, enum proc_cn_mcast_op op)
{
	struct request r = {
		.netlink = {.nlmsg_len = NLMSG_LENGTH(sizeof(r.connector)),
			    .nlmsg_type = NLMSG_DONE},
		.connector = {.head = {.id = {CN_IDX_PROC, CN_VAL_PROC},
				       .len = sizeof(op)},
			      .op = op},
	};

	return send(fd, &r, r.netlink.nlmsg_len, 0) < 0 ? -errno : 0;
}

/* It is there when send() returns; from another namespace it never comes. */
static int receive(int fd)
{
	struct answer a;
	ssize_t n = recv(fd, &a, sizeof(a), MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN ? -EPERM : -errno;
	if ((size_t)n <
	    offsetof(struct answer, event.event_data.ack.err) + sizeof(uint32_t))
		return -EBADMSG;
	return -(int)a.event.event_data.ack.err;
}

int ft_connector_open(int filter)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = CN_IDX_PROC};
	_cleanup_close_ int fd =
		socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_CONNECTOR);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &filter, sizeof(filter)) < 0 ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	int r = request(fd, PROC_CN_MCAST_LISTEN);
	if (r == 0)
		r = receive(fd);
	return r < 0 ? r : ft_take_fd(fd);
}

/* Before 6.6 the kernel does not notice that a listener is gone that does not say so. */
void ft_connector_close(int fd)
{
	if (fd < 0)
		return;
	(void)request(fd, PROC_CN_MCAST_IGNORE);
	close(fd);
}
