/* SPDX-License-Identifier: MIT */
/* Decisions on their way. */
#include "session/telling.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

int ft_telling_init(struct ft_telling *t)
{
	*t = (struct ft_telling){.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	return t->wake < 0 ? -errno : ft_ring_init(&t->ring, FT_TELLING_SIZE);
}

void ft_telling_fini(struct ft_telling *t)
{
	if (t->wake >= 0)
		close(t->wake);
	t->wake = -1;
	ft_ring_fini(&t->ring);
}

static size_t size_of_process(const struct ft_process *p)
{
	size_t size = p->comm.len + p->exe.len + p->args.len + p->cgroup.len +
		      p->container.len + p->parents_count * sizeof(struct ft_ancestor);

	for (size_t i = 0; i < p->parents_count; i++)
		size += p->parents[i].comm.len + p->parents[i].exe.len;
	return size;
}

static size_t size_of(const struct ft_event *ev, const struct ft_decision *d)
{
	return sizeof(struct ft_told) + ev->path.len + ev->dev.len + ev->fs.len +
	       d->rule.len + d->reason.len +
	       (ev->process ? size_of_process(ev->process) : 0);
}

/* Copies the bytes to *at, which moves on, and lets the span point there. */
static void move(struct ft_span *s, char **at)
{
	if (s->len > 0)
		memcpy(*at, s->data, s->len);
	s->data = *at;
	*at += s->len;
}

static void move_process(struct ft_process *p, char **at)
{
	struct ft_ancestor *parents = (struct ft_ancestor *)*at;

	/* First, as they must be aligned. */
	if (p->parents_count > 0)
		memcpy(parents, p->parents, p->parents_count * sizeof(*parents));
	*at += p->parents_count * sizeof(*parents);
	p->parents = parents;
	for (size_t i = 0; i < p->parents_count; i++) {
		move(&parents[i].comm, at);
		move(&parents[i].exe, at);
	}
	move(&p->comm, at);
	move(&p->exe, at);
	move(&p->args, at);
	move(&p->cgroup, at);
	move(&p->container, at);
}

_Static_assert(sizeof(struct ft_told) % _Alignof(struct ft_ancestor) == 0,
	       "ancestors come right behind");

static void fill(struct ft_told *told)
{
	char *at = (char *)(told + 1);

	if (told->event.process) {
		told->process = *told->event.process;
		told->event.process = &told->process;
		move_process(&told->process, &at);
	}
	move(&told->event.path, &at);
	move(&told->event.dev, &at);
	move(&told->event.fs, &at);
	move(&told->decision.rule, &at);
	move(&told->decision.reason, &at);
	told->event.decision = &told->decision;
}

void ft_telling_put(struct ft_telling *t, const struct ft_event *ev,
		    const struct ft_decision *decision)
{
	struct ft_told *told = ft_ring_reserve(&t->ring, size_of(ev, decision));

	t->is_due = true;
	if (!told) {
		atomic_fetch_add_explicit(&t->dropped, 1, memory_order_relaxed);
		return;
	}
	told->event = *ev;
	told->decision = *decision;
	fill(told);
	ft_ring_commit(&t->ring);
}

void ft_telling_wake(struct ft_telling *t)
{
	t->is_due = false;
	/* It only fails when nobody has read for ages: then he is waked already. */
	(void)eventfd_write(t->wake, 1);
}

void ft_telling_flush(struct ft_telling *t)
{
	if (t->is_due)
		ft_telling_wake(t);
}

struct ft_told *ft_telling_take(struct ft_telling *t)
{
	return ft_ring_peek(&t->ring);
}

void ft_telling_release(struct ft_telling *t)
{
	ft_ring_release(&t->ring);
}

uint64_t ft_telling_take_dropped(struct ft_telling *t)
{
	return atomic_exchange_explicit(&t->dropped, 0, memory_order_relaxed);
}
