/* SPDX-License-Identifier: MIT */
/* The globs of fantail once more, read from the pattern as it is written: slow,
 * recursive, to compare with. */
#pragma once

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum naive_result {
	NAIVE_NO,
	NAIVE_YES,
	NAIVE_REFUSED, /* the pattern is not a glob */
	NAIVE_GAVE_UP, /* too many steps */
};

enum { NAIVE_PARTS_MAX = 64 };

/* Components of a pattern or a path, as they stand between two slashes. */
struct naive_parts {
	struct naive_part {
		const char *data;
		size_t len;
	} items[NAIVE_PARTS_MAX];
	size_t count;
};

static inline bool naive_is_class(const char *p)
{
	return p[0] == '[' && p[1] != '\0' && strchr(":.=", p[1]) != NULL;
}

/* -1: no such class. */
static inline int naive_in_class(const char *name, size_t len, int b)
{
	static const struct {
		const char *name;
		int (*has)(int b);
	} classes[] = {
		{"alnum", isalnum}, {"alpha", isalpha}, {"blank", isblank},
		{"cntrl", iscntrl}, {"digit", isdigit}, {"graph", isgraph},
		{"lower", islower}, {"print", isprint}, {"punct", ispunct},
		{"space", isspace}, {"upper", isupper}, {"xdigit", isxdigit},
	};

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		if (strlen(classes[i].name) == len &&
		    memcmp(classes[i].name, name, len) == 0)
			return b < 128 && classes[i].has(b) != 0;
	}
	return -1;
}

/* Is b in the bracket at p? *ret_len: of the bracket, 0 if it is not one. */
static inline bool naive_in_bracket(const char *p, unsigned char b, size_t *ret_len)
{
	const char *s = p + 1;
	const char *first;
	bool negate = *s == '!' || *s == '^';
	bool in = false;

	*ret_len = 0;
	s += negate;
	for (first = s; *s != ']' || s == first;) {
		unsigned char from, to;

		if (naive_is_class(s)) {
			const char *end = strstr(s + 2, ":]");
			int r = end && s[1] == ':'
					? naive_in_class(s + 2, (size_t)(end - s - 2), b)
					: -1;

			if (r < 0)
				return false;
			in = in || r > 0;
			s = end + 2;
			continue;
		}
		s += *s == '\\';
		if (*s == '\0')
			return false;
		from = to = (unsigned char)*s++;
		if (s[0] == '-' && s[1] != '\0' && s[1] != ']') {
			s++;
			if (naive_is_class(s))
				return false;
			s += *s == '\\';
			if (*s == '\0')
				return false;
			to = (unsigned char)*s++;
			if (to < from)
				return false;
		}
		in = in || (b >= from && b <= to);
	}
	*ret_len = (size_t)(s + 1 - p);
	return b != '/' && in != negate;
}

/* Length of what stands for one byte of a path, or the star, at p; 0: refused. */
static inline size_t naive_element_len(const char *p)
{
	size_t len = 1;

	if (*p == '\\')
		return p[1] ? 2 : 0;
	if (*p == '[')
		naive_in_bracket(p, 'x', &len);
	return len;
}

static inline bool naive_is_slash(const char *p, size_t len)
{
	return (len == 1 && p[0] == '/') || (len == 2 && p[0] == '\\' && p[1] == '/');
}

static inline bool naive_is_dots(const char *p, size_t len)
{
	size_t dots = 0;

	for (size_t i = 0; i < len; i++) {
		if (p[i] == '\\')
			i++;
		if (p[i] != '.')
			return false;
		dots++;
	}
	return dots == 1 || dots == 2;
}

static inline enum naive_result naive_split_pattern(const char *p,
						    struct naive_parts *parts)
{
	const char *start = p;

	parts->count = 0;
	for (;;) {
		size_t len = *p ? naive_element_len(p) : 1;

		if (len == 0)
			return NAIVE_REFUSED;
		if (*p && !naive_is_slash(p, len)) {
			p += len;
			continue;
		}
		if (parts->count == NAIVE_PARTS_MAX)
			return NAIVE_GAVE_UP;
		parts->items[parts->count++] =
			(struct naive_part){start, (size_t)(p - start)};
		if (!*p)
			return NAIVE_YES;
		p += len;
		start = p;
	}
}

