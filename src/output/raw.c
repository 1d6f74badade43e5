/* SPDX-License-Identifier: MIT */
/* -0: the paths alone, as bytes, NUL-ended. Lost and gap records have none: the program
 * tells them on stderr. */
#include "output/format.h"

static void put_path(struct ft_bytes *out, struct ft_span path)
{
	if (path.len == 0)
		return;
	ft_bytes_put_span(out, path);
	ft_bytes_put_char(out, '\0');
}

static void raw_put(struct ft_format *f, struct ft_bytes *out, const struct ft_event *ev,
		    uint64_t seq)
{
	if (ev->kind != FT_KIND_EVENT)
		return;
	put_path(out, ev->old_path);
	put_path(out, ev->path);
}

const struct ft_format_ops ft_format_raw = {
	.put = raw_put,
};
