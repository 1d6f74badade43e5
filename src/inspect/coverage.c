/* SPDX-License-Identifier: MIT */
/* Coverage. */
#include "inspect/coverage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "base/file.h"
#include "event/mask.h"
#include "inspect/bounded.h"
#include "kernel/abi.h"
#include "kernel/group.h"
#include "output/jsonfield.h"

enum { PATIENCE_MSEC = 5000 };

static const char area[] = "Filesystems";

static const struct {
	const char *name;
	unsigned int init;
	unsigned int mark;
	uint64_t mask;
} covers[FT_COVER_COUNT] = {
	[FT_COVER_FID_FILESYSTEM] = {"fid_filesystem",
				     FT_INIT_REPORT_FID | FT_INIT_DFID_NAME,
				     FT_MARK_FILESYSTEM, FT_EV_MODIFY},
	[FT_COVER_FID_INODE] = {"fid_inode", FT_INIT_REPORT_FID | FT_INIT_DFID_NAME,
				FT_MARK_INODE, FT_EV_MODIFY},
	[FT_COVER_FD_FILESYSTEM] = {"fd_filesystem", FT_INIT_CLASS_NOTIF,
				    FT_MARK_FILESYSTEM, FT_EV_MODIFY},
	[FT_COVER_FD_MOUNT] = {"fd_mount", FT_INIT_CLASS_NOTIF, FT_MARK_MOUNT,
			       FT_EV_MODIFY},
	[FT_COVER_PERMISSION] = {"permission", FT_INIT_CLASS_CONTENT, FT_MARK_FILESYSTEM,
				 FT_EV_OPEN_PERM},
};

static const struct {
	const char *name;
	enum ft_state state;
	const char *text;
	const char *advice;
} ways[FT_WAY_COUNT] = {
	[FT_WAY_NONE] = {"none", FT_STATE_MISSING, "cannot be watched", "see privileges"},
	[FT_WAY_FILESYSTEM] = {"filesystem", FT_STATE_FINE,
			       "watched by one mark for all of it", NULL},
	[FT_WAY_BTRFS] =
		{"btrfs", FT_STATE_FINE,
		 "a subvolume: watched by one mark on a private mount of all of them",
		 NULL},
	[FT_WAY_DIRECTORIES] =
		{"directories", FT_STATE_LIMITED, "watched by a mark on each directory",
		 "name the directories that matter: each takes a mark, and "
		 "a moment"},
	[FT_WAY_DESCRIPTORS] =
		{"descriptors", FT_STATE_LIMITED,
		 "watched by open, access, modify and close alone: no names, "
		 "no changes of directories",
		 "a newer kernel (tmpfs: Linux 6.1; overlay, FUSE: 6.8)"},
};

static const struct {
	const char *prefix; /* of the type */
	const char *missed;
} misses[] = {
	{"nfs", "what other machines do"},
	{"cifs", "what other machines do"},
	{"smb", "what other machines do"},
	{"ceph", "what other machines do"},
	{"9p", "what the host, or other machines, do"},
	{"virtiofs", "what the host does"},
	{"afs", "what other machines do"},
	{"ocfs2", "what other machines do"},
	{"gfs2", "what other machines do"},
	{"lustre", "what other machines do"},
	{"fuse", "what is done behind it, on what it is made from"},
	{"overlay", "what is done in its layers directly"},
};

const char *ft_coverage_missed(const char *type)
{
	for (size_t i = 0; i < FT_ARRAY_SIZE(misses); i++)
		if (strncmp(type, misses[i].prefix, strlen(misses[i].prefix)) == 0)
			return misses[i].missed;
	return NULL;
}

static int try_mark(const char *path, enum ft_cover cover)
{
	_cleanup_close_ int group = ft_group_open(covers[cover].init, O_RDONLY);

	/* Whoever asks meanwhile is let go when the group is closed, at once. */
	return group < 0 ? group
			 : ft_group_mark(group, FT_MARK_ADD | covers[cover].mark,
					 covers[cover].mask, AT_FDCWD, path);
}

