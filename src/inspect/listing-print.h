/* SPDX-License-Identifier: MIT */
/* Groups and their marks as text, JSON and CSV. */
#pragma once

#include "inspect/flagnames.h"
#include "inspect/listing.h"
#include "output/idnames.h"

enum ft_listing_change {
	FT_LISTING_FOUND,
	FT_LISTING_NEW,
	FT_LISTING_GONE,
	FT_LISTING_CHANGED, /* it is there as before, but for marks */
};

/* One group as it is to be told. */
struct ft_listing_line {
	enum ft_listing_change change;
	int64_t time_ns;		  /* wall clock: of the look */
	const struct ft_listing *listing; /* that the group is of */
	const struct ft_group *group;
	const struct ft_listed_group *listed;
	/* CHANGED: as it was before. */
	const struct ft_group *old_group;
	const struct ft_listed_group *old_listed;
};

struct ft_listing_printer;

struct ft_listing_ops {
	void (*begin)(struct ft_listing_printer *p); /* NULL: nothing comes before */
	void (*group)(struct ft_listing_printer *p, const struct ft_listing_line *line);
};

extern const struct ft_listing_ops ft_listing_text;
extern const struct ft_listing_ops ft_listing_json;
extern const struct ft_listing_ops ft_listing_csv;

typedef void (*ft_listing_flush_fn)(struct ft_listing_printer *p);

/* After each mark what is in out may be flushed. */
struct ft_listing_printer {
	const struct ft_listing_ops *ops;
	ft_listing_flush_fn flush; /* takes what is in out, or leaves it to grow */
	void *data;		   /* of flush */
	struct ft_bytes out;
	struct ft_idnames *users;
	bool color;
	bool groups_only;
	bool no_args;
};

/* ---- what the formats share ---- */

/* One mark of a line. */
typedef void (*ft_listing_mark_fn)(struct ft_listing_printer *p,
				   const struct ft_group_text *g, const struct ft_mark *m,
				   const struct ft_listed_mark *l, void *data);
/* Each mark of a group that is shown; unpaired: those alone that the other listing has
 * not. */
void ft_listing_each(struct ft_listing_printer *p, const struct ft_group *g,
		     const struct ft_listed_group *l, bool unpaired,
		     ft_listing_mark_fn fn, void *data);
/* The next thread after the at first ones that waits for the group's answer, with *at
 * moved past it; NULL: no more. */
const struct ft_waiter *ft_listing_next_waiter(const struct ft_listing_line *line,
					       size_t *at);
/* "content", "pre_content", "notif"; NULL: inotify has none. */
const char *ft_listing_class_name(const struct ft_group_text *g);
/* "new", "gone", "changed"; NULL: found. */
const char *ft_listing_change_name(enum ft_listing_change c);
/* The names of a mark's flags, but for its type, which has a word of its own. */
void ft_listing_decode_flags(const struct ft_mark *m, struct ft_flagnames *ret);
/* The same with | between them; nothing where there are none. */
void ft_listing_put_flags(struct ft_bytes *out, const struct ft_mark *m);
/* "inode", "mount", "filesystem", "mntns"; of inotify "watch". */
const char *ft_listing_type_name(const struct ft_group_text *g, const struct ft_mark *m);
