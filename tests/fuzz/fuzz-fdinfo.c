/* SPDX-License-Identifier: MIT */
/* Fuzz: the text of a group's fdinfo, and what is in an overlay's handle and options. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "inspect/fdinfo.h"
#include "inspect/overlay.h"
#include "proc/layers.h"
#include "kernel/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a mark says of its handle lies in the group's keys, and what an overlay's handle
 * holds lies in it. */
static void check_mark(const struct ft_group_text *g, const struct ft_mark *m)
{
	struct ft_span key = ft_group_key(g, m);
	struct ft_overlay_handle h;

	assert(key.len == 0 || (key.len >= FT_KEY_HEADER && key.len <= FT_KEY_MAX &&
				key.data >= g->keys.data &&
				key.data + key.len <= g->keys.data + g->keys.len));
	if (ft_overlay_decode(key, &h) == 0)
		assert(h.fid.len > 0 && h.fid.data > key.data &&
		       h.fid.data + h.fid.len <= key.data + key.len);
}

static void parse(enum ft_group_kind kind, struct ft_span text)
{
	struct ft_group_text g = {.kind = kind};
	size_t lines = 1;

	for (size_t i = 0; i < text.len; i++)
		lines += text.data[i] == '\n';
	if (ft_fdinfo_parse(&g, text) == 0)
		assert(g.marks_count + g.unknown <= lines);
	for (size_t i = 0; i < g.marks_count; i++)
		check_mark(&g, &g.marks[i]);
	ft_group_text_fini(&g);
}

static void split_layers(struct ft_span in)
{
	_cleanup_(ft_layers_fini) struct ft_layers layers = {0};

	if (ft_layers_parse(in, &layers) < 0)
		return;
	assert(layers.count > 0 && layers.count <= in.len);
	for (size_t i = 0; i < layers.count; i++)
		assert(strlen(layers.paths[i]) <= in.len);
}

/* In a block of its own size: a read past its end is seen. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = malloc(size ? size : 1);
	struct ft_span in = {text, size};

	if (!text)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	parse(FT_GROUP_KIND_FANOTIFY, in);
	parse(FT_GROUP_KIND_INOTIFY, in);
	split_layers(in);
	return 0;
}
