/* SPDX-License-Identifier: MIT */
/* Escapes against a second, slow implementation, and read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "base/hash.h"

/* Bytes at the borders of all that is treated differently. */
static const unsigned char borders[] = {
	0x00, 0x09, 0x1f, 0x20, 0x22, 0x41, 0x5c, 0x7e, 0x7f, 0x80,
	0x8e, 0x8f, 0x90, 0x9f, 0xa0, 0xa8, 0xbf, 0xc1, 0xc2, 0xd8,
	0xdf, 0xe0, 0xe2, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff,
};

/* The table of well-formed sequences as the Unicode standard prints it (3-7), in place of
 * arithmetic. */
static const struct {
	size_t len;
	unsigned char range[4][2];
} well_formed[] = {
	{1, {{0x00, 0x7f}}},
	{2, {{0xc2, 0xdf}, {0x80, 0xbf}}},
	{3, {{0xe0, 0xe0}, {0xa0, 0xbf}, {0x80, 0xbf}}},
	{3, {{0xe1, 0xec}, {0x80, 0xbf}, {0x80, 0xbf}}},
	{3, {{0xed, 0xed}, {0x80, 0x9f}, {0x80, 0xbf}}},
	{3, {{0xee, 0xef}, {0x80, 0xbf}, {0x80, 0xbf}}},
	{4, {{0xf0, 0xf0}, {0x90, 0xbf}, {0x80, 0xbf}, {0x80, 0xbf}}},
	{4, {{0xf1, 0xf3}, {0x80, 0xbf}, {0x80, 0xbf}, {0x80, 0xbf}}},
	{4, {{0xf4, 0xf4}, {0x80, 0x8f}, {0x80, 0xbf}, {0x80, 0xbf}}},
};

static size_t naive_len(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < FT_ARRAY_SIZE(well_formed); i++) {
		size_t len = well_formed[i].len, good = 0;

		while (good < len && good < n &&
		       p[good] >= well_formed[i].range[good][0] &&
		       p[good] <= well_formed[i].range[good][1])
			good++;
		if (good == len)
			return len;
	}
	return 0;
}

/* The characters that the contract names, by their UTF-8 and the escape that JSON has for
 * them. */
static const struct {
	const char *utf8;
	const char *json;
} named[] = {
	{"\xd8\x9c", "\\u061c"},     {"\xe2\x80\x8e", "\\u200e"},
	{"\xe2\x80\x8f", "\\u200f"}, {"\xe2\x80\xa8", "\\u2028"},
	{"\xe2\x80\xa9", "\\u2029"}, {"\xe2\x80\xaa", "\\u202a"},
	{"\xe2\x80\xab", "\\u202b"}, {"\xe2\x80\xac", "\\u202c"},
	{"\xe2\x80\xad", "\\u202d"}, {"\xe2\x80\xae", "\\u202e"},
	{"\xe2\x81\xa6", "\\u2066"}, {"\xe2\x81\xa7", "\\u2067"},
	{"\xe2\x81\xa8", "\\u2068"}, {"\xe2\x81\xa9", "\\u2069"},
};

/* The JSON escape of a character that is hidden, NULL if it is not. */
static const char *naive_hidden(const unsigned char *p, size_t len, char c1[7])
{
	if (len == 2 && p[0] == 0xc2 && p[1] < 0xa0) {
		snprintf(c1, 7, "\\u%04x", p[1]);
		return c1;
	}
	for (size_t i = 0; i < FT_ARRAY_SIZE(named); i++) {
		if (strlen(named[i].utf8) == len && memcmp(named[i].utf8, p, len) == 0)
			return named[i].json;
	}
	return NULL;
}

static char *add(char *out, const char *s)
{
	size_t len = strlen(s);

	memcpy(out, s, len);
	return out + len;
}

static char *add_hex(char *out, const char *before, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";
	const char two[] = {digits[c / 16], digits[c % 16], '\0'};

	return add(add(out, before), two);
}

