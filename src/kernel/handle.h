/* SPDX-License-Identifier: MIT */
/* Objects by handle: their keys, and descriptors (O_PATH) from keys. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "kernel/decode.h"

struct ft_key {
	size_t len;
	char data[FT_KEY_MAX];
};

static inline struct ft_span ft_key_span(const struct ft_key *k)
{
	return (struct ft_span){k->data, k->len};
}

/* The key of dirfd/path (path "": of dirfd itself) on the filesystem with this fsid. 0 or
 * -errno. */
int ft_handle_key(int dirfd, const char *path, uint64_t fsid, struct ft_key *ret);
/* As fanotify reports it. 0 or -errno. */
int ft_handle_fsid(int fd, uint64_t *ret);
/* An O_PATH descriptor of the directory or file, or -errno (-ESTALE: it is gone).
 * mount_fd: any object of the filesystem. */
int ft_handle_open(int mount_fd, struct ft_span key);
/*
 * The same through the filesystem of the working directory, which ft_handle_enter() sets:
 * what a mount_fd takes to be opened would be an event, and would wait for whoever is
 * asked. A process of one thread may do that.
 */
int ft_handle_open_here(struct ft_span key);
/* Makes a directory, O_PATH will do, the working directory; 0 or -errno. */
int ft_handle_enter(int fd);
/*
 * The root of a private mount of the directory that fd shows, or -errno. It is in no
 * namespace: the original can be unmounted while this is held. Opening it is an event, so
 * do it before the marks.
 */
int ft_handle_clone_mount(int fd);
/* The same of a btrfs with all its subvolumes (subvolid=5), or -errno. */
int ft_handle_mount_btrfs(const char *source);
/* Does the kernel give handles that cannot be opened again (6.5), where a filesystem has
 * no others? 0 or -errno. */
int ft_handle_try_fid(void);
