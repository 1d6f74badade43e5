/* SPDX-License-Identifier: MIT */
/* Fork, wait, execute; and what becomes of it. */
#include "cli/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "cli/message.h"
#include "cli/typing.h"

/* That an exec may take, at a disk that sleeps, before records are read all the same. */
enum { EXEC_MSEC = 1000 };

enum stage {
	STAGE_READY,
	STAGE_USER,
	STAGE_EXEC,
};

/* What the child says: that it waits, or what it failed at. */
struct report {
	enum stage stage;
	int error;
};

static int find_groups(struct cli_user *u)
{
	int room = 0;

	/* Says how many there are. */
	(void)getgrouplist(u->name, u->gid, NULL, &room);
	u->groups = calloc((size_t)room, sizeof(*u->groups));
	if (!u->groups)
		return -ENOMEM;
	u->groups_count = getgrouplist(u->name, u->gid, u->groups, &room);
	return u->groups_count < 0 ? -EAGAIN : 0;
}

int cli_user_find(struct cli_user *u, const char *name)
{
	const struct passwd *entry = getpwnam(name);

	if (!entry) {
		cli_error("--user %s: no such user", name);
		return -ENOENT;
	}
	*u = (struct cli_user){.name = strdup(entry->pw_name),
			       .home = strdup(entry->pw_dir),
			       .shell = strdup(entry->pw_shell),
			       .uid = entry->pw_uid,
			       .gid = entry->pw_gid};
	if (!u->name || !u->home || !u->shell)
		return -ENOMEM;
	return find_groups(u);
}

void cli_user_fini(struct cli_user *u)
{
	free(u->name);
	free(u->home);
	free(u->shell);
	free(u->groups);
	*u = (struct cli_user){0};
}

/* ---- in the child ---- */

/* Nothing is opened here: what the child opens is the command. */
static int become(const struct cli_user *u)
{
	int r;

	if (!u->name)
		return 0;
	r = cli_typing_forbid();
	if (r < 0)
		return r;
	if (setgroups((size_t)u->groups_count, u->groups) < 0 || setgid(u->gid) < 0 ||
	    setuid(u->uid) < 0 || setenv("HOME", u->home, 1) < 0 ||
	    setenv("USER", u->name, 1) < 0 || setenv("LOGNAME", u->name, 1) < 0 ||
	    setenv("SHELL", u->shell, 1) < 0)
		return -errno;
	return 0;
}

static bool say(int report, enum stage stage, int error)
{
	const struct report said = {stage, error};

	return write(report, &said, sizeof(said)) == sizeof(said);
}

static _Noreturn void become_command(char **argv, const struct cli_user *user, int wait,
				     int report)
{
	ssize_t n;
	char go;
	int r = become(user);

	if (!say(report, r < 0 ? STAGE_USER : STAGE_READY, -r) || r < 0)
		_exit(CLI_SPAWN_FAILED);
	do {
		n = read(wait, &go, 1);
	} while (n < 0 && errno == EINTR);
	if (n != 1)
		_exit(CLI_SPAWN_FAILED);
	execvp(argv[0], argv);
	r = errno;
	if (!say(report, STAGE_EXEC, r))
		_exit(CLI_SPAWN_FAILED);
	_exit(r == ENOENT ? CLI_SPAWN_ABSENT : CLI_SPAWN_REFUSED);
}

/* ---- in the parent ---- */

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int fork_command(struct cli_spawn *s, char **argv, const struct cli_user *user)
{
	int wait[2], report[2];

	if (pipe2(wait, O_CLOEXEC) < 0)
		return -errno;
	s->release = wait[1];
	if (pipe2(report, O_CLOEXEC) < 0) {
		close(wait[0]);
		return -errno;
	}
	s->report = report[0];
	s->pid = fork();
	if (s->pid == 0) {
		/* Or it would never see the end of it. */
		close(s->release);
		become_command(argv, user, wait[0], report[1]);
	}
	close(wait[0]);
	close(report[1]);
	return s->pid < 0 ? -errno : 0;
}

/* For what the child does until it waits. */
static int wait_until_ready(struct cli_spawn *s, const char *name)
{
	struct report said = {STAGE_READY, ECHILD};
	ssize_t n;

	do {
		n = read(s->report, &said, sizeof(said));
	} while (n < 0 && errno == EINTR);
	if (n == sizeof(said) && said.stage == STAGE_READY)
		return 0;
	cli_error("%s: cannot change to the user: %s", name, strerror(said.error));
	return -said.error;
}

