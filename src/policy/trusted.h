/* SPDX-License-Identifier: MIT */
/* A file that nobody but root and the user who runs this can change or replace. */
#pragma once

#include "base/bytes.h"

/*
 * Opens it for reading. It, every directory on the way, and those of symbolic links on
 * the way, must be root's or the user's own and writable by nobody else; a directory with
 * the sticky bit may be. *ret_why (cleared first) says what is not so, with the path that
 * is meant. 0; -EPERM: not so; -EINVAL: no regular file; -errno.
 */
int ft_trusted_open(const char *path, int *ret_fd, struct ft_bytes *why);
