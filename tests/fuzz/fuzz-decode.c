/* SPDX-License-Identifier: MIT */
/* Any bytes as what a read of a group delivers: all that is told lies inside them. */
#include <stdint.h>
#include <stdlib.h>

#include "kernel/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_span(struct ft_span s, const char *record, size_t n)
{
	if (s.len > 0 && (s.data < record || s.len > n || s.data + s.len > record + n))
		abort();
}

static void check_key(struct ft_span key, const char *record, size_t n)
{
	static const char *const types[] = {"ext4",  "xfs",  "btrfs",
					    "tmpfs", "f2fs", "other"};
	uint64_t inode;

	check_span(key, record, n);
	if (key.len > FT_KEY_MAX || (key.len > 0 && key.len < FT_KEY_HEADER))
		abort();
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		(void)ft_decode_inode(key, types[i], &inode);
}

static void check_place(const struct ft_place *p, const char *record, size_t n)
{
	check_key(p->dir, record, n);
	check_span(p->name, record, n);
	if (p->name.len > 255 ||
	    (p->name.len > 0 && memchr(p->name.data, '/', p->name.len)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data;
	struct ft_record r;
	ssize_t n;

	for (; size > 0; p += n, size -= (size_t)n) {
		n = ft_decode_size(p, size);
		if (n < 0)
			break;
		if (n == 0 || (size_t)n > size)
			abort();
		if (ft_decode(p, size, &r) < 0)
			continue;
		check_key(r.object, p, (size_t)n);
		check_place(&r.place, p, (size_t)n);
		check_place(&r.old_place, p, (size_t)n);
	}
	return 0;
}
