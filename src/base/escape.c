/* SPDX-License-Identifier: MIT */
/* Bytes made safe for a line, a terminal, JSON or CSV. */
#include "base/escape.h"

#include "base/cleanup.h"

#define EACH_BYTE(c) (0x0101010101010101u * (uint8_t)(c))

static const char hex_digits[] = "0123456789abcdef";

/*
 * Of the eight bytes in w, is any not printable ASCII, or a quote or a backslash? A carry
 * or borrow between bytes comes only from a byte that answers yes by itself: the whole is
 * never wrong.
 */
static inline bool word_is_special(uint64_t w)
{
	uint64_t quote = w ^ EACH_BYTE('"');
	uint64_t backslash = w ^ EACH_BYTE('\\');
	uint64_t control = w - EACH_BYTE(0x20);
	uint64_t del = w + EACH_BYTE(1);

	return (w | control | del | (quote - EACH_BYTE(1)) | (backslash - EACH_BYTE(1))) &
	       EACH_BYTE(0x80);
}

static inline bool byte_is_special(unsigned char c)
{
	return c < 0x20 || c >= 0x7f || c == '"' || c == '\\';
}

static inline bool word_at_is_special(struct ft_span in, size_t i)
{
	uint64_t w;

	memcpy(&w, in.data + i, sizeof(w));
	return word_is_special(w);
}

/* The end of the run from i on that no format escapes; most names are one such run. */
static inline size_t plain_end(struct ft_span in, size_t i)
{
	const size_t word = sizeof(uint64_t);

	while (in.len - i >= word && !word_at_is_special(in, i))
		i += word;
	/* The rest of a name at once, with some of the bytes before it. */
	if (in.len - i < word && in.len >= word && !word_at_is_special(in, in.len - word))
		return in.len;
	while (i < in.len && !byte_is_special(in.data[i]))
		i++;
	return i;
}

enum unit_kind {
	UNIT_PLAIN,
	UNIT_QUOTE,
	UNIT_BACKSLASH,
	UNIT_CONTROL, /* one byte: C0, DEL */
	UNIT_HIDDEN,  /* a character that is obeyed, not shown: C1, bidi, line ends */
	UNIT_INVALID, /* one byte that is not of valid UTF-8 */
};

struct unit {
	enum unit_kind kind;
	uint32_t c;
	size_t len;
};

/* Strict UTF-8 (RFC 3629): not overlong, no surrogates, none past U+10FFFF. Else 0. */
static size_t decode_char(const unsigned char *p, size_t n, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len = p[0] < 0xc0   ? 0
		     : p[0] < 0xe0 ? 2
		     : p[0] < 0xf0 ? 3
		     : p[0] < 0xf8 ? 4
				   : 0;
	uint32_t c = p[0] & (0x7fu >> len);

	if (len == 0 || len > n)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return len;
}

static bool char_is_hidden(uint32_t c)
{
	if (c < 0x2000)
		return (c >= 0x80 && c <= 0x9f) || c == 0x061c;
	return c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

static struct unit unit_at(struct ft_span in, size_t i)
{
	const unsigned char *p = (const unsigned char *)in.data + i;
	uint32_t c = *p;

	if (c < 0x80) {
		enum unit_kind kind = c == '"'		      ? UNIT_QUOTE
				      : c == '\\'	      ? UNIT_BACKSLASH
				      : c < 0x20 || c == 0x7f ? UNIT_CONTROL
							      : UNIT_PLAIN;
		return (struct unit){kind, c, 1};
	}
	size_t len = decode_char(p, in.len - i, &c);
	if (len == 0)
		return (struct unit){UNIT_INVALID, c, 1};
	return (struct unit){char_is_hidden(c) ? UNIT_HIDDEN : UNIT_PLAIN, c, len};
}

/* The next unit that is to be escaped; what is before it goes to out. False at the end.
 */
static inline bool next_escape(struct ft_bytes *out, struct ft_span in, size_t *pos,
			       enum unit_kind harmless, struct unit *ret)
{
	size_t from = *pos, i = from;

	while ((i = plain_end(in, i)) < in.len) {
		struct unit u = unit_at(in, i);

		if (u.kind != UNIT_PLAIN && u.kind != harmless) {
			ft_bytes_put(out, in.data + from, i - from);
			*pos = i + u.len;
			*ret = u;
			return true;
		}
		i += u.len;
	}
	ft_bytes_put(out, in.data + from, in.len - from);
	return false;
}

/* The letter of a short escape, NUL if there is none. */
static char short_escape(uint32_t c)
{
	return c == '\n' ? 'n' : c == '\t' ? 't' : c == '\r' ? 'r' : '\0';
}

static void put_hex_bytes(struct ft_bytes *out, const char *data, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = data[i];
		const char hex[] = {'\\', 'x', hex_digits[c >> 4], hex_digits[c & 15]};

		ft_bytes_put(out, hex, sizeof(hex));
	}
}

