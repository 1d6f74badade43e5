/* SPDX-License-Identifier: MIT */
/* Filesystems that lie below what is watched, and are not. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/guard.h"
#include "cli/message.h"
#include "guard/identity.h"
#include "kernel/mounts.h"
#include "path/view.h"

enum { NAMED_MAX = 5 };

/* A watched path as it is on this machine. */
struct watched {
	char *path;
	uint64_t dev;
};

struct list {
	struct watched *items;
	size_t count;
};

static void list_fini(struct list *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->items[i].path);
	free(l->items);
}

static struct ft_span without_root_slash(const char *path)
{
	struct ft_span s = ft_span_of(path);

	s.len = s.len == 1 ? 0 : s.len;
	return s;
}

/* What is not there is told by who begins to watch it. */
static void resolve(struct list *l, const struct ft_policyfile *f)
{
	for (size_t i = 0; l->items && i < f->watch_count; i++) {
		char *path = realpath(f->watch[i], NULL);
		struct ft_identity id;

		if (path && ft_identity_read(AT_FDCWD, path, false, &id) == 0)
			l->items[l->count++] =
				(struct watched){ft_take(path), id.object.dev};
		free(path);
	}
}

static bool is_left_out(const struct list *l, const struct ft_mount *m)
{
	struct ft_span point = without_root_slash(m->mountpoint);
	struct ft_identity id;
	bool below = false;

	if (!m->visible || ft_mounts_is_pseudo(m->type) ||
	    ft_identity_read(AT_FDCWD, m->mountpoint, false, &id) < 0)
		return false;
	for (size_t i = 0; i < l->count; i++) {
		const struct watched *w = &l->items[i];

		if (w->dev == id.object.dev ||
		    ft_path_is_below(ft_span_of(w->path), point))
			return false;
		below |= ft_path_is_below(point, without_root_slash(w->path));
	}
	return below;
}

void cli_guard_warn_of_mounts(const struct ft_policyfile *f)
{
	_cleanup_(list_fini) struct list l = {
		.items = calloc(f->watch_count + 1, sizeof(*l.items))};
	_cleanup_(ft_mounts_fini) struct ft_mounts mounts = {0};
	_cleanup_(ft_bytes_fini) struct ft_bytes names = {0};
	size_t count = 0;

	if (ft_mounts_read(&mounts) < 0)
		return;
	resolve(&l, f);
	for (size_t i = 0; i < mounts.count; i++) {
		if (!is_left_out(&l, &mounts.list[i]) || count++ >= NAMED_MAX)
			continue;
		ft_bytes_printf(&names, "%s%s", names.len ? ", " : "",
				mounts.list[i].mountpoint);
	}
	if (count > 0)
		cli_error("not watched, being other filesystems below what is: %s%s "
			  "(give those that are meant as 'watch')",
			  ft_bytes_cstr(&names), count > NAMED_MAX ? " and more" : "");
}
