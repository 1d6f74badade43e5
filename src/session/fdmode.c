/* SPDX-License-Identifier: MIT */
/* FD groups: where a filesystem has no handles, and where the caller is asked. Events
 * come with an open descriptor. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "kernel/abi.h"
#include "kernel/group.h"
#include "session/session.h"

/* One descriptor an event: a read must not take more than are free. */
enum { EVENTS_A_READ = 128, BUFFER_SIZE = EVENTS_A_READ * 24 };

#define FD_BITS                                                                          \
	((uint64_t)(FT_EV_ACCESS | FT_EV_MODIFY | FT_EV_OPEN | FT_EV_OPEN_EXEC |         \
		    FT_EV_CLOSE_WRITE | FT_EV_CLOSE_NOWRITE | FT_MASK_ASK))

int ft_fdmode_open(struct ft_session *s)
{
	bool asks = s->flags & FT_SESSION_ASK;
	unsigned int flags = (asks ? FT_INIT_CLASS_CONTENT : FT_INIT_CLASS_NOTIF) |
			     FT_INIT_UNLIMITED_QUEUE | FT_INIT_UNLIMITED_MARKS;

	if (s->fd_group >= 0)
		return 0;
	s->fd_empty_ns = ft_boot_ns();
	s->fd_buffer = malloc(BUFFER_SIZE);
	if (!s->fd_buffer)
		return -ENOMEM;
	s->fd_group =
		ft_group_open(flags, O_RDONLY | O_LARGEFILE | O_CLOEXEC | O_NOATIME);
	if (s->fd_group == -EINVAL || s->fd_group == -EPERM)
		s->fd_group = ft_group_open(flags, O_RDONLY | O_LARGEFILE | O_CLOEXEC);
	if (s->fd_group < 0) {
		int r = s->fd_group;

		s->fd_group = -1;
		return r;
	}
	return ft_session_poll(s, s->fd_group, EPOLLIN);
}

int ft_fdmode_mark(struct ft_session *s, const struct ft_target *t)
{
	static const unsigned int types[] = {
		[FT_SCOPE_TREE] = FT_MARK_MOUNT,
		[FT_SCOPE_FILESYSTEM] = FT_MARK_FILESYSTEM,
		[FT_SCOPE_MOUNT] = FT_MARK_MOUNT,
		[FT_SCOPE_DIRECTORY] = FT_MARK_INODE,
		[FT_SCOPE_FILE] = FT_MARK_INODE,
	};
	uint64_t mask = (s->events & FD_BITS);
	int r;

	if (mask == 0)
		return -EOPNOTSUPP;
	r = ft_fdmode_open(s);
	if (r < 0)
		return r;
	if (t->is_dir && !(s->flags & FT_SESSION_ASK))
		mask |= FT_EV_ONDIR;
	if (t->scope == FT_SCOPE_DIRECTORY)
		mask |= FT_EV_ON_CHILD;
	return ft_group_mark(s->fd_group, FT_MARK_ADD | types[t->scope], mask, AT_FDCWD,
			     t->path);
}

/* Where the object is, if it is on a mount of ours: a container's file is never shown
 * under a path of the host. */
static const struct ft_mount *locate(struct ft_session *s, int fd)
{
	const struct ft_mount *m = ft_mounts_find(&s->view.mounts, ft_mounts_id_of(fd));
	char link[32];

	if (!m)
		return NULL;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return ft_file_readlink(AT_FDCWD, link, &s->path) < 0 || s->path.len == 0 ||
			       s->path.data[0] != '/'
		       ? NULL
		       : m;
}

static void cut_deleted(struct ft_bytes *path, const struct stat *st)
{
	static const char suffix[] = " (deleted)";
	size_t n = sizeof(suffix) - 1;

	if (st->st_nlink == 0 && path->len > n &&
	    memcmp(path->data + path->len - n, suffix, n) == 0)
		path->len -= n;
}

/* A file that was asked for, under whatever name. */
static bool is_target(const struct ft_session *s, const struct stat *st)
{
	for (size_t i = 0; i < s->view.targets_count; i++) {
		const struct ft_target *t = &s->view.targets[i];

		if (t->dev && !t->is_dir && t->stat_dev == st->st_dev &&
		    t->stat_ino == st->st_ino)
			return true;
	}
	return false;
}

static bool fill(struct ft_session *s, const struct ft_record *rec, struct ft_event *ev)
{
	const struct ft_mount *m;
	struct stat st;

	*ev = (struct ft_event){
		.kind = FT_KIND_EVENT, .time_ns = ft_now_ns(), .pid = rec->pid};
	ev->mask = rec->mask & s->events;
	if (ev->mask == 0 || fstat(rec->fd, &st) < 0)
		return false;
	ev->dir = S_ISDIR(st.st_mode);
	ev->inode = st.st_ino;
	ev->has_inode = true;
	m = locate(s, rec->fd);
	if (!m)
		return s->flags & FT_SESSION_ASK;
	cut_deleted(&s->path, &st);
	ev->path = ft_bytes_span(&s->path);
	ev->path_source = FT_PATH_NOW;
	ev->dev = ft_span_of(m->dev);
	ev->fs = ft_span_of(m->type);
	return is_target(s, &st) || ft_view_has_path(&s->view, ev->path, m->dev);
}

static bool read_more(struct ft_session *s)
{
	int64_t begun_ns = ft_boot_ns();
	ssize_t n = ft_group_read(s->fd_group, s->fd_buffer, BUFFER_SIZE);

	s->fd_len = n > 0 ? (size_t)n : 0;
	s->fd_offset = 0;
	/* The kernel has dropped an event that it had no descriptor for. */
	if (n == -EMFILE || n == -ENFILE)
		ft_session_tell_lost(s, FT_LOST_DESCRIPTOR, 1, true);
	if (n == 0)
		s->fd_empty_ns = begun_ns;
	s->fd_asked_ns[0] = begun_ns;
	s->fd_asked_ns[1] = ft_boot_ns();
	return n > 0;
}

/* Of one's own, of readers of the output and of what is outside nothing is told; a
 * question is allowed. */
static bool is_told(struct ft_session *s, const struct ft_record *rec,
		    struct ft_event *ev)
{
	if (!ft_session_is_ignored(s, rec->pid) && fill(s, rec, ev))
		return true;
	if (rec->mask & FT_MASK_ASK)
		ft_group_answer(s->fd_group, rec->fd, FT_RESPONSE_ALLOW);
	else
		close(rec->fd);
	return false;
}

int ft_fdmode_next(struct ft_session *s, struct ft_event *ev)
{
	struct ft_record rec;

	if (s->fd_group < 0)
		return 0;
	for (;;) {
		ssize_t n;

		if (s->fd_offset >= s->fd_len && !read_more(s))
			return 0;
		n = ft_decode_size(s->fd_buffer + s->fd_offset, s->fd_len - s->fd_offset);
		if (n < 0 || ft_decode(s->fd_buffer + s->fd_offset, (size_t)n, &rec) < 0)
			return -EBADMSG;
		s->fd_offset += (size_t)n;
		if (rec.mask & FT_EV_Q_OVERFLOW)
			ft_session_tell_lost(s, FT_LOST_KERNEL, 0, false);
		if (rec.fd < 0 || !is_told(s, &rec, ev))
			continue;
		if (rec.mask & FT_MASK_ASK)
			s->asked_fd = rec.fd;
		else
			close(rec.fd);
		return 1;
	}
}
