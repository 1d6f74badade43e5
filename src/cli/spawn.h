/* SPDX-License-Identifier: MIT */
/* The command that `run` runs: begun, held back until it is watched, and waited for. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "cli/children.h"

/* As env(1) has them. */
enum { CLI_SPAWN_FAILED = 125, CLI_SPAWN_REFUSED = 126, CLI_SPAWN_ABSENT = 127 };

/* Whom it runs as. */
struct cli_user {
	char *name; /* NULL: as ourselves */
	char *home;
	char *shell;
	uid_t uid;
	gid_t gid;
	gid_t *groups;
	int groups_count;
};

struct cli_spawn {
	pid_t pid;
	int release; /* written to, it goes on to execute; closed, it ends */
	int report;  /* says what kept it from executing */
	bool ended;  /* with status; its pid is its own until it is reaped */
	bool reaped;
	bool stopped; /* by the terminal, and this was not dealt with yet */
	int status;   /* as a shell tells it */
	int signal;   /* that ended it; 0: none did */
	/* That there were before it, and are not its: those of a shell that executed
	 * fantail in its own place. */
	struct cli_children others;
};

/* 0 or -errno after a message. */
int cli_user_find(struct cli_user *u, const char *name);
void cli_user_fini(struct cli_user *u);

/*
 * Forks. The child has the signals and limits that this process has now, is the user
 * that it is to be, and waits. From now on this process adopts its descendants when their
 * parents end. 0 or -errno after a message.
 */
int cli_spawn_start(struct cli_spawn *s, char **argv, const struct cli_user *user);
/* And waits for a moment, until it has executed. */
void cli_spawn_release(struct cli_spawn *s);
/* Never released: it ends. */
void cli_spawn_abort(struct cli_spawn *s);
/* SIGCHLD: notes whether it ended or stopped; descendants that ended are reaped. */
void cli_spawn_collect(struct cli_spawn *s);
/* When we go on after a stop: the command does, too, where nobody has told it. */
void cli_spawn_continue(struct cli_spawn *s);
/* Its pid may be given to others from now on. */
void cli_spawn_reap(struct cli_spawn *s);
/* When it was reaped: does any descendant live? */
bool cli_spawn_has_descendants(struct cli_spawn *s);
/* When it ended: could it not be executed at all? Then a message says why, and the status
 * does. */
bool cli_spawn_has_failed(struct cli_spawn *s, const char *name);
void cli_spawn_fini(struct cli_spawn *s);
