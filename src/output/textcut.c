/* SPDX-License-Identifier: MIT */
/* Escaped text cut in its middle to fit. */
#include "output/textcut.h"

#include "base/escape.h"

static size_t char_len(struct ft_span s)
{
	unsigned char c = (unsigned char)s.data[0];
	size_t len = 1;

	if (c == '\\' && s.len > 1)
		len = s.data[1] == 'x' ? sizeof("\\xHH") - 1 : 2;
	else if (c >= 0xf0)
		len = 4;
	else if (c >= 0xe0)
		len = 3;
	else if (c >= 0xc0)
		len = 2;
	return len < s.len ? len : s.len;
}

/* The next thing that must stay whole: an escape, or a character with its combining
 * marks. */
static size_t token_len(struct ft_span s, size_t *ret_width)
{
	size_t len = char_len(s);

	*ret_width = ft_escape_width((struct ft_span){s.data, len});
	while (len < s.len) {
		struct ft_span next = {s.data + len, s.len - len};

		next.len = char_len(next);
		if (ft_escape_width(next) > 0)
			break;
		len += next.len;
	}
	return len;
}

void ft_textcut_middle(struct ft_bytes *out, struct ft_span text, size_t width)
{
	size_t total = ft_escape_width(text), room = width > 0 ? width - 1 : 0;
	size_t head = room / 3, tail = room - head;
	size_t at = 0, before = 0, w;

	if (total <= width) {
		ft_bytes_put_span(out, text);
		return;
	}
	for (size_t n; at < text.len; at += n, before += w) {
		n = token_len((struct ft_span){text.data + at, text.len - at}, &w);
		if (before + w > head)
			break;
	}
	ft_bytes_put(out, text.data, at);
	ft_bytes_put_lit(out, "…");
	while (at < text.len && total - before > tail) {
		at += token_len((struct ft_span){text.data + at, text.len - at}, &w);
		before += w;
	}
	ft_bytes_put(out, text.data + at, text.len - at);
}
