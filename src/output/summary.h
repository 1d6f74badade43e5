/* SPDX-License-Identifier: MIT */
/* What a command and its descendants did, as sets: told once, at the end. */
#pragma once

#include "base/table.h"
#include "event/event.h"

/*
 * Bounds: so many paths, renames and processes each. At one, what is new is counted and
 * not kept: the summary is incomplete.
 */
enum {
	FT_SUMMARY_PATHS_MAX = 1 << 20,
	FT_SUMMARY_RENAMES_MAX = 1 << 18,
	FT_SUMMARY_PROCESSES_MAX = 1 << 16,
};

/*
 * read: content was read, or it was opened and closed again without a right to write.
 * written: content was written, or it was closed after it was open for writing.
 * Directories are in created and deleted alone.
 */
enum ft_summary_set {
	FT_SUMMARY_READ,
	FT_SUMMARY_WRITTEN,
	FT_SUMMARY_CREATED,
	FT_SUMMARY_DELETED,
	FT_SUMMARY_EXECUTED,
	FT_SUMMARY_SETS,
};

/* What has to be watched for them. */
#define FT_SUMMARY_MASK (FT_MASK_DEFAULT | FT_EV_ACCESS | FT_EV_CLOSE_NOWRITE)

struct ft_summary_path {
	struct ft_span path;
	unsigned int sets; /* a bit a set; above them, what makes for one together */
	char data[];
};

struct ft_summary_rename {
	struct ft_span old_path; /* empty: only where it came to is known */
	struct ft_span path;	 /* empty: only where it came from is known */
	char data[];
};

/* An image, or a pid of which no image is known. */
struct ft_summary_process {
	struct ft_process process; /* of id, pid, ids, ppid, start, comm, exe and args */
	enum ft_certainty certainty; /* the best one there was */
	char data[];
};

struct ft_summary {
	struct ft_table paths;
	struct ft_table renames;
	struct ft_table processes;
	uint64_t unplaced; /* events whose path is not known in full */
	uint64_t dropped;  /* past a bound, or out of memory */
};

/* What stands in a summary beside the sets. */
struct ft_summary_head {
	struct ft_span command; /* each argument NUL-ended */
	pid_t pid;
	int status;	  /* as a shell tells it */
	int signal;	  /* that ended it; 0: none did */
	int64_t began_ns; /* wall clock */
	int64_t ended_ns;
	uint64_t events;
	uint64_t uncertain; /* of them: those whose process is not exact */
	bool complete;
	bool running; /* descendants go on */
	bool no_args; /* leave out the arguments of processes */
	bool lost[FT_LOST_JOURNAL + 1];
	uint64_t lost_count[FT_LOST_JOURNAL + 1]; /* 0: not known */
};

/* Zero-initialised is empty. */
void ft_summary_fini(struct ft_summary *s);
void ft_summary_add(struct ft_summary *s, const struct ft_event *ev);
/* Was anything not kept? */
bool ft_summary_is_cut(const struct ft_summary *s);

/* Sorted by path, renames by the old one, processes by pid. 0 or -ENOMEM: *ret is the
 * caller's, its items are not. */
int ft_summary_list_paths(const struct ft_summary *s, enum ft_summary_set set,
			  struct ft_summary_path ***ret, size_t *ret_count);
int ft_summary_list_renames(const struct ft_summary *s, struct ft_summary_rename ***ret,
			    size_t *ret_count);
int ft_summary_list_processes(const struct ft_summary *s,
			      struct ft_summary_process ***ret, size_t *ret_count);
const char *ft_summary_set_name(enum ft_summary_set set);

/* One JSON object of one line, without its newline; s NULL: the head alone. 0 or -errno.
 */
int ft_summary_put_json(struct ft_bytes *out, const struct ft_summary *s,
			const struct ft_summary_head *head);
/* For people: a heading and lines for each set that is not empty. 0 or -errno. */
int ft_summary_put_text(struct ft_bytes *out, const struct ft_summary *s,
			const struct ft_summary_head *head);
