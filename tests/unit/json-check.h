/* SPDX-License-Identifier: MIT */
/* A strict reader of JSON (RFC 8259) for tests: says whether a text is valid, and tells
 * each value. */
#pragma once

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

/* path: "process.parents.pid", elements of an array have the array's path. type: one of {
 * [ s n b 0. raw: as written. */
typedef void (*json_check_fn)(void *data, const char *path, char type,
			      struct ft_span raw);

struct json_check {
	const char *p;
	const char *end;
	char path[256];
	json_check_fn tell;
	void *data;
	int depth;
};

static bool json_check_value(struct json_check *c);

static bool json_check_take(struct json_check *c, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(c->end - c->p) < n || memcmp(c->p, word, n) != 0)
		return false;
	c->p += n;
	return true;
}

static size_t json_check_digits(struct json_check *c)
{
	const char *from = c->p;

	while (c->p < c->end && isdigit((unsigned char)*c->p))
		c->p++;
	return (size_t)(c->p - from);
}

static bool json_check_number(struct json_check *c)
{
	json_check_take(c, "-");
	if (!json_check_take(c, "0") && json_check_digits(c) == 0)
		return false;
	if (json_check_take(c, ".") && json_check_digits(c) == 0)
		return false;
	if (json_check_take(c, "e") || json_check_take(c, "E")) {
		if (!json_check_take(c, "+"))
			json_check_take(c, "-");
		return json_check_digits(c) > 0;
	}
	return true;
}

/* The character at p, by the table of the Unicode standard (3-7); 0 if it is not
 * well-formed. */
static size_t json_check_utf8(const char *s, size_t n)
{
	static const struct {
		unsigned char first, last, low, high;
		size_t len;
	} rows[] = {
		{0x00, 0x7f, 0, 0, 1},	     {0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};
	const unsigned char *p = (const unsigned char *)s;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (p[0] < rows[i].first || p[0] > rows[i].last)
			continue;
		if (rows[i].len > n ||
		    (rows[i].len > 1 && (p[1] < rows[i].low || p[1] > rows[i].high)))
			return 0;
		for (size_t j = 2; j < rows[i].len; j++) {
			if ((p[j] & 0xc0) != 0x80)
				return 0;
		}
		return rows[i].len;
	}
	return 0;
}

static bool json_check_escape(struct json_check *c)
{
	if (c->p == c->end)
		return false;
	if (*c->p != 'u')
		return strchr("\"\\/bfnrt", *c->p++) != NULL;
	c->p++;
	for (int i = 0; i < 4; i++) {
		if (c->p == c->end || !isxdigit((unsigned char)*c->p++))
			return false;
	}
	return true;
}

static bool json_check_string(struct json_check *c, struct ft_span *ret)
{
	const char *from;

	if (!json_check_take(c, "\""))
		return false;
	from = c->p;
	while (c->p < c->end && *c->p != '"') {
		size_t n = json_check_utf8(c->p, (size_t)(c->end - c->p));

		if (n == 0 || (unsigned char)*c->p < 0x20)
			return false;
		c->p += n;
		if (c->p[-(ptrdiff_t)n] == '\\' && !json_check_escape(c))
			return false;
	}
	*ret = (struct ft_span){from, (size_t)(c->p - from)};
	return json_check_take(c, "\"");
}

static bool json_check_member(struct json_check *c)
{
	size_t len = strlen(c->path);
	struct ft_span name;
	bool ok;

	if (!json_check_string(c, &name) || name.len == 0 || !json_check_take(c, ":"))
		return false;
	if (len + name.len + 2 > sizeof(c->path))
		return false;
	sprintf(c->path + len, "%s%.*s", len ? "." : "", (int)name.len, name.data);
	ok = json_check_value(c);
	c->path[len] = '\0';
	return ok;
}

static bool json_check_list(struct json_check *c, const char *end,
			    bool (*element)(struct json_check *c))
{
	if (json_check_take(c, end))
		return true;
	do {
		if (!element(c))
			return false;
	} while (json_check_take(c, ","));
	return json_check_take(c, end);
}

static bool json_check_inner(struct json_check *c, char *ret_type,
			     struct ft_span *ret_raw)
{
	const char *from = c->p;
	bool ok;

	*ret_type = *from;
	if (*from == '{') {
		c->p++;
		ok = json_check_list(c, "}", json_check_member);
	} else if (*from == '[') {
		c->p++;
		ok = json_check_list(c, "]", json_check_value);
	} else if (*from == '"') {
		*ret_type = 's';
		return json_check_string(c, ret_raw);
	} else if (json_check_take(c, "true") || json_check_take(c, "false")) {
		*ret_type = 'b';
		ok = true;
	} else if (json_check_take(c, "null")) {
		*ret_type = '0';
		ok = true;
	} else {
		*ret_type = 'n';
		ok = json_check_number(c);
	}
	*ret_raw = (struct ft_span){from, (size_t)(c->p - from)};
	return ok;
}

static bool json_check_value(struct json_check *c)
{
	struct ft_span raw;
	char type;
	bool ok;

	if (c->p == c->end || ++c->depth > 32)
		return false;
	ok = json_check_inner(c, &type, &raw);
	c->depth--;
	if (ok && c->tell && c->path[0])
		c->tell(c->data, c->path, type, raw);
	return ok;
}

/* One value without space around or in it, as a line of ours has it. */
static inline bool json_check(struct ft_span text, json_check_fn tell, void *data)
{
	struct json_check c = {
		.p = text.data, .end = text.data + text.len, .tell = tell, .data = data};

	return json_check_value(&c) && c.p == c.end;
}
