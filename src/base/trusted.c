/* SPDX-License-Identifier: MIT */
/* What nobody else can change or replace: the way to it is walked part by part. */
#include "base/trusted.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

enum {
	LINKS_MAX = 40,
	SYSTEM_UIDS = 1000, /* SYS_UID_MAX of login.defs(5), and one more */
};

struct way {
	struct ft_bytes rest; /* what is left of the path, from `at` on */
	size_t at;
	struct ft_bytes here; /* shown in messages */
	int dir;
	unsigned int links;
	bool is_to_socket;
	struct ft_bytes *why;
};

static void way_fini(struct way *w)
{
	ft_bytes_fini(&w->rest);
	ft_bytes_fini(&w->here);
	ft_cleanup_close(&w->dir);
}

bool ft_trusted_is_service(uid_t uid)
{
	return uid < SYSTEM_UIDS || uid == geteuid();
}

static int refuse(struct way *w, const char *name, const char *why, int error)
{
	ft_bytes_clear(w->why);
	ft_bytes_printf(w->why, "%s%s%s: %s", ft_bytes_cstr(&w->here),
			*name && w->here.len > 1 ? "/" : "", name, why);
	return error;
}

static int check_owner(struct way *w, const char *name, const struct stat *st)
{
	if (st->st_uid == 0 || st->st_uid == geteuid() ||
	    (w->is_to_socket && ft_trusted_is_service(st->st_uid)))
		return 0;
	if (w->is_to_socket)
		return refuse(w, name,
			      "belongs to a user who is no service's, and could replace "
			      "the socket",
			      -EPERM);
	return refuse(w, name,
		      geteuid() == 0 ? "belongs to another user, who could change the "
				       "rules (chown root would help)"
				     : "belongs to another user than root and you, who "
				       "could change the rules",
		      -EPERM);
}

/* In a sticky directory nobody moves or removes what is another's. */
static int check_mode(struct way *w, const char *name, const struct stat *st)
{
	bool is_sticky = S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX);

	if ((st->st_mode & (S_IWGRP | S_IWOTH)) && !is_sticky)
		return refuse(w, name,
			      w->is_to_socket ? "others may write there, and so replace "
						"the socket (chmod go-w would help)"
					      : "others may write there, and so change "
						"the rules (chmod go-w would help)",
			      -EPERM);
	return 0;
}

static int check(struct way *w, const char *name, const struct stat *st)
{
	int r = check_owner(w, name, st);

	return r < 0 ? r : check_mode(w, name, st);
}

static int enter(struct way *w, int parent, const char *name, const char *shown)
{
	_cleanup_close_ int dir =
		openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int r;

	if (dir < 0 || fstat(dir, &st) < 0)
		return refuse(w, shown, strerror(errno), -errno);
	r = check(w, shown, &st);
	if (r < 0)
		return r;
	if (w->here.len > 1 && *shown)
		ft_bytes_put_char(&w->here, '/');
	ft_bytes_put_str(&w->here, shown);
	if (w->dir >= 0)
		close(w->dir);
	w->dir = ft_take_fd(dir);
	return w->here.failed;
}

static int begin_at_root(struct way *w)
{
	ft_bytes_clear(&w->here);
	return enter(w, AT_FDCWD, "/", "/");
}

/* What the link says takes the place of its name. */
static int follow(struct way *w, const char *name)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes target = {0};
	int r;

	if (++w->links > LINKS_MAX)
		return refuse(w, name, strerror(ELOOP), -ELOOP);
	r = ft_file_readlink(w->dir, name, &target);
	if (r < 0)
		return refuse(w, name, strerror(-r), r);
	ft_bytes_put_char(&target, '/');
	ft_bytes_put(&target, w->rest.data + w->at, w->rest.len - w->at);
	if (target.failed)
		return target.failed;
	ft_bytes_fini(&w->rest);
	w->rest = target;
	target = (struct ft_bytes){0};
	w->at = 0;
	return w->rest.data[0] == '/' ? begin_at_root(w) : 0;
}

/* The next part of the path into name, which is empty at its end. */
static int next_part(struct way *w, char name[NAME_MAX + 1])
{
	const char *data = w->rest.data;
	size_t end;

	while (w->at < w->rest.len && data[w->at] == '/')
		w->at++;
	for (end = w->at; end < w->rest.len && data[end] != '/'; end++)
		;
	if (end - w->at > NAME_MAX)
		return refuse(w, "", strerror(ENAMETOOLONG), -ENAMETOOLONG);
	memcpy(name, data + w->at, end - w->at);
	name[end - w->at] = '\0';
	w->at = end;
	return 0;
}

static bool is_last(const struct way *w)
{
	for (size_t i = w->at; i < w->rest.len; i++)
		if (w->rest.data[i] != '/')
			return false;
	return true;
}

static int open_file(struct way *w, const char *name, int *ret_fd)
{
	/* A FIFO is not waited for. */
	_cleanup_close_ int fd = openat(
		w->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return refuse(w, name, strerror(errno), -errno);
	if (!S_ISREG(st.st_mode))
		return refuse(w, name, "is no regular file", -EINVAL);
	r = check(w, name, &st);
	if (r == 0)
		*ret_fd = ft_take_fd(fd);
	return r;
}

/* 1: the file is open. */
static int step(struct way *w, int *ret_fd)
{
	char name[NAME_MAX + 1];
	struct stat st;
	int r = next_part(w, name);

	if (r < 0)
		return r;
	if (name[0] == '\0')
		return refuse(w, "", "is no regular file", -EINVAL);
	if (strcmp(name, ".") == 0)
		return 0;
	if (fstatat(w->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return refuse(w, name, strerror(errno), -errno);
	if (S_ISLNK(st.st_mode)) {
		r = check_owner(w, name, &st);
		return r < 0 ? r : follow(w, name);
	}
	if (!S_ISDIR(st.st_mode) && is_last(w)) {
		r = w->is_to_socket ? 0 : open_file(w, name, ret_fd);
		return r < 0 ? r : 1;
	}
	return enter(w, w->dir, name, name);
}

static int walk(struct way *w, const char *path, int *ret_fd)
{
	_cleanup_free_ char *here = path[0] == '/' ? NULL : getcwd(NULL, 0);
	int r;

	ft_bytes_clear(w->why);
	if (path[0] != '/' && !here)
		return -errno;
	if (here)
		ft_bytes_printf(&w->rest, "%s/", here);
	ft_bytes_put_str(&w->rest, path);
	r = w->rest.failed ? w->rest.failed : begin_at_root(w);
	while (r == 0)
		r = step(w, ret_fd);
	return r < 0 ? r : 0;
}

int ft_trusted_open(const char *path, int *ret_fd, struct ft_bytes *why)
{
	_cleanup_(way_fini) struct way w = {.dir = -1, .why = why};

	return walk(&w, path, ret_fd);
}

int ft_trusted_check_socket(const char *path, struct ft_bytes *why)
{
	_cleanup_(way_fini) struct way w = {.dir = -1, .is_to_socket = true, .why = why};

	return walk(&w, path, NULL);
}

int ft_trusted_check_peer(int socket)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -errno;
	return ft_trusted_is_service(peer.uid) ? 0 : -EPERM;
}
