/* SPDX-License-Identifier: MIT */
/* The fanotify system calls: groups, marks, answers. Nothing else in the project makes
 * them. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* fanotify_init; close-on-exec and non-blocking always. A descriptor or -errno. */
int ft_group_open(unsigned int flags, unsigned int event_f_flags);
/* fanotify_mark; path NULL: the object of dirfd itself (O_PATH will not do). 0 or -errno.
 */
int ft_group_mark(int group, unsigned int flags, uint64_t mask, int dirfd,
		  const char *path);
/* Removes all marks of one type (FT_MARK_INODE, _MOUNT, _FILESYSTEM). */
int ft_group_flush(int group, unsigned int type);
/* Bytes read, 0 when the queue is empty, -errno. */
ssize_t ft_group_read(int group, void *buffer, size_t n);
/*
 * Answers a permission request and leaves its descriptor open: until it is closed no
 * other request can have its number. audit_rule: told with FT_RESPONSE_AUDIT; 0: none. 0;
 * -ENOENT: nobody waits any more; -EINVAL: this kernel does not take such an answer, and
 * the request still waits.
 */
int ft_group_respond(int group, int fd, uint32_t response, uint32_t audit_rule);
/* Answers a permission request, then closes its descriptor. */
int ft_group_answer(int group, int fd, uint32_t response);
