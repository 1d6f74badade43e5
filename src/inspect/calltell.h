/* SPDX-License-Identifier: MIT */
/* A call as it is told: decoded, its path put together, its group numbered. Pure. */
#pragma once

#include "base/table.h"
#include "event/event.h"
#include "inspect/callqueue.h"

enum ft_calltell_text {
	FT_CALLTELL_FLAGS,
	FT_CALLTELL_MASK,
	FT_CALLTELL_EVENT_FLAGS,
	FT_CALLTELL_GROUP_FLAGS,
	FT_CALLTELL_TEXTS,
};

struct ft_calltell {
	uint32_t mnt_namespace; /* fantail's own */
	struct ft_table groups; /* by where the kernel has them */
	uint64_t last_group;
	struct ft_call call; /* the one told last, as what follows */
	struct ft_bytes texts[FT_CALLTELL_TEXTS];
	struct ft_bytes path;
	struct ft_bytes alert;
};

struct ft_lookup {
	struct ft_bytes base;
	struct ft_bytes pathname;
	bool follows;	   /* a link at its end */
	bool is_from_root; /* base is the root of the caller: nothing leads out of it */
};

void ft_calltell_fini(struct ft_calltell *t);
/* All of the event but its process and its alert, valid until the next. wall_offset: from
 * CLOCK_BOOTTIME to the wall clock. */
void ft_calltell_fill(struct ft_calltell *t, const struct ft_whole_call *whole,
		      int64_t wall_offset, struct ft_event *ret);
/* Is there something that it is about, and that may have a path? */
bool ft_calltell_is_about_path(const struct ft_call *call);
/* What there is to look up, symbolic links unfollowed. False: nothing (no name, no base,
 * or not of this mount namespace). */
bool ft_calltell_lookup(const struct ft_calltell *t, const struct ft_whole_call *whole,
			struct ft_lookup *ret);

/* callalert.c: why a call is unusual, into out; nothing: it is not. */
void ft_callalert_put(struct ft_bytes *out, const struct ft_event *ev);
