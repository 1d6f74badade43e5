/* SPDX-License-Identifier: MIT */
/* Which processes have executed something, and when at the latest. */
#include "proc/execs.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

enum { LEAST_SLOTS = 64 };

void ft_execs_fini(struct ft_execs *x)
{
	free(x->slots);
	*x = (struct ft_execs){0};
}

/* The slot of pid, or the empty one where it belongs: never all are taken. */
static struct ft_execs_slot *slot_of(struct ft_execs_slot *slots, size_t mask, pid_t pid)
{
	size_t i = ft_hash_u64(0, (uint64_t)pid) & mask;

	while (slots[i].pid != 0 && slots[i].pid != pid)
		i = (i + 1) & mask;
	return &slots[i];
}

static bool grow(struct ft_execs *x)
{
	size_t old = x->slots ? x->mask + 1 : 0;
	size_t new = old ? old * 2 : LEAST_SLOTS;
	struct ft_execs_slot *slots = calloc(new, sizeof(*slots));

	if (!slots)
		return false;
	for (size_t i = 0; i < old; i++) {
		if (x->slots[i].pid != 0)
			*slot_of(slots, new - 1, x->slots[i].pid) = x->slots[i];
	}
	free(x->slots);
	x->slots = slots;
	x->mask = new - 1;
	return true;
}

/* At most 3/4 of the slots are taken. */
static bool has_room(struct ft_execs *x)
{
	if (x->count >= FT_EXECS_MAX)
		return false;
	return (x->slots && x->count + 1 <= (x->mask + 1) / 4 * 3) || grow(x);
}

static void forget(struct ft_execs *x, int64_t until)
{
	if (x->count > 0)
		memset(x->slots, 0, (x->mask + 1) * sizeof(*x->slots));
	x->count = 0;
	x->forgotten = until;
}

void ft_execs_add(struct ft_execs *x, pid_t pid, int64_t told)
{
	if (pid <= 0)
		return;
	struct ft_execs_slot *slot = x->slots ? slot_of(x->slots, x->mask, pid) : NULL;
	if (slot && slot->pid == pid) {
		slot->told = told;
		return;
	}
	if (!has_room(x)) {
		forget(x, told);
		return;
	}
	*slot_of(x->slots, x->mask, pid) = (struct ft_execs_slot){told, pid};
	x->count++;
}

bool ft_execs_is_told(const struct ft_execs *x, pid_t pid, int64_t since)
{
	if (pid <= 0 || since < x->forgotten)
		return true;
	const struct ft_execs_slot *slot =
		x->slots ? slot_of(x->slots, x->mask, pid) : NULL;
	return slot && slot->pid == pid && slot->told > since;
}
