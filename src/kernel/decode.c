/* SPDX-License-Identifier: MIT */
/* Decoding of what a fanotify group delivers. Everything is checked for length before it
 * is read. */
#include "kernel/decode.h"

#include <errno.h>
#include <string.h>

#include "kernel/abi.h"

enum {
	INFO_PIDFD_LEN = 8,
	INFO_ERROR_LEN = 12,
	INFO_MNT_LEN = 16,
};

static const struct ft_abi_metadata *metadata_at(const void *data, size_t n)
{
	const struct ft_abi_metadata *m = data;

	if (n < sizeof(*m) || m->vers != FT_METADATA_VERSION || m->event_len > n ||
	    m->metadata_len < sizeof(*m) || m->metadata_len > m->event_len)
		return NULL;
	return m;
}

ssize_t ft_decode_size(const void *data, size_t n)
{
	const struct ft_abi_metadata *m = metadata_at(data, n);

	return m ? (ssize_t)m->event_len : -EBADMSG;
}

/* The key and, after it, what is left of the info record. */
static int take_key(const char *p, size_t n, struct ft_span *ret_key,
		    struct ft_span *ret_rest)
{
	uint32_t bytes;

	if (n < FT_KEY_HEADER)
		return -EBADMSG;
	memcpy(&bytes, p + FT_KEY_FSID, sizeof(bytes));
	if (bytes > FT_KEY_MAX - FT_KEY_HEADER || bytes > n - FT_KEY_HEADER)
		return -EBADMSG;
	*ret_key = (struct ft_span){p, FT_KEY_HEADER + bytes};
	*ret_rest = (struct ft_span){p + ret_key->len, n - ret_key->len};
	return 0;
}

static int take_fid(const char *p, size_t n, struct ft_span *ret_key)
{
	struct ft_span rest;

	return take_key(p, n, ret_key, &rest);
}

static int take_place(const char *p, size_t n, struct ft_place *ret)
{
	struct ft_span rest;
	const char *end;
	int r;

	r = take_key(p, n, &ret->dir, &rest);
	if (r < 0)
		return r;
	end = memchr(rest.data, '\0', rest.len);
	if (!end || end == rest.data || (size_t)(end - rest.data) > 255 ||
	    memchr(rest.data, '/', end - rest.data))
		return -EBADMSG;
	ret->name = (struct ft_span){rest.data, end - rest.data};
	return 0;
}

static int take_info(struct ft_record *r, uint8_t type, const char *p, size_t n)
{
	const char *body = p + sizeof(struct ft_abi_info);
	size_t len = n - sizeof(struct ft_abi_info);

	switch (type) {
	case FT_INFO_FID:
		return take_fid(body, len, &r->object);
	case FT_INFO_DFID:
		return take_fid(body, len, &r->place.dir);
	case FT_INFO_DFID_NAME:
	case FT_INFO_NEW_DFID_NAME:
		return take_place(body, len, &r->place);
	case FT_INFO_OLD_DFID_NAME:
		return take_place(body, len, &r->old_place);
	case FT_INFO_PIDFD:
		if (n < INFO_PIDFD_LEN)
			return -EBADMSG;
		memcpy(&r->pidfd, body, sizeof(r->pidfd));
		return 0;
	case FT_INFO_ERROR:
		if (n < INFO_ERROR_LEN)
			return -EBADMSG;
		r->has_error = true;
		memcpy(&r->error, body, sizeof(r->error));
		memcpy(&r->error_count, body + sizeof(r->error), sizeof(r->error_count));
		return 0;
	case FT_INFO_MNT:
		if (n < INFO_MNT_LEN)
			return -EBADMSG;
		memcpy(&r->mnt_id, p + 8, sizeof(r->mnt_id));
		return 0;
	default: /* of a kernel that is newer than this: its length is all we need */
		return 0;
	}
}

int ft_decode(const void *data, size_t n, struct ft_record *ret)
{
	const struct ft_abi_metadata *m = metadata_at(data, n);
	const char *p, *end;
	int r;

	if (!m)
		return -EBADMSG;
	*ret = (struct ft_record){
		.mask = m->mask, .fd = m->fd, .pid = m->pid, .pidfd = FT_NOFD};
	p = (const char *)data + m->metadata_len;
	end = (const char *)data + m->event_len;
	while (p < end) {
		struct ft_abi_info info;

		if ((size_t)(end - p) < sizeof(info))
			return -EBADMSG;
		memcpy(&info, p, sizeof(info));
		if (info.len < sizeof(info) || info.len > end - p)
			return -EBADMSG;
		r = take_info(ret, info.info_type, p, info.len);
		if (r < 0)
			return r;
		p += info.len;
	}
	return 0;
}

static bool inode32_at(struct ft_span key, size_t offset, uint64_t *ret)
{
	uint32_t v;

	if (key.len < FT_KEY_HEADER + offset + sizeof(v))
		return false;
	memcpy(&v, key.data + FT_KEY_HEADER + offset, sizeof(v));
	*ret = v;
	return true;
}

static bool inode64_at(struct ft_span key, size_t offset, uint64_t *ret)
{
	if (key.len < FT_KEY_HEADER + offset + sizeof(*ret))
		return false;
	memcpy(ret, key.data + FT_KEY_HEADER + offset, sizeof(*ret));
	return true;
}

/* The layouts are part of each filesystem's export operations, and of NFS clients'
 * memory: they do not change. */
bool ft_decode_inode(struct ft_span key, const char *fs, uint64_t *ret)
{
	int32_t type;

	if (key.len <= FT_KEY_HEADER)
		return false;
	memcpy(&type, key.data + FT_KEY_FSID + 4, sizeof(type));
	if (strcmp(fs, "xfs") == 0)
		return type & 0x80 ? inode64_at(key, 0, ret) : inode32_at(key, 0, ret);
	if (strcmp(fs, "btrfs") == 0)
		return inode64_at(key, 0, ret);
	if (strcmp(fs, "tmpfs") == 0) {
		uint64_t low, high;

		/* generation, inode low, inode high */
		if (!inode32_at(key, 4, &low) || !inode32_at(key, 8, &high))
			return false;
		*ret = low | high << 32;
		return true;
	}
	if (type == 1 && (strncmp(fs, "ext", 3) == 0 || strcmp(fs, "f2fs") == 0))
		return inode32_at(key, 0, ret);
	return false;
}
