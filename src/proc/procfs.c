/* SPDX-License-Identifier: MIT */
/* What /proc says of one process at one moment. */
#include "proc/procfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/file.h"

enum {
	/* Numbers of the fields of stat, as proc(5) counts them. */
	FIELD_STATE = 3,
	FIELD_PPID = 4,
	FIELD_FLAGS = 9,
	FIELD_THREADS = 20,
	FIELD_START = 22,
	FIELD_LAST = 51,
	/* Where the stack's address stands in the layout. */
	LAYOUT_CODE = 0,
	LAYOUT_STACK = 2,
	PATH_LEN = 32,
	STAT_MAX = 4096,
	STATUS_MAX = 64 * 1024,
	CGROUP_MAX = 64 * 1024,
	THREADS_MAX = 4096,
	OVERLAY_MAGIC = 0x794c7630,
};

static const uint8_t layout_fields[FT_PROC_LAYOUT] = {26, 27, 28, 45, 47, 48, 49, 50, 51};

/* One decimal number, signed ones as two's complement. */
static bool parse_number(const char **p, const char *end, uint64_t *ret)
{
	const char *at = *p;
	bool negative = at < end && *at == '-';
	uint64_t v = 0;

	at += negative;
	if (at == end || *at < '0' || *at > '9')
		return false;
	for (; at < end && *at >= '0' && *at <= '9'; at++) {
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, *at - '0', &v))
			return false;
	}
	*p = at;
	*ret = negative ? -v : v;
	return true;
}

static bool parse_fields(const char *p, const char *end, uint64_t fields[FIELD_LAST + 1])
{
	for (size_t i = FIELD_PPID; i <= FIELD_LAST; i++) {
		if (p == end || *p++ != ' ' || !parse_number(&p, end, &fields[i]))
			return false;
	}
	return true;
}

/* comm stands as it is */
int ft_procfs_parse_stat(struct ft_span text, struct ft_proc_stat *ret)
{
	const char *end = text.data + text.len;
	const char *open = text.len ? memchr(text.data, '(', text.len) : NULL;
	const char *close = text.len ? memrchr(text.data, ')', text.len) : NULL;
	uint64_t fields[FIELD_LAST + 1];

	if (!open || !close || close < open || end - close < 3 || close[1] != ' ')
		return -EINVAL;
	if (!parse_fields(close + 3, end, fields))
		return -EINVAL;
	ret->comm_len = close - open - 1;
	if (ret->comm_len > FT_PROC_COMM_MAX)
		ret->comm_len = FT_PROC_COMM_MAX;
	memcpy(ret->comm, open + 1, ret->comm_len);
	ret->state = close[2];
	ret->ppid = (pid_t)fields[FIELD_PPID];
	ret->flags = fields[FIELD_FLAGS];
	ret->threads = fields[FIELD_THREADS];
	ret->start = fields[FIELD_START];
	for (size_t i = 0; i < FT_PROC_LAYOUT; i++)
		ret->layout[i] = fields[layout_fields[i]];
	return 0;
}

/*
 * In the middle of an exec the memory is already the new one, its layout still empty, and
 * the flag not yet cleared: a process that should have a layout and shows none proves
 * nothing.
 */
bool ft_proc_stat_is_forked(const struct ft_proc_stat *s)
{
	bool not_permitted = s->layout[LAYOUT_CODE] == 1;

	if (!(s->flags & FT_PF_FORKNOEXEC))
		return false;
	return s->layout[LAYOUT_STACK] != 0 || not_permitted ||
	       s->flags & FT_PF_KTHREAD || ft_proc_stat_is_dead(s);
}

static bool is_layout_proof(const struct ft_proc_stat *s)
{
	return s->flags & FT_PF_RANDOMIZE && s->layout[LAYOUT_STACK] != 0;
}

bool ft_proc_stat_is_layout_equal(const struct ft_proc_stat *a,
				  const struct ft_proc_stat *b)
{
	return memcmp(a->layout, b->layout, sizeof(a->layout)) == 0;
}

bool ft_proc_stat_is_continued(const struct ft_proc_stat *a, const struct ft_proc_stat *b)
{
	if (a->start != b->start)
		return false;
	if (ft_proc_stat_is_forked(a) && ft_proc_stat_is_forked(b))
		return true;
	return is_layout_proof(a) && is_layout_proof(b) &&
	       ft_proc_stat_is_layout_equal(a, b);
}

bool ft_proc_stat_is_comm_equal(const struct ft_proc_stat *a,
				const struct ft_proc_stat *b)
{
	if (a->flags & b->flags & FT_PF_KTHREAD)
		return true;
	return a->comm_len == b->comm_len && memcmp(a->comm, b->comm, a->comm_len) == 0;
}

static struct ft_span take_line(struct ft_span *text)
{
	const char *newline = memchr(text->data, '\n', text->len);
	size_t len = newline ? (size_t)(newline - text->data) : text->len;
	struct ft_span line = {text->data, len};

