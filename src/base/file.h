/* SPDX-License-Identifier: MIT */
/* Small files read whole, descriptors written whole. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/bytes.h"

/* Appends all that can be read (of /proc too: until 0) to out, at most max bytes; 0,
 * -EFBIG when there is more (out has the first max bytes), or -errno. dirfd as in
 * openat(2). */
int ft_file_read_fd(int fd, size_t max, struct ft_bytes *out);
int ft_file_read(int dirfd, const char *path, size_t max, struct ft_bytes *out);
/* readlinkat(2) of any length into out (cleared first), NUL-ended beyond len; 0 or
 * -errno. */
int ft_file_readlink(int dirfd, const char *path, struct ft_bytes *out);
/* Writes all of it, also after short writes and EINTR; 0 or -errno. */
int ft_file_write(int fd, const void *data, size_t n);
/* A directory, to be listed; close-on-exec. Its descriptor or -errno. dirfd as in
 * openat(2). */
int ft_file_open_dir(int dirfd, const char *path);
/* An O_PATH descriptor of a path as it is below root (absolute ones, too), or -errno. No
 * symbolic link is followed: -ELOOP. */
int ft_file_open_below(int root, const char *path);
/* By what the kernel has in memory alone: never waits for a filesystem. flags of open(2)
 * (O_CLOEXEC is added), resolve: RESOLVE_ flags of openat2(2). A descriptor, -EAGAIN
 * where the filesystem would be asked, -EINVAL before 5.12, or -errno. */
int ft_file_open_cached(int dirfd, const char *path, int flags, uint64_t resolve);
/* An O_PATH descriptor of a path of any length below root, not absolute ("": root), or
 * -errno. No symbolic link is followed (-ELOOP, or itself if it is the last), no other
 * mount is entered (-EXDEV), so that it waits for no filesystem but root's. */
int ft_file_open_within(int root, const char *path);
/* An O_PATH descriptor, or -errno. dirfd as in openat(2). */
int ft_file_open_path(int dirfd, const char *path);
