/* SPDX-License-Identifier: MIT */
/* A session: the one meeting place of kernel, path, proc and match. The caller pulls
 * events. */
#pragma once

#include "event/event.h"
#include "match/match.h"
#include "path/resolve.h"
#include "path/view.h"
#include "proc/tracker.h"
#include "proc/within.h"
#include "session/backlog.h"

typedef void (*ft_notice_fn)(void *data, const char *text);

/* A directory or file under inode marks, where the whole filesystem cannot be marked. Its
 * path is looked up anew as time passes. */
struct ft_root {
	int fd;		 /* O_PATH: whose link is the path now */
	int mount_id;	 /* that it is seen through */
	bool is_private; /* fd is on a private mount of that: it can be unmounted */
	uint64_t fsid;
	struct ft_key key;
	char *path; /* as last seen */
	bool recurse;
	struct ft_key *above; /* itself and the directories on the way to it, as far as
				 they can be marked */
	size_t above_count;
};

/* One that is marked for its executions, watched or not. */
struct ft_exec_filesystem {
	uint64_t fsid;
	dev_t dev;
	int64_t marked_ns; /* boot clock */
	char type[8];
};

/* One FID group and what is known of its filesystems. There are several only when two
 * filesystems share an fsid. */
struct ft_source {
	struct ft_session *session;
	unsigned int number; /* from 1 */
	int group;
	struct ft_backlog backlog;
	struct ft_resolver resolver;
	struct ft_root *roots;
	size_t roots_count;
	struct ft_exec_filesystem *execs;
	size_t execs_count;
	bool rescanned;	   /* with the backlog at hand; once is enough */
	bool rescan_due;   /* with the next one */
	bool told_gone;	   /* with the backlog at hand */
	uint64_t mask;	   /* of its filesystem marks */
	uint64_t shown;	   /* requested bits that its marks may tell */
	bool marks_mounts; /* scope mount: the filesystem marks are for directories alone
			    */
	/*
	 * Records that were read together are attributed together: they happened since
	 * the queue was seen empty before. What is drained later, to look ahead, is the
	 * next segment.
	 */
	uint64_t segment_end;
	int64_t segment_empty_ns; /* boot clock: the queue was empty when segment_end was
				     its end */
};

enum {
	FT_PENDING_MAX = 1024,
	FT_PENDING_RESERVE =
		16, /* for what was lost: where it was, with a count or without */
	/* `after`, and the gap of a new mount, are told when the window is longer than
	   this. */
	FT_AFTER_MSEC = 100,
};

/* How a filesystem is watched: by the best way that it takes. */
enum ft_way {
	FT_WAY_NONE,
	FT_WAY_FILESYSTEM,  /* one mark */
	FT_WAY_BTRFS,	    /* one mark, on a private mount of all subvolumes */
	FT_WAY_DIRECTORIES, /* a mark on each directory, or on the object alone */
	FT_WAY_DESCRIPTORS, /* a mark of an FD group: no names, no changes of directories
			     */
	FT_WAY_COUNT,
};

struct ft_session {
	unsigned int flags;
	uint64_t events;
	enum ft_way way; /* that the mark which was placed last is of */
	bool tops_only;	 /* of a tree: to find out the way, not to watch */
	bool is_blind;	 /* the kernel does not tell who it was */
	bool started;
	bool stopping;
	struct ft_view view;
	struct ft_match *match;

	struct ft_source **sources;
	size_t sources_count;
	size_t turn;  /* the source whose backlog is told */
	int fd_group; /* FD mode, or the group that asks; -1 */
	char *fd_buffer;
	size_t fd_len;
	size_t fd_offset;
	int64_t fd_empty_ns;	/* boot clock: its queue was last seen empty */
	int64_t fd_asked_ns[2]; /* and what is at hand was read between these */
	int asked_fd;		/* the request at hand, not answered yet; -1 */
	int mount_group;	/* -1: none */
	int64_t mounts_seen_ns; /* wall clock: no mount had come or gone that was not seen
				 */
	uint64_t mounts_hash;	/* of the table, where there is no mount group */
	bool mounts_kept;	/* some are in the table that are gone */
	int mounts_untold; /* mounts that came or went, by the kernel's count, and were
			      not seen */
	bool mounts_stale; /* a directory that mounts stand on was renamed */
	int mounts_poll;   /* -1: none */
	int epoll;