static char *naive_text_char(char *out, const unsigned char *p, size_t len)
{
	char c1[7];

	if (len > 1 && !naive_hidden(p, len, c1)) {
		memcpy(out, p, len);
		return out + len;
	}
	if (len == 1 && *p == '\\')
		return add(out, "\\\\");
	if (len == 1 && *p == '\n')
		return add(out, "\\n");
	if (len == 1 && *p == '\t')
		return add(out, "\\t");
	if (len == 1 && *p == '\r')
		return add(out, "\\r");
	if (len == 1 && *p >= 0x20 && *p != 0x7f) {
		*out = (char)*p;
		return out + 1;
	}
	for (size_t i = 0; i < (len ? len : 1); i++)
		out = add_hex(out, "\\x", p[i]);
	return out;
}

static char *naive_json_char(char *out, const unsigned char *p, size_t len)
{
	static const char shorts[] = "\"\"\\\\\bb\ff\nn\rr\tt";
	char c1[7];
	const char *hidden = naive_hidden(p, len, c1);

	if (len == 0)
		return add(out, "\xef\xbf\xbd");
	if (hidden)
		return add(out, hidden);
	for (size_t i = 0; len == 1 && shorts[i]; i += 2) {
		if (*p == (unsigned char)shorts[i])
			return add(out, (const char[]){'\\', shorts[i + 1], '\0'});
	}
	if (len == 1 && (*p < 0x20 || *p == 0x7f))
		return add_hex(out, "\\u00", *p);
	memcpy(out, p, len);
	return out + len;
}

/* All escapes of one string at once: out has room for six bytes each. */
struct naive {
	char text[6 * 4096];
	char json[6 * 4096];
	size_t text_len;
	size_t json_len;
	bool valid;
};

static void naive_escape(struct naive *n, struct ft_span in)
{
	const unsigned char *p = (const unsigned char *)in.data;
	char *text = n->text, *json = n->json;

	n->valid = true;
	for (size_t i = 0; i < in.len;) {
		size_t len = naive_len(p + i, in.len - i);

		text = naive_text_char(text, p + i, len);
		json = naive_json_char(json, p + i, len);
		n->valid &= len > 0;
		i += len ? len : 1;
	}
	n->text_len = text - n->text;
	n->json_len = json - n->json;
}

static void show_difference(const char *what, struct ft_span in)
{
	fprintf(stderr, "%s differs for", what);
	for (size_t i = 0; i < in.len && i < 64; i++)
		fprintf(stderr, " %02x", (unsigned char)in.data[i]);
	fputc('\n', stderr);
}

struct check {
	struct naive naive;
	struct ft_bytes out;
};

static int check_new(void **state)
{
	*state = calloc(1, sizeof(struct check));
	return *state ? 0 : -1;
}

static int check_free(void **state)
{
	struct check *c = *state;

	ft_bytes_fini(&c->out);
	free(c);
	return 0;
}

static void check_escapes(struct check *c, struct ft_span in)
{
	naive_escape(&c->naive, in);
	ft_bytes_clear(&c->out);
	ft_escape_text(&c->out, in);
	if (!ft_span_equal(ft_bytes_span(&c->out),
			   (struct ft_span){c->naive.text, c->naive.text_len})) {
		show_difference("text", in);
		fail();
	}
	ft_bytes_clear(&c->out);
	bool valid = ft_escape_json(&c->out, in);
	if (valid != c->naive.valid ||
	    !ft_span_equal(ft_bytes_span(&c->out),
			   (struct ft_span){c->naive.json, c->naive.json_len})) {
		show_difference("json", in);
		fail();
	}
}

static void test_one_and_two_bytes(void **state)
{
	check_escapes(*state, (struct ft_span){NULL, 0});
	for (int a = 0; a < 256; a++) {
		char one[] = {(char)a};

		check_escapes(*state, (struct ft_span){one, 1});
		for (int b = 0; b < 256; b++) {
			char two[] = {(char)a, (char)b};

			check_escapes(*state, (struct ft_span){two, 2});
		}
	}
}

/* With an A after each, so that one call does 256 of them. */
static void test_all_triples(void **state)
{
	char many[256 * 4];

	for (int a = 0; a < 256; a++) {
		for (int b = 0; b < 256; b++) {
			for (int c = 0; c < 256; c++) {
				const char triple[] = {(char)a, (char)b, (char)c, 'A'};

				memcpy(many + 4 * c, triple, 4);
			}
			check_escapes(*state, (struct ft_span){many, sizeof(many)});
		}
	}
}

