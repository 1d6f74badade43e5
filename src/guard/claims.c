/* SPDX-License-Identifier: MIT */
/* Objects that rules protect: chains of pairs, set aside at once. */
#include "guard/claims.h"

#include <errno.h>
#include <pthread.h>

#include "base/cleanup.h"
#include "base/hash.h"

enum { CAPACITY_MAX = 1 << 24 };

struct claim {
	struct ft_object object;
	struct claim *next; /* of its chain, in which the rules of an object ascend; or
			       free */
	unsigned int rule;
};

struct ft_claims {
	pthread_mutex_t lock;
	struct claim **heads;
	size_t mask; /* number of heads - 1 */
	struct claim *pairs;
	struct claim *free;
	size_t count;
};

static size_t round_up(size_t n)
{
	size_t r = 1;

	while (r < n)
		r *= 2;
	return r;
}

int ft_claims_new(struct ft_claims **ret, size_t capacity)
{
	struct ft_claims *c;

	if (capacity == 0 || capacity > CAPACITY_MAX)
		return -EINVAL;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	pthread_mutex_init(&c->lock, NULL);
	c->mask = round_up(capacity) - 1;
	c->heads = calloc(c->mask + 1, sizeof(struct claim *));
	c->pairs = calloc(capacity, sizeof(*c->pairs));
	if (!c->heads || !c->pairs) {
		ft_claims_free(c);
		return -ENOMEM;
	}
	for (size_t i = 0; i < capacity; i++)
		c->pairs[i].next = i + 1 < capacity ? &c->pairs[i + 1] : NULL;
	c->free = c->pairs;
	*ret = c;
	return 0;
}

struct ft_claims *ft_claims_free(struct ft_claims *c)
{
	if (!c)
		return NULL;
	pthread_mutex_destroy(&c->lock);
	free(c->heads);
	free(c->pairs);
	free(c);
	return NULL;
}

/* Without the birth: one that is not known is equal to any. */
static struct claim **get_chain(struct ft_claims *c, const struct ft_object *object)
{
	return &c->heads[ft_hash_u64(object->dev, object->ino) & c->mask];
}

static int add(struct ft_claims *c, const struct ft_object *object, unsigned int rule)
{
	struct claim **at = get_chain(c, object);
	struct claim *new = c->free;

	for (; *at && (*at)->rule <= rule; at = &(*at)->next) {
		if ((*at)->rule == rule && ft_object_equal(&(*at)->object, object))
			return 0;
	}
	if (!new)
		return -ENOSPC;
	c->free = new->next;
	*new = (struct claim){*object, *at, rule};
	*at = new;
	c->count++;
	return 0;
}

int ft_claims_add(struct ft_claims *c, const struct ft_object *object, unsigned int rule)
{
	int r;

	if (object->dev == 0 || rule >= FT_POLICY_RULES_MAX)
		return -EINVAL;
	pthread_mutex_lock(&c->lock);
	r = add(c, object, rule);
	pthread_mutex_unlock(&c->lock);
	return r;
}

size_t ft_claims_find(struct ft_claims *c, const struct ft_object *object,
		      unsigned int ret_rules[static FT_POLICY_RULES_MAX])
{
	size_t n = 0;

	pthread_mutex_lock(&c->lock);
	for (struct claim *i = *get_chain(c, object); i; i = i->next) {
		/* Two births of one file are two claims, for who does not know its birth.
		 */
		if (ft_object_equal(&i->object, object) &&
		    (n == 0 || ret_rules[n - 1] != i->rule))
			ret_rules[n++] = i->rule;
	}
	pthread_mutex_unlock(&c->lock);
	return n;
}

void ft_claims_remove(struct ft_claims *c, const struct ft_object *object, int rule)
{
	pthread_mutex_lock(&c->lock);
	for (struct claim **at = get_chain(c, object); *at;) {
		struct claim *i = *at;

		if (!ft_object_equal(&i->object, object) ||
		    (rule >= 0 && i->rule != (unsigned int)rule)) {
			at = &i->next;
			continue;
		}
		*at = i->next;
		i->next = c->free;
		c->free = i;
		c->count--;
	}
	pthread_mutex_unlock(&c->lock);
}

size_t ft_claims_count(struct ft_claims *c)
{
	size_t n;

	pthread_mutex_lock(&c->lock);
	n = c->count;
	pthread_mutex_unlock(&c->lock);
	return n;
}
