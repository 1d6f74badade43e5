/* SPDX-License-Identifier: MIT */
/* A clamd for tests: a process that speaks the protocol of clamd(8) and finds what has
 * "BAD" in it. Sessions one after the other. */
#pragma once

#include <assert.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum fake_clamd_manner {
	FAKE_CLAMD_GOOD,
	FAKE_CLAMD_OLD,	   /* takes no descriptors */
	FAKE_CLAMD_HANGS,  /* answers a ping, and nothing more */
	FAKE_CLAMD_SHORT,  /* hangs up after each answer */
	FAKE_CLAMD_ERROR,  /* "ERROR" to every file */
	FAKE_CLAMD_BABBLE, /* an answer without end */
};

struct fake_clamd {
	pid_t pid;
	char path[64];
};

/* A byte at a time: the descriptor comes with the one after the command. */
static inline bool fake_clamd_get(int s, char *ret, int *ret_fd)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = {ret, 1};
	struct msghdr m = {.msg_iov = &part,
			   .msg_iovlen = 1,
			   .msg_control = control.space,
			   .msg_controllen = sizeof(control.space)};

	if (recvmsg(s, &m, 0) != 1)
		return false;
	if (ret_fd && CMSG_FIRSTHDR(&m))
		memcpy(ret_fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
	return true;
}

static inline bool fake_clamd_get_command(int s, char *buf, size_t size)
{
	for (size_t n = 0; n < size && fake_clamd_get(s, buf + n, NULL); n++) {
		if (!buf[n])
			return true;
	}
	return false;
}

static inline void fake_clamd_say(int s, unsigned int id, const char *what)
{
	char line[128];
	int n = snprintf(line, sizeof(line), "%u: %s", id, what);

	(void)!write(s, line, (size_t)n + 1);
}

static inline const char *fake_clamd_judge(const char *content, size_t n)
{
	return memmem(content, n, "BAD", 3) ? "fd[7]: Test.Bad-1 FOUND" : "fd[7]: OK";
}

static inline const char *fake_clamd_judge_fd(int fd)
{
	static char content[1 << 20];
	ssize_t n = pread(fd, content, sizeof(content), 0);

	close(fd);
	return n < 0 ? "fd[7]: cannot read ERROR" : fake_clamd_judge(content, (size_t)n);
}

static inline const char *fake_clamd_judge_stream(int s)
{
	static char content[1 << 20];
	size_t len = 0;

	for (;;) {
		unsigned char size[4];
		if (recv(s, size, 4, MSG_WAITALL) != 4)
			return "stream: cut ERROR";
		size_t n = (size_t)size[0] << 24 | (size_t)size[1] << 16 |
			   (size_t)size[2] << 8 | size[3];
		if (n == 0)
			return fake_clamd_judge(content, len);
		if (len + n > sizeof(content) ||
		    recv(s, content + len, n, MSG_WAITALL) != (ssize_t)n)
			return "INSTREAM size limit exceeded. ERROR";
		len += n;
	}
}

static inline const char *fake_clamd_answer(int s, enum fake_clamd_manner manner,
					    const char *command)
{
	int fd = -1;
	char c;

	if (strcmp(command, "zPING") == 0)
		return "PONG";
	if (manner == FAKE_CLAMD_HANGS)
		pause();
	if (strcmp(command, "zINSTREAM") == 0)
		return fake_clamd_judge_stream(s);
	if (manner == FAKE_CLAMD_OLD || strcmp(command, "zFILDES") != 0)
		return "UNKNOWN COMMAND";
	if (!fake_clamd_get(s, &c, &fd) || fd < 0)
		return "No file descriptor received. ERROR";
	return manner == FAKE_CLAMD_ERROR ? "fd[7]: broken ERROR"
					  : fake_clamd_judge_fd(fd);
}

static inline void fake_clamd_babble(int s)
{
	for (char c = 'x'; write(s, &c, 1) == 1;)
		;
}

static inline void fake_clamd_talk(int s, enum fake_clamd_manner manner)
{
	char command[64];
	unsigned int id = 0;

	if (!fake_clamd_get_command(s, command, sizeof(command)) ||
	    strcmp(command, "zIDSESSION") != 0)
		return;
	while (fake_clamd_get_command(s, command, sizeof(command))) {
		bool is_ping = strcmp(command, "zPING") == 0;
		if (!is_ping && manner == FAKE_CLAMD_BABBLE)
			fake_clamd_babble(s);
		fake_clamd_say(s, ++id, fake_clamd_answer(s, manner, command));
		if (is_ping)
			continue;
		if (manner == FAKE_CLAMD_SHORT || manner == FAKE_CLAMD_OLD)
			return;
	}
}

static inline void fake_clamd_serve(int listener, enum fake_clamd_manner manner)
{
	signal(SIGPIPE, SIG_IGN);
	/* A test that fails does not stop it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		int s = accept(listener, NULL, NULL);
		if (s < 0)
			_exit(1);
		/* A session may stay open while the next one begins. */
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			fake_clamd_talk(s, manner);
			_exit(0);
		}
		close(s);
	}
}

static inline void fake_clamd_start(struct fake_clamd *c, const char *path,
				    enum fake_clamd_manner manner)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(c->path, sizeof(c->path), "%s", path);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	unlink(path);
	assert(bind(s, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(s, 16) == 0);
	c->pid = fork();
	assert(c->pid >= 0);
	if (c->pid == 0) {
		setpgid(0, 0);
		signal(SIGCHLD, SIG_IGN);
		fake_clamd_serve(s, manner);
	}
	setpgid(c->pid, c->pid);
	close(s);
}

static inline void fake_clamd_stop(struct fake_clamd *c)
{
	kill(-c->pid, SIGKILL);
	waitpid(c->pid, NULL, 0);
}