/* Four bytes alone: what is cut at the end is not valid. */
static void test_borders(void **state)
{
	const size_t n = FT_ARRAY_SIZE(borders);
	char four[4];

	for (size_t i = 0; i < n * n * n * n; i++) {
		size_t rest = i;

		for (size_t j = 0; j < 4; j++, rest /= n)
			four[j] = (char)borders[rest % n];
		check_escapes(*state, (struct ft_span){four, 4});
		if (four[3] == 0)
			check_escapes(*state, (struct ft_span){four, 3});
	}
}

static size_t put_char(char *p, uint32_t c)
{
	if (c < 0x800) {
		p[0] = (char)(0xc0 | c >> 6);
		p[1] = (char)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		p[0] = (char)(0xe0 | c >> 12);
		p[1] = (char)(0x80 | (c >> 6 & 63));
		p[2] = (char)(0x80 | (c & 63));
		return 3;
	}
	p[0] = (char)(0xf0 | c >> 18);
	p[1] = (char)(0x80 | (c >> 12 & 63));
	p[2] = (char)(0x80 | (c >> 6 & 63));
	p[3] = (char)(0x80 | (c & 63));
	return 4;
}

/* Every character, the surrogates, and as far past the last one as four bytes reach. */
static void test_all_characters(void **state)
{
	char many[256 * 4];

	for (uint32_t c = 0x80; c < 0x200000; c += 256) {
		size_t len = 0;

		for (uint32_t i = c < 256 ? 0 : c; i < (c & ~255u) + 256; i++)
			len += put_char(many + len, i);
		check_escapes(*state, (struct ft_span){many, len});
	}
}

static size_t random_string(char *p, uint64_t *random)
{
	size_t len = (*random = ft_hash_u64(*random, 1)) % 90;
	/* From mostly plain to all borders. */
	uint64_t plain_of_16 = *random >> 32 & 15;

	for (size_t i = 0; i < len; i++) {
		uint64_t r = *random = ft_hash_u64(*random, i);
		bool plain = (r & 15) < plain_of_16 + 1;

		p[i] = (char)(plain ? 'a' + (r >> 8) % 26
				    : borders[(r >> 8) % sizeof(borders)]);
	}
	return len;
}

/* In memory of just that size, for the sanitizers; at each place of a word. */
static void test_random(void **state)
{
	uint64_t random = 1;
	char string[90];

	for (int i = 0; i < 60000; i++) {
		size_t len = random_string(string, &random), at = i % 8;
		_cleanup_free_ char *exact = malloc(at + len + 1);

		assert_non_null(exact);
		memcpy(exact + at + 1, string, len);
		check_escapes(*state, (struct ft_span){exact + at + 1, len});
	}
}

/* One byte that is not plain, at every place of strings around the size of a word. */
static void test_one_special(void **state)
{
	char string[40];

	for (size_t len = 1; len < sizeof(string); len++) {
		for (size_t at = 0; at < len; at++) {
			for (int c = 0; c < 256; c++) {
				memset(string, 'a', len);
				string[at] = (char)c;
				check_escapes(*state, (struct ft_span){string, len});
			}
		}
	}
}

static size_t text_back(const char *p, size_t n, char *out)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		char c = p[i];

		/* Nothing that a terminal obeys is left. */
		assert_true((unsigned char)c >= 0x20 && c != 0x7f);
		if (c == '\\') {
			c = p[++i];
			if (c == 'x') {
				const char hex[] = {p[i + 1], p[i + 2], '\0'};
				char *end;

				c = (char)strtoul(hex, &end, 16);
				assert_ptr_equal(end, hex + 2);
				i += 2;
			} else {
				assert_non_null(strchr("\\ntr", c));
				c = c == 'n'   ? '\n'
				    : c == 't' ? '\t'
				    : c == 'r' ? '\r'
					       : c;
			}
		}
		out[len++] = c;
	}
	return len;
}

