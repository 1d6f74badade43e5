/* SPDX-License-Identifier: MIT */
/* The kernel's process connector, listened to by a BPF program alone. */
#include "proc/connector.h"

#include <errno.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Behind the header of netlink comes that of the connector, and behind that, without a
 * gap, what is asked or told. */
enum {
	HEADERS = NLMSG_HDRLEN + sizeof(struct cn_msg),
	ANSWER_ERROR = offsetof(struct proc_event, event_data.ack.err),
};

static int request(int fd, enum proc_cn_mcast_op op)
{
	const struct cn_msg head = {.id = {CN_IDX_PROC, CN_VAL_PROC}, .len = sizeof(op)};
	char message[HEADERS + sizeof(op)];
	const struct nlmsghdr netlink = {.nlmsg_len = sizeof(message),
					 .nlmsg_type = NLMSG_DONE};

	memcpy(message, &netlink, sizeof(netlink));
	memcpy(message + NLMSG_HDRLEN, &head, sizeof(head));
	memcpy(message + HEADERS, &op, sizeof(op));
	return send(fd, message, sizeof(message), 0) < 0 ? -errno : 0;
}

/* It is there when send() returns; from another namespace it never comes. */
static int receive(int fd)
{
	char message[HEADERS + sizeof(struct proc_event)];
	uint32_t error;
	ssize_t n = recv(fd, message, sizeof(message), MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN ? -EPERM : -errno;
	if ((size_t)n < HEADERS + ANSWER_ERROR + sizeof(error))
		return -EBADMSG;
	memcpy(&error, message + HEADERS + ANSWER_ERROR, sizeof(error));
	return -(int)error;
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
