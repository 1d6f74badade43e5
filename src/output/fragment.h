/* SPDX-License-Identifier: MIT */
/* What a format says of a process, made once an image and then copied. */
#pragma once

#include "event/event.h"

struct ft_format;
struct ft_fragments;

/* Appends the text for the event's pid, process and candidates. */
typedef void (*ft_fragment_fn)(struct ft_format *f, struct ft_bytes *out,
			       const struct ft_event *ev);

/* Bound: 256 fragments; one of more than 8 KiB is made each time. */
int ft_fragments_new(struct ft_fragments **ret);
struct ft_fragments *ft_fragments_free(struct ft_fragments *c);
void ft_fragments_put(struct ft_format *f, struct ft_bytes *out,
		      const struct ft_event *ev, ft_fragment_fn make);
