/* SPDX-License-Identifier: MIT */
/* A call as it is told. */
#include "inspect/calltell.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/inotify.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "inspect/flagnames.h"
#include "kernel/abi.h"

enum {
	PATH_MAX_KERNEL = 4096, /* NUL included */
	GROUPS_MAX = 65536,
	/* The kernel's own mark of a group without privileges. */
	GROUP_UNPRIVILEGED = 0x80000000u,
};

struct group {
	uint64_t address;
	uint64_t number;
};

static bool is_group(const void *item, const void *key)
{
	return ((const struct group *)item)->address == *(const uint64_t *)key;
}

static void forget_groups(struct ft_calltell *t)
{
	struct group *g;
	size_t pos = 0;

	while ((g = ft_table_next(&t->groups, &pos)))
		free(g);
	ft_table_fini(&t->groups);
	t->groups = (struct ft_table){0};
}

void ft_calltell_fini(struct ft_calltell *t)
{
	forget_groups(t);
	for (size_t i = 0; i < FT_ARRAY_SIZE(t->texts); i++)
		ft_bytes_fini(&t->texts[i]);
	ft_bytes_fini(&t->path);
	ft_bytes_fini(&t->alert);
}

static struct group *add_group(struct ft_calltell *t, uint64_t address)
{
	struct group *g = malloc(sizeof(*g));

	if (!g)
		return NULL;
	/* Past the bound the numbers begin anew: a group has one of them for a while. */
	if (t->groups.count >= GROUPS_MAX)
		forget_groups(t);
	*g = (struct group){.address = address};
	if (ft_table_add(&t->groups, ft_hash_u64(0, address), g) < 0) {
		free(g);
		return NULL;
	}
	return g;
}

/* One that was made is another than the one that was at its place before. */
static uint64_t number_of(struct ft_calltell *t, uint64_t address, bool is_made)
{
	struct group *g =
		ft_table_find(&t->groups, ft_hash_u64(0, address), &address, is_group);

	if (g && !is_made)
		return g->number;
	if (!g)
		g = add_group(t, address);
	if (!g)
		return 0;
	g->number = ++t->last_group;
	return g->number;
}

static struct ft_call_flags decode(struct ft_calltell *t, enum ft_calltell_text where,
				   enum ft_flag_set set, uint64_t value)
{
	struct ft_bytes *text = &t->texts[where];

	ft_bytes_clear(text);
	ft_flagnames_format(text, set, value, "|");
	return (struct ft_call_flags){value, ft_bytes_span(text)};
}

static void fill_group(struct ft_calltell *t, const struct ft_callwire *w)
{
	unsigned int fields = ft_call_info(w->kind)->fields;
	bool is_made = !(fields & FT_CALL_FD);

	if (w->group == 0 || w->kind == FT_CALL_DNOTIFY || (is_made && w->ret < 0))
		return;
	t->call.group = number_of(t, w->group, is_made);
	if (w->kind != FT_CALL_FANOTIFY_MARK)
		return;
	t->call.has_group_flags = true;
	t->call.group_flags = decode(t, FT_CALLTELL_GROUP_FLAGS, FT_FLAGS_FAN_INIT,
				     w->group_flags & ~GROUP_UNPRIVILEGED);
}

static void fill_flags(struct ft_calltell *t, enum ft_flag_set set, uint64_t value)
{
	t->call.flags = decode(t, FT_CALLTELL_FLAGS, set, (uint32_t)value);
}

static void fill_mask(struct ft_calltell *t, enum ft_flag_set set, uint64_t value)
{
	t->call.mask = decode(t, FT_CALLTELL_MASK, set, value);
}