/* One field read as RFC 4180 has it; whether it stood in quotes. */
static bool csv_back(struct ft_bytes *field)
{
	size_t len = 0;

	if (field->len == 0 || field->data[0] != '"') {
		assert_null(memchr(field->data ? field->data : "", '"', field->len));
		return false;
	}
	assert_true(field->len >= 2 && field->data[field->len - 1] == '"');
	for (size_t i = 1; i < field->len - 1; i++) {
		if (field->data[i] == '"')
			assert_int_equal(field->data[++i], '"');
		assert_true(i < field->len - 1);
		field->data[len++] = field->data[i];
	}
	field->len = len;
	return true;
}

static void test_read_back(void **state)
{
	static const char more[] = "a,\" \\";
	struct check *c = *state;
	char string[90], back[90];
	uint64_t random = 7;

	for (int i = 0; i < 60000; i++) {
		size_t len = random_string(string, &random);
		if (len)
			string[random % len] = more[random % 5];
		struct ft_span in = {string, len};
		bool quotes = memchr(string, ',', len) || memchr(string, '"', len) ||
			      (len && (string[0] == ' ' || string[len - 1] == ' '));

		ft_bytes_clear(&c->out);
		ft_escape_text(&c->out, in);
		assert_int_equal(text_back(c->out.data, c->out.len, back), len);
		assert_memory_equal(back, string, len);
		ft_bytes_clear(&c->out);
		ft_escape_csv(&c->out, in);
		assert_int_equal(csv_back(&c->out), quotes);
		assert_int_equal(text_back(c->out.data, c->out.len, back), len);
		assert_memory_equal(back, string, len);
	}
}

static void check_csv(struct ft_bytes *out, const char *in, const char *expect)
{
	ft_bytes_clear(out);
	ft_escape_csv(out, ft_span_of(in));
	assert_string_equal(ft_bytes_cstr(out), expect);
}

static void test_csv(void **state)
{
	struct ft_bytes *out = &((struct check *)*state)->out;

	check_csv(out, "", "");
	check_csv(out, "plain", "plain");
	check_csv(out, "two words", "two words");
	check_csv(out, " a", "\" a\"");
	check_csv(out, "a ", "\"a \"");
	check_csv(out, "a,b", "\"a,b\"");
	check_csv(out, "\"", "\"\"\"\"");
	check_csv(out, "a\"b", "\"a\"\"b\"");
	check_csv(out, "a\nb\\", "a\\nb\\\\");
	check_csv(out, "\xc2\"\x80,", "\"\\xc2\"\"\\x80,\"");
}

static void check_base64(struct ft_bytes *out, struct ft_span in, const char *expect)
{
	ft_bytes_clear(out);
	ft_escape_base64(out, in);
	assert_string_equal(ft_bytes_cstr(out), expect);
}

/* The vectors of RFC 4648 section 10, and each digit once. */
static void test_base64(void **state)
{
	static const char each[] =
		"\x00\x10\x83\x10\x51\x87\x20\x92\x8b\x30\xd3\x8f\x41\x14\x93\x51"
		"\x55\x97\x61\x96\x9b\x71\xd7\x9f\x82\x18\xa3\x92\x59\xa7\xa2\x9a"
		"\xab\xb2\xdb\xaf\xc3\x1c\xb3\xd3\x5d\xb7\xe3\x9e\xbb\xf3\xdf\xbf";
	struct ft_bytes *out = &((struct check *)*state)->out;

	check_base64(out, FT_SPAN(""), "");
	check_base64(out, FT_SPAN("f"), "Zg==");
	check_base64(out, FT_SPAN("fo"), "Zm8=");
	check_base64(out, FT_SPAN("foo"), "Zm9v");
	check_base64(out, FT_SPAN("foob"), "Zm9vYg==");
	check_base64(out, FT_SPAN("fooba"), "Zm9vYmE=");
	check_base64(out, FT_SPAN("foobar"), "Zm9vYmFy");
	check_base64(out, FT_SPAN(each),
		     "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
	check_base64(out, FT_SPAN("\xff\xfe"), "//4=");
}

#define escape_test(f) cmocka_unit_test_setup_teardown(f, check_new, check_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		escape_test(test_one_and_two_bytes),
		escape_test(test_all_triples),
		escape_test(test_borders),
		escape_test(test_all_characters),
		escape_test(test_random),
		escape_test(test_one_special),
		escape_test(test_read_back),
		escape_test(test_csv),
		escape_test(test_base64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
