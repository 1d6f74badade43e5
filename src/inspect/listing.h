/* SPDX-License-Identifier: MIT */
/* Everything that `marks` tells at one moment: groups, their owners, their marks with
 * paths; and what is another since the moment before. */
#pragma once

#include "inspect/covers.h"
#include "inspect/groups.h"
#include "inspect/markpath.h"
#include "inspect/owner.h"
#include "inspect/waiter.h"
#include "match/match.h"

struct ft_listing_want {
	const struct ft_match *match; /* on the processes */
	const struct ft_covers *covers;
	size_t covers_count; /* 0: every mark */
	bool groups_only;    /* paths are not looked for */
	int64_t wall_offset; /* of ft_observer_wall_offset() */
};

/* A mark, beside the one in the group's text. */
struct ft_listed_mark {
	bool is_shown;
	bool is_paired; /* it is in the other listing, too */
	bool is_elsewhere;
	enum ft_markpath_state state;
	char *path;	  /* NULL: not known */
	char *fs;	  /* "ext4"; NULL: not known */
	char *mountpoint; /* of its filesystem, where the path is not known */
};

/* A group, beside the one in groups.list. */
struct ft_listed_group {
	bool is_shown;
	const struct ft_listed_group *pair; /* in the other listing; NULL: not there */
	struct ft_owner *owners;	    /* of each process that holds it, in order */
	size_t owners_count;
	struct ft_listed_mark *marks; /* as many as the text has */
};

struct ft_listing {
	struct ft_groups groups;
	struct ft_listed_group *list;
	struct ft_waiters waiters; /* read only where there is a group that is asked */
	size_t unplaced;	   /* marks whose path would have taken a privilege */
};

/* before (may be NULL) is compared with: what both have is paired, and gives its paths to
 * the new one. 0 or -errno. */
int ft_listing_read(struct ft_listing *ret, const struct ft_listing_want *want,
		    struct ft_listing *before);
void ft_listing_fini(struct ft_listing *l);
/* Shown marks; of_new: those alone that are not paired. */
size_t ft_listing_count(const struct ft_group *g, const struct ft_listed_group *l,
			bool of_new);
