/* SPDX-License-Identifier: MIT */
/*
 * clamd(8) over its unix socket: a session (zIDSESSION) on each connection, the file as
 * an open descriptor (zFILDES), or, where clamd does not take that, its bytes
 * (zINSTREAM).
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/number.h"
#include "base/trusted.h"
#include "scan/content.h"
#include "scan/scanner.h"

enum {
	IDLE_MAX = 16, /* connections that are kept */
	REPLY_MAX = 4096,
	PING_MSEC = 1000,
};

#define BACKOFF_MIN_NSEC (100 * FT_NSEC_PER_MSEC)
#define BACKOFF_MAX_NSEC (30 * FT_NSEC_PER_SEC)

struct clamd {
	struct ft_scanner scanner;
	struct sockaddr_un address;
	_Atomic pid_t pid; /* who answered last; 0: nobody yet */
	_Atomic bool no_descriptors;

	pthread_mutex_t lock; /* of all below; never held over something that waits */
	int idle[IDLE_MAX];
	size_t idle_count;
	int pidfd; /* of pid; -1: none */
	int64_t backoff_ns;
	int64_t not_before_ns; /* boot clock: no attempt to connect before */
	int down;	       /* negative errno; 0: it answers */
	bool has_news;
};

/* One scan's way through the socket. */
struct talk {
	struct clamd *clamd;
	const struct ft_scan *scan;
	int socket;
	bool is_reused;
	bool is_held_back; /* not tried, since it was down a moment ago */
	char reply[REPLY_MAX];
};

/* ---- what is known of it ---- */

static void set_down(struct clamd *c, int error)
{
	pthread_mutex_lock(&c->lock);
	c->has_news = c->has_news != ((c->down == 0) != (error == 0));
	c->down = error;
	if (error) {
		c->backoff_ns = c->backoff_ns ? c->backoff_ns * 2 : BACKOFF_MIN_NSEC;
		if (c->backoff_ns > BACKOFF_MAX_NSEC)
			c->backoff_ns = BACKOFF_MAX_NSEC;
		c->not_before_ns = ft_boot_ns() + c->backoff_ns;
	} else {
		c->backoff_ns = 0;
		c->not_before_ns = 0;
	}
	pthread_mutex_unlock(&c->lock);
}

static const char not_permitted[] =
	"a user who is no service's answers there, or could replace it";

static bool clamd_take_news(struct ft_scanner *s, struct ft_scanned *ret)
{
	struct clamd *c = (struct clamd *)s;
	bool has_news;

	pthread_mutex_lock(&c->lock);
	has_news = c->has_news;
	c->has_news = false;
	if (has_news && c->down == -EPERM)
		ft_scanned_set(ret, FT_SCAN_ERROR, "clamd, %s: %s", c->address.sun_path,
			       not_permitted);
	else if (has_news && c->down)
		ft_scanned_set(ret, FT_SCAN_ERROR, "clamd, %s: %s", c->address.sun_path,
			       strerror(-c->down));
	else if (has_news)
		ft_scanned_set(ret, FT_SCAN_CLEAN, "clamd, %s: answers again",
			       c->address.sun_path);
	pthread_mutex_unlock(&c->lock);
	return has_news;
}

/* The number alone may be another's by now: it is the process of the descriptor as long
 * as that has not ended. */
static bool is_running(int pidfd)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};

	return pidfd >= 0 && poll(&p, 1, 0) == 0;
}

static bool clamd_is(struct ft_scanner *s, pid_t pid)
{
	struct clamd *c = (struct clamd *)s;
	bool is;

	if (pid <= 0 || atomic_load_explicit(&c->pid, memory_order_relaxed) != pid)
		return false;
	pthread_mutex_lock(&c->lock);
	is = c->pid == pid && is_running(c->pidfd);
	pthread_mutex_unlock(&c->lock);
	return is;
}

/* By who sent the answer: the socket may have been made by somebody else (systemd). */
static void learn_pid(struct clamd *c, pid_t pid)
{
	if (clamd_is(&c->scanner, pid))
		return;
	int fd = pidfd_open(pid, 0);
	pthread_mutex_lock(&c->lock);
	if (c->pidfd >= 0)
		close(c->pidfd);
	c->pidfd = fd;
	c->pid = fd >= 0 ? pid : 0;
	pthread_mutex_unlock(&c->lock);
}

/* ---- connections ---- */

static int take_idle(struct clamd *c)
{
	int fd = -1;

	pthread_mutex_lock(&c->lock);
	if (c->idle_count > 0)
		fd = c->idle[--c->idle_count];
	pthread_mutex_unlock(&c->lock);
	return fd;
}

static void put_idle(struct clamd *c, int fd)
{
	pthread_mutex_lock(&c->lock);
	if (c->idle_count < IDLE_MAX) {
		c->idle[c->idle_count++] = fd;
		fd = -1;
	}
	pthread_mutex_unlock(&c->lock);
	if (fd >= 0)
		close(fd);
}