void ft_coverage_try(const char *path, bool asks, struct ft_coverage *ret)
{
	for (size_t i = 0; i < FT_COVER_COUNT; i++)
		ret->marks[i] = i == FT_COVER_PERMISSION && !asks
					? FT_COVER_UNTRIED
					: try_mark(path, (enum ft_cover)i);
	ret->error = ft_trial_run(path, &ret->trial);
}

void ft_coverage_fini(struct ft_coverage *c)
{
	ft_trial_fini(&c->trial);
}

static void put_marks(struct ft_bytes *out, const struct ft_coverage *c)
{
	size_t mark = ft_json_begin_object(out, FT_SPAN("marks"));

	for (size_t i = 0; i < FT_COVER_COUNT; i++) {
		const char *result = c->marks[i] == 0 ? "ok"
				     : c->marks[i] == FT_COVER_UNTRIED
					     ? "untried"
					     : strerrorname_np(-c->marks[i]);

		ft_json_put_text(out, ft_span_of(covers[i].name), ft_span_of(result));
	}
	ft_json_end_object(out, FT_SPAN("marks"), mark);
}

static void put_lines(struct ft_bytes *out, struct ft_span text)
{
	ft_json_put_name(out, FT_SPAN("watch_says"));
	ft_bytes_put_char(out, '[');
	for (bool more = false; text.len > 0; more = true) {
		const char *end = memchr(text.data, '\n', text.len);
		size_t len = end ? (size_t)(end - text.data) : text.len;

		ft_bytes_put_str(out, more ? ",\"" : "\"");
		ft_escape_json(out, (struct ft_span){text.data, len});
		ft_bytes_put_char(out, '"');
		text.data += len + (end ? 1 : 0);
		text.len -= len + (end ? 1 : 0);
	}
	ft_bytes_put_char(out, ']');
}

static void put_facts(struct ft_bytes *out, const struct ft_coverage *c,
		      const struct ft_mount *m)
{
	ft_json_put_string(out, FT_SPAN("mount"), ft_span_of(m->mountpoint));
	ft_json_put_text(out, FT_SPAN("type"), ft_span_of(m->type));
	ft_json_put_text(out, FT_SPAN("dev"), ft_span_of(m->dev));
	ft_json_put_text(out, FT_SPAN("way"), ft_span_of(ways[c->trial.way].name));
	put_lines(out, ft_bytes_span(&c->trial.text));
	put_marks(out, c);
}

static void put_advice(struct ft_bytes *out, const struct ft_coverage *c,
		       const char *missed)
{
	if (c->marks[FT_COVER_FID_FILESYSTEM] == -EPERM)
		ft_bytes_put_lit(out, "see privileges: root watches it by one mark");
	else if (missed)
		ft_bytes_put_lit(out, "watch there, where it is done, too");
	else if (ways[c->trial.way].advice)
		ft_bytes_put_str(out, ways[c->trial.way].advice);
}

void ft_coverage_judge(const struct ft_coverage *c, const struct ft_mount *m,
		       const char *path, struct ft_findings *f)
{
	enum ft_way way = c->trial.way;
	const char *missed = ft_coverage_missed(m->type);
	struct ft_finding *finding = ft_finding_add(f, area, path, ways[way].state);

	finding->loses = true;
	ft_bytes_printf(&finding->text, "%s, %s", m->type, ways[way].text);
	if (c->error < 0)
		ft_bytes_printf(&finding->text, " (%s)", strerror(-c->error));
	put_advice(&finding->advice, c, missed);
	put_facts(&finding->facts, c, m);
	if (!missed)
		return;
	if (finding->state == FT_STATE_FINE)
		finding->state = FT_STATE_LIMITED;
	ft_bytes_printf(&finding->text, "; not seen: %s", missed);
	ft_json_put_text(&finding->facts, FT_SPAN("not_seen"), ft_span_of(missed));
}