	int64_t window_ns;   /* boot clock: where the window of the records at hand begins
			      */
	int64_t overflow_ns; /* boot clock: records had been lost by then */
	const struct ft_tracker_ops *tracker_ops;
	struct ft_tracker *tracker;
	struct ft_within within;
	uint64_t undecided; /* records that a filter kept back, the process being unknown:
			       not told yet */

	pid_t self;
	pid_t *ignored; /* readers of our output */
	size_t ignored_count;
	struct ft_key output_key;

	struct ft_event
		pending[FT_PENDING_MAX + FT_PENDING_RESERVE]; /* records of our own: lost,
					    mount events; told before the next one */
	struct ft_bytes pending_path[FT_PENDING_MAX + FT_PENDING_RESERVE];
	size_t pending_count;
	size_t pending_at;
	struct ft_event event; /* the one handed out */
	struct ft_bytes path;  /* of FD mode */

	struct ft_bytes missed; /* the first directory that took no mark */
	uint64_t missed_count;
	int missed_why;

	struct ft_bytes error;
	uint64_t noticed; /* bits of enum ft_notice */
	ft_notice_fn notice;
	void *notice_data;
};

/* What is told once each. */
enum ft_notice {
	FT_NOTICE_FILTERS,
	FT_NOTICE_QUEUE,
	FT_NOTICE_BTRFS,
	FT_NOTICE_RECURSE,
	FT_NOTICE_FD_MODE,
	FT_NOTICE_MISSED,
	FT_NOTICE_RENAME,
	FT_NOTICE_MOUNT_SCOPE,
	FT_NOTICE_MOUNT_EVENTS,
	FT_NOTICE_PROCESS,
};

enum ft_session_flags {
	FT_SESSION_ASK = 1 << 0,
	FT_SESSION_NO_PROCESS = 1 << 1,
};

int ft_session_new(struct ft_session **ret, unsigned int flags);
struct ft_session *ft_session_free(struct ft_session *s);
int ft_session_set_events(struct ft_session *s, uint64_t mask);
int ft_session_add_path(struct ft_session *s, const char *path, enum ft_scope scope,
			bool one_filesystem);
int ft_session_add_all(struct ft_session *s);
int ft_session_add_filter(struct ft_session *s, enum ft_match_kind kind,
			  const char *value, bool negate);
/* Of a session that was started: this process and its descendants are what the tracker's
 * is_below() knows from now on. */
int ft_session_add_root(struct ft_session *s, pid_t root);
/* Never told: records of this process, and records about this object (an output file). */
int ft_session_ignore_pid(struct ft_session *s, pid_t pid);
void ft_session_ignore_file(struct ft_session *s, int fd);
int ft_session_start(struct ft_session *s);
/* Nothing told yet, but there is more: call again, without waiting. */
enum { FT_SESSION_MORE = 2 };
/* 1, 0, FT_SESSION_MORE or -errno; *ret lives until the next call. */
int ft_session_next(struct ft_session *s, struct ft_event **ret);
/* Reads what the kernel has queued into memory, and tells nothing yet. 0; 1: no more
 * fits, the rest stays queued; -errno. */
int ft_session_drain(struct ft_session *s);
/*
 * Is nothing lost when what comes is looked at some milliseconds later? Not so where a
 * new directory has to be marked, or a process to be found before it ends.
 */
bool ft_session_may_wait(const struct ft_session *s);
int ft_session_stop(struct ft_session *s);
int ft_session_answer(struct ft_session *s, uint32_t response);
const char *ft_session_error(struct ft_session *s);

/* What watching a path would come to. */
struct ft_trial {
	enum ft_way way;
	struct ft_bytes text; /* what it would say, a line each; or why it cannot be */
};

/*
 * Starts a session on the filesystem of path as `watch` would, but that no directory
 * below path gets a mark of its own, and ends it. 0, or -errno of the session with its
 * message in text. The caller ends *ret.
 */
int ft_trial_run(const char *path, struct ft_trial *ret);
void ft_trial_fini(struct ft_trial *t);

/* ---- inside the room ---- */

