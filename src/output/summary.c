/* SPDX-License-Identifier: MIT */
/* Sets of what was done, collected from events. */
#include "output/summary.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/hash.h"

/* Neither of them alone is reading: a descriptor may be inherited, or stay open. */
enum {
	OPENED = 1 << FT_SUMMARY_SETS,
	CLOSED = OPENED << 1,
};

static void free_items(struct ft_table *t)
{
	size_t pos = 0;
	void *item;

	while ((item = ft_table_next(t, &pos)))
		free(item);
	ft_table_fini(t);
}

void ft_summary_fini(struct ft_summary *s)
{
	free_items(&s->paths);
	free_items(&s->renames);
	free_items(&s->processes);
}

/* The copy of a span in what follows an item. */
static struct ft_span copy(char **at, struct ft_span from)
{
	struct ft_span to = {*at, from.len};

	if (from.len > 0)
		memcpy(*at, from.data, from.len);
	*at += from.len;
	return to;
}

/* Takes the item; one that cannot be kept is counted, and NULL. */
static void *keep(struct ft_summary *s, struct ft_table *t, uint64_t hash, void *item)
{
	if (item && ft_table_add(t, hash, item) == 0)
		return item;
	free(item);
	s->dropped++;
	return NULL;
}

static bool is_path(const void *item, const void *key)
{
	const struct ft_summary_path *p = item;
	const struct ft_span *path = key;

	return ft_span_equal(p->path, *path);
}

static struct ft_summary_path *get_path(struct ft_summary *s, struct ft_span path)
{
	uint64_t hash = ft_hash_bytes(0, path.data, path.len);
	struct ft_summary_path *p = ft_table_find(&s->paths, hash, &path, is_path);
	char *at;

	if (p)
		return p;
	if (s->paths.count < FT_SUMMARY_PATHS_MAX)
		p = calloc(1, sizeof(*p) + path.len);
	if (p) {
		at = p->data;
		p->path = copy(&at, path);
	}
	return keep(s, &s->paths, hash, p);
}

static unsigned int sets_of(const struct ft_event *ev)
{
	static const struct {
		uint64_t mask;
		unsigned int sets;
		bool dirs;
	} rows[] = {
		{FT_EV_ACCESS, 1 << FT_SUMMARY_READ, false},
		{FT_EV_OPEN, OPENED, false},
		{FT_EV_CLOSE_NOWRITE, CLOSED, false},
		{FT_EV_MODIFY | FT_EV_CLOSE_WRITE, 1 << FT_SUMMARY_WRITTEN, false},
		{FT_EV_CREATE, 1 << FT_SUMMARY_CREATED, true},
		{FT_EV_DELETE, 1 << FT_SUMMARY_DELETED, true},
		{FT_EV_OPEN_EXEC, 1 << FT_SUMMARY_EXECUTED, false},
	};
	unsigned int sets = 0;

	for (size_t i = 0; i < FT_ARRAY_SIZE(rows); i++)
		if ((ev->mask & rows[i].mask) && (rows[i].dirs || !ev->dir))
			sets |= rows[i].sets;
	return sets;
}

static bool is_rename(const void *item, const void *key)
{
	const struct ft_summary_rename *a = item, *b = key;

	return ft_span_equal(a->old_path, b->old_path) && ft_span_equal(a->path, b->path);
}

static void add_rename(struct ft_summary *s, struct ft_span old_path, struct ft_span path)
{
	const struct ft_summary_rename key = {old_path, path};
	uint64_t hash = ft_hash_bytes(0, old_path.data, old_path.len);
	struct ft_summary_rename *p = NULL;
	char *at;

	hash = ft_hash_bytes(hash, path.data, path.len);
	if (ft_table_find(&s->renames, hash, &key, is_rename))
		return;
	if (s->renames.count < FT_SUMMARY_RENAMES_MAX)
		p = calloc(1, sizeof(*p) + old_path.len + path.len);
	if (p) {
		at = p->data;
		p->old_path = copy(&at, old_path);
		p->path = copy(&at, path);
	}
	keep(s, &s->renames, hash, p);
}

/* Kernels without FAN_RENAME tell either side alone. */
static void add_renames(struct ft_summary *s, const struct ft_event *ev)
{
	if (ev->mask & FT_EV_RENAME)
		add_rename(s, ev->old_path, ev->path);
	if (ev->mask & FT_EV_MOVED_FROM)
		add_rename(s, ev->path, (struct ft_span){0});
	if (ev->mask & FT_EV_MOVED_TO)
		add_rename(s, (struct ft_span){0}, ev->path);
}

static void add_paths(struct ft_summary *s, const struct ft_event *ev)
{
	unsigned int sets = sets_of(ev);
	struct ft_summary_path *p;

	add_renames(s, ev);
	if (sets == 0)
		return;
	p = get_path(s, ev->path);
	if (!p)
		return;
	p->sets |= sets;
	if ((p->sets & OPENED) && (p->sets & CLOSED))
		p->sets |= 1 << FT_SUMMARY_READ;
}

static bool is_process(const void *item, const void *key)
{
	const struct ft_summary_process *p = item;
	const struct ft_process *process = key;

	return p->process.id == process->id && p->process.pid == process->pid;
}

