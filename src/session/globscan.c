/* SPDX-License-Identifier: MIT */
/* What is on disk that a glob names. */
#include "session/globscan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "match/match.h"

struct scan {
	const struct ft_globscan *config;
	struct ft_bytes path; /* of the directory at hand */
	unsigned int depth;
	bool is_cut;
};

static void scan_dir(struct scan *s, const char *name, const char *rest);

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static bool is_directory(int dirfd, const struct dirent *e)
{
	struct stat st;

	if (e->d_type != DT_UNKNOWN)
		return e->d_type == DT_DIR;
	return fstatat(dirfd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode);
}

/* Of these there may be enough another time, and for another directory. */
static void note_failure(struct scan *s, int error)
{
	s->is_cut |= error == -EMFILE || error == -ENFILE || error == -ENOMEM;
}

static void tell(struct scan *s, int dirfd, const char *name)
{
	size_t len = s->path.len;

	ft_bytes_put_char(&s->path, '/');
	ft_bytes_put_str(&s->path, name);
	if (!s->path.failed)
		s->config->found(s->config->data, dirfd, name, ft_bytes_span(&s->path));
	note_failure(s, s->path.failed);
	s->path.len = len;
}

/* The first component, and what comes behind it ("" : nothing, it was the last). */
static struct ft_span first_of(const char *rest, const char **ret_behind)
{
	size_t n = strcspn(rest, "/");

	*ret_behind = rest + n + strspn(rest + n, "/");
	return (struct ft_span){rest, n};
}

/* NULL: it may be at any depth. */
static struct ft_glob *component_glob(const char *rest, const char **ret_behind)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes text = {0};
	struct ft_span first = first_of(rest, ret_behind);
	struct ft_glob *glob = NULL;

	if (ft_span_equal(first, FT_SPAN("**")))
		return NULL;
	ft_bytes_put_span(&text, first);
	return ft_glob_new(&glob, ft_bytes_cstr(&text), NULL) == 0 ? glob : NULL;
}

static void scan_entry(struct scan *s, int dirfd, const struct dirent *e,
		       const struct ft_glob *glob, const char *rest)
{
	const char *behind = "";

	if (glob && !ft_glob_match(glob, ft_span_of(e->d_name), NULL, 0))
		return;
	if (glob)
		first_of(rest, &behind);
	/* Without a component of its own all that is below may be meant. */
	if (is_directory(dirfd, e)) {
		if (!glob || *behind)
			scan_dir(s, e->d_name, glob ? behind : rest);
	} else if (!glob || !*behind) {
		tell(s, dirfd, e->d_name);
	}
}

static void scan_entries(struct scan *s, DIR *dir, const char *rest)
{
	const char *behind;
	struct ft_glob *glob = component_glob(rest, &behind);
	struct dirent *e;

	while ((e = readdir(dir)))
		if (!is_dots(e->d_name))
			scan_entry(s, dirfd(dir), e, glob, rest);
	ft_glob_free(glob);
}

/* The directory at s->path. NULL: told in s, where it matters. */
static DIR *list(struct scan *s)
{
	int fd = s->path.failed
			 ? s->path.failed
			 : s->config->open(s->config->data, ft_bytes_span(&s->path));
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		note_failure(s, fd < 0 ? fd : -errno);
	if (!dir && fd >= 0)
		close(fd);
	return dir;
}

static void scan_here(struct scan *s, const char *rest)
{
	DIR *dir = list(s);

	if (!dir)
		return;
	scan_entries(s, dir, rest);
	closedir(dir);
}

static void scan_dir(struct scan *s, const char *name, const char *rest)
{
	size_t len = s->path.len;

	if (s->depth >= FT_GLOBSCAN_DEPTH) {
		s->is_cut = true;
		return;
	}
	s->depth++;
	ft_bytes_put_char(&s->path, '/');
	ft_bytes_put_str(&s->path, name);
	scan_here(s, rest);
	s->path.len = len;
	s->depth--;
}

static int scan(struct scan *s, const char *rest)
{
	scan_here(s, rest);
	ft_bytes_fini(&s->path);
	return s->is_cut;
}

/* What comes before the first component that is a pattern need not be listed. */
static const char *skip_plain(const char *pattern, struct ft_bytes *path)
{
	const char *rest = pattern + strspn(pattern, "/");

	for (;;) {
		const char *behind;
		struct ft_span first = first_of(rest, &behind);

		if (!*behind || strcspn(first.data, "*?[\\") < first.len)
			return rest;
		ft_bytes_put_char(path, '/');
		ft_bytes_put_span(path, first);
		rest = behind;
	}
}

int ft_globscan(const struct ft_globscan *config, const char *pattern)
{
	struct scan s = {.config = config};
	const char *rest = skip_plain(pattern, &s.path);

	return scan(&s, rest);
}

int ft_globscan_below(const struct ft_globscan *config, struct ft_span dir)
{
	struct scan s = {.config = config};

	ft_bytes_put_span(&s.path, dir);
	return scan(&s, "**");
}
