/* SPDX-License-Identifier: MIT */
/* Bytes: a buffer that grows to a bound. */
#include "base/bytes.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { LEAST_CAP = 64, U64_DIGITS = 20 };

char *ft_span_dup(struct ft_span s)
{
	char *copy = malloc(s.len + 1);

	if (!copy)
		return NULL;
	if (s.len > 0)
		memcpy(copy, s.data, s.len);
	copy[s.len] = '\0';
	return copy;
}

/* data has one byte more than cap says: a NUL has its place at any bound. */

void ft_bytes_fini(struct ft_bytes *b)
{
	free(b->data);
	*b = (struct ft_bytes){0};
}

static int bytes_fail(struct ft_bytes *b, int error)
{
	/* No room left: a later put that would have fitted is refused as well. */
	b->cap = b->len;
	b->failed = error;
	return error;
}

int ft_bytes_reserve(struct ft_bytes *b, size_t n)
{
	size_t max = b->max && b->max < SIZE_MAX / 2 ? b->max : SIZE_MAX / 2;

	if (b->failed)
		return b->failed;
	if (b->cap - b->len >= n)
		return 0;
	if (b->len > max || n > max - b->len)
		return bytes_fail(b, -ENOBUFS);

	size_t cap = b->cap < LEAST_CAP ? LEAST_CAP : b->cap;
	while (cap < b->len + n)
		cap *= 2;
	if (cap > max)
		cap = max;
	char *data = realloc(b->data, cap + 1);
	if (!data)
		return bytes_fail(b, -ENOMEM);
	b->data = data;
	b->cap = cap;
	return 0;
}

void ft_bytes_printf(struct ft_bytes *b, const char *fmt, ...)
{
	va_list args;
	size_t room = b->data ? b->cap - b->len + 1 : 0;

	if (b->failed)
		return;
	va_start(args, fmt);
	int n = vsnprintf(room ? b->data + b->len : NULL, room, fmt, args);
	va_end(args);
	if (n < 0) {
		bytes_fail(b, -errno);
		return;
	}
	if ((size_t)n >= room) {
		if (ft_bytes_reserve(b, n) < 0)
			return;
		va_start(args, fmt);
		vsnprintf(b->data + b->len, (size_t)n + 1, fmt, args);
		va_end(args);
	}
	b->len += n;
}

/* The digits end before end; returns where they begin. */
static char *digits_before(char *end, uint64_t v)
{
	static const char pairs[] = "00010203040506070809"
				    "10111213141516171819"
				    "20212223242526272829"
				    "30313233343536373839"
				    "40414243444546474849"
				    "50515253545556575859"
				    "60616263646566676869"
				    "70717273747576777879"
				    "80818283848586878889"
				    "90919293949596979899";

	for (; v >= 100; v /= 100) {
		end -= 2;
		memcpy(end, pairs + v % 100 * 2, 2);
	}
	if (v < 10) {
		*--end = (char)('0' + v);
		return end;
	}
	end -= 2;
	memcpy(end, pairs + v * 2, 2);
	return end;
}

void ft_bytes_put_u64(struct ft_bytes *b, uint64_t v)
{
	char digits[U64_DIGITS];
	char *end = digits + sizeof(digits);
	char *begin = digits_before(end, v);

	ft_bytes_put(b, begin, end - begin);
}

void ft_bytes_put_i64(struct ft_bytes *b, int64_t v)
{
	char digits[1 + U64_DIGITS];
	char *end = digits + sizeof(digits);
	char *begin = digits_before(end, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);

	if (v < 0)
		*--begin = '-';
	ft_bytes_put(b, begin, end - begin);
}

const char *ft_bytes_cstr(struct ft_bytes *b)
{
	if (b->failed || !b->data)
		return "";
	b->data[b->len] = '\0';
	return b->data;
}
