/* SPDX-License-Identifier: MIT */
/* Blocks of bytes on their way to a descriptor, written by a thread of their own. */
#pragma once

#include "base/bytes.h"

struct ft_writer;

/*
 * block_size: bytes at which a block is full. fd is written to; owned is whether it is
 * closed when it is replaced or the writer ends. All signals are blocked in the thread. 0
 * or -errno (fd stays the caller's).
 */
int ft_writer_open(struct ft_writer **ret, int fd, bool owned, size_t block_size);
/* Writes what waits, unless abandoned, ends the thread and frees. 0 or the first error of
 * a write. */
int ft_writer_close(struct ft_writer *w);
/* The block to fill; NULL when out of memory. */
struct ft_bytes *ft_writer_get(struct ft_writer *w);
/* Hands on the block if it is full, or `now`. Never waits for the descriptor. */
void ft_writer_put(struct ft_writer *w, bool now);
/* From here on fd is written to; the old one is closed after what waits. Takes fd. 0 or
 * -ENOMEM (fd stays the caller's). */
int ft_writer_switch(struct ft_writer *w, int fd);
/* Gives up what waits; also a write that hangs. */
void ft_writer_abandon(struct ft_writer *w);
/* Bytes handed on and in the block being filled. */
size_t ft_writer_waiting(const struct ft_writer *w);
/* Waits until no more than this many bytes wait, or for msec. True: no more do. */
bool ft_writer_wait(struct ft_writer *w, size_t bytes, unsigned int msec);
/* 0 or the first error of a write, negative: nothing is written after it. */
int ft_writer_error(const struct ft_writer *w);