static struct ft_summary_process *new_process(const struct ft_process *from)
{
	struct ft_summary_process *p =
		calloc(1, sizeof(*p) + from->comm.len + from->exe.len + from->args.len);
	char *at;

	if (!p)
		return NULL;
	at = p->data;
	p->process = (struct ft_process){
		.id = from->id,
		.pid = from->pid,
		.ppid = from->ppid,
		.has_ppid = from->has_ppid,
		.has_ids = from->has_ids,
		.uid = from->uid,
		.gid = from->gid,
		.start_ns = from->start_ns,
		.comm = copy(&at, from->comm),
		.exe = copy(&at, from->exe),
		.args = copy(&at, from->args),
		.args_cut = from->args_cut,
	};
	return p;
}

static void add_process(struct ft_summary *s, const struct ft_process *process,
			enum ft_certainty certainty)
{
	uint64_t hash = ft_hash_u64((uint64_t)process->pid, process->id);
	struct ft_summary_process *p =
		ft_table_find(&s->processes, hash, process, is_process);

	if (!p && s->processes.count < FT_SUMMARY_PROCESSES_MAX)
		p = keep(s, &s->processes, hash, new_process(process));
	else if (!p)
		s->dropped++;
	if (p && certainty > p->certainty)
		p->certainty = certainty;
}

/* What several images share is not one of them: each may have been it. */
static void add_processes(struct ft_summary *s, const struct ft_event *ev)
{
	const struct ft_process unknown = {.pid = ev->pid};

	for (size_t i = 0; i < ev->candidates_count; i++)
		add_process(s, ev->candidates[i], ev->certainty);
	if (ev->candidates_count == 0)
		add_process(s, ev->process ? ev->process : &unknown, ev->certainty);
}

void ft_summary_add(struct ft_summary *s, const struct ft_event *ev)
{
	if (ev->kind != FT_KIND_EVENT)
		return;
	add_processes(s, ev);
	if (ev->path_source == FT_PATH_NONE || ev->path_source == FT_PATH_PARTIAL)
		s->unplaced++;
	else
		add_paths(s, ev);
}

bool ft_summary_is_cut(const struct ft_summary *s)
{
	return s->dropped > 0;
}

static int compare_spans(struct ft_span a, struct ft_span b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int r = n > 0 ? memcmp(a.data, b.data, n) : 0;

	return r != 0 ? r : (a.len > b.len) - (a.len < b.len);
}

static int compare_paths(const void *a, const void *b)
{
	const struct ft_summary_path *const *x = a, *const *y = b;

	return compare_spans((*x)->path, (*y)->path);
}

static int compare_renames(const void *a, const void *b)
{
	const struct ft_summary_rename *const *x = a, *const *y = b;
	int r = compare_spans((*x)->old_path, (*y)->old_path);

	return r != 0 ? r : compare_spans((*x)->path, (*y)->path);
}

static int compare_processes(const void *a, const void *b)
{
	const struct ft_summary_process *const *x = a, *const *y = b;
	const struct ft_process *p = &(*x)->process, *q = &(*y)->process;

	if (p->pid != q->pid)
		return p->pid < q->pid ? -1 : 1;
	return (p->id > q->id) - (p->id < q->id);
}

/* An empty table has a list, too. */
static void *new_list(const struct ft_table *t)
{
	return calloc(t->count + 1, sizeof(void *));
}

int ft_summary_list_paths(const struct ft_summary *s, enum ft_summary_set set,
			  struct ft_summary_path ***ret, size_t *ret_count)
{
	struct ft_summary_path *p, **list = new_list(&s->paths);
	size_t pos = 0, n = 0;

	if (!list)
		return -ENOMEM;
	while ((p = ft_table_next(&s->paths, &pos)))
		if (p->sets & 1u << set)
			list[n++] = p;
	qsort(list, n, sizeof(list[0]), compare_paths);
	*ret = list;
	*ret_count = n;
	return 0;
}

int ft_summary_list_renames(const struct ft_summary *s, struct ft_summary_rename ***ret,
			    size_t *ret_count)
{
	struct ft_summary_rename *p, **list = new_list(&s->renames);
	size_t pos = 0, n = 0;

	if (!list)
		return -ENOMEM;
	while ((p = ft_table_next(&s->renames, &pos)))
		list[n++] = p;
	qsort(list, n, sizeof(list[0]), compare_renames);
	*ret = list;
	*ret_count = n;
	return 0;
}

int ft_summary_list_processes(const struct ft_summary *s,
			      struct ft_summary_process ***ret, size_t *ret_count)
{
	struct ft_summary_process *p, **list = new_list(&s->processes);
	size_t pos = 0, n = 0;

	if (!list)
		return -ENOMEM;
	while ((p = ft_table_next(&s->processes, &pos)))
		list[n++] = p;
	qsort(list, n, sizeof(list[0]), compare_processes);
	*ret = list;
	*ret_count = n;
	return 0;
}

const char *ft_summary_set_name(enum ft_summary_set set)
{
	static const char *const names[FT_SUMMARY_SETS] = {
		[FT_SUMMARY_READ] = "read",	    [FT_SUMMARY_WRITTEN] = "written",
		[FT_SUMMARY_CREATED] = "created",   [FT_SUMMARY_DELETED] = "deleted",
		[FT_SUMMARY_EXECUTED] = "executed",
	};

	return names[set];
}