/* Keeps the message, returns error. */
int ft_session_fail(struct ft_session *s, int error, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void ft_session_notice(struct ft_session *s, enum ft_notice which, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A record of our own; when no room is left lost records are added up. */
void ft_session_tell_lost(struct ft_session *s, enum ft_lost_where where, uint64_t count,
			  bool has_count);
/* Nobody looked at a part from then to then. */
void ft_session_tell_gap(struct ft_session *s, int64_t from_ns, int64_t to_ns,
			 const char *reason);
/* A notice that may come again, about something else. */
void ft_session_say(struct ft_session *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
struct ft_event *ft_session_new_pending(struct ft_session *s);
bool ft_session_is_ignored(const struct ft_session *s, pid_t pid);
/* Waits for this descriptor, too. tag: what ft_flow_... finds it by. */
int ft_session_poll(struct ft_session *s, int fd, uint32_t events);

/* marking.c: marks for a target, or for a filesystem that was mounted later (1: it has
 * them, 0: it is not asked for). */
int ft_marking_start(struct ft_session *s);
int ft_marking_add_mount(struct ft_session *s, const struct ft_mount *m);
/* What would help where a mark was refused, in brackets behind a space; or "". */
const char *ft_marking_help(int r);
/* A directory that takes no mark: lost, unless all below it is excluded by name. */
void ft_marking_miss(struct ft_session *s, struct ft_span dir, int why);
/* The first of them, and how many more there are by now; once. */
void ft_marking_tell_missed(struct ft_session *s);

/* source.c */
int ft_source_open(struct ft_session *s, struct ft_source **ret);
struct ft_source *ft_source_close(struct ft_source *src);
int ft_source_drain(struct ft_source *src);
/* The next record, refilled from the group when all were told: 1; 0: the queue is empty;
 * -errno. *ret_read is the read that it came with. */
int ft_source_next(struct ft_source *src, struct ft_record *ret,
		   struct ft_read *ret_read);

/* recurse.c: inode marks on each directory. */
int ft_recurse_add_root(struct ft_source *src, const struct ft_target *t);
void ft_recurse_follow(struct ft_source *src, const struct ft_record *rec,
		       struct ft_span path);
/* After records were lost: marks and places everything below the roots again. */
void ft_recurse_rescan(struct ft_source *src);

/* root.c: the PATHs that recurse.c starts at. */
int ft_root_add(struct ft_source *src, const char *path, struct ft_root **ret);
void ft_root_fini(struct ft_root *root);
/* Those of a filesystem that is gone. */
void ft_root_drop(struct ft_source *src, uint64_t fsid);
int ft_root_anchor(struct ft_source *src, const struct ft_root *root);
/* Looks up the paths of the roots anew. */
void ft_root_refresh(struct ft_source *src);
/* A directory was moved: is it one on the way to a root? */
bool ft_root_is_moved_by(const struct ft_source *src, const struct ft_record *rec);

/* execmark.c: executions on all filesystems, for the tracker. */
void ft_execmark_start(struct ft_session *s);
void ft_execmark_add(struct ft_session *s, const struct ft_mount *m);
void ft_execmark_drop_gone(struct ft_session *s);
/* Is every execution of a file there in a queue, since the window's begin? */
bool ft_execmark_has(const struct ft_session *s, dev_t dev);
/* Is it a record that nobody asked for? */
bool ft_execmark_is_own(struct ft_source *src, const struct ft_record *rec);
void ft_execmark_tell(struct ft_source *src, const struct ft_record *rec,
		      uint64_t position);

/* fdmode.c */
int ft_fdmode_open(struct ft_session *s);
int ft_fdmode_mark(struct ft_session *s, const struct ft_target *t);
/* 1: *ev was filled and is to be told, 0: nothing more. */
int ft_fdmode_next(struct ft_session *s, struct ft_event *ev);

/* mountwatch.c */
int ft_mountwatch_open(struct ft_session *s);
/* Something changed: new filesystems are marked, gone ones dropped, mount events become
 * pending. */
/* keep: records from before may still be told, so mounts that are gone stay known until
 * the next call without. 1: it has changed, 0: not, -errno. */
int ft_mountwatch_update(struct ft_session *s, bool keep);
/* Is there something that update has not seen? */
bool ft_mountwatch_is_due(const struct ft_session *s);
int ft_mountwatch_refresh(struct ft_session *s);