/* As wide as the kernel takes each. */
static void fill_arguments(struct ft_calltell *t, const struct ft_callwire *w)
{
	const unsigned long long *args = w->args;
	struct ft_call *call = &t->call;

	call->fd = (int)args[0];
	switch (call->kind) {
	case FT_CALL_FANOTIFY_INIT:
		fill_flags(t, FT_FLAGS_FAN_INIT, args[0]);
		call->event_f_flags = decode(t, FT_CALLTELL_EVENT_FLAGS, FT_FLAGS_OPEN,
					     (uint32_t)args[1]);
		break;
	case FT_CALL_FANOTIFY_MARK:
		fill_flags(t, FT_FLAGS_FAN_MARK, args[1]);
		fill_mask(t, FT_FLAGS_FAN_MASK, args[2]);
		call->dirfd = (int)args[3];
		call->is_null = args[4] == 0;
		break;
	case FT_CALL_INOTIFY_INIT1:
		fill_flags(t, FT_FLAGS_IN_INIT, args[0]);
		break;
	case FT_CALL_INOTIFY_ADD_WATCH:
		call->is_null = args[1] == 0;
		fill_mask(t, FT_FLAGS_IN_MASK, (uint32_t)args[2]);
		break;
	case FT_CALL_INOTIFY_RM_WATCH:
		call->wd = (int)args[1];
		break;
	case FT_CALL_DNOTIFY:
		fill_mask(t, FT_FLAGS_DN_MASK, (uint32_t)args[2]);
		break;
	default:
		break;
	}
}

static void fill_pathname(struct ft_call *call, const struct ft_whole_call *whole)
{
	const struct ft_callwire *w = &whole->wire;

	if (!(w->flags & FT_CALLWIRE_PATHNAME) || w->pathname_len == 0)
		return;
	call->has_pathname = true;
	call->pathname_cut = w->pathname_len > PATH_MAX_KERNEL;
	call->pathname.data = whole->text + w->base_len;
	call->pathname.len =
		call->pathname_cut ? PATH_MAX_KERNEL - 1 : w->pathname_len - 1;
}

/* Components from the last one up, each with its NUL. */
static void put_base(struct ft_bytes *path, struct ft_span names)
{
	while (names.len > 1) {
		size_t end = names.len - 1;
		const char *nul = memrchr(names.data, '\0', end);
		size_t begin = nul ? (size_t)(nul - names.data) + 1 : 0;

		ft_bytes_put_char(path, '/');
		ft_bytes_put(path, names.data + begin, end - begin);
		names.len = begin;
	}
}

static void take_last(struct ft_bytes *path, size_t least)
{
	while (path->len > least && path->data[--path->len] != '/')
		;
}

/* What is empty or `.` is none. */
static bool take_name(struct ft_span *rest, struct ft_span *ret)
{
	while (rest->len > 0) {
		const char *slash = memchr(rest->data, '/', rest->len);
		size_t len = slash ? (size_t)(slash - rest->data) : rest->len;
		struct ft_span name = {rest->data, len};

		rest->data += len + (slash ? 1 : 0);
		rest->len -= len + (slash ? 1 : 0);
		if (len > 0 && !ft_span_equal(name, FT_SPAN("."))) {
			*ret = name;
			return true;
		}
	}
	return false;
}

/* `..` takes one away, but not of the root. */
static void put_names(struct ft_bytes *path, struct ft_span pathname, size_t least)
{
	struct ft_span name;

	while (take_name(&pathname, &name)) {
		if (ft_span_equal(name, FT_SPAN(".."))) {
			take_last(path, least);
			continue;
		}
		ft_bytes_put_char(path, '/');
		ft_bytes_put_span(path, name);
	}
}

bool ft_calltell_is_about_path(const struct ft_call *call)
{
	if (!(ft_call_info(call->kind)->fields & FT_CALL_PATHNAME))
		return call->kind == FT_CALL_DNOTIFY && call->fd != AT_FDCWD;
	/* A flush looks at no path, whatever it was given. */
	if (call->kind == FT_CALL_FANOTIFY_MARK && call->flags.value & FT_MARK_FLUSH)
		return false;
	if (call->kind == FT_CALL_FANOTIFY_MARK && call->is_null)
		return call->dirfd != AT_FDCWD;
	return call->has_pathname && call->pathname.len > 0 && !call->pathname_cut;
}

static bool follows(const struct ft_call *call)
{
	if (call->kind == FT_CALL_FANOTIFY_MARK)
		return !(call->flags.value & FT_MARK_DONT_FOLLOW);
	return !(call->mask.value & IN_DONT_FOLLOW);
}

/* Is so much of it the number of something that the process has open? */
static bool is_descriptor(struct ft_span pathname, size_t len)
{
	static const char *const dirs[] = {"/proc/self/fd/", "/dev/fd/"};

	for (size_t i = 0; i < FT_ARRAY_SIZE(dirs); i++) {
		size_t n = strlen(dirs[i]);

		if (len > n && len <= pathname.len &&
		    memcmp(pathname.data, dirs[i], n) == 0)
			return !memchr(pathname.data + n, '/', len - n);
	}
	return false;
}

