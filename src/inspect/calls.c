/* SPDX-License-Identifier: MIT */
/* The calls of the whole machine. */
#include "inspect/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "inspect/calltap.h"
#include "inspect/calltell.h"
#include "kernel/abi.h"
#include "proc/observe.h"
#include "proc/tracker.h"

struct ft_calls {
	struct ft_calls_config config;
	struct ft_calltap *tap;
	struct ft_tracker *tracker;
	int epoll; /* -1: none */
	struct ft_callqueue queue;
	struct ft_calltell tell;
	struct ft_whole_call *whole; /* the one told last */
	struct ft_event event;
	struct ft_lookup lookup; /* scratch, as the next */
	struct ft_bytes found;
	uint64_t lost_processes; /* moments of them, not told yet */
	int64_t wall_offset;
	char own_proc[32];
};

static void take(void *data, const struct ft_callwire *record)
{
	ft_callqueue_put(data, record);
}

int ft_calls_drain(struct ft_calls *c)
{
	if (c->queue.bytes > FT_CALLQUEUE_MAX / 2)
		return 1;
	ft_calltap_drain(c->tap, take, &c->queue);
	/* What found no room came behind what is in the queue: that was full of it. */
	ft_callqueue_lose(&c->queue, ft_calltap_take_lost(c->tap));
	c->lost_processes += ft_tracker_bpf.take_lost(c->tracker);
	c->wall_offset = ft_observer_wall_offset();
	return 0;
}

/* Right after a call what it named is in the kernel's memory. */
static int open_object(struct ft_calls *c)
{
	struct ft_lookup *l = &c->lookup;
	_cleanup_close_ int base = ft_file_open_cached(AT_FDCWD, ft_bytes_cstr(&l->base),
						       O_PATH, RESOLVE_NO_MAGICLINKS);

	if (base < 0)
		return base;
	return ft_file_open_cached(
		base, ft_bytes_cstr(&l->pathname), O_PATH | (l->follows ? 0 : O_NOFOLLOW),
		RESOLVE_NO_MAGICLINKS | (l->is_from_root ? RESOLVE_IN_ROOT : 0));
}

/* No server is asked, which may be the one that hangs. */
static bool is_there(int fd)
{
	struct statx st;

	return statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_NLINK, &st) == 0 &&
	       st.stx_nlink > 0;
}

/* Where it leads now, right after the call. What /proc/self leads to is another
 * process for us than it was for the caller. 0 or -errno. */
static int look_up(struct ft_calls *c)
{
	_cleanup_close_ int fd = open_object(c);
	char link[48];
	int r;

	if (fd < 0)
		return fd;
	if (!is_there(fd))
		return -ENOENT;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	r = ft_file_readlink(AT_FDCWD, link, &c->found);
	if (r < 0)
		return r;
	if (c->found.len == 0 || c->found.data[0] != '/' ||
	    strncmp(ft_bytes_cstr(&c->found), c->own_proc, strlen(c->own_proc)) == 0)
		return -EXDEV;
	return 0;
}

/* What the kernel had of the path stays; names in the pathname are looked up. A kernel
 * that cannot (before 5.12) has no part in what is unusual. */
static void resolve(struct ft_calls *c, const struct ft_whole_call *whole)
{
	struct ft_call *call = &c->tell.call;
	int r = -ENOENT;

	if (!ft_calltell_is_about_path(call) || c->event.path_source == FT_PATH_EVENT)
		return;
	if (ft_calltell_lookup(&c->tell, whole, &c->lookup))
		r = look_up(c);
	if (r == 0) {
		c->event.path = ft_bytes_span(&c->found);
		c->event.path_source = FT_PATH_NOW;
	}
	call->is_unresolved =
		r < 0 && r != -EINVAL && call->ret >= 0 && call->mount_namespace == 0;
}

/* It was made at one moment, by what the process was then. */
static void attribute(struct ft_calls *c, const struct ft_whole_call *whole)
{
	int64_t at = (int64_t)whole->wire.time;
	const struct ft_question q = {.pid = c->event.pid};
	struct ft_attribution a = {0};

	ft_tracker_bpf.begin(c->tracker, at, at);
	ft_tracker_bpf.find(c->tracker, &q, &a);
	c->event.certainty = a.certainty;
	c->event.process = a.process;
	c->event.candidates = a.candidates;
	c->event.candidates_count = a.candidates_count;
	c->event.may_be_another = a.may_be_another;
}

static bool is_told(struct ft_calls *c, const struct ft_whole_call *whole)
{
	if (!(c->config.kinds & 1u << whole->wire.kind))
		return false;
	resolve(c, whole);
	ft_bytes_clear(&c->tell.alert);
	ft_callalert_put(&c->tell.alert, &c->event);
	c->tell.call.alert = ft_bytes_span(&c->tell.alert);
	if ((c->config.alerts_only && c->tell.alert.len == 0) ||
	    !ft_match_path(c->config.match, &c->event))
		return false;
	attribute(c, whole);
	if (ft_match_process(c->config.match, &c->event))
		return true;
	/* Kept back only because the process is not known: that is a loss. */
	c->lost_processes += ft_match_is_undecided(c->config.match, &c->event);
	return false;
}

