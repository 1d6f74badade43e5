/* SPDX-License-Identifier: MIT */
/*
 * One guard hands over to the next, and no request is unasked or unanswered in between.
 * The new one has loaded and locked all it needs before it asks; the old one answers what
 * it has read, reads no more, and gives away the group. There is never more than one that
 * reads.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/number.h"
#include "cli/guardian.h"
#include "cli/message.h"
#include "kernel/abi.h"
#include "kernel/group.h"

enum {
	VERSION = 1,
	ANSWER_MSEC = 10000, /* for what takes no time */
	BUSY_MSEC = 60000,   /* for one that may be loading a policy */
	/* Numbers that descriptors of a guard may have: what a dead one has read and not
	   answered had one of them. */
	NUMBERS = 4 * (GUARD_REQUESTS + GUARD_DESCRIPTORS),
};

enum kind {
	HELLO = 1, /* may I? */
	REFUSED,
	GO, /* with the group, and a descriptor of each filesystem that it has marks on */
	DONE, /* requests are answered */
};

struct message {
	uint32_t version;
	uint32_t kind;
	uint32_t is_pre_content; /* hello: it is needed; go: it is */
	uint32_t has_audit;
	uint64_t events; /* go: of the marks */
	char text[128];	 /* refused: why; NUL-ended */
};

enum { FDS_MAX = FT_GUARDED_MAX + 1 };

struct packet {
	struct message message;
	int fds[FDS_MAX];
	size_t count;
};

union control {
	struct cmsghdr header;
	char space[CMSG_SPACE(sizeof(int) * FDS_MAX)];
};

/* ---- packets ---- */

static int send_packet(int socket, const struct packet *p)
{
	struct iovec part = {(void *)&p->message, sizeof(p->message)};
	union control control = {0};
	struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};

	if (p->count > 0) {
		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * p->count);
		control.header =
			(struct cmsghdr){.cmsg_level = SOL_SOCKET,
					 .cmsg_type = SCM_RIGHTS,
					 .cmsg_len = CMSG_LEN(sizeof(int) * p->count)};
		memcpy(CMSG_DATA(&control.header), p->fds, sizeof(int) * p->count);
	}
	return sendmsg(socket, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

static int send_kind(int socket, enum kind kind, const char *text)
{
	struct packet p = {.message = {.version = VERSION, .kind = kind}};

	snprintf(p.message.text, sizeof(p.message.text), "%s", text ? text : "");
	return send_packet(socket, &p);
}

static void take_fds(struct packet *p, struct msghdr *m)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return;
	p->count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(p->fds, CMSG_DATA(c), p->count * sizeof(int));
}

static void close_fds(struct packet *p)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->fds[i] >= 0)
			close(p->fds[i]);
	p->count = 0;
}