static inline bool naive_split_path(const char *p, size_t len, struct naive_parts *parts)
{
	size_t start = 0;

	parts->count = 0;
	for (size_t i = 0; i <= len; i++) {
		if (i < len && p[i] != '/')
			continue;
		if (parts->count == NAIVE_PARTS_MAX)
			return false;
		parts->items[parts->count++] = (struct naive_part){p + start, i - start};
		start = i + 1;
	}
	return true;
}

static inline bool naive_component(struct naive_part g, struct naive_part s, int *fuel)
{
	size_t len;

	if (--*fuel < 0)
		return false;
	if (g.len == 0)
		return s.len == 0;
	if (g.data[0] == '*') {
		struct naive_part rest = {g.data + 1, g.len - 1};

		return naive_component(rest, s, fuel) ||
		       (s.len > 0 &&
			naive_component(g, (struct naive_part){s.data + 1, s.len - 1},
					fuel));
	}
	if (s.len == 0)
		return false;
	len = naive_element_len(g.data);
	if (g.data[0] == '[' && !naive_in_bracket(g.data, (unsigned char)s.data[0], &len))
		return false;
	if (g.data[0] != '[' && g.data[0] != '?' && g.data[len - 1] != s.data[0])
		return false;
	return naive_component((struct naive_part){g.data + len, g.len - len},
			       (struct naive_part){s.data + 1, s.len - 1}, fuel);
}

static inline bool naive_components(const struct naive_parts *g, size_t i,
				    const struct naive_parts *s, size_t j, int *fuel)
{
	if (--*fuel < 0)
		return false;
	if (i == g->count)
		return j == s->count;
	if (g->items[i].len == 2 && memcmp(g->items[i].data, "**", 2) == 0) {
		/* Zero components at the end would be the directory itself. */
		if (i + 1 == g->count)
			return j < s->count;
		return naive_components(g, i + 1, s, j, fuel) ||
		       (j < s->count && naive_components(g, i, s, j + 1, fuel));
	}
	return j < s->count && naive_component(g->items[i], s->items[j], fuel) &&
	       naive_components(g, i + 1, s, j + 1, fuel);
}

static inline enum naive_result naive_match_parts(const struct naive_parts *g,
						  const char *path, size_t len, int *fuel)
{
	struct naive_parts s;
	bool yes;

	if (!naive_split_path(path, len, &s))
		return NAIVE_GAVE_UP;
	yes = naive_components(g, 0, &s, 0, fuel);
	if (*fuel < 0)
		return NAIVE_GAVE_UP;
	return yes ? NAIVE_YES : NAIVE_NO;
}

static inline enum naive_result naive_check(const char *pattern, struct naive_parts *g)
{
	enum naive_result r = naive_split_pattern(pattern, g);

	if (r != NAIVE_YES)
		return r;
	/* "/" is two empty components, and the only pattern with an empty one but the
	 * first. */
	for (size_t i = 0; i < g->count; i++) {
		bool may_be_empty = g->count > 1 &&
				    (i == 0 || (g->count == 2 && g->items[0].len == 0));

		if (g->items[i].len == 0 && !may_be_empty)
			return NAIVE_REFUSED;
		if (naive_is_dots(g->items[i].data, g->items[i].len))
			return NAIVE_REFUSED;
	}
	return NAIVE_YES;
}

/* root: absolute, without trailing slash; one is enough to compare with. */
static inline enum naive_result naive_glob(const char *pattern, const char *path,
					   size_t len, const char *root)
{
	struct naive_parts g;
	size_t root_len = strlen(root);
	int fuel = 200000;
	enum naive_result r = naive_check(pattern, &g);

	if (r != NAIVE_YES)
		return r;
	if (len == 0)
		return NAIVE_NO;
	if (g.count == 1) {
		size_t at = len;

		while (at > 0 && path[at - 1] != '/')
			at--;
		return naive_match_parts(&g, path + at, len - at, &fuel);
	}
	if (g.items[0].len == 0)
		return naive_match_parts(&g, path, len, &fuel);
	if (len <= root_len + 1 || memcmp(path, root, root_len) != 0 ||
	    path[root_len] != '/')
		return NAIVE_NO;
	return naive_match_parts(&g, path + root_len + 1, len - root_len - 1, &fuel);
}