/* 0: now; else why not. */
static int may_connect(struct clamd *c)
{
	int r = 0;

	pthread_mutex_lock(&c->lock);
	if (c->down && ft_boot_ns() < c->not_before_ns)
		r = c->down;
	pthread_mutex_unlock(&c->lock);
	return r;
}

/* What it is sent are descriptors of files that not everybody may open, and what asks
 * back is let through: no person may take its place. */
static int connect_new(struct clamd *c)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes why = {0};
	const int on = 1;
	_cleanup_close_ int fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r = ft_trusted_check_socket(c->address.sun_path, &why);

	if (r < 0)
		return r;
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		return -errno;
	/* A full backlog is EAGAIN: it is busy, which is as good as down. */
	if (connect(fd, (const struct sockaddr *)&c->address, sizeof(c->address)) < 0)
		return -errno;
	r = ft_trusted_check_peer(fd);
	return r < 0 ? r : ft_take_fd(fd);
}

static int wait_for(const struct talk *t, short events)
{
	struct pollfd fds[] = {{.fd = t->socket, .events = events},
			       {.fd = t->scan->stop, .events = POLLIN}};
	int r = poll(fds, FT_ARRAY_SIZE(fds), ft_scan_msec_left(t->scan));

	if (r < 0 && errno != EINTR)
		return -errno;
	return r > 0 && !fds[1].revents ? 0 : ft_scan_check(t->scan);
}

/* All of it, with the descriptor `passed` (-1: none) at its first byte. */
static int send_all(const struct talk *t, const void *data, size_t n, int passed)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	size_t done = 0;

	control.head = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)),
					.cmsg_level = SOL_SOCKET,
					.cmsg_type = SCM_RIGHTS};
	memcpy(CMSG_DATA(&control.head), &passed, sizeof(passed));
	while (done < n) {
		struct iovec part = {(char *)data + done, n - done};
		struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
		if (passed >= 0 && done == 0) {
			m.msg_control = control.space;
			m.msg_controllen = sizeof(control.space);
		}
		ssize_t sent = sendmsg(t->socket, &m, MSG_NOSIGNAL);
		int r = 0;
		if (sent >= 0)
			done += (size_t)sent;
		else if (errno == EAGAIN)
			r = wait_for(t, POLLOUT);
		else if (errno != EINTR)
			r = -errno;
		if (r < 0)
			return r;
	}
	return 0;
}

static void take_sender(struct clamd *c, struct msghdr *m)
{
	struct cmsghdr *h = CMSG_FIRSTHDR(m);
	struct ucred sender;

	if (!h || h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_CREDENTIALS)
		return;
	memcpy(&sender, CMSG_DATA(h), sizeof(sender));
	if (sender.pid > 0 && ft_trusted_is_service(sender.uid))
		learn_pid(c, sender.pid);
}

/* Up to the NUL that ends a reply. 0, -EBADMSG: too long, or more than one; -ECONNRESET:
 * it hung up. */
static int receive(struct talk *t)
{
	size_t len = 0;

	for (;;) {
		char control[CMSG_SPACE(sizeof(struct ucred))];
		struct iovec part = {t->reply + len, sizeof(t->reply) - len};
		struct msghdr m = {.msg_iov = &part,
				   .msg_iovlen = 1,
				   .msg_control = control,
				   .msg_controllen = sizeof(control)};
		ssize_t n = recvmsg(t->socket, &m, MSG_CMSG_CLOEXEC);
		int r = 0;
		if (n == 0)
			return -ECONNRESET;
		if (n < 0 && errno == EAGAIN)
			r = wait_for(t, POLLIN);
		else if (n < 0 && errno != EINTR)
			r = -errno;
		if (r < 0)
			return r;
		if (n < 0)
			continue;
		take_sender(t->clamd, &m);
		len += (size_t)n;
		const char *end = memchr(t->reply, '\0', len);
		if (end)
			return end == t->reply + len - 1 ? 0 : -EBADMSG;
		if (len == sizeof(t->reply))
			return -EBADMSG;
	}
}

/* ---- a scan ---- */

#define SAY(t, command) send_all((t), (command), sizeof(command), -1)

static int open_talk(struct talk *t, bool may_reuse)
{
	int r;

	t->socket = may_reuse ? take_idle(t->clamd) : -1;
	t->is_reused = t->socket >= 0;
	if (t->is_reused)
		return 0;
	r = may_connect(t->clamd);
	t->is_held_back = r < 0;
	if (r < 0)
		return r;
	t->socket = connect_new(t->clamd);
	return t->socket < 0 ? t->socket : SAY(t, "zIDSESSION");
}

static void close_talk(struct talk *t)
{
	if (t->socket >= 0)
		close(t->socket);
	t->socket = -1;
}

static int put_chunk(void *data, const void *piece, size_t n)
{
	const struct talk *t = data;
	unsigned char size[] = {(unsigned char)(n >> 24), (unsigned char)(n >> 16),
				(unsigned char)(n >> 8), (unsigned char)n};
	int r = send_all(t, size, sizeof(size), -1);

	return r < 0 ? r : send_all(t, piece, n, -1);
}

