/* SPDX-License-Identifier: MIT */
/*
 * libfantail: what a Linux machine does to its files, which process did it and where.
 *
 * A session is set up (events, paths, filters), started, and then pulled: wait until
 * fantail_fd() is readable, call fantail_next() until it returns 0. A session belongs to
 * one thread. The library has no global state, prints nothing, installs no signal handler
 * and starts no thread.
 *
 * Functions that can fail return 0 or a positive value when done and -errno when not;
 * fantail_error() then says in one line what failed, on what, why, and what would help.
 * Strings are bytes: names may hold anything but NUL and '/'. Before they go to a
 * terminal or a log: fantail_escape().
 *
 * What the calling process itself does is never told, and never asked about.
 *
 * Since: the release that first had it. Everything here: 0.1.
 */
#ifndef FANTAIL_H
#define FANTAIL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FANTAIL_API __attribute__((visibility("default")))

struct fantail;	      /* a session */
struct fantail_event; /* a record, owned by its session, valid until the next
			 fantail_next() */

/* Events: the kernel's bits, the same as FAN_... of <sys/fanotify.h>. */
#define FANTAIL_ACCESS	       UINT64_C(0x00000001)
#define FANTAIL_MODIFY	       UINT64_C(0x00000002)
#define FANTAIL_ATTRIB	       UINT64_C(0x00000004)
#define FANTAIL_CLOSE_WRITE    UINT64_C(0x00000008)
#define FANTAIL_CLOSE_NOWRITE  UINT64_C(0x00000010)
#define FANTAIL_OPEN	       UINT64_C(0x00000020)
#define FANTAIL_MOVED_FROM     UINT64_C(0x00000040)
#define FANTAIL_MOVED_TO       UINT64_C(0x00000080)
#define FANTAIL_CREATE	       UINT64_C(0x00000100)
#define FANTAIL_DELETE	       UINT64_C(0x00000200)
#define FANTAIL_DELETE_SELF    UINT64_C(0x00000400)
#define FANTAIL_MOVE_SELF      UINT64_C(0x00000800)
#define FANTAIL_OPEN_EXEC      UINT64_C(0x00001000)
#define FANTAIL_FS_ERROR       UINT64_C(0x00008000)
#define FANTAIL_OPEN_PERM      UINT64_C(0x00010000)
#define FANTAIL_ACCESS_PERM    UINT64_C(0x00020000)
#define FANTAIL_OPEN_EXEC_PERM UINT64_C(0x00040000)
#define FANTAIL_MNT_ATTACH     UINT64_C(0x01000000)
#define FANTAIL_MNT_DETACH     UINT64_C(0x02000000)
#define FANTAIL_RENAME	       UINT64_C(0x10000000)

/* Flags of fantail_new(). */
enum fantail_flags {
	/* Ask before: permission events. Every event must be answered with
	   fantail_answer(). */
	FANTAIL_ASK = 1 << 0,
	/* Do not look up processes: events have a pid and nothing more. */
	FANTAIL_NO_PROCESS = 1 << 1,
};

/* How far a PATH reaches. */
enum fantail_scope {
	FANTAIL_TREE =
		0, /* everything below, mounts too; or one file, by name and by object */
	FANTAIL_FILESYSTEM = 1, /* the whole filesystem that PATH is on */
	FANTAIL_MOUNT = 2,	/* what happens through the mount that PATH is on */
	FANTAIL_DIRECTORY = 3,	/* PATH and its direct children */
	FANTAIL_FILE = 4,	/* the object alone */
};

enum fantail_path_flags {
	FANTAIL_ONE_FILESYSTEM = 1 << 0, /* tree: not into mounts of other filesystems */
};

/* Filters: of one kind or-ed, kinds and-ed. */
enum fantail_filter {
	FANTAIL_FILTER_PATH = 0,  /* glob: * stops at /, ** is zero or more components */
	FANTAIL_FILTER_REGEX = 1, /* POSIX extended, unanchored */
	FANTAIL_FILTER_PID = 2,
	FANTAIL_FILTER_TREE = 3, /* the process that has the id at the start, and
				     its descendants */
	FANTAIL_FILTER_COMM = 4,
	FANTAIL_FILTER_EXE = 5, /* glob */
	FANTAIL_FILTER_UID = 6, /* number or name */
	FANTAIL_FILTER_GID = 7,
	FANTAIL_FILTER_CONTAINER = 8,
};

