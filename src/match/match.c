/* SPDX-License-Identifier: MIT */
/* Filters on events: what is wanted of each kind, and what is not. */
#include "match/match.h"

#include <assert.h>
#include <errno.h>

#include "base/cleanup.h"
#include "match/filter.h"

enum {
	FILTERS_MAX = 1024,
	ROOTS_MAX = 65536,
};

struct filter_list {
	struct ft_filter *items;
	size_t count;
};

struct ft_match {
	struct filter_list wanted[FT_MATCH_KIND_COUNT];
	struct filter_list unwanted[FT_FILTER_SIDE_COUNT];
	size_t count;
	struct ft_filter_context context;
};

int ft_match_new(struct ft_match **ret)
{
	struct ft_match *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	*ret = m;
	return 0;
}

static void list_fini(struct filter_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		ft_filter_fini(&list->items[i]);
	free(list->items);
}

struct ft_match *ft_match_free(struct ft_match *m)
{
	if (!m)
		return NULL;
	for (size_t i = 0; i < FT_ARRAY_SIZE(m->wanted); i++)
		list_fini(&m->wanted[i]);
	for (size_t i = 0; i < FT_ARRAY_SIZE(m->unwanted); i++)
		list_fini(&m->unwanted[i]);
	for (size_t i = 0; i < m->context.roots_count; i++)
		free((char *)m->context.roots[i].data);
	free(m->context.roots);
	free(m);
	return NULL;
}

/* Room for one item more. */
static int list_reserve(struct filter_list *list)
{
	struct ft_filter *grown =
		reallocarray(list->items, list->count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	list->items = grown;
	return 0;
}

int ft_match_add(struct ft_match *m, enum ft_match_kind kind, const char *value,
		 bool negate, const char **ret_error)
{
	struct ft_filter f = {.kind = kind, .negate = negate};
	const char *error = "out of memory";
	struct filter_list *list;
	int r;

	assert((unsigned int)kind < FT_MATCH_KIND_COUNT);
	list = negate ? &m->unwanted[ft_filter_side_of(kind)] : &m->wanted[kind];
	if (m->count == FILTERS_MAX) {
		error = "more than 1024 filters";
		r = -E2BIG;
	} else {
		r = list_reserve(list);
	}
	if (r == 0)
		r = ft_filter_init(&f, &m->context, value, &error);
	if (r < 0) {
		if (ret_error)
			*ret_error = error;
		return r;
	}
	list->items[list->count++] = f;
	m->count++;
	return 0;
}

int ft_match_add_root(struct ft_match *m, const char *root)
{
	struct ft_filter_context *c = &m->context;
	size_t len = strlen(root);
	struct ft_span *grown;
	char *copy;

	if (root[0] != '/')
		return -EINVAL;
	if (c->roots_count == ROOTS_MAX)
		return -E2BIG;
	while (len > 0 && root[len - 1] == '/')
		len--;
	grown = reallocarray(c->roots, c->roots_count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	c->roots = grown;
	copy = strndup(root, len);
	if (!copy)
		return -ENOMEM;
	c->roots[c->roots_count++] = (struct ft_span){copy, len};
	return 0;
}

bool ft_match_is_empty(const struct ft_match *m)
{
	return m->count == 0;
}

bool ft_match_needs_process(const struct ft_match *m)
{
	for (unsigned int i = 0; i < FT_MATCH_KIND_COUNT; i++) {
		if (ft_filter_side_of(i) == FT_FILTER_SIDE_PROCESS &&
		    m->wanted[i].count > 0)
			return true;
	}
	return m->unwanted[FT_FILTER_SIDE_PROCESS].count > 0;
}

static pid_t get_tree(const struct filter_list *list, size_t *n)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i].kind == FT_MATCH_TREE && (*n)-- == 0)
			return (pid_t)list->items[i].number;
	}
	return 0;
}

pid_t ft_match_get_tree(const struct ft_match *m, size_t n)
{
	pid_t pid = get_tree(&m->wanted[FT_MATCH_TREE], &n);

	return pid > 0 ? pid : get_tree(&m->unwanted[FT_FILTER_SIDE_PROCESS], &n);
}

void ft_match_set_below(struct ft_match *m, ft_match_below_fn fn, void *data)
{
	m->context.below = fn;
	m->context.below_data = data;
}

static bool is_ambiguous(const struct ft_event *ev)
{
	return ev->certainty == FT_CERTAINTY_AMBIGUOUS && ev->candidates_count > 0;
}

/* The paths that the event has; its candidates, or the one process, known or not. */
static size_t count_subjects(const struct ft_event *ev, enum ft_filter_side side)
{
	if (side == FT_FILTER_SIDE_PATH)
		return (size_t)(ev->path.len > 0) + (ev->old_path.len > 0);
	return is_ambiguous(ev) ? ev->candidates_count : 1;
}

static struct ft_filter_subject get_subject(const struct ft_event *ev,
					    enum ft_filter_side side, size_t i)
{
	const struct ft_process *p = is_ambiguous(ev) ? ev->candidates[i] : ev->process;

	if (side == FT_FILTER_SIDE_PATH) {
		bool is_new = i == 0 && ev->path.len > 0;

		return (struct ft_filter_subject){.path = is_new ? ev->path
								 : ev->old_path};
	}
	return (struct ft_filter_subject){.pid = p && p->pid > 0 ? p->pid : ev->pid,
					  .process = p};
}

