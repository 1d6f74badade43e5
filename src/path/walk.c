/* SPDX-License-Identifier: MIT */
/* Walking up. */
#include "path/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/number.h"

static int read_link(int fd, struct ft_bytes *out)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return ft_file_readlink(AT_FDCWD, path, out);
}

static void cleanup_dir(DIR **d)
{
	if (*d)
		closedir(*d);
}

/*
 * The link of a very deep directory does not fit into a page. Then its name is looked for
 * in its parent, which has to be opened for that: the one place where more than O_PATH
 * is.
 */
static int find_name(int parent, int fd, struct ft_bytes *ret_name)
{
	_cleanup_(cleanup_dir) DIR *d = NULL;
	const struct dirent *entry;
	struct stat st;
	int list;

	if (fstat(fd, &st) < 0)
		return -errno;
	list = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = list < 0 ? NULL : fdopendir(list);
	if (!d) {
		int r = -errno;

		if (list >= 0)
			close(list);
		return r;
	}
	while ((entry = readdir(d))) {
		if (entry->d_ino != st.st_ino || strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		ft_bytes_clear(ret_name);
		ft_bytes_put_str(ret_name, entry->d_name);
		return ret_name->failed;
	}
	return -ENOENT;
}

int ft_walk_open(struct ft_walk *w, int mount_fd, struct ft_span key)
{
	*w = (struct ft_walk){.mount_fd = mount_fd, .fd = -1};
	memcpy(&w->fsid, key.data, FT_KEY_FSID);
	w->fd = ft_handle_open(mount_fd, key);
	return w->fd < 0 ? w->fd : 0;
}

void ft_walk_close(struct ft_walk *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
	ft_bytes_fini(&w->link);
}

static int load_link(struct ft_walk *w)
{
	static const char deleted[] = " (deleted)";
	size_t n = sizeof(deleted) - 1;
	int r;

	r = read_link(w->fd, &w->link);
	if (r < 0)
		return r;
	/* A live directory may have a name that ends so; then its link names itself and a
	 * second look would find it. */
	if (w->link.len > n && memcmp(w->link.data + w->link.len - n, deleted, n) == 0) {
		struct stat st;

		if (fstatat(w->fd, "", &st, AT_EMPTY_PATH) < 0)
			return -errno;
		if (st.st_nlink == 0)
			return -ESTALE;
	}
	w->has_link = true;
	return 0;
}

/* Cuts the last component of the link off, into name. */
static void take_name(struct ft_walk *w, struct ft_bytes *ret_name)
{
	const char *slash = memrchr(w->link.data, '/', w->link.len);
	size_t at = slash ? (size_t)(slash - w->link.data) : 0;

	ft_bytes_clear(ret_name);
	ft_bytes_put(ret_name, w->link.data + at + 1, w->link.len - at - 1);
	w->link.len = at;
	if (at == 0)
		w->has_link = false;
}

/*
 * A rename changes the change time of a directory and not its modification time. How long
 * ago that was is told by the clock that the kernel takes it from.
 */
static bool was_just_renamed(int fd)
{
	enum { FRESH_NSEC = 20 * 1000 * 1000 };
	struct stat st;
	int64_t changed_ns;

	if (fstat(fd, &st) < 0 || (st.st_ctim.tv_sec == st.st_mtim.tv_sec &&
				   st.st_ctim.tv_nsec == st.st_mtim.tv_nsec))
		return false;
	changed_ns = st.st_ctim.tv_sec * FT_NSEC_PER_SEC + st.st_ctim.tv_nsec;
	return ft_now_ns() - changed_ns < FRESH_NSEC;
}

int ft_walk_up(struct ft_walk *w, struct ft_bytes *ret_name, struct ft_key *ret_parent)
{
	struct ft_key own;
	int fd, r;

	if (!w->has_link) {
		r = load_link(w);
		if (r < 0 && r != -ENAMETOOLONG)
			return r;
	}
	if (w->has_link && w->link.len <= 1)
		return 1;
	w->is_fresh = w->is_fresh || was_just_renamed(w->fd);
	fd = openat(w->fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = ft_handle_key(fd, "", w->fsid, ret_parent);
	if (r == 0)
		r = ft_handle_key(w->fd, "", w->fsid, &own);
	if (r < 0) {
		close(fd);
		return r;
	}
	if (ft_span_equal(ft_key_span(&own), ft_key_span(ret_parent)))
		r = 1;
	else if (w->has_link)
		take_name(w, ret_name);
	else
		r = find_name(fd, w->fd, ret_name);
	close(w->fd);
	w->fd = fd;
	return r == 0 ? ret_name->failed : r;
}
