/* SPDX-License-Identifier: MIT */
/* What BPF programs tell of calls. */
#include "inspect/calltap.h"

#include <bpf/bpf.h>
#include <calls.skel.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/number.h"
#include "inspect/tracepoint.h"
#include "proc/bpfring.h"

enum {
	HEALTH_NSEC = 1000000000,
	LINKS_MAX = 32,
};

#define TRACEPOINT "tracepoint/"

struct ft_calltap {
	struct calls_bpf *bpf;
	struct ft_bpfring ring;
	struct bpf_link *links[LINKS_MAX];
	size_t links_count;
	uint64_t dropped; /* told so far */
	uint64_t missed;
	int64_t health_ns; /* when missed was last asked for */
	ft_calltap_fn fn;  /* while it drains */
	void *data;
};

static int fail(struct ft_bytes *why, int error, const char *what)
{
	if (why->len == 0)
		ft_bytes_printf(why, "%s: %s", what, strerror(-error));
	return error;
}

/* The first after NULL, NULL after the last. */
static struct bpf_program *next_of(const struct ft_calltap *t, struct bpf_program *p)
{
	return bpf_object__next_program(t->bpf->obj, p);
}

static bool is_of_tracepoint(const struct bpf_program *p)
{
	return bpf_program__type(p) == BPF_PROG_TYPE_TRACEPOINT;
}

static int load(struct ft_calltap *t, bool compat)
{
	struct bpf_program *p;
	int r;

	t->bpf = calls_bpf__open();
	if (!t->bpf)
		return -errno;
	for (p = next_of(t, NULL); p; p = next_of(t, p))
		bpf_program__set_autoload(p, compat || is_of_tracepoint(p));
	r = calls_bpf__load(t->bpf);
	if (r == 0)
		t->bpf->bss->self = (__u32)getpid();
	return r;
}

static int attach_tracepoint(struct ft_calltap *t, int list, struct bpf_program *p)
{
	const char *name = bpf_program__section_name(p) + sizeof(TRACEPOINT) - 1;
	int perf = ft_tracepoint_open(list, name);
	struct bpf_link *link;

	/* A kernel that is built without the call. */
	if (perf == -ENOENT)
		return 0;
	if (perf < 0)
		return perf;
	link = bpf_program__attach_perf_event(p, perf);
	if (!link) {
		int error = errno;
		close(perf);
		return -error;
	}
	t->links[t->links_count++] = link;
	return 0;
}

static int attach_raw(struct ft_calltap *t, struct bpf_program *p)
{
	struct bpf_link *link = bpf_program__attach(p);

	if (!link)
		return -errno;
	t->links[t->links_count++] = link;
	return 0;
}

/* The ends first: what has begun is then seen to end. */
static int attach_all(struct ft_calltap *t, int list, bool begins)
{
	struct bpf_program *p;
	int r = 0;

	for (p = next_of(t, NULL); p; p = next_of(t, p)) {
		bool is_begin = strstr(bpf_program__section_name(p), "sys_enter") != NULL;

		if (!bpf_program__autoload(p) || is_begin != begins ||
		    t->links_count == LINKS_MAX)
			continue;
		r = is_of_tracepoint(p) ? attach_tracepoint(t, list, p)
					: attach_raw(t, p);
		if (r < 0)
			return r;
	}
	return 0;
}

static int start(struct ft_calltap *t, bool compat, struct ft_bytes *why)
{
	_cleanup_close_ int list = -1;
	int r = load(t, compat);

	if (r < 0)
		return fail(why, r, "the BPF programs cannot be loaded");
	r = ft_bpfring_open(&t->ring, bpf_map__fd(t->bpf->maps.ring),
			    FT_CALLWIRE_RING_SIZE);
	if (r < 0)
		return fail(why, r, "the ring buffer cannot be mapped");
	list = ft_tracepoint_open_list();
	if (list < 0)
		return fail(why, list, "the kernel's tracepoints cannot be listed");
	r = attach_all(t, list, false);
	if (r == 0)
		r = attach_all(t, list, true);
	return r < 0 ? fail(why, r, "the tracepoints of system calls") : 0;
}

int ft_calltap_open(struct ft_calltap **ret, bool compat, struct ft_bytes *why)
{
	struct ft_calltap *t = calloc(1, sizeof(*t));
	libbpf_print_fn_t print;
	int r;

	if (!t)
		return -ENOMEM;
	/* It would tell the program's user, not ours, what was refused. */
	print = libbpf_set_print(NULL);
	r = start(t, compat, why);
	libbpf_set_print(print);
	if (r < 0) {
		ft_calltap_close(t);
		return r;
	}
	*ret = t;
	return 0;
}

struct ft_calltap *ft_calltap_close(struct ft_calltap *t)
{
	if (!t)
		return NULL;
	while (t->links_count > 0)
		bpf_link__destroy(t->links[--t->links_count]);
	ft_bpfring_close(&t->ring);
	calls_bpf__destroy(t->bpf);
	free(t);
	return NULL;
}

int ft_calltap_fd(const struct ft_calltap *t)
{
	return bpf_map__fd(t->bpf->maps.ring);
}

static void take(void *data, const void *record, size_t len)
{
	const struct ft_callwire *w = record;
	const struct ft_calltap *t = data;

	if (len >= sizeof(*w) &&
	    (uint64_t)w->base_len + w->pathname_len <= len - sizeof(*w) &&
	    w->kind < FT_CALL_COUNT)
		t->fn(t->data, w);
}

void ft_calltap_drain(struct ft_calltap *t, ft_calltap_fn fn, void *data)
{
	t->fn = fn;
	t->data = data;
	/* What hides behind an unfinished record is there the next time. */
	(void)ft_bpfring_drain(&t->ring, take, t);
}

void ft_calltap_stop(struct ft_calltap *t)
{
	__atomic_store_n(&t->bpf->bss->stopped, 1, __ATOMIC_RELAXED);
}

/* Times that a program was not run: not told before 5.12, of tracepoints not before 6.7.
 */
static uint64_t read_missed(const struct ft_calltap *t)
{
	struct bpf_program *p;
	uint64_t missed = 0;

	for (p = next_of(t, NULL); p; p = next_of(t, p)) {
		struct bpf_prog_info info = {0};
		uint32_t size = sizeof(info);
		int fd = bpf_program__fd(p);

		if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size) == 0)
			missed += info.recursion_misses;
	}
	return missed;
}

uint64_t ft_calltap_take_lost(struct ft_calltap *t)
{
	uint64_t dropped = __atomic_load_n(&t->bpf->bss->dropped, __ATOMIC_RELAXED);
	uint64_t missed = t->missed, lost;
	int64_t now = ft_boot_ns();

	if (now - t->health_ns > HEALTH_NSEC || t->bpf->bss->stopped) {
		missed = read_missed(t);
		t->health_ns = now;
	}
	lost = dropped - t->dropped + missed - t->missed;
	t->dropped = dropped;
	t->missed = missed;
	return lost;
}
