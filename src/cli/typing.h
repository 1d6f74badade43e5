/* SPDX-License-Identifier: MIT */
/* Who runs as another user must not type for the one who began him. */
#pragma once

/*
 * From now on neither this process nor what it executes or forks can put characters into
 * the input of a terminal (TIOCSTI, TIOCLINUX): the shell would read them when the
 * command has ended. Needs CAP_SYS_ADMIN. 0 or -errno.
 */
int cli_typing_forbid(void);
