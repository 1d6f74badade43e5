/* SPDX-License-Identifier: MIT */
/* The threads of a running guard: one decides, some scan. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/number.h"
#include "cli/guardian.h"
#include "cli/message.h"
#include "cli/service.h"
#include "cli/signals.h"

enum {
	STACK_SIZE = 512 << 10,
	USE_MSEC = 10000,
	END_MSEC = 1000,  /* for scans that nobody waits for any more */
	DEAF_MSEC = 1000, /* for the one that tells to read a signal */
};

static int scan(void *data, struct ft_request *q, unsigned int scanner)
{
	const struct ft_ruleset *set = q->ruleset;
	const struct guard_rules *rules = set->owner;
	const struct ft_scan job = {.fd = q->fd, .deadline_ns = q->deadline_ns};
	struct guardian *g = data;

	return ft_pool_submit(g->pool, rules->scanners[scanner], &job, q);
}

static void scan_done(void *data, void *job, const struct ft_scanned *scanned)
{
	struct guardian *g = data;

	ft_decider_end_scan(&g->decider, job, scanned->result, scanned->text);
}

/* They scan, or take over: who waits for an answer to give one waits for ever. */
static bool is_trusted(void *data, const struct ft_ruleset *set, pid_t pid)
{
	const struct guard_rules *rules = set->owner;
	const struct guardian *g = data;

	if (pid == atomic_load(&g->successor_pid))
		return true;
	for (size_t i = 0; i < rules->file.scanners_count; i++)
		if (ft_scanner_is(rules->scanners[i], pid))
			return true;
	return false;
}

/* By the one that answers: whatever holds up the others, nobody waits as long as this
 * goes on. It does not wait for the service manager. */
static void beat(struct guardian *g)
{
	int64_t now = ft_boot_ns();

	if (g->watchdog_ns == 0 || now < g->watchdog_due_ns)
		return;
	cli_notify("WATCHDOG=1");
	g->watchdog_due_ns = now + g->watchdog_ns;
}

/*
 * The one that tells may wait for a disk, or for a filesystem that hangs: a signal to end
 * is taken in its place, for when it goes on, and the next one ends the program.
 */
static void hear_for_the_deaf(struct guardian *g)
{
	int64_t now = ft_boot_ns();

	if (!cli_signals_has_end()) {
		g->signalled_ns = 0;
	} else if (g->signalled_ns == 0) {
		g->signalled_ns = now;
	} else if (now - g->signalled_ns >= DEAF_MSEC * FT_NSEC_PER_MSEC &&
		   cli_signals_take_end()) {
		atomic_store(&g->must_stop, true);
		cli_signals_release();
	}
}

static void *decide(void *data)
{
	struct guardian *g = data;

	while (ft_decider_step(&g->decider)) {
		beat(g);
		hear_for_the_deaf(g);
	}
	/* Whoever waits for it sees that it ended. */
	ft_telling_wake(&g->decider.telling);
	return NULL;
}

/* With room for it, as all of it stays in memory. */
static int start_thread(struct guardian *g)
{
	pthread_attr_t attr;
	int r = pthread_attr_init(&attr);

	if (r != 0)
		return -r;
	r = pthread_attr_setstacksize(&attr, STACK_SIZE);
	if (r == 0)
		r = pthread_create(&g->thread, &attr, decide, g);
	pthread_attr_destroy(&attr);
	g->has_thread = r == 0;
	return -r;
}

static int open_decider(struct guardian *g)
{
	int why = 0, r;

	g->config.scan = scan;
	g->config.is_trusted = is_trusted;
	g->config.data = g;
	g->has_decider = true;
	r = ft_decider_init(&g->decider, &g->config, &why);
	if (r == 0 && why < 0)
		cli_error("BPF is refused (%s): who asks is looked up in /proc, which is "
			  "slower",
			  strerror(-why));
	return r;
}

static int open_pool(struct guardian *g)
{
	const struct ft_pool_config config = {.threads = GUARD_SCAN_THREADS,
					      .waiting_max = GUARD_SCANS_WAITING,
					      .done = scan_done,
					      .data = g};

	return ft_pool_open(&g->pool, &config);
}

int guard_threads_prepare(struct guardian *g)
{
	int r = open_decider(g);

	if (r == 0)
		r = open_pool(g);
	if (r < 0)
		cli_error("cannot begin: %s", strerror(-r));
	return r;
}

int guard_threads_start(struct guardian *g, int group)
{
	int r = ft_decider_take_group(&g->decider, group, g->is_pre_content,
				      g->has_audit);

	g->rules->changes.group = group;
	g->watchdog_ns = cli_watchdog_ns();
	ft_decider_use(&g->decider, &g->rules->use);
	if (r == 0)
		r = start_thread(g);
	if (r < 0)
		cli_error("cannot begin: %s", strerror(-r));
	return r < 0 ? r : guard_threads_use(g, g->rules);
}

static bool wait_until_used(const struct guardian *g, const struct guard_rules *r)
{
	for (int i = 0; i < USE_MSEC; i++) {
		if (ft_decider_uses(&g->decider, &r->set))
			return true;
		poll(NULL, 0, 1);
	}
	return false;
}

int guard_threads_use(struct guardian *g, struct guard_rules *r)
{
	ft_decider_use(&g->decider, &r->use);
	do {
		if (wait_until_used(g, r))
			return 0;
		/* What is freed after this must not be taken later. */
	} while (!ft_decider_withdraw(&g->decider));
	g->error = -ETIMEDOUT;
	cli_error("the thread that decides does not answer");
	return g->error;
}

void guard_threads_stop(struct guardian *g)
{
	if (g->has_thread) {
		ft_decider_order(&g->decider,
				 g->handed_over ? FT_ORDER_LEAVE : FT_ORDER_STOP);
		pthread_join(g->thread, NULL);
		g->has_thread = false;
	}
	g->pool = ft_pool_close(g->pool, END_MSEC);
}
