/* SPDX-License-Identifier: MIT */
/* Locals that own: freed, closed or ended when they leave their scope. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(fn)	 __attribute__((cleanup(fn)))
#define _cleanup_free_	 _cleanup_(ft_cleanup_free)
#define _cleanup_close_	 _cleanup_(ft_cleanup_close)
#define _cleanup_file_	 _cleanup_(ft_cleanup_file)

#define FT_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Hand an owned pointer or descriptor on: the local no longer owns it. */
#define ft_take(p)                                                                       \
	({                                                                               \
		__typeof__(p) ft_taken_ = (p);                                           \
		(p) = NULL;                                                              \
		ft_taken_;                                                               \
	})
#define ft_take_fd(fd)                                                                   \
	({                                                                               \
		int ft_taken_ = (fd);                                                    \
		(fd) = -1;                                                               \
		ft_taken_;                                                               \
	})

static inline void ft_cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void ft_cleanup_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void ft_cleanup_file(FILE **f)
{
	if (*f)
		fclose(*f);
}
