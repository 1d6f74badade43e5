/* SPDX-License-Identifier: MIT */
/* The tracker that knows nobody: records have a pid and no more. */
#include <errno.h>
#include <stdlib.h>

#include "proc/tracker.h"

struct ft_tracker {
	char nothing;
};

static int none_open(struct ft_tracker **ret, const struct ft_tracker_host *host)
{
	struct ft_tracker *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	*ret = t;
	return 0;
}

static struct ft_tracker *none_close(struct ft_tracker *t)
{
	free(t);
	return NULL;
}

static void none_begin(struct ft_tracker *t, int64_t from, int64_t to)
{
}

static void none_exec(struct ft_tracker *t, const struct ft_open_exec *exec)
{
}

static void none_find(struct ft_tracker *t, const struct ft_question *q,
		      struct ft_attribution *ret)
{
	*ret = (struct ft_attribution){.certainty = FT_CERTAINTY_NONE};
}

static int none_add_root(struct ft_tracker *t, pid_t root)
{
	return 0;
}

static int none_is_below(struct ft_tracker *t, const struct ft_process *p, pid_t root)
{
	return p->pid == root;
}

static uint64_t none_take_lost(struct ft_tracker *t)
{
	return 0;
}

static void none_get_health(const struct ft_tracker *t, struct ft_tracker_health *ret)
{
	*ret = (struct ft_tracker_health){0};
}

const struct ft_tracker_ops ft_tracker_none = {
	.name = "none",
	.open = none_open,
	.close = none_close,
	.begin = none_begin,
	.exec = none_exec,
	.find = none_find,
	.add_root = none_add_root,
	.is_below = none_is_below,
	.take_lost = none_take_lost,
	.get_health = none_get_health,
};
