/* SPDX-License-Identifier: MIT */
/* Trying every group and every mark. */
#include "inspect/matrix.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "event/mask.h"
#include "kernel/abi.h"
#include "kernel/decode.h"
#include "kernel/group.h"

static const unsigned int classes[] = {FT_INIT_CLASS_NOTIF, FT_INIT_CLASS_CONTENT,
				       FT_INIT_CLASS_PRE_CONTENT};

/* Every set of these is tried with every class. */
static const unsigned int reports[] = {
	FT_INIT_REPORT_FID,	   FT_INIT_REPORT_DIR_FID, FT_INIT_REPORT_NAME,
	FT_INIT_REPORT_TARGET_FID, FT_INIT_REPORT_PIDFD,   FT_INIT_REPORT_TID,
	FT_INIT_REPORT_FD_ERROR,   FT_INIT_REPORT_MNT,
};

/* These change no mark: each is tried alone. */
static const unsigned int others[] = {FT_INIT_UNLIMITED_QUEUE, FT_INIT_UNLIMITED_MARKS,
				      FT_INIT_ENABLE_AUDIT};

enum {
	SETS = 1 << FT_ARRAY_SIZE(reports),
	ROWS = (SETS + FT_ARRAY_SIZE(others)) * FT_ARRAY_SIZE(classes),
	READ_SIZE = 4096,
};

static const struct {
	const char *name;
	unsigned int flag;
} types[FT_MATRIX_TYPES] = {
	{"inode", FT_MARK_INODE},
	{"mount", FT_MARK_MOUNT},
	{"filesystem", FT_MARK_FILESYSTEM},
	{"mntns", FT_MARK_MNTNS},
};

static const struct {
	const char *name;
	unsigned int flags;
} modes[FT_MATRIX_MODES] = {
	[FT_MATRIX_MARK] = {"mark", 0},
	[FT_MATRIX_EVICTABLE] = {"evictable", FT_MARK_EVICTABLE},
	[FT_MATRIX_IGNORED] = {"ignored", FT_MARK_IGNORED_MASK_SURV},
	[FT_MATRIX_IGNORE] = {"ignore", FT_MARK_IGNORE_SURV},
};

static const struct {
	const char *name;
	uint64_t mask;
} modifiers[] = {
	{"ondir", FT_EV_OPEN | FT_EV_ONDIR},
	{"on_child", FT_EV_OPEN | FT_EV_ON_CHILD},
};

const char *ft_matrix_event_name(unsigned int event)
{
	size_t count;
	const struct ft_mask_name *names = ft_mask_names(&count);

	return event < count ? names[event].name : modifiers[event - count].name;
}

static uint64_t mask_of(unsigned int event)
{
	size_t count;
	const struct ft_mask_name *names = ft_mask_names(&count);

	assert(count + FT_ARRAY_SIZE(modifiers) == FT_MATRIX_EVENTS);
	return event < count ? names[event].bit : modifiers[event - count].mask;
}

const char *ft_matrix_type_name(unsigned int type)
{
	return types[type].name;
}

const char *ft_matrix_mode_name(unsigned int mode)
{
	return modes[mode].name;
}

const char *ft_matrix_result_name(int result)
{
	const char *name;

	if (result == FT_MATRIX_UNTRIED)
		return "untried";
	name = result == 0 ? "ok" : strerrorname_np(result);
	return name ? name : "unknown";
}

/* Instead of a descriptor there may be an errno, of a request that the kernel denied. */
static void answer(int group, const struct ft_record *rec)
{
	if (rec->pidfd >= 0)
		close(rec->pidfd);
	if (rec->fd >= 0)
		ft_group_answer(group, rec->fd, FT_RESPONSE_ALLOW);
}

/* Who opened something in the moment that the mark was there waits for an answer. */
static void let_go(int group)
{
	_Alignas(struct ft_abi_metadata) char events[READ_SIZE];
	ssize_t n, size;

	while ((n = ft_group_read(group, events, sizeof(events))) > 0)
		for (size_t at = 0; at < (size_t)n; at += (size_t)size) {
			struct ft_record rec;

			size = ft_decode_size(events + at, (size_t)n - at);
			/* What is left is let go when the group is closed. */
			if (size < 0 || ft_decode(events + at, (size_t)size, &rec) < 0)
				return;
			answer(group, &rec);
		}
}

static int try_cell(int group, const char *path, unsigned int flags, uint64_t mask)
{
	unsigned int type = flags & FT_MARK_MNTNS;
	int r;

	if (type == FT_MARK_MNTNS)
		path = "/proc/self/ns/mnt";
	r = ft_group_mark(group, FT_MARK_ADD | flags, mask, AT_FDCWD, path);
	if (r == 0)
		ft_group_flush(group, type);
	if (mask & FT_MASK_ASK)
		let_go(group);
	return -r;
}

static int try_marks(struct ft_matrix_row *row, int group, const char *path, bool asks)
{
	int16_t *cell = row->cells = calloc(FT_MATRIX_CELLS, sizeof(*row->cells));

	if (!cell)
		return -ENOMEM;
	for (unsigned int t = 0; t < FT_MATRIX_TYPES; t++)
		for (unsigned int m = 0; m < FT_MATRIX_MODES; m++)
			for (unsigned int e = 0; e < FT_MATRIX_EVENTS; e++) {
				uint64_t mask = mask_of(e);

				*cell++ =
					!asks && mask & FT_MASK_ASK
						? FT_MATRIX_UNTRIED
						: (int16_t)try_cell(
							  group, path,
							  types[t].flag | modes[m].flags,
							  mask);
			}
	return 0;
}

static int try_row(struct ft_matrix *m, unsigned int flags, const char *path)
{
	struct ft_matrix_row *row = &m->rows[m->count++];
	_cleanup_close_ int group = ft_group_open(flags, O_RDONLY | O_LARGEFILE);

	*row = (struct ft_matrix_row){.flags = flags, .error = group < 0 ? -group : 0};
	/* Nothing can be said of the flags when there is no room for the group. */
	if (group == -EMFILE || group == -ENFILE || group == -ENOMEM)
		return group;
	return group < 0 ? 0 : try_marks(row, group, path, m->asked);
}

static unsigned int set_of(unsigned int number)
{
	unsigned int flags = 0;

	for (size_t i = 0; i < FT_ARRAY_SIZE(reports); i++)
		if (number & 1u << i)
			flags |= reports[i];
	return flags;
}

int ft_matrix_try(int fd, bool asks, struct ft_matrix *ret)
{
	_cleanup_(ft_matrix_fini) struct ft_matrix m = {.asked = asks};
	char path[32];
	int r = 0;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	m.rows = calloc(ROWS, sizeof(*m.rows));
	if (!m.rows)
		return -ENOMEM;
	for (size_t c = 0; c < FT_ARRAY_SIZE(classes); c++) {
		for (unsigned int s = 0; s < SETS && r == 0; s++)
			r = try_row(&m, classes[c] | set_of(s), path);
		for (size_t o = 0; o < FT_ARRAY_SIZE(others) && r == 0; o++)
			r = try_row(&m, classes[c] | others[o], path);
	}
	if (r < 0)
		return r;
	*ret = m;
	m = (struct ft_matrix){0};
	return 0;
}

void ft_matrix_fini(struct ft_matrix *m)
{
	for (size_t i = 0; i < m->count; i++)
		free(m->rows[i].cells);
	free(m->rows);
	*m = (struct ft_matrix){0};
}