struct task {
	const char *path;
	bool asks;
};

/* The result as bytes: what has a size that is known, then the text. */
static void try_in_child(void *data, struct ft_bytes *out)
{
	const struct task *task = data;
	struct ft_coverage c = {0};

	ft_coverage_try(task->path, task->asks, &c);
	ft_bytes_put(out, c.marks, sizeof(c.marks));
	ft_bytes_put(out, &c.error, sizeof(c.error));
	ft_bytes_put(out, &c.trial.way, sizeof(c.trial.way));
	ft_bytes_put_span(out, ft_bytes_span(&c.trial.text));
}

static int take_result(struct ft_span from, struct ft_coverage *c)
{
	size_t head = sizeof(c->marks) + sizeof(c->error) + sizeof(c->trial.way);

	if (from.len < head)
		return -EBADMSG;
	memcpy(c->marks, from.data, sizeof(c->marks));
	memcpy(&c->error, from.data + sizeof(c->marks), sizeof(c->error));
	memcpy(&c->trial.way, from.data + sizeof(c->marks) + sizeof(c->error),
	       sizeof(c->trial.way));
	ft_bytes_put(&c->trial.text, from.data + head, from.len - head);
	return c->trial.text.failed;
}

/* A server that is dead, or a listener that does not answer, holds whoever looks. */
static void inspect_mount(const struct ft_mount *m, const char *path, bool asks,
			  struct ft_findings *f)
{
	_cleanup_(ft_coverage_fini) struct ft_coverage c = {0};
	_cleanup_(ft_bytes_fini) struct ft_bytes result = {0};
	struct task task = {path, asks};
	int r = ft_bounded_run(try_in_child, &task, PATIENCE_MSEC, &result);
	struct ft_finding *finding;

	if (r == 0)
		r = take_result(ft_bytes_span(&result), &c);
	if (r == 0) {
		ft_coverage_judge(&c, m, path, f);
		return;
	}
	finding = ft_finding_add(f, area, path, FT_STATE_MISSING);
	finding->loses = true;
	ft_bytes_printf(&finding->text, "%s, does not answer: %s", m->type, strerror(-r));
	ft_bytes_put_lit(&finding->advice,
			 "see who waits for whom: fantail doctor --stuck");
}

static int inspect_path(const struct ft_mounts *mounts, const char *path,
			struct ft_findings *f)
{
	_cleanup_free_ char *real = realpath(path, NULL);
	_cleanup_close_ int fd = real ? ft_file_open_path(AT_FDCWD, real) : -errno;
	const struct ft_mount *m;

	if (fd < 0)
		return fd;
	m = ft_mounts_find(mounts, ft_mounts_id_of(fd));
	if (!m)
		return -EXDEV;
	inspect_mount(m, real, true, f);
	return 0;
}

/* None of them was asked for: each is a part. */
static void inspect_all(const struct ft_mounts *mounts, struct ft_findings *f)
{
	size_t first = f->count;

	for (size_t i = 0; i < mounts->count; i++) {
		const struct ft_mount *m = &mounts->list[i];

		if (ft_mounts_is_told(mounts, i))
			inspect_mount(m, m->mountpoint, false, f);
	}
	for (size_t i = first; i < f->count; i++)
		f->list[i].is_part = true;
}

int ft_coverage_inspect(const char *const *paths, size_t count, struct ft_findings *f,
			const char **ret_bad)
{
	_cleanup_(ft_mounts_fini) struct ft_mounts mounts = {0};
	int r = ft_mounts_read(&mounts);

	*ret_bad = "/proc/self/mountinfo";
	for (size_t i = 0; i < count && r == 0; i++) {
		*ret_bad = paths[i];
		r = inspect_path(&mounts, paths[i], f);
	}
	if (r == 0 && count == 0)
		inspect_all(&mounts, f);
	return r;
}
