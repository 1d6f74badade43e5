/* SPDX-License-Identifier: MIT */
/* Records as a fanotify group delivers them, byte by byte, for tests. */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/fanotify.h>

#include "base/bytes.h"

enum { RAW_MAX = 8192 };

/* The kernel aligns records to 4 bytes, the buffer to 8. */
struct raw {
	_Alignas(8) char data[RAW_MAX];
	size_t len;
	size_t record; /* where the last one begins */
	size_t info;   /* where its last info record begins */
};

static inline void raw_put(struct raw *w, const void *data, size_t n)
{
	assert(w->len + n <= RAW_MAX);
	memcpy(w->data + w->len, data, n);
	w->len += n;
}

static inline void raw_put_u32(struct raw *w, uint32_t v)
{
	raw_put(w, &v, sizeof(v));
}

static inline void raw_put_u64(struct raw *w, uint64_t v)
{
	raw_put(w, &v, sizeof(v));
}

static inline void raw_set_event_len(struct raw *w, uint32_t len)
{
	memcpy(w->data + w->record, &len, sizeof(len));
}

static inline void raw_begin(struct raw *w, uint64_t mask, int pid, int fd)
{
	struct fanotify_event_metadata m = {.event_len = sizeof(m),
					    .vers = FANOTIFY_METADATA_VERSION,
					    .metadata_len = sizeof(m),
					    .mask = mask,
					    .fd = fd,
					    .pid = pid};

	w->record = w->len;
	raw_put(w, &m, sizeof(m));
}

static inline void raw_info_begin(struct raw *w, uint8_t type)
{
	struct fanotify_event_info_header h = {.info_type = type};

	w->info = w->len;
	raw_put(w, &h, sizeof(h));
}

static inline void raw_set_info_len(struct raw *w, uint16_t len)
{
	memcpy(w->data + w->info + 2, &len, sizeof(len));
}

/* Padded with zeros to 4, as the kernel does. */
static inline void raw_info_end(struct raw *w)
{
	while (w->len % 4 != 0)
		raw_put(w, "", 1);
	raw_set_info_len(w, (uint16_t)(w->len - w->info));
	raw_set_event_len(w, (uint32_t)(w->len - w->record));
}

static inline void raw_put_key(struct raw *w, uint64_t fsid, int32_t type,
			       const char *handle, size_t n)
{
	raw_put_u64(w, fsid);
	raw_put_u32(w, (uint32_t)n);
	raw_put_u32(w, (uint32_t)type);
	raw_put(w, handle, n);
}

/* name NULL: none, as in FID and DFID. */
static inline void raw_info_fid(struct raw *w, uint8_t type, const char *handle,
				const char *name)
{
	raw_info_begin(w, type);
	raw_put_key(w, 0x0807060504030201u, 1, handle, strlen(handle));
	if (name)
		raw_put(w, name, strlen(name) + 1);
	raw_info_end(w);
}

/* The key that raw_info_fid made of this handle: compared without trusting the decoder.
 */
static inline bool raw_is_key(struct ft_span key, const char *handle)
{
	static const unsigned char fsid[] = {1, 2, 3, 4, 5, 6, 7, 8};
	uint32_t head[2];
	size_t n = strlen(handle);

	if (key.len != 16 + n || memcmp(key.data, fsid, 8) != 0)
		return false;
	memcpy(head, key.data + 8, sizeof(head));
	return head[0] == n && head[1] == 1 && memcmp(key.data + 16, handle, n) == 0;
}

static inline bool raw_is_name(struct ft_span name, const char *text)
{
	return name.len == strlen(text) && memcmp(name.data, text, name.len) == 0;
}