void ft_escape_text(struct ft_bytes *out, struct ft_span in)
{
	struct unit u;

	if (in.len == 0)
		return;
	for (size_t pos = 0; next_escape(out, in, &pos, UNIT_QUOTE, &u);) {
		char letter = u.kind == UNIT_BACKSLASH ? '\\' : short_escape(u.c);

		if (u.kind == UNIT_INVALID || !letter)
			put_hex_bytes(out, in.data + pos - u.len, u.len);
		else
			ft_bytes_put(out, (const char[]){'\\', letter}, 2);
	}
}

static bool csv_wants_quotes(struct ft_span in)
{
	return in.data[0] == ' ' || in.data[in.len - 1] == ' ' ||
	       memchr(in.data, ',', in.len) || memchr(in.data, '"', in.len);
}

/* No longer character contains a quote: the pieces between them escape alone. */
void ft_escape_csv(struct ft_bytes *out, struct ft_span in)
{
	if (in.len == 0)
		return;
	if (!csv_wants_quotes(in)) {
		ft_escape_text(out, in);
		return;
	}
	ft_bytes_put_char(out, '"');
	for (;;) {
		const char *quote = memchr(in.data, '"', in.len);
		size_t n = quote ? (size_t)(quote - in.data) : in.len;

		ft_escape_text(out, (struct ft_span){in.data, n});
		if (!quote)
			break;
		ft_bytes_put_lit(out, "\"\"");
		in = (struct ft_span){quote + 1, in.len - n - 1};
	}
	ft_bytes_put_char(out, '"');
}

static char json_letter(uint32_t c)
{
	return c == '"' || c == '\\' ? (char)c
	       : c == '\b'	     ? 'b'
	       : c == '\f'	     ? 'f'
				     : short_escape(c);
}

bool ft_escape_json(struct ft_bytes *out, struct ft_span in)
{
	bool valid = true;
	struct unit u;

	if (in.len == 0)
		return true;
	for (size_t pos = 0; next_escape(out, in, &pos, UNIT_PLAIN, &u);) {
		if (u.kind == UNIT_INVALID) {
			ft_bytes_put_lit(out, "\xef\xbf\xbd");
			valid = false;
			continue;
		}
		char letter = json_letter(u.c);
		if (letter) {
			ft_bytes_put(out, (const char[]){'\\', letter}, 2);
			continue;
		}
		/* All characters that are escaped lie below U+10000. */
		const char hex[] = {'\\',
				    'u',
				    hex_digits[u.c >> 12 & 15],
				    hex_digits[u.c >> 8 & 15],
				    hex_digits[u.c >> 4 & 15],
				    hex_digits[u.c & 15]};
		ft_bytes_put(out, hex, sizeof(hex));
	}
	return valid;
}

void ft_escape_base64(struct ft_bytes *out, struct ft_span in)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = (const unsigned char *)in.data;

	for (size_t n = in.len; n > 0;) {
		size_t part = n < 3 ? n : 3;
		uint32_t bits = (uint32_t)p[0] << 16 | (part > 1 ? p[1] << 8 : 0) |
				(part > 2 ? p[2] : 0);
		const char four[] = {digits[bits >> 18], digits[bits >> 12 & 63],
				     part > 1 ? digits[bits >> 6 & 63] : '=',
				     part > 2 ? digits[bits & 63] : '='};

		ft_bytes_put(out, four, sizeof(four));
		p += part;
		n -= part;
	}
}

static size_t char_width(uint32_t c)
{
	static const struct {
		uint32_t first;
		uint32_t last;
		uint32_t columns;
	} widths[] = {
#define FT_WIDTH(first, last, columns) {first, last, columns},
#include "base/width.def"
#undef FT_WIDTH
	};
	size_t low = 0, high = FT_ARRAY_SIZE(widths);

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (c > widths[middle].last)
			low = middle + 1;
		else if (c < widths[middle].first)
			high = middle;
		else
			return widths[middle].columns;
	}
	return 1;
}

size_t ft_escape_width(struct ft_span text)
{
	size_t width = 0;

	for (size_t i = 0; i < text.len;) {
		size_t end = plain_end(text, i);

		width += end - i;
		i = end;
		if (i == text.len)
			break;
		struct unit u = unit_at(text, i);
		width += u.kind == UNIT_INVALID ? 1 : char_width(u.c);
		i += u.len;
	}
	return width;
}
