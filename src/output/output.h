/* SPDX-License-Identifier: MIT */
/* Results on their way out: a format writes records into blocks, a thread writes blocks
 * to the descriptor. */
#pragma once

#include "event/event.h"

enum ft_format_kind {
	FT_FORMAT_TEXT,
	FT_FORMAT_JSON,
	FT_FORMAT_CSV,
	FT_FORMAT_ECS,
	FT_FORMAT_OCSF,
	FT_FORMAT_TEMPLATE,
	FT_FORMAT_RAW, /* -0: paths, NUL-ended; rename: old, then new */
};

struct ft_output_config {
	enum ft_format_kind format;
	const char *template_text; /* FT_FORMAT_TEMPLATE */
	const char *columns;	   /* "time,pid,path", NULL: the format's own */
	const char *file;	   /* -o, NULL: fd */
	int fd;			   /* borrowed; where file is NULL */
	bool utc; /* text: UTC instead of local time; json, csv, ecs, ocsf and template
		     are always UTC */
	bool no_args;	/* leave process arguments out, everywhere */
	bool decisions; /* text, csv: their own columns tell of decisions */
	bool color;
	unsigned int width; /* text on a terminal: columns of the screen; 0: do not fit to
			       a width */
	size_t max_waiting; /* bytes that may wait for the writer; 0: 64 MiB */
};

struct ft_output;

/* "text", "json", "csv", "ecs", "ocsf", or anything with a `{`: a template. 0 or -EINVAL.
 */
int ft_output_parse_format(const char *s, struct ft_output_config *c);

/*
 * Opens, checks columns and template, starts the writer thread (all signals blocked in
 * it). *ret_error (may be NULL; malloc'd, the caller frees): one line that says what is
 * wrong with the columns, the template or the file. 0 or -errno.
 */
int ft_output_open(struct ft_output **ret, const struct ft_output_config *c,
		   char **ret_error);

/*
 * One record; it gets the next `seq`. Never waits for the descriptor. 0; 1: dropped since
 * more than max_waiting bytes wait (counted; a `lost` record with where = output follows
 * as soon as there is room); -errno of a write that failed since (EPIPE, ENOSPC...):
 * nothing more is accepted then.
 */
int ft_output_put(struct ft_output *o, const struct ft_event *ev);
/* What is formatted goes to the writer now, also if the block is not full. Call when the
 * queue is empty, or every 100 ms. */
int ft_output_flush(struct ft_output *o);
/*
 * Is more waiting than the writer can be busy with for a while? Who has the memory to
 * wait should: what is put now only waits longer. Past max_waiting it is dropped.
 */
bool ft_output_is_behind(const struct ft_output *o);
/* Has everything that was put been written, and without an error? */
bool ft_output_is_settled(const struct ft_output *o);
/* Waits until it is not behind any more, msec at most. */
void ft_output_wait(struct ft_output *o, unsigned int msec);
/* A preformatted line (a summary, a cursor) in the stream; `\n` is added. */
int ft_output_put_line(struct ft_output *o, struct ft_span line);
/* SIGHUP: opens the file anew after what waits has been written to the old one. 0 or
 * -errno (the old one stays). */
int ft_output_reopen(struct ft_output *o);
/* Records accepted (= last seq), and records dropped for want of room. */
uint64_t ft_output_count(const struct ft_output *o);
uint64_t ft_output_dropped(const struct ft_output *o);
/* Writes everything, ends the thread, frees; *ret_error (may be NULL) = 0 or the first
 * write error, negative. Returns NULL. */
struct ft_output *ft_output_close(struct ft_output *o, int *ret_error);
/* A second signal: gives up what waits. Async-signal-safe is not needed; called before
 * close. */
void ft_output_abandon(struct ft_output *o);
/* The descriptor of the file or stdout at this moment, for telling one's own output from
 * what is watched. */
int ft_output_fd(const struct ft_output *o);

/* ---- formats (pure: bytes in, bytes out; no clock, no descriptor) ---- */

struct ft_format;

int ft_format_new(struct ft_format **ret, const struct ft_output_config *c,
		  char **ret_error);
struct ft_format *ft_format_free(struct ft_format *f);
/* What comes before the first record (csv: the header line). */
void ft_format_begin(struct ft_format *f, struct ft_bytes *out);
void ft_format_put(struct ft_format *f, struct ft_bytes *out, const struct ft_event *ev,
		   uint64_t seq);

/* ---- columns: one table from which every format prints ---- */

/* Appends a column's value as bytes, not yet escaped; nothing where it is not known. */
typedef void (*ft_column_fn)(struct ft_format *f, struct ft_bytes *out,
			     const struct ft_event *ev, uint64_t seq);

struct ft_column {
	const char *name;
	const char *meaning;
	unsigned int width; /* in text, 0: as long as it is */
	ft_column_fn put;
};

const struct ft_column *ft_columns(size_t *ret_count);
