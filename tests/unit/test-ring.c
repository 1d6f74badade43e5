/* SPDX-License-Identifier: MIT */
/* A ring against a list, and between two threads. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/ring.h"

enum { SIZE = 4096, STEPS = 200000 };

static void empty_and_full(void **state)
{
	struct ft_ring r;
	size_t n = 0;
	char *p;

	assert_int_equal(ft_ring_init(&r, SIZE), 0);
	assert_null(ft_ring_peek(&r));
	assert_null(ft_ring_reserve(&r, SIZE));
	while ((p = ft_ring_reserve(&r, 48))) {
		memset(p, (int)n++, 48);
		ft_ring_commit(&r);
	}
	assert_int_equal(n, SIZE / 64);
	for (size_t i = 0; i < n; i++) {
		p = ft_ring_peek(&r);
		assert_non_null(p);
		assert_int_equal((unsigned char)p[47], i);
		ft_ring_release(&r);
	}
	assert_null(ft_ring_peek(&r));
	ft_ring_fini(&r);
}

/* What was reserved and not committed was never there. */
static void forgotten(void **state)
{
	struct ft_ring r;
	int *p;

	assert_int_equal(ft_ring_init(&r, SIZE), 0);
	for (int i = 0; i < 1000; i++) {
		assert_non_null(ft_ring_reserve(&r, 1000));
		assert_null(ft_ring_peek(&r));
		p = ft_ring_reserve(&r, sizeof(*p));
		*p = i;
		ft_ring_commit(&r);
		p = ft_ring_peek(&r);
		assert_int_equal(*p, i);
		assert_int_equal((uintptr_t)p % 16, 0);
		ft_ring_release(&r);
	}
	ft_ring_fini(&r);
}

struct number {
	size_t size;
	unsigned int n;
	unsigned char rest[];
};

static size_t size_of(unsigned int n)
{
	return sizeof(struct number) + n * 7919u % 700;
}

static void *write_all(void *data)
{
	struct ft_ring *r = data;

	for (unsigned int n = 0; n < STEPS;) {
		size_t size = size_of(n);
		struct number *p = ft_ring_reserve(r, size);

		if (!p)
			continue;
		p->size = size;
		p->n = n;
		memset(p->rest, (int)n, size - sizeof(*p));
		ft_ring_commit(r);
		n++;
	}
	return NULL;
}

static void two_threads(void **state)
{
	struct ft_ring r;
	pthread_t writer;

	assert_int_equal(ft_ring_init(&r, SIZE), 0);
	assert_int_equal(pthread_create(&writer, NULL, write_all, &r), 0);
	for (unsigned int n = 0; n < STEPS;) {
		struct number *p = ft_ring_peek(&r);

		if (!p)
			continue;
		assert_int_equal(p->n, n);
		assert_int_equal(p->size, size_of(n));
		for (size_t i = 0; i < p->size - sizeof(*p); i++)
			if (p->rest[i] != (unsigned char)n)
				fail_msg("byte %zu of record %u", i, n);
		ft_ring_release(&r);
		n++;
	}
	pthread_join(writer, NULL);
	assert_null(ft_ring_peek(&r));
	ft_ring_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_and_full),
		cmocka_unit_test(forgotten),
		cmocka_unit_test(two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
