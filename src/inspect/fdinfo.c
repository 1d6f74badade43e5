/* SPDX-License-Identifier: MIT */
/* What /proc/PID/fdinfo/N says of a group. The forms are those of the kernel's
 * fs/notify/fdinfo.c. */
#include "inspect/fdinfo.h"

#include <errno.h>
#include <stdlib.h>

#include "kernel/abi.h"
#include "kernel/decode.h"

enum {
	HEX = 16,
	DECIMAL = 10,
	HANDLE_HEADER = FT_KEY_HEADER - FT_KEY_FSID,
	/* As the kernel prints a device: not as stat(2) has it. */
	MINOR_BITS = 20,
};

_Static_assert((int)FT_FDINFO_HANDLE_MAX == FT_KEY_MAX - FT_KEY_HEADER, "they fit");

static struct ft_span take_word(struct ft_span *line)
{
	const char *space = line->len ? memchr(line->data, ' ', line->len) : NULL;
	size_t len = space ? (size_t)(space - line->data) : line->len;
	struct ft_span word = {line->data, len};

	line->data += len + (space != NULL);
	line->len -= len + (space != NULL);
	return word;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static bool parse_number(struct ft_span s, int base, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		int digit = digit_of(s.data[i]);

		if (digit < 0 || digit >= base || __builtin_mul_overflow(v, base, &v) ||
		    __builtin_add_overflow(v, digit, &v) || v > max)
			return false;
	}
	*ret = v;
	return true;
}

/* "name:", and what is after it. */
static bool take_name(struct ft_span word, struct ft_span name, struct ft_span *ret)
{
	if (word.len < name.len || memcmp(word.data, name.data, name.len) != 0)
		return false;
	*ret = (struct ft_span){word.data + name.len, word.len - name.len};
	return true;
}

static bool take_number(struct ft_span *line, struct ft_span name, uint64_t max,
			uint64_t *ret)
{
	struct ft_span value;

	return take_name(take_word(line), name, &value) &&
	       parse_number(value, HEX, max, ret);
}

static bool is_name_next(struct ft_span line, struct ft_span name)
{
	return take_name(line, name, &line);
}

static bool take_device(struct ft_span *line, struct ft_mark *m)
{
	uint64_t dev;

	if (!take_number(line, FT_SPAN("sdev:"), UINT32_MAX, &dev))
		return false;
	m->major = (uint32_t)dev >> MINOR_BITS;
	m->minor = (uint32_t)dev & ((1u << MINOR_BITS) - 1);
	return true;
}

static bool take_id(struct ft_span *line, struct ft_span name, int32_t *ret)
{
	uint64_t v;

	if (!take_number(line, name, INT32_MAX, &v))
		return false;
	*ret = (int32_t)v;
	return true;
}

/* Which object: what differs from one type of mark to another. */
static bool take_object(struct ft_span *line, struct ft_mark *m)
{
	struct ft_span value;

	if (is_name_next(*line, FT_SPAN("ino:"))) {
		m->type = FT_MARK_OF_INODE;
		return take_number(line, FT_SPAN("ino:"), UINT64_MAX, &m->ino) &&
		       take_device(line, m);
	}
	if (is_name_next(*line, FT_SPAN("sdev:"))) {
		m->type = FT_MARK_OF_FILESYSTEM;
		return take_device(line, m);
	}
	if (is_name_next(*line, FT_SPAN("mnt_id:"))) {
		m->type = FT_MARK_OF_MOUNT;
		return take_id(line, FT_SPAN("mnt_id:"), &m->mount_id);
	}
	m->type = FT_MARK_OF_MNTNS;
	return take_name(take_word(line), FT_SPAN("mnt_ns:"), &value) &&
	       parse_number(value, DECIMAL, UINT64_MAX, &m->mntns);
}

static bool take_masks(struct ft_span *line, struct ft_mark *m)
{
	return take_number(line, FT_SPAN("mask:"), UINT32_MAX, &m->mask) &&
	       take_number(line, FT_SPAN("ignored_mask:"), UINT32_MAX, &m->ignored_mask);
}

