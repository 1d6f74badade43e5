/* SPDX-License-Identifier: MIT */
/* Decisions on their way from the thread that decides to the one that tells them. */
#pragma once

#include "base/ring.h"
#include "event/decision.h"
#include "event/event.h"

enum { FT_TELLING_SIZE = 8 << 20 };

/* All that the spans point to lies behind it, in the ring. */
struct ft_told {
	struct ft_event event;
	struct ft_decision decision;
	struct ft_process process;
};

struct ft_telling {
	struct ft_ring ring;
	_Atomic uint64_t dropped; /* for want of room; taken by the reader */
	int wake;		  /* an eventfd: something is there; -1: none */
	bool is_due;		  /* the reader has not been waked since the last put */
};

int ft_telling_init(struct ft_telling *t);
void ft_telling_fini(struct ft_telling *t);
/* A copy of all of it. What does not fit is counted. */
void ft_telling_put(struct ft_telling *t, const struct ft_event *ev,
		    const struct ft_decision *decision);
/* The reader is waked, if anything was put; once after several puts. */
void ft_telling_flush(struct ft_telling *t);
/* In any case. */
void ft_telling_wake(struct ft_telling *t);
/* The oldest one, NULL: none. It lives until ft_telling_release(). */
struct ft_told *ft_telling_take(struct ft_telling *t);
void ft_telling_release(struct ft_telling *t);
/* Dropped since the last call. */
uint64_t ft_telling_take_dropped(struct ft_telling *t);