static bool has_children(void)
{
	siginfo_t info = {0};

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

int cli_spawn_start(struct cli_spawn *s, char **argv, const struct cli_user *user)
{
	bool has_others = has_children();
	int r;

	*s = (struct cli_spawn){.release = -1, .report = -1};
	r = prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 ? -errno : 0;
	if (r == 0)
		r = fork_command(s, argv, user);
	/* Ignored, as it may have been when we were started, it would reap. */
	signal(SIGCHLD, SIG_DFL);
	if (r == 0 && has_others)
		r = cli_children_read(&s->others);
	cli_children_remove(&s->others, s->pid);
	if (r < 0) {
		cli_error("%s: cannot start a process: %s", argv[0], strerror(-r));
		return r;
	}
	return wait_until_ready(s, argv[0]);
}

void cli_spawn_release(struct cli_spawn *s)
{
	struct pollfd report = {.fd = s->report, .events = POLLIN};
	/* A child that has ended by now has said why. */
	ssize_t n = write(s->release, "", 1);

	(void)n;
	close_fd(&s->release);
	/* It is closed when the command begins. Who reads the first records before that
	 * would not know whose they are. */
	(void)poll(&report, 1, EXEC_MSEC);
}

void cli_spawn_abort(struct cli_spawn *s)
{
	close_fd(&s->release);
	if (s->pid > 0)
		cli_spawn_reap(s);
}

static void note_end(struct cli_spawn *s, const siginfo_t *info)
{
	s->ended = true;
	s->signal = info->si_code == CLD_EXITED ? 0 : info->si_status;
	s->status = s->signal != 0 ? 128 + s->signal : info->si_status;
}

static bool is_end(const siginfo_t *info)
{
	return info->si_code == CLD_EXITED || info->si_code == CLD_KILLED ||
	       info->si_code == CLD_DUMPED;
}

/* SIGSTOP is sent by someone who wants this process stopped, and not the job. */
static bool is_stop_by_terminal(const siginfo_t *info)
{
	return info->si_code == CLD_STOPPED &&
	       (info->si_status == SIGTSTP || info->si_status == SIGTTIN ||
		info->si_status == SIGTTOU);
}

void cli_spawn_collect(struct cli_spawn *s)
{
	for (;;) {
		siginfo_t info = {0};

		if (waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WNOHANG | WNOWAIT) < 0 ||
		    info.si_pid == 0)
			return;
		/* Left as it is, it keeps its pid while its records are queued; as the
		   eldest child it is always found first. */
		if (info.si_pid == s->pid && !s->reaped && is_end(&info)) {
			note_end(s, &info);
			return;
		}
		if (info.si_pid == s->pid && is_stop_by_terminal(&info))
			s->stopped = true;
		if (is_end(&info))
			cli_children_remove(&s->others, info.si_pid);
		waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WSTOPPED | WNOHANG);
	}
}

/*
 * Who continues the whole job has continued the command, which may have been stopped anew
 * since: a SIGCONT more would take that stop back.
 */
void cli_spawn_continue(struct cli_spawn *s)
{
	siginfo_t info = {0};

	s->stopped = false;
	if (s->reaped || waitid(P_PID, (id_t)s->pid, &info,
				WEXITED | WSTOPPED | WCONTINUED | WNOHANG | WNOWAIT) < 0)
		return;
	if (info.si_pid == 0)
		kill(s->pid, SIGCONT);
}

void cli_spawn_reap(struct cli_spawn *s)
{
	siginfo_t info = {0};
	int r;

	if (s->reaped)
		return;
	do {
		r = waitid(P_PID, (id_t)s->pid, &info, WEXITED);
	} while (r < 0 && errno == EINTR);
	if (!s->ended && r == 0)
		note_end(s, &info);
	s->reaped = true;
}

static bool has_own_children(const struct cli_spawn *s)
{
	_cleanup_(cli_children_fini) struct cli_children now = {0};

	if (cli_children_read(&now) < 0)
		return true;
	for (size_t i = 0; i < now.count; i++) {
		if (!cli_children_has(&s->others, now.list[i]))
			return true;
	}
	return false;
}

bool cli_spawn_has_descendants(struct cli_spawn *s)
{
	cli_spawn_collect(s);
	return has_children() && (s->others.count == 0 || has_own_children(s));
}

bool cli_spawn_has_failed(struct cli_spawn *s, const char *name)
{
	struct report said;

	/* The command has no end of it, nor has anyone else: this does not wait. */
	if (read(s->report, &said, sizeof(said)) != sizeof(said))
		return false;
	cli_error("%s: cannot be run: %s", name, strerror(said.error));
	return true;
}

void cli_spawn_fini(struct cli_spawn *s)
{
	cli_children_fini(&s->others);
	close_fd(&s->release);
	close_fd(&s->report);
}