/* 0; -EPIPE: the other one has gone; -ETIMEDOUT; -EPROTO: it is of another version. */
static int receive_packet(int socket, unsigned int msec, struct packet *ret)
{
	struct iovec part = {&ret->message, sizeof(ret->message)};
	struct pollfd fd = {.fd = socket, .events = POLLIN};
	union control control = {0};
	struct msghdr m = {.msg_iov = &part,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   /* Without the padding, in which one more would fit. */
			   .msg_controllen = CMSG_LEN(sizeof(int) * FDS_MAX)};
	ssize_t n;

	ret->count = 0;
	if (poll(&fd, 1, (int)msec) <= 0)
		return -ETIMEDOUT;
	n = recvmsg(socket, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	take_fds(ret, &m);
	if (n == sizeof(ret->message) && ret->message.version == VERSION)
		return 0;
	close_fds(ret);
	return n == 0 ? -EPIPE : -EPROTO;
}

static int open_socket(const struct guardian *g, struct sockaddr_un *ret_address)
{
	size_t len = strlen(g->socket_path);
	int fd;

	*ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (len >= sizeof(ret_address->sun_path))
		return -ENAMETOOLONG;
	memcpy(ret_address->sun_path, g->socket_path, len);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

/* Root, or whoever this guard is run by. */
static bool is_permitted(int socket, pid_t *ret_pid)
{
	struct ucred peer = {.uid = (uid_t)-1};
	socklen_t size = sizeof(peer);

	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 ||
	    (peer.uid != 0 && peer.uid != geteuid()))
		return false;
	*ret_pid = peer.pid;
	return true;
}

/* ---- the one that hands over ---- */

int guard_handover_listen(struct guardian *g)
{
	_cleanup_close_ int fd = -1;
	struct sockaddr_un address;
	mode_t mask;
	int r;

	if (g->state_fd < 0)
		return 0; /* another guard has the place */
	fd = open_socket(g, &address);
	r = fd < 0 ? fd : 0;
	unlink(g->socket_path);
	mask = umask(0177);
	if (r == 0 && (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		       listen(fd, 1) < 0))
		r = -errno;
	umask(mask);
	if (r == 0)
		g->listen_fd = ft_take_fd(fd);
	else
		cli_error("%s: %s", g->socket_path, strerror(-r));
	return r;
}

static int pause_decider(struct guardian *g)
{
	int64_t end = ft_boot_ns() + ANSWER_MSEC * FT_NSEC_PER_MSEC;

	ft_decider_order(&g->decider, FT_ORDER_PAUSE);
	while (!atomic_load(&g->decider.is_done)) {
		if (ft_boot_ns() > end)
			return -ETIMEDOUT;
		poll(NULL, 0, 1);
	}
	return 0;
}

static int send_group(const struct guardian *g, int socket)
{
	const struct ft_guards *guards = &g->rules->set.guards;
	struct packet p = {.message = {.version = VERSION,
				       .kind = GO,
				       .is_pre_content = g->is_pre_content,
				       .has_audit = g->has_audit,
				       .events = g->rules->set.events}};

	p.fds[p.count++] = g->decider.group;
	for (size_t i = 0; i < guards->count; i++)
		if (guards->list[i].mount_fd >= 0)
			p.fds[p.count++] = guards->list[i].mount_fd;
	return send_packet(socket, &p);
}

/* 0: the other one answers now. */
static int give_group(const struct guardian *g, int socket)
{
	struct packet answer;
	int r = send_group(g, socket);

	if (r == 0)
		r = receive_packet(socket, ANSWER_MSEC, &answer);
	if (r < 0)
		return r;
	close_fds(&answer);
	return answer.message.kind == DONE ? 0 : -EPROTO;
}

void guard_handover_answer_unanswered(const struct guardian *g, int group)
{
	enum ft_verdict verdict = ft_policy_config(g->rules->set.policy)->on_timeout;

	for (int fd = 0; fd < NUMBERS; fd++)
		(void)ft_group_respond(group, fd,
				       verdict == FT_VERDICT_DENY ? FT_RESPONSE_DENY
								  : FT_RESPONSE_ALLOW,
				       0);
}

/* Who has the group and does not say that it answers holds up everybody; two that read
 * would take each other's answers. */
static void make_sure_it_is_gone(int socket, int pidfd)
{
	struct packet rest;
	int r;

	(void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	do {
		r = receive_packet(socket, ANSWER_MSEC, &rest);
		if (r == 0)
			close_fds(&rest);
	} while (r == 0 || r == -ETIMEDOUT);
}

static void hand_over(struct guardian *g, int socket, int pidfd)
{
	int r = pause_decider(g);

	if (r == 0) {
		/* Changes are not followed until it is over. */
		ft_group_flush(g->decider.group, FT_MARK_INODE);
		r = give_group(g, socket);
		g->handed_over = g->stopping = r == 0;
		if (r == 0)
			return;
		make_sure_it_is_gone(socket, pidfd);
		guard_handover_answer_unanswered(g, g->decider.group);
	}
	cli_error("the guard that wanted to take over did not: %s: this one goes on",
		  strerror(-r));
	ft_decider_order(&g->decider, FT_ORDER_GO);
}

void guard_handover_accept(struct guardian *g)
{
	_cleanup_close_ int socket =
		accept4(g->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	_cleanup_close_ int pidfd = -1;
	struct packet hello;
	pid_t pid;

	if (socket < 0 || !is_permitted(socket, &pid) ||
	    receive_packet(socket, ANSWER_MSEC, &hello) < 0)
		return;
	close_fds(&hello);
	if (hello.message.kind != HELLO)
		return;
	if (hello.message.is_pre_content && !g->is_pre_content) {
		(void)send_kind(socket, REFUSED,
				"pre_access and errno need a new start, as the guard "
				"that runs has neither");
		return;
	}
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return;
	atomic_store(&g->successor_pid, pid);
	hand_over(g, socket, pidfd);
	atomic_store(&g->successor_pid, 0);
	/* When this is closed the other one takes the place. */
	if (g->handed_over)
		g->successor_fd = ft_take_fd(socket);
}

void guard_handover_close(struct guardian *g)
{
	if (g->listen_fd >= 0) {
		close(g->listen_fd);
		if (!g->handed_over)
			unlink(g->socket_path);
	}
	g->listen_fd = -1;
	/* The lock first, as the other one waits for this. */
	guard_state_close(g, !g->handed_over);
	if (g->successor_fd >= 0)
		close(g->successor_fd);
	if (g->predecessor_fd >= 0)
		close(g->predecessor_fd);
	g->successor_fd = g->predecessor_fd = -1;
}

/* ---- the one that takes over ---- */

static int connect_to(const struct guardian *g, int *ret)
{
	_cleanup_close_ int fd = -1;
	struct sockaddr_un address;

	fd = open_socket(g, &address);
	if (fd < 0)
		return fd;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	*ret = ft_take_fd(fd);
	return 0;
}

static int ask(struct guardian *g, int socket, struct packet *ret)
{
	struct packet hello = {
		.message = {.version = VERSION,
			    .kind = HELLO,
			    .is_pre_content = guard_rules_need_pre_content(g->rules)}};
	int r = send_packet(socket, &hello);

	if (r == 0)
		r = receive_packet(socket, BUSY_MSEC, ret);
	if (r < 0)
		return r;
	if (ret->message.kind == GO && ret->count > 0)
		return 0;
	ret->message.text[sizeof(ret->message.text) - 1] = '\0';
	cli_error("--take-over: %s", ret->message.text);
	close_fds(ret);
	return -ECANCELED;
}

/* Keeps the connection, and the descriptors of what the other one had marked. */
static void take(struct guardian *g, struct packet *go, int socket)
{
	g->is_pre_content = go->message.is_pre_content;
	g->has_audit = go->message.has_audit;
	g->old_events = go->message.events;
	g->old_count = go->count - 1;
	memcpy(g->old_fds, go->fds + 1, g->old_count * sizeof(int));
	g->predecessor_fd = socket;
}

int guard_handover_take(struct guardian *g)
{
	_cleanup_close_ int socket = -1;
	struct packet go;
	int r = connect_to(g, &socket);

	if (r < 0) {
		cli_error("--take-over: no guard runs here: %s: %s", g->socket_path,
			  strerror(-r));
		return r;
	}
	r = ask(g, socket, &go);
	if (r == -ECANCELED)
		return r;
	if (r < 0) {
		cli_error("--take-over: %s",
			  r == -EPIPE ? "the guard that ran has ended" : strerror(-r));
		return r;
	}
	take(g, &go, ft_take_fd(socket));
	return go.fds[0];
}

static bool is_guarded_still(const struct guardian *g, int fd)
{
	struct stat st, own;

	if (fstat(fd, &st) < 0)
		return true;
	for (size_t i = 0; i < g->rules->set.guards.count; i++) {
		int mount_fd = g->rules->set.guards.list[i].mount_fd;

		if (mount_fd >= 0 && fstat(mount_fd, &own) == 0 &&
		    own.st_dev == st.st_dev)
			return true;
	}
	return false;
}

/* What only the one before guarded, and what the kernel was told by its rules. */
static int drop_old_marks(struct guardian *g)
{
	for (size_t i = 0; i < g->old_count; i++) {
		uint64_t keep =
			is_guarded_still(g, g->old_fds[i]) ? g->rules->set.events : 0;
		uint64_t gone = g->old_events & ~keep;

		if (gone)
			(void)ft_group_mark(g->decider.group,
					    FT_MARK_REMOVE | FT_MARK_FILESYSTEM, gone,
					    g->old_fds[i], ".");
		close(g->old_fds[i]);
	}
	g->old_count = 0;
	ft_group_flush(g->decider.group, FT_MARK_INODE);
	/* The subvolumes of one filesystem have devices of their own: what was dropped
	 * may be what another one of them needs. */
	return guard_rules_mark(g, g->rules);
}

int guard_handover_finish(struct guardian *g)
{
	struct packet end;
	int r;

	if (g->old_count > 0) {
		r = drop_old_marks(g);
		if (r < 0)
			return r;
	}
	if (g->predecessor_fd < 0)
		return 0;
	r = send_kind(g->predecessor_fd, DONE, NULL);
	/* It goes: its place is free when this ends. */
	if (r == 0 && receive_packet(g->predecessor_fd, ANSWER_MSEC, &end) == 0)
		close_fds(&end);
	close(g->predecessor_fd);
	g->predecessor_fd = -1;
	return 0;
}