/* Where the lookup of a pathname begins, and what of it is looked up from there. */
struct start {
	struct ft_span base;
	struct ft_span rest;
	bool is_root;
	bool is_link; /* by a number below /proc */
};

/* False: it begins nowhere that is known. */
static bool find_start(const struct ft_call *call, const struct ft_whole_call *whole,
		       struct start *ret)
{
	const struct ft_callwire *w = &whole->wire;
	struct ft_span pathname = call->pathname;
	bool is_link = is_descriptor(pathname, w->link_len) &&
		       (follows(call) || w->link_len < pathname.len);

	*ret = (struct start){
		.base = {whole->text, w->base_len},
		.rest = pathname,
		.is_root = pathname.len > 0 && pathname.data[0] == '/' && !is_link,
		.is_link = is_link,
	};
	/* No descriptor after all. */
	if (w->link_len > 0 && !is_link)
		ret->base.len = 0;
	if (is_link) {
		ret->rest.data += w->link_len;
		ret->rest.len -= w->link_len;
	}
	return w->flags & FT_CALLWIRE_BASE || (w->link_len > 0 && !is_link);
}

/* Each may be a link, and `..` leads out of where that leads. */
static bool has_names(struct ft_span pathname)
{
	struct ft_span name;

	return take_name(&pathname, &name);
}

/* Whether it is a descriptor there is not known of the /proc of others. */
static bool is_certain(const struct ft_call *call, const struct start *start)
{
	return !has_names(start->rest) && (!start->is_link || call->mount_namespace == 0);
}

static void fill_path(struct ft_calltell *t, const struct ft_whole_call *whole,
		      struct ft_event *ev)
{
	const struct ft_call *call = &t->call;
	struct start start;

	ft_bytes_clear(&t->path);
	if (!ft_calltell_is_about_path(call) || !find_start(call, whole, &start))
		return;
	put_base(&t->path, start.base);
	put_names(&t->path, start.rest, start.is_root ? t->path.len : 0);
	if (t->path.len == 0)
		ft_bytes_put_char(&t->path, '/');
	if (t->path.failed)
		return;
	ev->path = ft_bytes_span(&t->path);
	ev->path_source = is_certain(call, &start) ? FT_PATH_EVENT : FT_PATH_PARTIAL;
}

bool ft_calltell_lookup(const struct ft_calltell *t, const struct ft_whole_call *whole,
			struct ft_lookup *ret)
{
	const struct ft_call *call = &t->call;
	struct start start;

	ft_bytes_clear(&ret->base);
	ft_bytes_clear(&ret->pathname);
	if (!ft_calltell_is_about_path(call) || call->mount_namespace != 0 ||
	    !find_start(call, whole, &start) || !has_names(start.rest))
		return false;
	put_base(&ret->base, start.base);
	if (ret->base.len == 0)
		ft_bytes_put_char(&ret->base, '/');
	/* Behind a link it begins with slashes, but not at the root. */
	if (!start.is_root)
		ft_bytes_put_char(&ret->pathname, '.');
	if (start.rest.data[0] != '/')
		ft_bytes_put_char(&ret->pathname, '/');
	ft_bytes_put_span(&ret->pathname, start.rest);
	ret->is_from_root = start.is_root;
	ret->follows = follows(call);
	return !ret->base.failed && !ret->pathname.failed;
}

void ft_calltell_fill(struct ft_calltell *t, const struct ft_whole_call *whole,
		      int64_t wall_offset, struct ft_event *ret)
{
	const struct ft_callwire *w = &whole->wire;

	t->call = (struct ft_call){
		.kind = w->kind,
		.ret = w->ret,
		.is_compat = w->flags & FT_CALLWIRE_COMPAT,
		.mount_namespace =
			w->mnt_namespace == t->mnt_namespace ? 0 : w->mnt_namespace,
	};
	*ret = (struct ft_event){
		.time_ns = (int64_t)w->time + wall_offset,
		.call = &t->call,
		.has_error = w->ret < 0,
		.error = w->ret < 0 ? (int)-w->ret : 0,
		.pid = (pid_t)w->pid,
	};
	fill_arguments(t, w);
	fill_pathname(&t->call, whole);
	fill_group(t, w);
	fill_path(t, whole, ret);
}
