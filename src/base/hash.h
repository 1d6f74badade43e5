/* SPDX-License-Identifier: MIT */
/* A fast 64-bit hash of short byte strings: for tables in memory, not against an enemy.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t ft_hash_mix(uint64_t h)
{
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93u;
	h ^= h >> 32;
	return h;
}

static inline uint64_t ft_hash_u64(uint64_t seed, uint64_t v)
{
	return ft_hash_mix(seed * 0x9e3779b97f4a7c15u + v);
}

static inline uint64_t ft_hash_bytes(uint64_t seed, const void *data, size_t n)
{
	const char *p = data;
	uint64_t h = seed ^ n, w;

	for (; n >= 8; p += 8, n -= 8) {
		memcpy(&w, p, 8);
		h = ft_hash_u64(h, w);
	}
	w = 0;
	if (n > 0)
		memcpy(&w, p, n);
	return ft_hash_u64(h, w);
}