static int send_bytes(struct talk *t)
{
	int r = SAY(t, "zINSTREAM");

	if (r == 0)
		r = ft_content_read(t->scan, put_chunk, t);
	return r < 0 ? r : put_chunk(t, NULL, 0);
}

static int send_descriptor(const struct talk *t)
{
	int r = SAY(t, "zFILDES");

	return r < 0 ? r : send_all(t, "", 1, t->scan->fd);
}

/* Where it hung up on a connection that had been idle, a new one is tried. */
static int ask(struct talk *t)
{
	bool may_reuse = true;

	for (;;) {
		int r = open_talk(t, may_reuse);
		if (r == 0)
			r = t->clamd->no_descriptors ? send_bytes(t) : send_descriptor(t);
		if (r == 0 || r == -EPIPE)
			r = receive(t);
		if (r >= 0)
			return 0;
		close_talk(t);
		if (!t->is_reused || (r != -ECONNRESET && r != -EPIPE))
			return r;
		may_reuse = false;
	}
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

/* "1: fd[10]: Eicar-Signature FOUND": between the last ": " and the last word. */
static void tell_found(const char *reply, struct ft_scanned *ret)
{
	const char *name = reply, *next;

	while ((next = strstr(name, ": ")))
		name = next + 2;
	ft_scanned_set(ret, FT_SCAN_INFECTED, "%.*s",
		       (int)(strlen(name) - strlen(" FOUND")), name);
}

static bool decode_reply(const char *reply, struct ft_scanned *ret)
{
	if (ends_with(reply, ": OK")) {
		ft_scanned_set(ret, FT_SCAN_CLEAN, "clean");
		return true;
	}
	if (ends_with(reply, " FOUND")) {
		tell_found(reply, ret);
		return true;
	}
	ft_scanned_set(ret, FT_SCAN_ERROR, "clamd: %s", reply);
	return false;
}

static void clamd_scan(struct ft_scanner *s, const struct ft_scan *scan,
		       struct ft_scanned *ret)
{
	struct talk t = {.clamd = (struct clamd *)s, .scan = scan, .socket = -1};
	int r = ask(&t);

	if (r == 0 && strstr(t.reply, "UNKNOWN COMMAND") && !t.clamd->no_descriptors) {
		close_talk(&t);
		t.clamd->no_descriptors = true;
		r = ask(&t);
	}
	/* That it is slow with this file does not mean that it is down. */
	if (r != -ETIMEDOUT && r != -ECANCELED && !t.is_held_back)
		set_down(t.clamd, r);
	if (r < 0) {
		ft_scanned_set(ret, FT_SCAN_ERROR, "clamd: %s", strerror(-r));
		return;
	}
	/* After an error it may hang up, or not. */
	if (decode_reply(t.reply, ret))
		put_idle(t.clamd, ft_take_fd(t.socket));
	close_talk(&t);
}

/* ---- begin and end ---- */

/* Who it is must be known before it is first asked: opening its own files must not wait
 * for its own answer. */
static int ping(struct clamd *c)
{
	struct ft_scan scan = {.fd = -1,
			       .deadline_ns = ft_boot_ns() + PING_MSEC * FT_NSEC_PER_MSEC,
			       .stop = -1};
	struct talk t = {.clamd = c, .scan = &scan, .socket = -1};
	int r = open_talk(&t, false);

	if (r == 0)
		r = SAY(&t, "zPING");
	if (r == 0)
		r = receive(&t);
	set_down(c, r);
	if (r == 0)
		put_idle(c, ft_take_fd(t.socket));
	close_talk(&t);
	return r;
}

static int refuse_person(struct clamd *c, char **ret_error)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes why = {0};

	if (ft_trusted_check_socket(c->address.sun_path, &why) == -EPERM)
		return ft_scan_fail(ret_error, -EPERM, "%s", ft_bytes_cstr(&why));
	return ft_scan_fail(ret_error, -EPERM, "%s: %s", c->address.sun_path,
			    not_permitted);
}

static void clamd_close(struct ft_scanner *s)
{
	struct clamd *c = (struct clamd *)s;

	for (size_t i = 0; i < c->idle_count; i++)
		close(c->idle[i]);
	if (c->pidfd >= 0)
		close(c->pidfd);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static int clamd_open(struct ft_scanner **ret, const struct ft_scanner_spec *spec,
		      char **ret_error)
{
	size_t n = strlen(spec->file);
	struct clamd *c;

	if (n >= sizeof(c->address.sun_path))
		return ft_scan_fail(ret_error, -ENAMETOOLONG,
				    "%s: too long for the address of a unix socket",
				    spec->file);
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->address.sun_family = AF_UNIX;
	memcpy(c->address.sun_path, spec->file, n);
	c->pidfd = -1;
	pthread_mutex_init(&c->lock, NULL);
	if (ping(c) == -EPERM) {
		int r = refuse_person(c, ret_error);

		clamd_close(&c->scanner);
		return r;
	}
	*ret = &c->scanner;
	return 0;
}

const struct ft_scanner_ops ft_scanner_clamd = {
	.open = clamd_open,
	.close = clamd_close,
	.scan = clamd_scan,
	.is = clamd_is,
	.take_news = clamd_take_news,
};
