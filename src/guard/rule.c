/* SPDX-License-Identifier: MIT */
/* What a rule keeps of its spec. */
#include "guard/rule.h"

#include <errno.h>

#include "base/cleanup.h"

enum { COMM_MAX = 15 }; /* of a longer one the kernel keeps the beginning */

static int copy_texts(const struct ft_values *v, size_t max, char ***ret, size_t *ret_n)
{
	if (v->count == 0)
		return 0;
	*ret = calloc(v->count, sizeof(char *));
	if (!*ret)
		return -ENOMEM;
	for (; *ret_n < v->count; (*ret_n)++) {
		struct ft_span text = ft_span_of(v->list[*ret_n]);

		text.len = text.len < max ? text.len : max;
		(*ret)[*ret_n] = ft_span_dup(text);
		if (!(*ret)[*ret_n])
			return -ENOMEM;
	}
	return 0;
}

static int copy_ids(const struct ft_rule_spec *spec, struct ft_rule *r)
{
	r->uids = calloc(spec->uids_count + 1, sizeof(*r->uids));
	r->gids = calloc(spec->gids_count + 1, sizeof(*r->gids));
	if (!r->uids || !r->gids)
		return -ENOMEM;
	for (; r->uids_count < spec->uids_count; r->uids_count++)
		r->uids[r->uids_count] = spec->uids[r->uids_count];
	for (; r->gids_count < spec->gids_count; r->gids_count++)
		r->gids[r->gids_count] = spec->gids[r->gids_count];
	return 0;
}

static unsigned int asked_for(const struct ft_rule_spec *spec)
{
	const bool asks[FT_KEY_COUNT] = {
		[FT_KEY_EVENTS] = true,
		[FT_KEY_PATH] = spec->path.count > 0,
		[FT_KEY_UID] = spec->uids_count > 0,
		[FT_KEY_GID] = spec->gids_count > 0,
		[FT_KEY_COMM] = spec->comm.count > 0,
		[FT_KEY_CONTAINER] = spec->container.count > 0,
		[FT_KEY_EXE] = spec->exe.count > 0,
	};
	unsigned int bits = 0;

	for (unsigned int i = 0; i < FT_KEY_COUNT; i++)
		bits |= (unsigned int)asks[i] << i;
	return bits;
}

int ft_rule_init(struct ft_rule *r, const struct ft_rule_spec *spec)
{
	*r = (struct ft_rule){.spec = *spec, .asks = asked_for(spec)};
	r->spec.path = r->spec.exe = (struct ft_values){0};
	r->spec.comm = r->spec.container = (struct ft_values){0};
	r->spec.uids = NULL;
	r->spec.gids = NULL;
	r->spec.uids_count = r->spec.gids_count = 0;
	if (spec->events == 0)
		r->spec.events = FT_EV_OPEN_PERM | FT_EV_OPEN_EXEC_PERM;
	r->is_strict = spec->verdict != FT_RULE_ALLOW;
	r->spec.name = strdup(spec->name);
	if (!r->spec.name || copy_ids(spec, r) < 0 ||
	    copy_texts(&spec->comm, COMM_MAX, &r->comms, &r->comms_count) < 0 ||
	    copy_texts(&spec->container, SIZE_MAX, &r->containers, &r->containers_count) <
		    0)
		return -ENOMEM;
	return 0;
}

static void free_texts(char **texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(texts[i]);
	free(texts);
}

void ft_rule_fini(struct ft_rule *r)
{
	free_texts(r->comms, r->comms_count);
	free_texts(r->containers, r->containers_count);
	free(r->uids);
	free(r->gids);
	free((char *)r->spec.name);
	*r = (struct ft_rule){0};
}
