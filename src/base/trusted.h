/* SPDX-License-Identifier: MIT */
/* A file that nobody but root and the user who runs this can change or replace, and a
 * socket that no other person can. */
#pragma once

#include <sys/types.h>

#include "base/bytes.h"

/*
 * Opens it for reading. It, every directory on the way, and those of symbolic links on
 * the way, must be root's or the user's own and writable by nobody else; a directory with
 * the sticky bit may be. *ret_why (cleared first) says what is not so, with the path that
 * is meant. 0; -EPERM: not so; -EINVAL: no regular file; -errno.
 */
int ft_trusted_open(const char *path, int *ret_fd, struct ft_bytes *why);
/*
 * Root, the user who runs this, or one of those that distributions give to services and
 * never to a person (below 1000).
 */
bool ft_trusted_is_service(uid_t uid);
/* Directories on the way to a socket may be a service's own, too. */
int ft_trusted_check_socket(const char *path, struct ft_bytes *why);
/* Who listens there: 0; -EPERM: no service; -errno. */
int ft_trusted_check_peer(int socket);
