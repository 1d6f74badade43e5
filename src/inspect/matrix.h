/* SPDX-License-Identifier: MIT */
/* Which groups this kernel makes, and which marks they take: all of it, by trying. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

enum ft_matrix_mode {
	FT_MATRIX_MARK,
	FT_MATRIX_EVICTABLE,
	FT_MATRIX_IGNORED, /* FAN_MARK_IGNORED_MASK */
	FT_MATRIX_IGNORE,  /* FAN_MARK_IGNORE_SURV */
	FT_MATRIX_MODES,
};

enum {
	FT_MATRIX_TYPES = 4,   /* inode, mount, filesystem, mntns */
	FT_MATRIX_EVENTS = 23, /* of mask.def; ondir and on_child, with open */
	FT_MATRIX_CELLS = FT_MATRIX_TYPES * FT_MATRIX_MODES * FT_MATRIX_EVENTS,
	FT_MATRIX_UNTRIED = -1,
};

/* What fanotify_init(2) said of these flags, and fanotify_mark(2) of each mark: 0 or an
 * errno, positive. */
struct ft_matrix_row {
	unsigned int flags;
	int error;
	int16_t *cells; /* FT_MATRIX_CELLS; NULL where there is no group */
};

struct ft_matrix {
	struct ft_matrix_row *rows;
	size_t count;
	bool asked; /* permission events were tried */
};

/*
 * Tries everything on the object that fd (O_PATH will do) shows; every mark is removed at
 * once. asks: permission events, too: who is asked about meanwhile is let go at once.
 * 0 or -errno.
 */
int ft_matrix_try(int fd, bool asks, struct ft_matrix *ret);
void ft_matrix_fini(struct ft_matrix *m);

static inline int ft_matrix_cell(const struct ft_matrix_row *row, unsigned int type,
				 unsigned int mode, unsigned int event)
{
	return row->cells[(type * FT_MATRIX_MODES + mode) * FT_MATRIX_EVENTS + event];
}

/* "open", "ondir"... */
const char *ft_matrix_event_name(unsigned int event);
/* "inode", "mount", "filesystem", "mntns" */
const char *ft_matrix_type_name(unsigned int type);
const char *ft_matrix_mode_name(unsigned int mode);
/* "ok", "EINVAL", "untried" */
const char *ft_matrix_result_name(int result);

/* matrix-print.c */
void ft_matrix_format_text(struct ft_bytes *out, const struct ft_matrix *m);
void ft_matrix_format_csv(struct ft_bytes *out, const struct ft_matrix *m);
/* Fields of an object, see output/jsonfield.h. */
void ft_matrix_format_json(struct ft_bytes *out, const struct ft_matrix *m);