enum fantail_kind {
	FANTAIL_KIND_EVENT = 0,
	FANTAIL_KIND_LOST = 1, /* something could not be seen or kept:
				  fantail_event_count() records, if known */
};

/* How a path is known. */
enum fantail_path_source {
	FANTAIL_PATH_NONE = 0,
	FANTAIL_PATH_PARTIAL = 1, /* the name alone */
	FANTAIL_PATH_NOW = 2,	  /* as of reading */
	FANTAIL_PATH_FIRST = 3,	  /* as of the record's first event */
	FANTAIL_PATH_EVENT = 4,	  /* as it was when it happened */
};

/* How well the process is known. */
enum fantail_certainty {
	FANTAIL_CERTAINTY_NONE = 0,
	FANTAIL_CERTAINTY_CREDENTIALS = 1,
	FANTAIL_CERTAINTY_AMBIGUOUS = 2,
	FANTAIL_CERTAINTY_EXACT = 3,
};

enum fantail_verdict {
	FANTAIL_ALLOW = 1,
	FANTAIL_DENY = 2,
};

/* What the kernel, the privileges and this library can do here, found by trying. */
enum fantail_feature {
	FANTAIL_FEATURE_FID = 0,    /* handles and names in events (5.9) */
	FANTAIL_FEATURE_TARGET = 1, /* the object's handle beside its parent's (5.17) */
	FANTAIL_FEATURE_RENAME = 2, /* one event with the old and the new name (5.17) */
	FANTAIL_FEATURE_FILESYSTEM =
		3, /* filesystem marks are permitted (CAP_SYS_ADMIN) */
	FANTAIL_FEATURE_UNLIMITED =
		4,		     /* an unlimited queue is permitted (CAP_SYS_ADMIN) */
	FANTAIL_FEATURE_HANDLES = 5, /* handles can be opened (CAP_DAC_READ_SEARCH) */
	FANTAIL_FEATURE_PERMISSION = 6,	 /* permission events can be had */
	FANTAIL_FEATURE_MOUNT_EVENTS = 7 /* mount events can be had (6.14) */
};

/* ---- a session ---- */

/* Makes a session; *ret is owned by the caller. 0, -EINVAL (flags), -ENOMEM or -EMFILE.
 */
FANTAIL_API int fantail_new(struct fantail **ret, unsigned int flags);
/* Ends it: marks and descriptors go, unanswered requests are allowed. NULL is fine.
 * Returns NULL. */
FANTAIL_API struct fantail *fantail_free(struct fantail *f);
/*
 * Why the last call on the session failed; "" if it did not. Owned by the session, valid
 * until its next call. Of NULL: that there is no session.
 */
FANTAIL_API const char *fantail_error(const struct fantail *f);

/* Told once each, while it runs: a fallback taken, something that is missing. text is
 * valid during the call. */
typedef void (*fantail_notice_fn)(void *data, const char *text);
FANTAIL_API void fantail_set_notice(struct fantail *f, fantail_notice_fn fn, void *data);

/* ---- set up, before fantail_start(): -EALREADY after it ---- */

/*
 * Which events: bits of FANTAIL_... (permission events with FANTAIL_ASK only, and then
 * only those). Not called: what `fantail watch` shows; with FANTAIL_ASK
 * FANTAIL_OPEN_PERM. 0 or -EINVAL.
 */
FANTAIL_API int fantail_set_events(struct fantail *f, uint64_t mask);
/* Adds what to watch. path is resolved now, symbolic links followed. 0, -EINVAL, or
 * -errno of the path. */
FANTAIL_API int fantail_add_path(struct fantail *f, const char *path,
				 enum fantail_scope scope, unsigned int flags);
/* Every filesystem that is mounted, and those mounted later, but for pseudo filesystems
 * (proc, sysfs...). */
FANTAIL_API int fantail_add_all(struct fantail *f);
/* Only what matches (negate != 0: what does not). 0; -EINVAL: bad value; -ENOENT: no such
 * user or group. */
FANTAIL_API int fantail_add_filter(struct fantail *f, enum fantail_filter kind,
				   const char *value, int negate);

/* ---- running ---- */

/* Places the marks. All or nothing, and once: after a failure there is only
 * fantail_free(). 0 or -errno. */
FANTAIL_API int fantail_start(struct fantail *f);
/* A descriptor to poll for reading (epoll, level-triggered), borrowed; valid from
 * fantail_start() on. -1 before. */
