/* SPDX-License-Identifier: MIT */
/* Objects of an overlay through its layers. */
#include "inspect/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "kernel/handle.h"
#include "proc/layers.h"

/* The kernel's struct ovl_fh, after the bytes that align it. */
enum {
	PADDING = 3,
	VERSION = 0, /* where each stands */
	MAGIC = 1,
	LENGTH = 2,
	FLAGS = 3,
	TYPE = 4,
	HEADER_LEN = 5 + 16, /* the layer's UUID */
	MAGIC_VALUE = 0xfb,
	FLAG_BIG_ENDIAN = 1,
	FLAG_ANY_ENDIAN = 2,
	LINK_LEN = 40,
};

static bool is_big_endian(void)
{
	const uint16_t one = 1;

	return *(const uint8_t *)&one == 0;
}

int ft_overlay_decode(struct ft_span key, struct ft_overlay_handle *ret)
{
	const unsigned char *fh;
	size_t len;

	if (key.len < FT_KEY_HEADER + PADDING + HEADER_LEN)
		return -EBADMSG;
	fh = (const unsigned char *)key.data + FT_KEY_HEADER + PADDING;
	len = key.len - FT_KEY_HEADER - PADDING;
	if (fh[VERSION] != 0 || fh[MAGIC] != MAGIC_VALUE || fh[LENGTH] > len ||
	    fh[LENGTH] <= HEADER_LEN)
		return -EBADMSG;
	if (!(fh[FLAGS] & FLAG_ANY_ENDIAN) &&
	    !!(fh[FLAGS] & FLAG_BIG_ENDIAN) != is_big_endian())
		return -EBADMSG;
	ret->type = fh[TYPE];
	ret->fid = (struct ft_span){(const char *)fh + HEADER_LEN,
				    (size_t)fh[LENGTH] - HEADER_LEN};
	return 0;
}

static int read_link_of(int fd, struct ft_bytes *out)
{
	char link[LINK_LEN];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return ft_file_readlink(AT_FDCWD, link, out);
}

/* What is left of path below dir, with its slash; false: it is not below it. */
static bool cut_directory(struct ft_span *path, struct ft_span dir)
{
	if (dir.len == 1)
		return true;
	if (path->len < dir.len || memcmp(path->data, dir.data, dir.len) != 0)
		return false;
	path->data += dir.len;
	path->len -= dir.len;
	return path->len == 0 || path->data[0] == '/';
}

static struct ft_key real_key(const struct ft_overlay_handle *h)
{
	uint32_t header[2] = {(uint32_t)h->fid.len, h->type};
	struct ft_key key = {.len = FT_KEY_HEADER + h->fid.len};

	memcpy(key.data + FT_KEY_FSID, header, sizeof(header));
	memcpy(key.data + FT_KEY_HEADER, h->fid.data, h->fid.len);
	return key;
}

static int find_in_layer(const struct ft_mount *m, const char *layer,
			 const struct ft_key *key, struct ft_bytes *out)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes base = {0}, link = {0};
	_cleanup_close_ int dir = ft_file_open_path(AT_FDCWD, layer);
	_cleanup_close_ int fd = -1;
	struct ft_span path;
	int r;

	if (dir < 0)
		return dir;
	r = ft_handle_enter(dir);
	if (r < 0)
		return r;
	fd = ft_handle_open_here(ft_key_span(key));
	if (fd < 0)
		return fd;
	if (read_link_of(dir, &base) < 0 || read_link_of(fd, &link) < 0)
		return -ESTALE;
	path = ft_bytes_span(&link);
	if (!cut_directory(&path, ft_bytes_span(&base)) ||
	    !cut_directory(&path, ft_span_of(m->root)))
		return -ESTALE;
	ft_bytes_clear(out);
	if (strcmp(m->mountpoint, "/") != 0 || path.len == 0)
		ft_bytes_put_str(out, m->mountpoint);
	ft_bytes_put_span(out, path);
	return out->failed;
}

/* The layers' paths are those of whoever mounted it: in most cases the namespace that a
 * person asks from. */
int ft_overlay_find(const struct ft_mount *m, struct ft_span key, struct ft_bytes *out)
{
	_cleanup_(ft_layers_fini) struct ft_layers layers = {0};
	struct ft_overlay_handle h;
	struct ft_key real;
	int r = ft_overlay_decode(key, &h);

	if (r == 0)
		r = ft_layers_parse(ft_span_of(m->options), &layers);
	if (r < 0)
		return r == -ENODATA ? -ESTALE : r;
	real = real_key(&h);
	for (size_t i = 0; i < layers.count; i++) {
		r = find_in_layer(m, layers.paths[i], &real, out);
		if (r == 0 || r == -ENOMEM)
			return r;
	}
	return -ESTALE;
}
