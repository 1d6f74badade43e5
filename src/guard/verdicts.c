/* SPDX-License-Identifier: MIT */
/* Verdicts kept: sets of eight, of which the one that was not used for longest makes
 * room. */
#include "guard/verdicts.h"

#include <errno.h>
#include <pthread.h>

#include "base/cleanup.h"
#include "base/hash.h"

enum {
	WAYS = 8,
	CAPACITY_MAX = 1 << 24,
	SETTLED_NS = 20000000, /* two ticks of the slowest clock, HZ=100 */
};

struct entry {
	struct ft_verdict_key key; /* dev 0: empty */
	struct ft_verdict_stamp stamp;
	struct ft_verdict_kept kept;
	uint64_t used;
};

struct ft_verdicts {
	pthread_mutex_t lock;
	struct entry *entries;
	size_t mask; /* number of sets - 1 */
	uint64_t clock;
};

int ft_verdicts_new(struct ft_verdicts **ret, size_t capacity)
{
	struct ft_verdicts *v;
	size_t sets = 1;

	if (capacity == 0 || capacity > CAPACITY_MAX)
		return -EINVAL;
	while (sets * WAYS < capacity)
		sets *= 2;
	v = calloc(1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	v->entries = calloc(sets * WAYS, sizeof(*v->entries));
	if (!v->entries) {
		free(v);
		return -ENOMEM;
	}
	v->mask = sets - 1;
	pthread_mutex_init(&v->lock, NULL);
	*ret = v;
	return 0;
}

struct ft_verdicts *ft_verdicts_free(struct ft_verdicts *v)
{
	if (!v)
		return NULL;
	pthread_mutex_destroy(&v->lock);
	free(v->entries);
	free(v);
	return NULL;
}

/* A key is the very same: whether a birth is known does not change with the file. */
static bool is_same(const struct ft_verdict_key *a, const struct ft_verdict_key *b)
{
	return a->object.dev == b->object.dev && a->object.ino == b->object.ino &&
	       a->object.birth_ns == b->object.birth_ns && a->event == b->event &&
	       a->process == b->process;
}

static bool is_current(const struct ft_verdict_stamp *a, const struct ft_verdict_stamp *b)
{
	return a->ctime_ns == b->ctime_ns && a->policy == b->policy &&
	       a->changes == b->changes;
}

static struct entry *get_set(struct ft_verdicts *v, const struct ft_verdict_key *key)
{
	uint64_t h = ft_hash_u64(key->object.dev, key->object.ino);

	h = ft_hash_u64(h, key->event ^ key->process << 32);
	return &v->entries[(h & v->mask) * WAYS];
}

bool ft_verdicts_find(struct ft_verdicts *v, const struct ft_verdict_key *key,
		      const struct ft_verdict_stamp *stamp, struct ft_verdict_kept *ret)
{
	struct entry *set = get_set(v, key);
	bool found = false;

	if (key->object.dev == 0)
		return false;
	pthread_mutex_lock(&v->lock);
	for (size_t i = 0; i < WAYS && !found; i++) {
		if (!is_same(&set[i].key, key) || !is_current(&set[i].stamp, stamp))
			continue;
		set[i].used = ++v->clock;
		*ret = set[i].kept;
		found = true;
	}
	pthread_mutex_unlock(&v->lock);
	return found;
}

/* Its own old place, else the one that was not used for longest: an empty one never was.
 */
static struct entry *choose(struct entry *set, const struct ft_verdict_key *key)
{
	struct entry *oldest = set;

	for (size_t i = 0; i < WAYS; i++) {
		if (is_same(&set[i].key, key))
			return &set[i];
		if (set[i].used < oldest->used)
			oldest = &set[i];
	}
	return oldest;
}

void ft_verdicts_put(struct ft_verdicts *v, const struct ft_verdict_key *key,
		     const struct ft_verdict_stamp *stamp,
		     const struct ft_verdict_kept *kept, int64_t now_ns)
{
	struct entry *set = get_set(v, key);

	if (key->object.dev == 0 || stamp->ctime_ns > now_ns - SETTLED_NS)
		return;
	pthread_mutex_lock(&v->lock);
	*choose(set, key) = (struct entry){*key, *stamp, *kept, ++v->clock};
	pthread_mutex_unlock(&v->lock);
}
