/* SPDX-License-Identifier: MIT */
/* What the BPF programs say of calls: records in the ring buffer. Read by both compilers,
 * so that it includes nothing but the names of the calls, which include nothing either.
 */
#pragma once

#include "event/callkind.h"

enum {
	FT_CALLWIRE_RING_SIZE = 4 * 1024 * 1024,
	/* Longer than any that the kernel takes, so that such a one is known. */
	FT_CALLWIRE_PATHNAME_MAX = 4096 + 64,
	FT_CALLWIRE_ARGS = 5,
	/* Calls that have begun and not ended. */
	FT_CALLWIRE_OPEN_MAX = 8192,
};

enum ft_callwire_part {
	FT_CALLWIRE_BEGIN = 1,
	FT_CALLWIRE_END,
};

enum ft_callwire_flags {
	FT_CALLWIRE_COMPAT = 1 << 0,   /* of a 32-bit caller */
	FT_CALLWIRE_BASE = 1 << 1,     /* base is there, of no length: the root */
	FT_CALLWIRE_PATHNAME = 1 << 2, /* as the next: pathname */
};

/* Both parts of a call have its thread and its time. */
struct ft_callwire {
	unsigned int part;
	unsigned int flags;
	unsigned int kind; /* enum ft_call_kind */
	unsigned int tid;
	unsigned int pid;	    /* of the process, in the initial namespace */
	unsigned int mnt_namespace; /* begin */
	unsigned long long time;    /* CLOCK_BOOTTIME, ns: when it began */
	/* Begin: of the descriptor that is an argument; end: of the one returned; 0: it
	 * is no group of that kind. */
	unsigned long long group;
	unsigned int group_flags; /* fanotify */
	/* Lengths of what follows: components of where pathname begins, from the last one
	 * up, each with its NUL; pathname, with it. */
	unsigned int base_len;
	unsigned int pathname_len;
	/* So much of pathname may lead to a descriptor of the process, which is the base
	 * if it does; else that is the root. 0: it does not. */
	unsigned int link_len;
	long long ret;				   /* end */
	unsigned long long args[FT_CALLWIRE_ARGS]; /* begin: as passed */
};
