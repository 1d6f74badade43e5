/* SPDX-License-Identifier: MIT */
/* Filesystems that somebody else answers for, and may not. */
#pragma once

#include <stdbool.h>

#include "kernel/mounts.h"

/* By its type: a process, or another machine, is asked for what it holds. */
bool ft_server_is_of(const char *type);
/* Is it one of these, or has one of them on the way to it? */
bool ft_server_is_asked(const struct ft_mounts *mounts, const struct ft_mount *m);
/*
 * Looks at such a mount in a child: who asks a server that does not answer cannot even be
 * killed. 0: it answers, or there is none;
 * -ETIMEDOUT after FT_SERVER_MSEC, or -errno. A child that cannot be killed is left
 * behind.
 */
int ft_server_try(const struct ft_mounts *mounts, const struct ft_mount *m);

enum { FT_SERVER_MSEC = 2000 };
