/* SPDX-License-Identifier: MIT */
/* Who is below a root: a bit of each image, which forks hand on. */
#include <errno.h>

#include "proc/history.h"

static int64_t tick_of(const struct ft_history *h, int64_t start)
{
	return start / h->tick_ns;
}

uint64_t ft_history_root_bits(const struct ft_history *h, pid_t pid, int64_t start)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < h->roots_count; i++) {
		const struct ft_life *root = &h->roots[i];
		if (root->pid == pid && tick_of(h, root->start) == tick_of(h, start))
			bits |= UINT64_C(1) << i;
	}
	return bits;
}

/* Nobody is older than his parent: a younger one has only its pid. */
static const struct ft_past_pid *parent_of(const struct ft_history *h,
					   const struct ft_past_pid *p)
{
	pid_t pid = p->seen == h->seeding ? p->parent : p->newest->process.ppid;
	const struct ft_past_pid *parent = ft_history_find_pid(h, pid);

	if (!parent || !parent->newest ||
	    tick_of(h, parent->newest->start) > tick_of(h, p->newest->start))
		return NULL;
	return parent;
}

static uint64_t bits_from_above(const struct ft_history *h, const struct ft_past_pid *p)
{
	uint64_t bits = 0;

	/* By numbers taken anew it might go round. */
	for (size_t i = 0; p && i < h->pids.count; i++) {
		bits |= p->newest->below;
		p = parent_of(h, p);
	}
	return bits;
}

void ft_history_mark_below(struct ft_history *h)
{
	struct ft_past_pid *p;
	size_t pos = 0;

	if (h->roots_count == 0)
		return;
	while ((p = ft_table_next(&h->pids, &pos))) {
		if (p->open > 0)
			p->newest->below |= bits_from_above(h, p);
	}
}

static int index_of_root(const struct ft_history *h, pid_t root)
{
	for (size_t i = 0; i < h->roots_count; i++) {
		if (h->roots[i].pid == root)
			return (int)i;
	}
	return -1;
}

int ft_history_add_root(struct ft_history *h, pid_t root)
{
	struct ft_past_pid *p = ft_history_find_pid(h, root);

	if (!p || p->open == 0)
		return -ESRCH;
	if (index_of_root(h, root) >= 0)
		return 0;
	if (h->roots_count == FT_TRACKER_ROOTS)
		return -E2BIG;
	h->roots[h->roots_count++] = (struct ft_life){root, p->newest->start};
	p->newest->below |= UINT64_C(1) << (h->roots_count - 1);
	ft_history_mark_below(h);
	return 0;
}

static bool is_image_below(const struct ft_process *p, uint64_t bit)
{
	const struct ft_past *image =
		(const void *)((const char *)p - offsetof(struct ft_past, process));

	return image->below & bit;
}

bool ft_history_was_away(const struct ft_history *h, pid_t root)
{
	int index = index_of_root(h, root);

	return index >= 0 && h->away & UINT64_C(1) << index;
}

/* What several candidates share has no id: it is below if one of them is. Of one of them
 * that is not, nothing is certain while another one that is not listed may be. */
int ft_history_is_below(struct ft_history *h, const struct ft_process *p, pid_t root)
{
	int index = index_of_root(h, root);
	const struct ft_past_pid *of = ft_history_find_pid(h, p->pid);
	uint64_t bit;

	if (index < 0)
		return 0;
	bit = UINT64_C(1) << index;
	if (p->id == 0 ? of && of->below & bit : is_image_below(p, bit))
		return 1;
	if (!of || !of->answer.may_be_another)
		return 0;
	return of->below & bit || of->may_be_of_another ? -ENODATA : 0;
}