	text->data += len + (newline != NULL);
	text->len -= len + (newline != NULL);
	return line;
}

static bool take_prefix(struct ft_span *s, struct ft_span prefix)
{
	if (s->len < prefix.len || memcmp(s->data, prefix.data, prefix.len) != 0)
		return false;
	s->data += prefix.len;
	s->len -= prefix.len;
	return true;
}

static bool take_number_colon(struct ft_span *s)
{
	const char *colon = s->len ? memchr(s->data, ':', s->len) : NULL;

	return colon && take_prefix(s, (struct ft_span){s->data, colon - s->data + 1});
}

/* Where both hierarchies are mounted the unified one may be unused: everything is in its
 * root. */
struct ft_span ft_procfs_parse_cgroup(struct ft_span text)
{
	struct ft_span unified = {0}, systemd = {0};

	while (text.len > 0) {
		struct ft_span line = take_line(&text);
		if (take_prefix(&line, FT_SPAN("0::")))
			unified = line;
		else if (take_number_colon(&line) &&
			 take_prefix(&line, FT_SPAN("name=systemd:")))
			systemd = line;
	}
	return unified.len > 1 || systemd.len == 0 ? unified : systemd;
}

static const char *path_of(char buf[PATH_LEN], pid_t pid, const char *name)
{
	snprintf(buf, PATH_LEN, "%d%s", (int)pid, name);
	return buf;
}

int ft_procfs_open(int *ret_fd)
{
	struct ft_proc_stat self;
	_cleanup_(ft_bytes_fini) struct ft_bytes text = {0};
	int r = ft_file_read(AT_FDCWD, "/proc/self/stat", STAT_MAX, &text);

	if (r < 0)
		return r;
	r = ft_procfs_parse_stat(ft_bytes_span(&text), &self);
	if (r < 0)
		return r;
	int fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -EIO;
	*ret_fd = fd;
	return 0;
}

int ft_procfs_read_stat(int proc, pid_t pid, struct ft_bytes *text,
			struct ft_proc_stat *ret)
{
	char path[PATH_LEN];

	ft_bytes_clear(text);
	int r = ft_file_read(proc, path_of(path, pid, "/stat"), STAT_MAX, text);
	if (r == -ENOENT)
		return -ESRCH;
	return r < 0 ? r : ft_procfs_parse_stat(ft_bytes_span(text), ret);
}

/*
 * The directory of a process belongs to its effective ids, whether it may be traced or
 * not; the kernel keeps that for those who would not wait for the much slower status.
 */