FANTAIL_API int fantail_fd(const struct fantail *f);
/* The next record: 1 and *ret; 0: none now; -EINVAL: not started; -errno: the session is
 * broken. Never waits. */
FANTAIL_API int fantail_next(struct fantail *f, struct fantail_event **ret);
/* Takes the marks away: fantail_next() goes on with what was queued until now, then
 * returns 0. 0 or -errno. */
FANTAIL_API int fantail_stop(struct fantail *f);
/*
 * Answers the permission event that fantail_next() gave last, exactly once; not answered
 * by the next fantail_next() = allowed. 0; -EALREADY: it was answered, or did not ask;
 * -EINVAL; -errno of the kernel.
 */
FANTAIL_API int fantail_answer(struct fantail *f, struct fantail_event *ev,
			       enum fantail_verdict verdict);

/* ---- a record ---- */

FANTAIL_API enum fantail_kind fantail_event_kind(const struct fantail_event *ev);
/* The requested bits that happened. */
FANTAIL_API uint64_t fantail_event_mask(const struct fantail_event *ev);
/* 1: the object is a directory. */
FANTAIL_API int fantail_event_is_dir(const struct fantail_event *ev);
/*
 * The absolute path, NUL-ended, of *ret_len bytes (ret_len may be NULL); NULL and 0: not
 * known. With FANTAIL_PATH_PARTIAL the name alone. Of a rename the new one.
 */
FANTAIL_API const char *fantail_event_path(const struct fantail_event *ev,
					   size_t *ret_len);
FANTAIL_API const char *fantail_event_old_path(const struct fantail_event *ev,
					       size_t *ret_len);
FANTAIL_API enum fantail_path_source fantail_event_path_source(
	const struct fantail_event *ev);
/* Nanoseconds since the epoch when the record was read: it happened before. */
FANTAIL_API int64_t fantail_event_time(const struct fantail_event *ev);
/* 0: not known. */
FANTAIL_API uint64_t fantail_event_inode(const struct fantail_event *ev);
/* Process id, 0: not known. */
FANTAIL_API pid_t fantail_event_pid(const struct fantail_event *ev);
FANTAIL_API enum fantail_certainty fantail_event_certainty(
	const struct fantail_event *ev);
/* NUL-ended, NULL: not known. */
FANTAIL_API const char *fantail_event_comm(const struct fantail_event *ev);
FANTAIL_API const char *fantail_event_exe(const struct fantail_event *ev);
/* Effective user and group. 0 and *ret, -ENODATA: not known. */
FANTAIL_API int fantail_event_uid(const struct fantail_event *ev, uid_t *ret);
FANTAIL_API int fantail_event_gid(const struct fantail_event *ev, gid_t *ret);
/* Of a FANTAIL_KIND_LOST: how many kernel records, 0: not known. */
FANTAIL_API uint64_t fantail_event_count(const struct fantail_event *ev);

/* ---- names ---- */

/* "create", "open"... of one bit; NULL: it has none. */
FANTAIL_API const char *fantail_event_name(uint64_t bit);
/* "create,open", groups (read, write, exec, change, all) too. 0 or -EINVAL. */
FANTAIL_API int fantail_parse_events(const char *list, uint64_t *ret_mask);
/* "create,open" of a set into buf, cut to size, NUL-ended; returns the length that it has
 * uncut. */
FANTAIL_API size_t fantail_format_events(uint64_t mask, char *buf, size_t size);
/*
 * A path or name for a line of text or a terminal: \\ \n \t \r, and \xHH for each byte of
 * what is not valid UTF-8 and of characters that are obeyed, not shown. Into buf, cut to
 * size, NUL-ended; NULL as "". Returns the length that it has uncut: at most 4 a byte.
 */
FANTAIL_API size_t fantail_escape(const char *name, char *buf, size_t size);
FANTAIL_API const char *fantail_path_source_name(enum fantail_path_source source);
FANTAIL_API const char *fantail_certainty_name(enum fantail_certainty certainty);

/* ---- features ---- */

/* 1: there, 0: not, -errno: could not be tried. Tries now, changes nothing. */
FANTAIL_API int fantail_probe(enum fantail_feature feature);
/* "0.1.0" */
FANTAIL_API const char *fantail_version(void);

#ifdef __cplusplus
}
#endif

#endif
