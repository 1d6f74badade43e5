/* SPDX-License-Identifier: MIT */
/* Bytes: borrowed spans, and a buffer that grows to a bound. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Borrowed bytes; not NUL-terminated unless its owner says so. */
struct ft_span {
	const char *data;
	size_t len;
};

#define FT_SPAN(literal) ((struct ft_span){(literal), sizeof(literal) - 1})

static inline struct ft_span ft_span_of(const char *s)
{
	return (struct ft_span){s, s ? strlen(s) : 0};
}

static inline bool ft_span_equal(struct ft_span a, struct ft_span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* A NUL-ended copy of its own, which the caller frees; NULL: out of memory. */
char *ft_span_dup(struct ft_span s);

/*
 * A buffer that grows by doubling. Zero-initialised is valid and unbounded (SIZE_MAX/2).
 * After a put that could not be done (out of memory, past max) `failed` is -errno and
 * every later put does nothing: callers put many times and check once.
 */
struct ft_bytes {
	char *data;
	size_t len;
	size_t cap;
	size_t max; /* 0: no bound of its own */
	int failed;
};

void ft_bytes_fini(struct ft_bytes *b);
/* Makes room for n more bytes; 0 or -ENOMEM (out of memory) or -ENOBUFS (past max). */
int ft_bytes_reserve(struct ft_bytes *b, size_t n);
void ft_bytes_printf(struct ft_bytes *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void ft_bytes_put_u64(struct ft_bytes *b, uint64_t v);
void ft_bytes_put_i64(struct ft_bytes *b, int64_t v);
/* Ends the bytes with a NUL that len does not count; "" if it failed. */
const char *ft_bytes_cstr(struct ft_bytes *b);

static inline void ft_bytes_clear(struct ft_bytes *b)
{
	b->len = 0;
	b->failed = 0;
}

static inline struct ft_span ft_bytes_span(const struct ft_bytes *b)
{
	return (struct ft_span){b->data, b->len};
}

static inline void ft_bytes_put(struct ft_bytes *b, const void *data, size_t n)
{
	if (n == 0 || (b->cap - b->len < n && ft_bytes_reserve(b, n) < 0))
		return;
	memcpy(b->data + b->len, data, n);
	b->len += n;
}

static inline void ft_bytes_put_span(struct ft_bytes *b, struct ft_span s)
{
	ft_bytes_put(b, s.data, s.len);
}

static inline void ft_bytes_put_char(struct ft_bytes *b, char c)
{
	ft_bytes_put(b, &c, 1);
}

/* A string literal; its length is known when compiled. */
#define ft_bytes_put_lit(b, literal) ft_bytes_put((b), (literal), sizeof(literal) - 1)

static inline void ft_bytes_put_str(struct ft_bytes *b, const char *s)
{
	ft_bytes_put(b, s, strlen(s));
}