static bool decode_hex(struct ft_span hex, size_t n, unsigned char *ret)
{
	if (hex.len != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++) {
		int high = digit_of(hex.data[2 * i]), low = digit_of(hex.data[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

/* A handle, where the filesystem has one: it becomes a key without a filesystem. */
static bool take_handle(struct ft_span *line, struct ft_bytes *keys, struct ft_mark *m)
{
	unsigned char handle[FT_FDINFO_HANDLE_MAX];
	struct ft_span hex;
	uint64_t bytes, type;
	uint32_t header[2];

	if (line->len == 0)
		return true;
	if (!take_number(line, FT_SPAN("fhandle-bytes:"), sizeof(handle), &bytes) ||
	    !take_number(line, FT_SPAN("fhandle-type:"), UINT32_MAX, &type) ||
	    !take_name(take_word(line), FT_SPAN("f_handle:"), &hex) ||
	    !decode_hex(hex, bytes, handle))
		return false;
	if (keys->len > UINT32_MAX - FT_KEY_MAX)
		return true;
	header[0] = (uint32_t)bytes;
	header[1] = (uint32_t)type;
	m->handle_at = (uint32_t)keys->len;
	m->handle_len = (uint32_t)(FT_KEY_HEADER + bytes);
	ft_bytes_put(keys, (const char[FT_KEY_FSID]){0}, FT_KEY_FSID);
	ft_bytes_put(keys, header, HANDLE_HEADER);
	ft_bytes_put(keys, handle, bytes);
	return true;
}

static int add_mark(struct ft_group_text *g, const struct ft_mark *m)
{
	size_t n = g->marks_count;

	if (n == FT_GROUP_MARKS_MAX) {
		g->marks_dropped++;
		return 0;
	}
	/* Grown when the count is a power of two. */
	if ((n & (n - 1)) == 0) {
		struct ft_mark *grown =
			reallocarray(g->marks, n ? 2 * n : 1, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		g->marks = grown;
	}
	g->marks[g->marks_count++] = *m;
	return 0;
}

static bool take_group(struct ft_group_text *g, struct ft_span *line)
{
	uint64_t flags, event_f_flags;

	if (!take_number(line, FT_SPAN("flags:"), UINT32_MAX, &flags) ||
	    !take_number(line, FT_SPAN("event-flags:"), UINT32_MAX, &event_f_flags))
		return false;
	g->flags = (uint32_t)flags;
	g->event_f_flags = (uint32_t)event_f_flags;
	return true;
}

static bool take_mark(struct ft_group_text *g, struct ft_span *line, struct ft_mark *m)
{
	uint64_t flags = 0;

	if (g->kind == FT_GROUP_KIND_INOTIFY && !take_id(line, FT_SPAN("wd:"), &m->wd))
		return false;
	if (!take_object(line, m))
		return false;
	if (g->kind == FT_GROUP_KIND_FANOTIFY &&
	    !take_number(line, FT_SPAN("mflags:"), UINT32_MAX, &flags))
		return false;
	m->flags = (uint32_t)flags;
	return take_masks(line, m) && take_handle(line, &g->keys, m);
}

int ft_fdinfo_take_line(struct ft_group_text *g, struct ft_span line)
{
	bool is_fanotify = g->kind == FT_GROUP_KIND_FANOTIFY;
	struct ft_mark m = {0};
	struct ft_span word = take_word(&line);

	if (!ft_span_equal(word, is_fanotify ? FT_SPAN("fanotify") : FT_SPAN("inotify")))
		return 0;
	if (is_fanotify && is_name_next(line, FT_SPAN("flags:"))) {
		g->unknown += !take_group(g, &line);
		return 0;
	}
	if (!take_mark(g, &line, &m)) {
		g->unknown++;
		return 0;
	}
	return g->keys.failed ? -ENOMEM : add_mark(g, &m);
}

int ft_fdinfo_parse(struct ft_group_text *g, struct ft_span text)
{
	while (text.len > 0) {
		const char *newline = memchr(text.data, '\n', text.len);
		size_t len = newline ? (size_t)(newline - text.data) : text.len;
		int r = ft_fdinfo_take_line(g, (struct ft_span){text.data, len});

		if (r < 0)
			return r;
		text.data += len + (newline != NULL);
		text.len -= len + (newline != NULL);
	}
	return 0;
}

void ft_group_text_fini(struct ft_group_text *g)
{
	free(g->marks);
	ft_bytes_fini(&g->keys);
	*g = (struct ft_group_text){0};
}

struct ft_span ft_group_key(const struct ft_group_text *g, const struct ft_mark *m)
{
	if (m->handle_len == 0)
		return (struct ft_span){0};
	return (struct ft_span){g->keys.data + m->handle_at, m->handle_len};
}

bool ft_group_is_asked(const struct ft_group_text *g)
{
	return g->flags & (FT_INIT_CLASS_CONTENT | FT_INIT_CLASS_PRE_CONTENT);
}
