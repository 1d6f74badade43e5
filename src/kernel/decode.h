/* SPDX-License-Identifier: MIT */
/* Bytes read from a fanotify group become a record. Pure: no system call, no allocation.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/bytes.h"

/*
 * The key of a filesystem object is the span fsid (8 bytes), handle_bytes (4),
 * handle_type (4), f_handle: as it lies in the record, so that it is compared, hashed and
 * kept without being taken apart. len 0: not told. An error of the filesystem as a whole
 * has a key of FT_KEY_HEADER bytes: its filesystem, and no object.
 */
#define FT_KEY_FSID   8
#define FT_KEY_HEADER 16
#define FT_KEY_MAX    (FT_KEY_HEADER + 128) /* MAX_HANDLE_SZ */

struct ft_place {
	struct ft_span dir;  /* key of the directory */
	struct ft_span name; /* empty: not told; "." is the directory itself */
};

/* Borrows the buffer. */
struct ft_record {
	uint64_t mask;
	int fd; /* of an FD group; FT_NOFD, or -errno with FD_ERROR */
	pid_t pid;
	struct ft_span object;	   /* key of what the event is about */
	struct ft_place place;	   /* rename: the new one */
	struct ft_place old_place; /* rename only */
	int pidfd;		   /* FT_NOFD: none */
	bool has_error;
	int32_t error; /* FS_ERROR: positive errno */
	uint32_t error_count;
	uint64_t mnt_id; /* 0: not told */
};

/* Size of the record at data (n bytes are there), or -EBADMSG when it is malformed or
 * cut. Only the metadata is looked at. */
ssize_t ft_decode_size(const void *data, size_t n);
/* Decodes the record at data; 0, or -EBADMSG. Info records that are not known are skipped
 * by their length. */
int ft_decode(const void *data, size_t n, struct ft_record *ret);
/* The inode number in a key, where this filesystem's handles are known to hold it
 * ("ext4"...); false if not. */
bool ft_decode_inode(struct ft_span key, const char *fs, uint64_t *ret);
