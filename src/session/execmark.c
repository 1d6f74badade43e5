/* SPDX-License-Identifier: MIT */
/* Executions on every filesystem: whoever does something on a watched one was executed
 * somewhere. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "kernel/abi.h"
#include "kernel/group.h"
#include "kernel/handle.h"
#include "kernel/server.h"
#include "session/session.h"

/*
 * The marks tell OPEN_EXEC alone, in the same queue as the records that are asked about,
 * for it is the order in it that says which image did what. They are for attribution:
 * nothing of them is shown.
 */

/* Past it the executions of the others are not told, and less is exact. */
enum { EXEC_FILESYSTEMS_MAX = 512 };

static bool parse_dev(const char *text, dev_t *ret)
{
	char *end;
	unsigned long major = strtoul(text, &end, 10), minor;

	if (end == text || *end != ':')
		return false;
	minor = strtoul(end + 1, &end, 10);
	*ret = makedev(major, minor);
	return *end == '\0';
}

/* Those whose handles tell the inode: else no record can be given to an image. Network
 * filesystems, whose server may hang, are not among them. */
static bool is_suited(const struct ft_mount *m)
{
	static const char *const types[] = {"btrfs", "ext2",  "ext3", "ext4",
					    "f2fs",  "tmpfs", "xfs"};

	if (!m->visible)
		return false;
	for (size_t i = 0; i < FT_ARRAY_SIZE(types); i++) {
		if (strcmp(m->type, types[i]) == 0)
			return true;
	}
	return false;
}

static struct ft_exec_filesystem *find(const struct ft_source *src, uint64_t fsid)
{
	for (size_t i = 0; i < src->execs_count; i++) {
		if (src->execs[i].fsid == fsid)
			return &src->execs[i];
	}
	return NULL;
}

static const struct ft_filesystem *find_watched(struct ft_source *src, uint64_t fsid)
{
	const struct ft_span key = {(const char *)&fsid, sizeof(fsid)};

	return ft_resolver_find_filesystem(&src->resolver, key);
}

/*
 * May it be marked in this group, and what it tells be told from what is watched? Not
 * where another filesystem with the same id is watched; nor where what is watched is only
 * a part of this one, and an OPEN_EXEC of that part comes without anything else.
 */
static bool is_separable(struct ft_source *src, const struct ft_mount *m, uint64_t fsid)
{
	const struct ft_filesystem *fs = find_watched(src, fsid);
	uint64_t events = src->session->events;

	if (!fs)
		return true;
	if (strcmp(fs->dev, m->dev) != 0 || src->marks_mounts)
		return false;
	return (events & FT_EV_OPEN) || !(events & FT_EV_OPEN_EXEC);
}

static void keep(struct ft_source *src, const struct ft_mount *m, uint64_t fsid)
{
	struct ft_exec_filesystem *fs = find(src, fsid), *list;
	dev_t dev;

	if (!parse_dev(m->dev, &dev))
		return;
	if (!fs) {
		list = reallocarray(src->execs, src->execs_count + 1, sizeof(*list));
		if (!list)
			return;
		src->execs = list;
		fs = &list[src->execs_count++];
	}
	*fs = (struct ft_exec_filesystem){
		.fsid = fsid, .dev = dev, .marked_ns = ft_boot_ns()};
	snprintf(fs->type, sizeof(fs->type), "%s", m->type);
}

static void mark(struct ft_source *src, const struct ft_mount *m, int fd, uint64_t fsid)
{
	if (src->execs_count < EXEC_FILESYSTEMS_MAX && is_separable(src, m, fsid) &&
	    ft_group_mark(src->group, FT_MARK_ADD | FT_MARK_FILESYSTEM, FT_EV_OPEN_EXEC,
			  fd, ".") == 0)
		keep(src, m, fsid);
}

void ft_execmark_add(struct ft_session *s, const struct ft_mount *m)
{
	_cleanup_close_ int fd = -1;
	uint64_t fsid;

	if (s->tracker_ops == &ft_tracker_none || !is_suited(m) ||
	    ft_server_try(&s->view.mounts, m) < 0)
		return;
	fd = open(m->mountpoint, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || ft_handle_fsid(fd, &fsid) < 0)
		return;
	for (size_t i = 0; i < s->sources_count; i++)
		mark(s->sources[i], m, fd, fsid);
}

void ft_execmark_start(struct ft_session *s)
{
	for (size_t i = 0; i < s->view.mounts.count; i++)
		ft_execmark_add(s, &s->view.mounts.list[i]);
}

static bool is_mounted(const struct ft_mounts *m, dev_t dev)
{
	dev_t other;

	for (size_t i = 0; i < m->count; i++) {
		if (parse_dev(m->list[i].dev, &other) && other == dev)
			return true;
	}
	return false;
}

void ft_execmark_drop_gone(struct ft_session *s)
{
	for (size_t i = 0; i < s->sources_count; i++) {
		struct ft_source *src = s->sources[i];

		for (size_t k = src->execs_count; k-- > 0;) {
			if (!is_mounted(&s->view.mounts, src->execs[k].dev))
				src->execs[k] = src->execs[--src->execs_count];
		}
	}
}

bool ft_execmark_has(const struct ft_session *s, dev_t dev)
{
	for (size_t i = 0; i < s->sources_count; i++) {
		const struct ft_source *src = s->sources[i];

		for (size_t k = 0; k < src->execs_count; k++) {
			if (src->execs[k].dev == dev &&
			    src->execs[k].marked_ns <= s->window_ns)
				return true;
		}
	}
	return false;
}

static bool fsid_of(const struct ft_record *rec, uint64_t *ret)
{
	struct ft_span key = rec->object.len > 0 ? rec->object : rec->place.dir;

	if (key.len < FT_KEY_FSID)
		return false;
	memcpy(ret, key.data, sizeof(*ret));
	return true;
}

bool ft_execmark_is_own(struct ft_source *src, const struct ft_record *rec)
{
	uint64_t fsid;

	if (rec->mask != FT_EV_OPEN_EXEC || src->execs_count == 0 ||
	    !fsid_of(rec, &fsid) || !find(src, fsid))
		return false;
	return src->roots_count > 0 || !find_watched(src, fsid);
}

static void identify(struct ft_source *src, const struct ft_record *rec,
		     struct ft_open_exec *exec)
{
	const struct ft_exec_filesystem *fs;
	const struct ft_filesystem *watched;
	uint64_t fsid;

	if (!fsid_of(rec, &fsid))
		return;
	watched = find_watched(src, fsid);
	fs = find(src, fsid);
	if (watched && parse_dev(watched->dev, &exec->dev))
		(void)ft_decode_inode(rec->object, watched->type, &exec->ino);
	else if (fs && ft_decode_inode(rec->object, fs->type, &exec->ino))
		exec->dev = fs->dev;
}

void ft_execmark_tell(struct ft_source *src, const struct ft_record *rec,
		      uint64_t position)
{
	const struct ft_session *s = src->session;
	struct ft_open_exec exec = {
		.pid = rec->pid,
		.queue = src->number,
		.position = position,
		.since = src->backlog.empty_boot_ns,
		.is_alone = rec->mask == FT_EV_OPEN_EXEC,
	};

	identify(src, rec, &exec);
	s->tracker_ops->exec(s->tracker, &exec);
}