/* A tracker that missed something, too, says so: less is exact then. */
static bool take_loss(struct ft_calls *c)
{
	enum ft_lost_where where = FT_LOST_KERNEL;
	uint64_t count = ft_callqueue_take_lost(&c->queue);

	if (count == 0) {
		where = FT_LOST_PROCESS;
		count = c->lost_processes;
		c->lost_processes = 0;
	}
	if (count == 0)
		return false;
	c->event = (struct ft_event){.kind = FT_KIND_LOST,
				     .time_ns = ft_now_ns(),
				     .where = where,
				     .has_count = true,
				     .count = count};
	return true;
}

/* Processes begin and end also while nobody makes a call. */
static void read_calls(struct ft_calls *c)
{
	int64_t before = ft_boot_ns();

	(void)ft_calls_drain(c);
	if (!c->queue.first && ft_tracker_bpf.is_due(c->tracker))
		ft_tracker_bpf.begin(c->tracker, before, ft_boot_ns());
}

int ft_calls_next(struct ft_calls *c, struct ft_event **ret)
{
	*ret = &c->event;
	for (;;) {
		free(c->whole);
		c->whole = NULL;
		if (!c->queue.first)
			read_calls(c);
		if (take_loss(c))
			return 1;
		c->whole = ft_callqueue_take(&c->queue);
		if (!c->whole)
			return 0;
		ft_calltell_fill(&c->tell, c->whole, c->wall_offset, &c->event);
		if (is_told(c, c->whole))
			return 1;
	}
}

static int is_below(void *data, const struct ft_process *p, pid_t root)
{
	struct ft_calls *c = data;

	return ft_tracker_bpf.is_below(c->tracker, p, root);
}

/* Those of --tree are the processes that have these numbers now. */
static int add_roots(struct ft_calls *c, struct ft_bytes *why)
{
	int r = 0;
	pid_t root;

	for (size_t i = 0; r == 0 && (root = ft_match_get_tree(c->config.match, i)) > 0;
	     i++) {
		r = ft_tracker_bpf.add_root(c->tracker, root);
		if (r < 0)
			ft_bytes_printf(why, "process %d: %s", root,
					r == -ESRCH ? "there is none" : strerror(-r));
	}
	return r;
}

static int open_poll(struct ft_calls *c, struct ft_bytes *why)
{
	const int fds[] = {ft_calltap_fd(c->tap), ft_tracker_bpf.get_poll(c->tracker)};
	struct epoll_event ev = {.events = EPOLLIN};
	int r = 0;

	c->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (size_t i = 0; i < FT_ARRAY_SIZE(fds) && r == 0; i++)
		r = epoll_ctl(c->epoll, EPOLL_CTL_ADD, fds[i], &ev) < 0 ? -errno : 0;
	if (r < 0)
		ft_bytes_printf(why, "epoll: %s", strerror(-r));
	return r;
}

static int start(struct ft_calls *c, struct ft_bytes *why)
{
	const struct ft_tracker_host host = {0};
	struct stat st;
	int r;

	if (stat("/proc/self/ns/mnt", &st) < 0) {
		r = -errno;
		ft_bytes_printf(why, "/proc/self/ns/mnt: %s", strerror(-r));
		return r;
	}
	c->tell.mnt_namespace = (uint32_t)st.st_ino;
	snprintf(c->own_proc, sizeof(c->own_proc), "/proc/%d", getpid());
	/* Before the calls: what a process was is then known for each. */
	r = ft_tracker_bpf.open(&c->tracker, &host);
	if (r == 0)
		r = add_roots(c, why);
	if (r == 0) {
		r = ft_calltap_open(&c->tap, c->config.compat, why);
		return r == 0 ? open_poll(c, why) : r;
	}
	if (r == -EXDEV)
		ft_bytes_put_lit(why, "this is not the first pid namespace, whose "
				      "numbers the kernel tells");
	else if (r == -ENOSYS)
		ft_bytes_put_lit(why, "this fantail was built without BPF "
				      "(-Dbpf=disabled)");
	else if (!c->tracker)
		ft_bytes_printf(why, "process tracking by BPF: %s", strerror(-r));
	return r;
}

int ft_calls_open(struct ft_calls **ret, const struct ft_calls_config *config,
		  struct ft_bytes *why)
{
	struct ft_calls *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->config = *config;
	c->epoll = -1;
	r = start(c, why);
	if (r < 0) {
		ft_calls_close(c);
		return r;
	}
	ft_match_set_below(config->match, is_below, c);
	*ret = c;
	return 0;
}

struct ft_calls *ft_calls_close(struct ft_calls *c)
{
	if (!c)
		return NULL;
	if (c->epoll >= 0)
		close(c->epoll);
	c->tap = ft_calltap_close(c->tap);
	if (c->tracker)
		ft_tracker_bpf.close(c->tracker);
	ft_callqueue_fini(&c->queue);
	ft_calltell_fini(&c->tell);
	ft_bytes_fini(&c->lookup.base);
	ft_bytes_fini(&c->lookup.pathname);
	ft_bytes_fini(&c->found);
	free(c->whole);
	free(c);
	return NULL;
}

int ft_calls_fd(const struct ft_calls *c)
{
	return c->epoll;
}

void ft_calls_stop(struct ft_calls *c)
{
	ft_calltap_stop(c->tap);
}
