/* SPDX-License-Identifier: MIT */
/* Threads that scan, and a bounded queue of what waits for them. */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/number.h"
#include "scan/scanner.h"

/* With locked memory each byte of a stack is there from the beginning. */
enum { STACK_SIZE = 1024 * 1024 };

struct waiting {
	struct ft_scanner *scanner;
	struct ft_scan scan;
	void *job;
};

struct ft_pool {
	struct ft_pool_config config;
	pthread_t *threads;
	unsigned int threads_count; /* that were started */

	pthread_mutex_t lock; /* held for a copy at most */
	pthread_cond_t changed;
	struct waiting *queue; /* a ring */
	unsigned int first;
	unsigned int count;
	bool ending;
	int stop; /* an eventfd: it is ending */
};

static void scan_one(struct ft_pool *p, const struct waiting *w, bool ending)
{
	struct ft_scanned scanned = {0};

	if (ending)
		ft_scanned_set(&scanned, FT_SCAN_ERROR, "the guard stops");
	else
		ft_scanner_scan(w->scanner, &w->scan, &scanned);
	p->config.done(p->config.data, w->job, &scanned);
}

/* False: nothing is left, and nothing will come. */
static bool take(struct ft_pool *p, struct waiting *ret, bool *ret_ending)
{
	bool taken;

	pthread_mutex_lock(&p->lock);
	while (p->count == 0 && !p->ending)
		pthread_cond_wait(&p->changed, &p->lock);
	taken = p->count > 0;
	if (taken) {
		*ret = p->queue[p->first];
		p->first = (p->first + 1) % p->config.waiting_max;
		p->count--;
	}
	*ret_ending = p->ending;
	pthread_mutex_unlock(&p->lock);
	return taken;
}

static void *work(void *data)
{
	struct ft_pool *p = data;
	struct waiting w;
	bool ending;

	while (take(p, &w, &ending))
		scan_one(p, &w, ending);
	return NULL;
}

int ft_pool_submit(struct ft_pool *p, struct ft_scanner *s, const struct ft_scan *scan,
		   void *job)
{
	int r = -EBUSY;

	pthread_mutex_lock(&p->lock);
	if (!p->ending && p->count < p->config.waiting_max) {
		unsigned int at = (p->first + p->count++) % p->config.waiting_max;
		p->queue[at] = (struct waiting){s, *scan, job};
		p->queue[at].scan.stop = p->stop;
		pthread_cond_signal(&p->changed);
		r = 0;
	}
	pthread_mutex_unlock(&p->lock);
	return r;
}

static int start_threads(struct ft_pool *p)
{
	sigset_t all, before;
	pthread_attr_t attr;
	int r = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (r == 0 && p->threads_count < p->config.threads) {
		r = -pthread_create(&p->threads[p->threads_count], &attr, work, p);
		p->threads_count += r == 0;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return r;
}

static void tell_end(struct ft_pool *p)
{
	pthread_mutex_lock(&p->lock);
	p->ending = true;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
	(void)eventfd_write(p->stop, 1);
}

static bool wait_for_end(struct ft_pool *p, unsigned int msec)
{
	int64_t end = ft_now_ns() + msec * FT_NSEC_PER_MSEC;
	const struct timespec until = {end / FT_NSEC_PER_SEC, end % FT_NSEC_PER_SEC};

	for (; p->threads_count > 0; p->threads_count--)
		if (pthread_timedjoin_np(p->threads[p->threads_count - 1], NULL,
					 &until) != 0)
			return false;
	return true;
}

struct ft_pool *ft_pool_close(struct ft_pool *p, unsigned int msec)
{
	if (!p)
		return NULL;
	tell_end(p);
	if (!wait_for_end(p, msec))
		return p;
	if (p->stop >= 0)
		close(p->stop);
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->lock);
	free(p->threads);
	free(p->queue);
	free(p);
	return NULL;
}

int ft_pool_open(struct ft_pool **ret, const struct ft_pool_config *config)
{
	struct ft_pool *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->config = *config;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->changed, NULL);
	p->threads = calloc(config->threads, sizeof(*p->threads));
	p->queue = calloc(config->waiting_max, sizeof(*p->queue));
	p->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = p->stop < 0 ? -errno : p->threads && p->queue ? start_threads(p) : -ENOMEM;
	if (r < 0) {
		/* They have nothing to do yet. */
		ft_pool_close(p, UINT_MAX);
		return r;
	}
	*ret = p;
	return 0;
}
