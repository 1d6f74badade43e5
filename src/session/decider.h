/* SPDX-License-Identifier: MIT */
/*
 * The second flow: requests are read, decided on, answered, and then told.
 *
 * One thread calls ft_decider_step() again and again. While it does it opens nothing but
 * files of /proc and O_PATH descriptors, writes nothing but answers, and waits for nobody
 * (but some milliseconds for changes to be followed). Everybody else on the machine may
 * be waiting for it. The other functions are for the thread that made it.
 */
#pragma once

#include "guard/pathindex.h"
#include "guard/requests.h"
#include "guard/verdicts.h"
#include "session/changes.h"
#include "session/telling.h"
#include "session/who.h"

enum {
	FT_DECIDER_VERDICTS = 1 << 16,
	FT_DECIDER_READ = 64, /* requests, at most, that are read at once */
};

/* Gives a request to a scanner, whose end calls ft_decider_end_scan(). 0; -EBUSY: there
 * is no room. Must not wait. */
typedef int (*ft_decider_scan_fn)(void *data, struct ft_request *q, unsigned int scanner);

/* Is it always allowed, as others need it to be? Must not wait. */
typedef bool (*ft_decider_trusted_fn)(void *data, const struct ft_ruleset *rules,
				      pid_t pid);

struct ft_decider_config {
	bool tells_all;		 /* what was allowed, too */
	size_t requests;	 /* at once: so many descriptors more must be free */
	ft_decider_scan_fn scan; /* NULL: nothing is scanned */
	ft_decider_trusted_fn is_trusted; /* NULL: only this process */
	void *data;
};

enum ft_decider_order {
	FT_ORDER_GO,
	FT_ORDER_STOP, /* everything that waits is answered, scans by on_timeout */
	/* Nothing more is read, once what is being scanned is answered; a second later by
	 * on_timeout. Until then all else is decided as ever. */
	FT_ORDER_PAUSE,
	FT_ORDER_LEAVE, /* as after a pause, for good: somebody else reads now */
};

struct ft_decider {
	struct ft_decider_config config;
	int group; /* owned */
	int wake;  /* an eventfd, for this thread */
	int epoll; /* both, and what of processes is to be followed */
	char *buffer;
	pid_t self;

	struct ft_requests requests;
	struct ft_verdicts *verdicts;
	struct ft_who who;
	struct ft_telling telling;
	struct ft_bytes path;
	struct ft_pathhits hits; /* scratch, as the next */
	unsigned int claims[FT_POLICY_RULES_MAX];

	struct ft_ruleset *rules;		 /* in use */
	struct ft_changes *changes;		 /* of these rules */
	_Atomic(struct ft_decider_rules *) next; /* to be used from the next read on */
	_Atomic uint64_t generation;		 /* of the rules in use */
	_Atomic int order;
	_Atomic int64_t ordered_ns; /* boot clock */
	_Atomic bool is_done;	    /* the order to stop or to pause has been followed */
	_Atomic uint64_t lost_descriptors;
	_Atomic bool met_lease; /* some of them for a lease, as far as the kernel says */
	_Atomic int error;	/* it cannot go on: -errno */
	int64_t patience_ns;	/* boot clock: no wait for changes before */
	int64_t looked_ns;	/* boot clock: were changes followed? */
	bool is_behind;		/* they were not */
};

/* Rules and the changes that concern them. */
struct ft_decider_rules {
	struct ft_ruleset *set;
	struct ft_changes *changes;
};

/* Sets aside and loads all that will be needed. 0 or -errno; *ret_why: see ft_who_init().
 */
int ft_decider_init(struct ft_decider *d, const struct ft_decider_config *config,
		    int *ret_why);
/* The group whose requests it answers, before the first step; taken in any case. Errnos
 * of one's own need CLASS_PRE_CONTENT, records for the audit log ENABLE_AUDIT. 0 or
 * -errno.
 */
int ft_decider_take_group(struct ft_decider *d, int group, bool takes_errors,
			  bool takes_audit);
/* When the thread has ended and no scan runs any more. Whoever still waits is let go by
 * the kernel. */
void ft_decider_fini(struct ft_decider *d);

/* One round, of some 200 ms at most. True: there is another one. */
bool ft_decider_step(struct ft_decider *d);

/* The first rules, before the first step; later ones: used from the next read on.
 * *rules is borrowed until ft_decider_uses() says that it came to be used. */
void ft_decider_use(struct ft_decider *d, struct ft_decider_rules *rules);
/* Are these in use? And are old ones still (by what waits for a scan: see users)? */
bool ft_decider_uses(const struct ft_decider *d, const struct ft_ruleset *set);
/* The last ones that were given are not to be used after all. False: it is too late. */
bool ft_decider_withdraw(struct ft_decider *d);
void ft_decider_order(struct ft_decider *d, enum ft_decider_order order);
/* By any thread. */
void ft_decider_end_scan(struct ft_decider *d, struct ft_request *q,
			 enum ft_scan_result result, const char *text);
