/* SPDX-License-Identifier: MIT */
/* The path of what a mark is on, as it is now. Nothing is opened but with O_PATH, so that
 * neither the marks that are asked about nor those who answer them notice. */
#pragma once

#include "inspect/groups.h"
#include "inspect/namespaces.h"
#include "kernel/handle.h"

enum ft_markpath_state {
	FT_MARKPATH_KNOWN,
	FT_MARKPATH_DELETED,   /* its last name is gone: that is the path, empty if it is
				  not known either */
	FT_MARKPATH_NO_NAME,   /* it is there, and no mount shows it by a name */
	FT_MARKPATH_NO_HANDLE, /* its filesystem does not lead from a handle to it */
	FT_MARKPATH_NO_MOUNT,  /* in no mount namespace that can be seen */
	FT_MARKPATH_REMOTE, /* on a network filesystem or FUSE, which may hang: not asked
			     */
	FT_MARKPATH_DENIED, /* handles take CAP_DAC_READ_SEARCH */
	FT_MARKPATH_OTHER,  /* it has no path: a mount namespace */
};

/* What was found; it lives until the next search. */
struct ft_markpath {
	enum ft_markpath_state state;
	struct ft_span path;	      /* of a mount, a filesystem: its mountpoint */
	bool is_elsewhere;	      /* path is one of another mount namespace */
	const struct ft_mount *mount; /* one that shows the filesystem; NULL: none */
};

struct ft_markpaths {
	struct ft_namespaces namespaces;
	int start; /* the working directory to come back to */
	int here;  /* where we are */
	const struct ft_mount *entered;
	struct ft_bytes path;
};

/* While it lives it changes the working directory of this process, which has one thread.
 * 0 or -errno. */
int ft_markpaths_init(struct ft_markpaths *p, int proc);
void ft_markpaths_fini(struct ft_markpaths *p);
/* -ENOMEM, else 0. */
int ft_markpath_find(struct ft_markpaths *p, const struct ft_group *g,
		     const struct ft_mark *m, struct ft_markpath *ret);
/* "no_name"; NULL where the path is known, or there is none to know. */
const char *ft_markpath_state_name(enum ft_markpath_state s);
/* A sentence's end: "the path is not known: ..." */
const char *ft_markpath_state_text(enum ft_markpath_state s);
