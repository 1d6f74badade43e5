/* SPDX-License-Identifier: MIT */
/* Readers of a pipe. */
#include "cli/readers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/number.h"
#include "cli/message.h"

/* fantail | grep | sort | tee: so many processes long. */
enum { CHAIN_MAX = 8 };

struct search {
	struct ft_session *session;
	dev_t dev;
	ino_t ino;
	bool by_stdin; /* further down the chain: what reads it on its standard input, no
			  other that merely holds it */
	pid_t found;   /* 0: none yet */
};

static void cleanup_dir(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* A link in /proc/PID/fd to a pipe tells by its mode which end it is. */
static bool reads_pipe(int dir, const char *name, const struct search *s)
{
	struct stat st, link;

	return fstatat(dir, name, &st, 0) == 0 && S_ISFIFO(st.st_mode) &&
	       st.st_dev == s->dev && st.st_ino == s->ino &&
	       fstatat(dir, name, &link, AT_SYMLINK_NOFOLLOW) == 0 &&
	       (link.st_mode & S_IRUSR);
}

static bool process_reads(pid_t pid, const struct search *s)
{
	_cleanup_(cleanup_dir) DIR *d = NULL;
	const struct dirent *entry;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	d = opendir(path);
	while (d && (entry = readdir(d)))
		if ((!s->by_stdin || strcmp(entry->d_name, "0") == 0) &&
		    reads_pipe(dirfd(d), entry->d_name, s))
			return true;
	return false;
}

static void tell(pid_t pid)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes comm = {0};
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	if (ft_file_read(AT_FDCWD, path, 64, &comm) < 0 || comm.len == 0)
		ft_bytes_put_lit(&comm, "?\n");
	cli_error("what process %d (%.*s) does is not shown: it reads this output", pid,
		  (int)comm.len - 1, comm.data);
}

static void find_readers(struct search *s)
{
	_cleanup_(cleanup_dir) DIR *d = opendir("/proc");
	const struct dirent *entry;
	uint64_t pid;

	while (d && (entry = readdir(d))) {
		if (ft_number_parse(entry->d_name, INT32_MAX, &pid) < 0 ||
		    (pid_t)pid == getpid() ||
		    ft_session_is_ignored(s->session, (pid_t)pid) ||
		    !process_reads((pid_t)pid, s))
			continue;
		if (ft_session_ignore_pid(s->session, (pid_t)pid) < 0)
			return;
		tell((pid_t)pid);
		s->found = (pid_t)pid;
	}
}

void cli_ignore_readers(struct ft_session *session, int fd)
{
	struct stat st;
	char path[32];

	if (fstat(fd, &st) < 0)
		return;
	for (int i = 0; i < CHAIN_MAX && S_ISFIFO(st.st_mode); i++) {
		struct search s = {.session = session,
				   .dev = st.st_dev,
				   .ino = st.st_ino,
				   .by_stdin = i > 0};

		find_readers(&s);
		if (s.found == 0)
			return;
		snprintf(path, sizeof(path), "/proc/%d/fd/1", s.found);
		if (stat(path, &st) < 0)
			return;
	}
}
