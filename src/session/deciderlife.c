/* SPDX-License-Identifier: MIT */
/* A decider is made, given its orders, and ended. */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/number.h"
#include "kernel/abi.h"
#include "session/decider.h"

enum { PATH_RESERVE = 64 << 10 };

static int set_aside(struct ft_decider *d)
{
	int r;

	d->buffer = calloc(FT_DECIDER_READ, sizeof(struct ft_abi_metadata));
	if (!d->buffer)
		return -ENOMEM;
	r = ft_requests_init(&d->requests, d->group, d->config.requests);
	if (r == 0)
		r = ft_verdicts_new(&d->verdicts, FT_DECIDER_VERDICTS);
	if (r == 0)
		r = ft_telling_init(&d->telling);
	if (r == 0)
		r = ft_bytes_reserve(&d->path, PATH_RESERVE);
	return r;
}

static int wait_for(const struct ft_decider *d, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(d->epoll, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

static int open_wake(struct ft_decider *d)
{
	d->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->wake < 0)
		return -errno;
	d->epoll = epoll_create1(EPOLL_CLOEXEC);
	return d->epoll < 0 ? -errno : wait_for(d, d->wake);
}

int ft_decider_init(struct ft_decider *d, const struct ft_decider_config *config,
		    int *ret_why)
{
	int r;

	memset(d, 0, sizeof(*d));
	d->config = *config;
	d->self = getpid();
	d->group = d->wake = d->epoll = d->telling.wake = d->who.proc = -1;
	r = open_wake(d);
	if (r == 0)
		r = set_aside(d);
	if (r == 0)
		r = ft_who_init(&d->who, ret_why);
	if (r == 0 && ft_who_fd(&d->who) >= 0)
		r = wait_for(d, ft_who_fd(&d->who));
	return r;
}

int ft_decider_take_group(struct ft_decider *d, int group, bool takes_errors,
			  bool takes_audit)
{
	d->group = d->requests.group = group;
	d->requests.takes_errors = takes_errors;
	d->requests.takes_audit = takes_audit;
	return wait_for(d, group);
}

void ft_decider_fini(struct ft_decider *d)
{
	ft_requests_fini(&d->requests);
	ft_who_fini(&d->who);
	ft_telling_fini(&d->telling);
	ft_verdicts_free(d->verdicts);
	ft_bytes_fini(&d->path);
	free(d->buffer);
	if (d->epoll >= 0)
		close(d->epoll);
	if (d->wake >= 0)
		close(d->wake);
	if (d->group >= 0)
		close(d->group);
	d->group = d->wake = d->epoll = -1;
}

static void wake(struct ft_decider *d)
{
	/* It only fails when it was waked for ages. */
	(void)eventfd_write(d->wake, 1);
}

void ft_decider_use(struct ft_decider *d, struct ft_decider_rules *rules)
{
	atomic_store(&d->next, rules);
	wake(d);
}

bool ft_decider_uses(const struct ft_decider *d, const struct ft_ruleset *set)
{
	return atomic_load(&d->generation) == set->generation;
}

bool ft_decider_withdraw(struct ft_decider *d)
{
	return atomic_exchange(&d->next, NULL) != NULL;
}

void ft_decider_order(struct ft_decider *d, enum ft_decider_order order)
{
	atomic_store(&d->is_done, false);
	atomic_store(&d->ordered_ns, ft_boot_ns());
	atomic_store(&d->order, (int)order);
	wake(d);
}

void ft_decider_end_scan(struct ft_decider *d, struct ft_request *q,
			 enum ft_scan_result result, const char *text)
{
	ft_request_end_scan(q, result, text);
	wake(d);
}