bool ft_procfs_read_ids(int proc, pid_t pid, uid_t *ret_uid, gid_t *ret_gid)
{
	char path[PATH_LEN];
	struct stat st;

	if (fstatat(proc, path_of(path, pid, ""), &st, AT_NO_AUTOMOUNT) < 0)
		return false;
	*ret_uid = st.st_uid;
	*ret_gid = st.st_gid;
	return true;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static DIR *open_threads(int proc, pid_t pid)
{
	char path[PATH_LEN];
	int fd = openat(proc, path_of(path, pid, "/task"),
			O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0)
		close(fd);
	return dir;
}

/* A thread may have ended since it was listed. */
bool ft_procfs_has_ids(int proc, pid_t pid, uid_t uid, gid_t gid)
{
	_cleanup_(close_dir) DIR *dir = open_threads(proc, pid);
	const struct dirent *entry;
	struct stat st;

	if (!dir)
		return false;
	for (int seen = 0; (entry = readdir(dir)); seen++) {
		if (seen > THREADS_MAX)
			return false;
		if (entry->d_name[0] != '.' &&
		    fstatat(dirfd(dir), entry->d_name, &st, AT_NO_AUTOMOUNT) == 0 &&
		    (st.st_uid != uid || st.st_gid != gid))
			return false;
	}
	return true;
}

/* The first number behind this name in the text of status. */
static bool find_number(struct ft_span text, struct ft_span name, uint64_t *ret)
{
	while (text.len > 0) {
		struct ft_span line = take_line(&text);
		if (!take_prefix(&line, name))
			continue;
		const char *at = line.data;
		return parse_number(&at, line.data + line.len, ret);
	}
	return false;
}

bool ft_procfs_read_real_ids(int proc, pid_t pid, struct ft_bytes *text, uid_t *ret_uid,
			     gid_t *ret_gid)
{
	char path[PATH_LEN];
	uint64_t uid, gid;

	ft_bytes_clear(text);
	if (ft_file_read(proc, path_of(path, pid, "/status"), STATUS_MAX, text) < 0 ||
	    !find_number(ft_bytes_span(text), FT_SPAN("Uid:\t"), &uid) ||
	    !find_number(ft_bytes_span(text), FT_SPAN("Gid:\t"), &gid))
		return false;
	*ret_uid = (uid_t)uid;
	*ret_gid = (gid_t)gid;
	return true;
}

bool ft_procfs_read_login(int proc, pid_t pid, struct ft_bytes *text, uid_t *ret)
{
	char path[PATH_LEN];
	uint64_t uid;

	ft_bytes_clear(text);
	if (ft_file_read(proc, path_of(path, pid, "/loginuid"), STAT_MAX, text) < 0 ||
	    !find_number(ft_bytes_span(text), FT_SPAN(""), &uid) || uid == UINT32_MAX)
		return false;
	*ret = (uid_t)uid;
	return true;
}

/*
 * Other ids than its own take a privilege, whose use leaves a flag until the next fork;
 * to swap its own takes none, but makes it one that is not dumped, whose files are root's
 * then. (Root that was another among its own, and a process that has itself be dumped
 * again, are not found out.)
 */
bool ft_procfs_may_have_new_ids(int proc, pid_t pid, const struct ft_proc_stat *stat)
{
	char path[PATH_LEN];
	struct stat dir, file;

	if (stat->flags & FT_PF_SUPERPRIV)
		return true;
	if (fstatat(proc, path_of(path, pid, ""), &dir, AT_NO_AUTOMOUNT) < 0 ||
	    fstatat(proc, path_of(path, pid, "/stat"), &file, AT_NO_AUTOMOUNT) < 0)
		return true;
	return dir.st_uid != file.st_uid;
}

/* A network or FUSE filesystem is never asked: its server may be the one that hangs. */
static bool look_at(int dirfd, const char *path, int flags, struct statx *st)
{
	return statx(dirfd, path, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT | flags,
		     STATX_INO | STATX_NLINK, st) == 0;
}

struct ft_proc_object ft_procfs_read_object(int proc, pid_t pid)
{
	char path[PATH_LEN];
	struct statx st;

	if (!look_at(proc, path_of(path, pid, "/exe"), 0, &st))
		return (struct ft_proc_object){0};
	return (struct ft_proc_object){makedev(st.stx_dev_major, st.stx_dev_minor),
				       st.stx_ino};
}

bool ft_procfs_is_overlaid(int proc, pid_t pid)
{
	char path[PATH_LEN];
	struct statfs fs;
	_cleanup_close_ int fd =
		openat(proc, path_of(path, pid, "/exe"), O_PATH | O_CLOEXEC);

	return fd < 0 || fstatfs(fd, &fs) < 0 || fs.f_type == OVERLAY_MAGIC;
}

/*
 * The text may be that of another mount namespace, and lead anywhere here. What runs by
 * this name is in the kernel's memory; what is not there, or would have to be asked for,
 * is another file.
 */
static bool is_named(const char *path, const struct statx *exe)
{
	_cleanup_close_ int fd =
		ft_file_open_cached(AT_FDCWD, path, O_PATH, RESOLVE_NO_SYMLINKS);
	struct statx st;

	return fd >= 0 && look_at(fd, "", AT_EMPTY_PATH, &st) &&
	       st.stx_ino == exe->stx_ino && st.stx_dev_major == exe->stx_dev_major &&
	       st.stx_dev_minor == exe->stx_dev_minor;
}

/* The kernel adds " (deleted)" to the name of a file that has it no more; a file may also
 * be called so. */
static void strip_deleted(int proc, const char *link, struct ft_bytes *path)
{
	const struct ft_span suffix = FT_SPAN(" (deleted)");
	struct statx exe;

	if (path->len <= suffix.len ||
	    memcmp(path->data + path->len - suffix.len, suffix.data, suffix.len) != 0)
		return;
	/* A file with other links may have lost this one. */
	if (!look_at(proc, link, 0, &exe) || exe.stx_nlink == 0 ||
	    !is_named(ft_bytes_cstr(path), &exe))
		path->len -= suffix.len;
}

void ft_procfs_read_exe(int proc, pid_t pid, struct ft_bytes *out)
{
	char path[PATH_LEN];

	if (ft_file_readlink(proc, path_of(path, pid, "/exe"), out) < 0)
		ft_bytes_clear(out);
	strip_deleted(proc, path, out);
}

/* A program that wrote over its arguments, and a cut, leave the last one without its end.
 */
bool ft_procfs_read_args(int proc, pid_t pid, struct ft_bytes *out)
{
	char path[PATH_LEN];

	ft_bytes_clear(out);
	int r = ft_file_read(proc, path_of(path, pid, "/cmdline"), FT_PROC_ARGS_MAX, out);
	if (r < 0 && r != -EFBIG)
		ft_bytes_clear(out);
	if (out->len == FT_PROC_ARGS_MAX)
		out->data[out->len - 1] = '\0';
	else if (out->len > 0 && out->data[out->len - 1] != '\0')
		ft_bytes_put_char(out, '\0');
	return r == -EFBIG;
}

void ft_procfs_read_cgroup(int proc, pid_t pid, struct ft_bytes *out)
{
	char path[PATH_LEN];

	ft_bytes_clear(out);
	int r = ft_file_read(proc, path_of(path, pid, "/cgroup"), CGROUP_MAX, out);
	if (r < 0)
		ft_bytes_clear(out);
}
