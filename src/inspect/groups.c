/* SPDX-License-Identifier: MIT */
/* The groups of this machine: every process's descriptors, those that are one group put
 * together. */
#include "inspect/groups.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/number.h"
#include "kernel/sameopen.h"
#include "proc/procfs.h"

enum {
	PATH_LEN = 48,
	LINK_LEN = 32, /* longer than the links that are looked for */
	/* What the kernel's default limit of a million watches comes to, and more. */
	TEXT_MAX = 256 << 20,
};

struct scan {
	struct ft_groups *out;
	int proc;
	enum ft_groups_depth depth;
	/* The groups of out->list up to here stand in the order of
	 * ft_sameopen_compare(); those after could not be compared. */
	size_t ordered;
	struct ft_group_holder holder; /* the descriptor at hand */
	struct ft_bytes text;
};

static void group_fini(struct ft_group *g)
{
	ft_group_text_fini(&g->text);
	free(g->holders);
}

void ft_groups_fini(struct ft_groups *g)
{
	for (size_t i = 0; i < g->count; i++)
		group_fini(&g->list[i]);
	free(g->list);
	*g = (struct ft_groups){0};
}

/* Grown when the count is a power of two. */
static bool is_full(size_t count)
{
	return (count & (count - 1)) == 0;
}