/* Whoever it was, it was of this process: of its pid, and below these others. */
static bool is_in_doubt(const struct ft_event *ev, enum ft_match_kind kind)
{
	return is_ambiguous(ev) && ev->may_be_another && kind != FT_MATCH_PID &&
	       kind != FT_MATCH_TREE && ft_filter_side_of(kind) == FT_FILTER_SIDE_PROCESS;
}

static bool list_hits(const struct ft_match *m, const struct filter_list *list,
		      const struct ft_filter_subject *s)
{
	for (size_t i = 0; i < list->count; i++)
		if (ft_filter_hits(&list->items[i], &m->context, s))
			return true;
	return false;
}

static bool is_wanted(const struct ft_match *m, const struct ft_event *ev,
		      enum ft_match_kind kind)
{
	enum ft_filter_side side = ft_filter_side_of(kind);
	size_t n = count_subjects(ev, side);

	for (size_t i = 0; i < n; i++) {
		struct ft_filter_subject s = get_subject(ev, side, i);

		if (list_hits(m, &m->wanted[kind], &s))
			return true;
	}
	return false;
}

/* For certain: whoever it was beside the candidates may be wanted. */
static bool is_surely_unwanted(const struct ft_match *m, const struct ft_event *ev,
			       const struct filter_list *list,
			       const struct ft_filter_subject *s)
{
	for (size_t i = 0; i < list->count; i++)
		if (!is_in_doubt(ev, list->items[i].kind) &&
		    ft_filter_hits(&list->items[i], &m->context, s))
			return true;
	return false;
}

/* Each by one filter or another: what moved from one unwanted place to another is
 * unwanted. */
static bool is_unwanted(const struct ft_match *m, const struct ft_event *ev,
			enum ft_filter_side side)
{
	size_t n = count_subjects(ev, side);

	for (size_t i = 0; i < n; i++) {
		struct ft_filter_subject s = get_subject(ev, side, i);

		if (!is_surely_unwanted(m, ev, &m->unwanted[side], &s))
			return false;
	}
	return n > 0;
}

static bool may_be_below(const struct ft_match *m, const struct ft_process *p)
{
	const struct filter_list *list = &m->wanted[FT_MATCH_TREE];
	const struct ft_filter_context *c = &m->context;

	for (size_t i = 0; c->below && i < list->count; i++)
		if (c->below(c->below_data, p, (pid_t)list->items[i].number) < 0)
			return true;
	return false;
}

/* Is what this kind asks for not known of the process? Whoever has no pid here is no
 * descendant of one that has. */
static bool is_unknown(const struct ft_match *m, const struct ft_event *ev,
		       enum ft_match_kind kind, const struct ft_process *p)
{
	if (!p)
		return kind == FT_MATCH_TREE ? ev->pid > 0 : kind != FT_MATCH_PID;
	if (kind == FT_MATCH_TREE)
		return may_be_below(m, p);
	if (kind == FT_MATCH_UID || kind == FT_MATCH_GID)
		return !p->has_ids;
	/* It runs a file whose path was too long, or that has none. */
	if (kind == FT_MATCH_EXE && p->exe.len == 0 && p->exe_ino != 0)
		return true;
	return ev->certainty == FT_CERTAINTY_CREDENTIALS &&
	       (kind == FT_MATCH_EXE || kind == FT_MATCH_CONTAINER);
}

static bool may_be_wanted(const struct ft_match *m, const struct ft_event *ev,
			  enum ft_match_kind kind)
{
	enum ft_filter_side side = ft_filter_side_of(kind);
	size_t n = side == FT_FILTER_SIDE_PROCESS ? count_subjects(ev, side) : 0;

	for (size_t i = 0; i < n; i++) {
		if (is_unknown(m, ev, kind, get_subject(ev, side, i).process))
			return true;
	}
	return is_in_doubt(ev, kind);
}

/* in_doubt: is what may match enough? */
static bool match_side(const struct ft_match *m, const struct ft_event *ev,
		       enum ft_filter_side side, bool in_doubt)
{
	if (ev->kind != FT_KIND_EVENT)
		return true;
	for (unsigned int i = 0; i < FT_MATCH_KIND_COUNT; i++) {
		if (ft_filter_side_of(i) == side && m->wanted[i].count > 0 &&
		    !is_wanted(m, ev, i) && !(in_doubt && may_be_wanted(m, ev, i)))
			return false;
	}
	return m->unwanted[side].count == 0 || !is_unwanted(m, ev, side);
}

bool ft_match_path(const struct ft_match *m, const struct ft_event *ev)
{
	return match_side(m, ev, FT_FILTER_SIDE_PATH, false);
}

bool ft_match_process(const struct ft_match *m, const struct ft_event *ev)
{
	return match_side(m, ev, FT_FILTER_SIDE_PROCESS, false);
}

bool ft_match_is_undecided(const struct ft_match *m, const struct ft_event *ev)
{
	return match_side(m, ev, FT_FILTER_SIDE_PROCESS, true);
}

bool ft_match_excludes_below(const struct ft_match *m, const char *dir)
{
	const struct ft_filter_subject s = {.path = ft_span_of(dir)};
	const struct filter_list *list = &m->unwanted[FT_FILTER_SIDE_PATH];

	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].kind == FT_MATCH_PATH &&
		    list->items[i].is_open_ended &&
		    ft_filter_hits(&list->items[i], &m->context, &s))
			return true;
	return false;
}
