/* SPDX-License-Identifier: MIT */
/* A format and a writer joined: numbers, the bound on what waits, the file. */
#include "output/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/escape.h"
#include "base/number.h"
#include "output/writer.h"

enum {
	BLOCK_SIZE = 256 << 10,
	MAX_WAITING = 64 << 20,
	BEHIND_SHARE = 32,	/* 2 MiB: what the writer's own blocks hold */
	NOTICE_ROOM = 64 << 10, /* past the bound, for lost and gap records alone */
};

struct ft_output {
	struct ft_format *format;
	struct ft_writer *writer;
	char *file; /* NULL: fd is the caller's */
	int fd;	    /* the writer closes it where file is set */
	size_t max_waiting;
	uint64_t seq;
	uint64_t dropped;
	uint64_t untold; /* of them, not yet in a lost record */
};

static int open_file(const char *file, int *ret_fd, char **ret_error)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes shown = {0};
	int fd, r;

	fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
	if (fd >= 0) {
		*ret_fd = fd;
		return 0;
	}
	r = -errno;
	ft_escape_text(&shown, ft_span_of(file));
	if (ret_error && asprintf(ret_error, "cannot open '%s' for output: %s",
				  ft_bytes_cstr(&shown), strerrordesc_np(-r)) < 0)
		*ret_error = NULL;
	return r;
}

/* What is appended to has its beginning. */
static void put_begin(struct ft_output *o)
{
	struct stat st;
	struct ft_bytes *out;

	if (o->file && fstat(o->fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
		return;
	out = ft_writer_get(o->writer);
	if (out)
		ft_format_begin(o->format, out);
}

static size_t block_size_for(size_t max_waiting)
{
	size_t part = max_waiting / 4;

	return part < BLOCK_SIZE ? part + 1 : BLOCK_SIZE;
}

static void cleanup_output(struct ft_output **o)
{
	ft_output_close(*o, NULL);
}

int ft_output_open(struct ft_output **ret, const struct ft_output_config *c,
		   char **ret_error)
{
	_cleanup_(cleanup_output) struct ft_output *o = calloc(1, sizeof(*o));
	int r;

	if (ret_error)
		*ret_error = NULL;
	if (!o)
		return -ENOMEM;
	o->fd = c->file ? -1 : c->fd;
	o->max_waiting = c->max_waiting ? c->max_waiting : MAX_WAITING;
	r = ft_format_new(&o->format, c, ret_error);
	if (r < 0)
		return r;
	if (c->file) {
		o->file = strdup(c->file);
		if (!o->file)
			return -ENOMEM;
		r = open_file(o->file, &o->fd, ret_error);
		if (r < 0)
			return r;
	}
	r = ft_writer_open(&o->writer, o->fd, c->file != NULL,
			   block_size_for(o->max_waiting));
	if (r < 0) {
		if (c->file)
			close(o->fd);
		return r;
	}
	put_begin(o);
	*ret = ft_take(o);
	return 0;
}

static bool has_room(const struct ft_output *o, enum ft_event_kind kind)
{
	size_t more = kind == FT_KIND_EVENT ? 0 : NOTICE_ROOM;

	return ft_writer_waiting(o->writer) <= o->max_waiting + more;
}

static int drop(struct ft_output *o)
{
	o->dropped++;
	o->untold++;
	return 1;
}

/* 0, or -ENOMEM with nothing put. */
static int put_record(struct ft_output *o, const struct ft_event *ev)
{
	struct ft_bytes *out = ft_writer_get(o->writer);
	size_t mark;

	if (!out)
		return -ENOMEM;
	mark = out->len;
	ft_format_put(o->format, out, ev, o->seq + 1);
	if (out->failed) {
		out->len = mark;
		out->failed = 0;
		return -ENOMEM;
	}
	o->seq++;
	ft_writer_put(o->writer, false);
	return 0;
}

static void tell_dropped(struct ft_output *o)
{
	struct ft_event lost = {
		.kind = FT_KIND_LOST,
		.where = FT_LOST_OUTPUT,
		.has_count = true,
		.count = o->untold,
	};

	if (o->untold == 0)
		return;
	lost.time_ns = ft_now_ns();
	if (put_record(o, &lost) == 0)
		o->untold = 0;
}

bool ft_output_is_settled(const struct ft_output *o)
{
	return ft_writer_waiting(o->writer) == 0 && ft_writer_error(o->writer) == 0;
}

bool ft_output_is_behind(const struct ft_output *o)
{
	return ft_writer_waiting(o->writer) > o->max_waiting / BEHIND_SHARE;
}

void ft_output_wait(struct ft_output *o, unsigned int msec)
{
	ft_writer_wait(o->writer, o->max_waiting / BEHIND_SHARE / 2, msec);
}

int ft_output_put(struct ft_output *o, const struct ft_event *ev)
{
	int r = ft_writer_error(o->writer);

	if (r < 0)
		return r;
	if (!has_room(o, ev->kind))
		return drop(o);
	if (o->untold > 0 && has_room(o, FT_KIND_EVENT))
		tell_dropped(o);
	return put_record(o, ev) < 0 ? drop(o) : 0;
}

int ft_output_flush(struct ft_output *o)
{
	if (o->untold > 0 && has_room(o, FT_KIND_EVENT))
		tell_dropped(o);
	ft_writer_put(o->writer, true);
	return ft_writer_error(o->writer);
}

int ft_output_put_line(struct ft_output *o, struct ft_span line)
{
	struct ft_bytes *out = ft_writer_get(o->writer);
	size_t mark;
	int r = ft_writer_error(o->writer);

	if (r < 0)
		return r;
	if (!out)
		return -ENOMEM;
	mark = out->len;
	ft_bytes_put_span(out, line);
	ft_bytes_put_char(out, '\n');
	r = out->failed;
	if (r < 0) {
		out->len = mark;
		out->failed = 0;
		return r;
	}
	ft_writer_put(o->writer, false);
	return 0;
}

static bool is_same_file(int a, int b)
{
	struct stat sa, sb;

	return fstat(a, &sa) == 0 && fstat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
	       sa.st_ino == sb.st_ino;
}

int ft_output_reopen(struct ft_output *o)
{
	int fd, r;

	if (!o->file)
		return 0;
	r = open_file(o->file, &fd, NULL);
	if (r < 0)
		return r;
	if (is_same_file(fd, o->fd)) {
		close(fd);
		return 0;
	}
	r = ft_writer_switch(o->writer, fd);
	if (r < 0) {
		close(fd);
		return r;
	}
	o->fd = fd;
	put_begin(o);
	return 0;
}

uint64_t ft_output_count(const struct ft_output *o)
{
	return o->seq;
}

uint64_t ft_output_dropped(const struct ft_output *o)
{
	return o->dropped;
}

struct ft_output *ft_output_close(struct ft_output *o, int *ret_error)
{
	int r = 0;

	if (!o)
		return NULL;
	/* The last loss is told in any case: one line past the bound. */
	if (o->writer) {
		tell_dropped(o);
		r = ft_writer_close(o->writer);
	}
	ft_format_free(o->format);
	free(o->file);
	free(o);
	if (ret_error)
		*ret_error = r;
	return NULL;
}

void ft_output_abandon(struct ft_output *o)
{
	ft_writer_abandon(o->writer);
}

int ft_output_fd(const struct ft_output *o)
{
	return o->fd;
}
