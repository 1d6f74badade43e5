/* SPDX-License-Identifier: MIT */
/* What the formats of a listing share. */
#include "inspect/listing-print.h"

#include "inspect/stuck.h"
#include "kernel/abi.h"

void ft_listing_each(struct ft_listing_printer *p, const struct ft_group *g,
		     const struct ft_listed_group *l, bool unpaired,
		     ft_listing_mark_fn fn, void *data)
{
	for (size_t i = 0; i < g->text.marks_count; i++) {
		const struct ft_listed_mark *m = &l->marks[i];

		if (!m->is_shown || (unpaired && m->is_paired))
			continue;
		fn(p, &g->text, &g->text.marks[i], m, data);
		p->flush(p);
	}
}

const struct ft_waiter *ft_listing_next_waiter(const struct ft_listing_line *line,
					       size_t *at)
{
	const struct ft_listing *l = line->listing;

	while (*at < l->waiters.count) {
		const struct ft_waiter *w = &l->waiters.list[(*at)++];

		if (ft_stuck_is_by(&l->groups, line->group, w))
			return w;
	}
	return NULL;
}

const char *ft_listing_class_name(const struct ft_group_text *g)
{
	if (g->kind == FT_GROUP_KIND_INOTIFY)
		return NULL;
	if (g->flags & FT_INIT_CLASS_PRE_CONTENT)
		return "pre_content";
	return g->flags & FT_INIT_CLASS_CONTENT ? "content" : "notif";
}

const char *ft_listing_change_name(enum ft_listing_change c)
{
	static const char *const names[] = {
		[FT_LISTING_NEW] = "new",
		[FT_LISTING_GONE] = "gone",
		[FT_LISTING_CHANGED] = "changed",
	};

	return c == FT_LISTING_FOUND ? NULL : names[c];
}

const char *ft_listing_type_name(const struct ft_group_text *g, const struct ft_mark *m)
{
	static const char *const names[] = {
		[FT_MARK_OF_INODE] = "inode",
		[FT_MARK_OF_MOUNT] = "mount",
		[FT_MARK_OF_FILESYSTEM] = "filesystem",
		[FT_MARK_OF_MNTNS] = "mntns",
	};

	return g->kind == FT_GROUP_KIND_INOTIFY ? "watch" : names[m->type];
}

/* Without a type's bits it would be the name of 0: that of an inode. */
void ft_listing_decode_flags(const struct ft_mark *m, struct ft_flagnames *ret)
{
	struct ft_flagnames none;
	size_t kept = 0;

	ft_flagnames_decode(FT_FLAGS_FAN_MARK, 0, &none);
	ft_flagnames_decode(FT_FLAGS_FAN_MARK, m->flags, ret);
	for (size_t i = 0; i < ret->count; i++)
		if (none.count == 0 || ret->names[i] != none.names[0])
			ret->names[kept++] = ret->names[i];
	ret->count = kept;
}

void ft_listing_put_flags(struct ft_bytes *out, const struct ft_mark *m)
{
	struct ft_flagnames names;

	ft_listing_decode_flags(m, &names);
	for (size_t i = 0; i < names.count; i++) {
		if (i > 0)
			ft_bytes_put_char(out, '|');
		ft_bytes_put_str(out, names.names[i]);
	}
	if (names.unknown != 0)
		ft_bytes_printf(out, "%s0x%llx", names.count > 0 ? "|" : "",
				(unsigned long long)names.unknown);
}