static int add_holder(struct ft_group *g, struct ft_group_holder h)
{
	size_t n = g->holders_count;

	if (is_full(n)) {
		struct ft_group_holder *grown =
			reallocarray(g->holders, n ? 2 * n : 1, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		g->holders = grown;
	}
	g->holders[g->holders_count++] = h;
	return 0;
}

static int insert_group(struct scan *s, size_t at, enum ft_group_kind kind)
{
	struct ft_groups *out = s->out;
	struct ft_group g = {.text.kind = kind, .is_unsure = at > s->ordered};
	int r;

	if (is_full(out->count)) {
		struct ft_group *grown = reallocarray(
			out->list, out->count ? 2 * out->count : 1, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		out->list = grown;
	}
	r = add_holder(&g, s->holder);
	if (r < 0)
		return r;
	if (at > out->count)
		at = out->count;
	memmove(out->list + at + 1, out->list + at,
		(out->count - at) * sizeof(*out->list));
	out->list[at] = g;
	out->count++;
	s->ordered += !g.is_unsure;
	return 0;
}

static struct ft_open_file file_of(const struct ft_group_holder *h)
{
	return (struct ft_open_file){h->pid, h->fd};
}

static bool is_gone(const struct ft_group_holder *h)
{
	int r = ft_sameopen_compare(file_of(h), file_of(h));

	return r == -ESRCH || r == -EBADF;
}

/* Those of its holders that have gone since; true: the group with the last of them. */
static bool drop_gone(struct scan *s, size_t at)
{
	struct ft_groups *out = s->out;
	struct ft_group *g = &out->list[at];
	size_t kept = 0;

	for (size_t i = 0; i < g->holders_count; i++)
		if (!is_gone(&g->holders[i]))
			g->holders[kept++] = g->holders[i];
	g->holders_count = kept;
	if (kept > 0)
		return false;
	group_fini(g);
	memmove(g, g + 1, (out->count - at - 1) * sizeof(*g));
	out->count--;
	s->ordered--;
	return true;
}

enum place {
	PLACE_FREE, /* the descriptor's group belongs there, and is not */
	PLACE_TAKEN,
	PLACE_UNKNOWN, /* it cannot be compared */
	PLACE_NONE,    /* the descriptor has gone */
};

static enum place find_place(struct scan *s, size_t *ret)
{
	size_t low = 0, high = s->ordered;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct ft_group_holder *first = s->out->list[middle].holders;
		int r = ft_sameopen_compare(file_of(&s->holder), file_of(first));

		*ret = middle;
		if (r == FT_SAMEOPEN_EQUAL)
			return PLACE_TAKEN;
		if (r == -ESRCH || r == -EBADF) {
			if (is_gone(&s->holder))
				return PLACE_NONE;
			high -= drop_gone(s, middle);
		} else if (r < 0) {
			return PLACE_UNKNOWN;
		} else if (r == FT_SAMEOPEN_LESS) {
			high = middle;
		} else {
			low = middle + 1;
		}
	}
	*ret = low;
	return PLACE_FREE;
}

static int take_descriptor(struct scan *s, enum ft_group_kind kind)
{
	size_t at;

	switch (find_place(s, &at)) {
	case PLACE_FREE:
		return insert_group(s, at, kind);
	case PLACE_TAKEN:
		return add_holder(&s->out->list[at], s->holder);
	case PLACE_UNKNOWN:
		return insert_group(s, SIZE_MAX, kind);
	case PLACE_NONE:
		break;
	}
	return 0;
}

static bool is_group_link(int dir, const char *name, enum ft_group_kind *ret)
{
	char link[LINK_LEN];
	ssize_t n = readlinkat(dir, name, link, sizeof(link));
	struct ft_span target = {link, n < 0 ? 0 : (size_t)n};

	if (ft_span_equal(target, FT_SPAN("anon_inode:[fanotify]")))
		*ret = FT_GROUP_KIND_FANOTIFY;
	else if (ft_span_equal(target, FT_SPAN("anon_inode:inotify")))
		*ret = FT_GROUP_KIND_INOTIFY;
	else
		return false;
	return true;
}

static bool parse_name(const char *name, int *ret)
{
	uint64_t v;

	if (ft_number_parse(name, INT32_MAX, &v) < 0)
		return false;
	*ret = (int)v;
	return true;
}

static int take_entry(struct scan *s, int dir, const char *name)
{
	enum ft_group_kind kind;

	if (!parse_name(name, &s->holder.fd) || !is_group_link(dir, name, &kind))
		return 0;
	if (kind == FT_GROUP_KIND_INOTIFY && s->depth == FT_GROUPS_FANOTIFY)
		return 0;
	return take_descriptor(s, kind);
}

static void close_dir(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* NULL: ret_fd is -errno. */
static DIR *open_dir(int dirfd, const char *path, int *ret_fd)
{
	DIR *d;

	*ret_fd = ft_file_open_dir(dirfd, path);
	if (*ret_fd < 0)
		return NULL;
	d = fdopendir(*ret_fd);
	if (!d) {
		/* -ENOENT: the process has just ended. */
		int r = -errno;

		close(*ret_fd);
		*ret_fd = r;
	}
	return d;
}

/* A kernel thread has no descriptors, whoever may look at them. */
static void count_denied(struct scan *s)
{
	struct ft_proc_stat stat;

	if (ft_procfs_read_stat(s->proc, s->holder.pid, &s->text, &stat) == 0 &&
	    !(stat.flags & FT_PF_KTHREAD))
		s->out->sight.denied++;
}

static int scan_process(struct scan *s)
{
	_cleanup_(close_dir) DIR *d = NULL;
	char path[PATH_LEN];
	const struct dirent *entry;
	int fd, r = 0;

	snprintf(path, sizeof(path), "%d/fd", (int)s->holder.pid);
	d = open_dir(s->proc, path, &fd);
	if (fd == -EACCES || fd == -EPERM)
		count_denied(s);
	if (!d)
		return fd == -ENOMEM || fd == -EMFILE || fd == -ENFILE ? fd : 0;
	s->out->sight.processes++;
	while (r == 0 && (entry = readdir(d)))
		r = take_entry(s, fd, entry->d_name);
	return r;
}

static int scan_all(struct scan *s)
{
	_cleanup_(close_dir) DIR *d = NULL;
	const struct dirent *entry;
	int fd, r = 0;

	d = open_dir(s->proc, ".", &fd);
	if (!d)
		return fd;
	while (r == 0 && (entry = readdir(d)))
		if (parse_name(entry->d_name, &s->holder.pid))
			r = scan_process(s);
	return r;
}

static void read_start(struct scan *s, struct ft_group_holder *h)
{
	struct ft_proc_stat stat;

	if (ft_procfs_read_stat(s->proc, h->pid, &s->text, &stat) == 0)
		h->start = stat.start;
}

static int compare_holders(const void *a, const void *b)
{
	const struct ft_group_holder *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->fd < y->fd ? -1 : x->fd > y->fd;
}

/* Through whichever of its holders is still there. 1: it is gone. */
static int read_text(struct scan *s, struct ft_group *g)
{
	char path[PATH_LEN];
	int r = -ENOENT;

	for (size_t i = 0; i < g->holders_count && (r == -ENOENT || r == -ESRCH); i++) {
		snprintf(path, sizeof(path), "%d/fdinfo/%d", (int)g->holders[i].pid,
			 g->holders[i].fd);
		ft_bytes_clear(&s->text);
		r = ft_file_read(s->proc, path, TEXT_MAX, &s->text);
	}
	if (r == -ENOENT || r == -ESRCH)
		return 1;
	if (r < 0) {
		s->out->sight.failed++;
		s->out->sight.error = r;
	}
	return ft_fdinfo_parse(&g->text, ft_bytes_span(&s->text));
}

static int read_groups(struct scan *s)
{
	struct ft_groups *out = s->out;
	size_t kept = 0, i = 0;
	int r = 0;

	for (; i < out->count && r >= 0; i++) {
		struct ft_group *g = &out->list[i];

		for (size_t n = 0; n < g->holders_count; n++)
			read_start(s, &g->holders[n]);
		qsort(g->holders, g->holders_count, sizeof(*g->holders), compare_holders);
		r = read_text(s, g);
		if (r == 1)
			group_fini(g);
		else
			out->list[kept++] = *g;
	}
	while (i < out->count)
		out->list[kept++] = out->list[i++];
	out->count = kept;
	return r < 0 ? r : 0;
}

static int rank(const struct ft_group *g)
{
	if (ft_group_is_asked(&g->text))
		return 0;
	return g->text.kind == FT_GROUP_KIND_FANOTIFY ? 1 : 2;
}

static int compare_groups(const void *a, const void *b)
{
	const struct ft_group *x = a, *y = b;
	int by_rank = rank(x) - rank(y);

	return by_rank ? by_rank : compare_holders(x->holders, y->holders);
}

static bool is_hidden(int proc)
{
	struct stat st;

	return fstatat(proc, "1", &st, AT_NO_AUTOMOUNT) < 0;
}

/* The first PID namespace has this number on every kernel. */
static bool is_contained(int proc)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes link = {0};

	return ft_file_readlink(proc, "self/ns/pid", &link) < 0 ||
	       !ft_span_equal(ft_bytes_span(&link), FT_SPAN("pid:[4026531836]"));
}

int ft_groups_read(int proc, enum ft_groups_depth depth, struct ft_groups *ret)
{
	struct ft_groups out = {.sight = {.is_hidden = is_hidden(proc),
					  .is_contained = is_contained(proc)}};
	struct scan s = {.out = &out, .proc = proc, .depth = depth};
	int r = scan_all(&s);

	if (r == 0)
		r = read_groups(&s);
	ft_bytes_fini(&s.text);
	if (r < 0) {
		ft_groups_fini(&out);
		return r;
	}
	if (out.count > 0)
		qsort(out.list, out.count, sizeof(*out.list), compare_groups);
	*ret = out;
	return 0;
}
