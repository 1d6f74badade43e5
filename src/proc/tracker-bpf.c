/* SPDX-License-Identifier: MIT */
/* Who did it, from what BPF programs say of every fork, exec, end, name and id. */
#include <bpf/bpf.h>
#include <errno.h>
#include <process.skel.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/number.h"
#include "proc/bpfring.h"
#include "proc/connector.h"
#include "proc/loader.h"
#include "proc/observe.h"
#include "proc/seed.h"
#include "proc/wire.h"

/*
 * The batch of records is read first and the ring drained second: what the process was
 * when it did it is then always there, for its exec was before.
 */

enum {
	/* The inode of the first pid namespace, whose numbers the programs tell. */
	INITIAL_PID_NAMESPACE = 0xeffffffcu,
	/* Between two looks at what was missed: until the next one it is told as exact.
	 */
	HEALTH_NSEC = 1000000,
	/* The kernel's own form of a device. */
	DEV_MINOR_BITS = 20,
	DEV_MINOR_MASK = (1 << DEV_MINOR_BITS) - 1,
};

struct ft_tracker {
	struct process_bpf *bpf;
	struct ft_bpfring ring;
	struct ft_history history;
	struct ft_seeder seeder;
	int connector;	     /* -1: changes of ids are not told, so that none is known */
	struct ft_bytes exe; /* scratch, as the next */
	struct ft_bytes cgroup;
	uint64_t dropped; /* told so far */
	uint64_t missed;
	int64_t health_ns; /* when it was last asked for */
	uint64_t lost;
};

/* Components from the last one up, each with its NUL. */
static void join(struct ft_span names, struct ft_bytes *path)
{
	ft_bytes_clear(path);
	while (names.len > 1) {
		size_t end = names.len - 1;
		const char *nul = memrchr(names.data, '\0', end);
		size_t begin = nul ? (size_t)(nul - names.data) + 1 : 0;
		ft_bytes_put_char(path, '/');
		ft_bytes_put(path, names.data + begin, end - begin);
		names.len = begin;
	}
}

static void set_text(struct ft_tracker *t, const struct ft_wire *w, const char *data,
		     struct ft_step *step)
{
	struct ft_span path = {data, w->path_len};
	struct ft_span cgroup = {data + w->path_len, w->cgroup_len};
	struct ft_span args = {data + w->path_len + w->cgroup_len, w->args_len};

	join(path, &t->exe);
	join(cgroup, &t->cgroup);
	/* What has a slash for its name has none. */
	if (!(w->flags & FT_WIRE_PATH_CUT) && !memchr(data, '/', w->path_len))
		step->text.exe = ft_bytes_span(&t->exe);
	if (!(w->flags & FT_WIRE_CGROUP_CUT))
		step->text.cgroup = ft_bytes_span(&t->cgroup);
	step->text.args = args;
	step->text.args_cut = w->flags & FT_WIRE_ARGS_CUT;
}

static const enum ft_step_kind kinds[] = {
	[FT_WIRE_FORK] = FT_STEP_FORK,	   [FT_WIRE_EXEC] = FT_STEP_EXEC,
	[FT_WIRE_FREE] = FT_STEP_END,	   [FT_WIRE_COMM_SET] = FT_STEP_COMM,
	[FT_WIRE_IDS] = FT_STEP_IDS,	   [FT_WIRE_CGROUP_SET] = FT_STEP_CGROUP,
	[FT_WIRE_THREAD] = FT_STEP_THREAD, [FT_WIRE_LOADER] = FT_STEP_LOADER,
	[FT_WIRE_FAILED] = FT_STEP_FAILED, [FT_WIRE_AWAY] = FT_STEP_AWAY,
};

static bool has_text(const struct ft_wire *w)
{
	return w->kind == FT_WIRE_EXEC || w->kind == FT_WIRE_CGROUP_SET;
}

static bool is_whole(const struct ft_wire *w, size_t len)
{
	if (len < sizeof(*w) || w->kind < FT_WIRE_FORK || w->kind > FT_WIRE_LAST)
		return false;
	return !has_text(w) ||
	       (uint64_t)w->path_len + w->cgroup_len + w->args_len <= len - sizeof(*w);
}

static dev_t device_of(unsigned int dev)
{
	return makedev(dev >> DEV_MINOR_BITS, dev & DEV_MINOR_MASK);
}

static void take_record(void *data, const void *record, size_t len)
{
	const struct ft_wire *w = record;
	struct ft_tracker *t = data;

	if (!is_whole(w, len))
		return;
	struct ft_step step = {
		.kind = kinds[w->kind],
		.pid = (pid_t)w->pid,
		.ppid = (pid_t)w->ppid,
		.source = (pid_t)w->source,
		.time = (int64_t)w->time,
		.start = (int64_t)w->start,
		.exec_id = w->exec_id,
		.has_ids = t->connector >= 0,
		.uid = w->uid,
		.gid = w->gid,
		.has_real_ids = t->connector >= 0,
		.ruid = w->ruid,
		.rgid = w->rgid,
		.has_login = w->flags & FT_WIRE_HAS_LOGIN,
		.loginuid = w->flags & FT_WIRE_HAS_LOGIN ? w->loginuid : 0,
		.pidfd_id = w->pidfd_id,
		.is_mixed = w->flags & FT_WIRE_MIXED,
		.file = {device_of(w->dev), w->ino},
		.has_read = w->flags & FT_WIRE_HAS_READ,
		.closes = w->flags & FT_WIRE_CLOSES,
		.is_static = w->flags & FT_WIRE_STATIC,
		.comm = {w->comm, strnlen(w->comm, sizeof(w->comm))},
	};
	if (has_text(w))
		set_text(t, w, (const char *)(w + 1), &step);
	ft_history_add(&t->history, &step);
}

static void drain(struct ft_tracker *t)
{
	if (ft_bpfring_drain(&t->ring, take_record, t) > 0)
		ft_history_forget(&t->history, ft_boot_ns());
}

/* Times that a program was not run, its copy included: not told before 5.12. */
static uint64_t read_missed(const struct ft_tracker *t)
{
	const struct bpf_program *last[] = {
		t->bpf->progs.task_newtask_1, t->bpf->progs.sched_process_exec_1,
		t->bpf->progs.sched_process_free_1, t->bpf->progs.task_rename,
		t->bpf->progs.cgroup_attach_task};
	uint64_t missed = 0;

	for (size_t i = 0; i < FT_ARRAY_SIZE(last); i++) {
		struct bpf_prog_info info = {0};
		uint32_t size = sizeof(info);
		if (bpf_obj_get_info_by_fd(bpf_program__fd(last[i]), &info, &size) == 0)
			missed += info.recursion_misses;
	}
	return missed;
}

static uint64_t count_new_losses(struct ft_tracker *t, int64_t now)
{
	uint64_t dropped = __atomic_load_n(&t->bpf->bss->dropped, __ATOMIC_RELAXED);
	uint64_t missed = t->missed;

	if (now - t->health_ns > HEALTH_NSEC) {
		missed = read_missed(t);
		t->health_ns = now;
	}
	uint64_t count = dropped - t->dropped + missed - t->missed;
	t->dropped = dropped;
	t->missed = missed;
	return count;
}

/* What was not told is looked up; what may have happened until then is not known. */
static void make_good(struct ft_tracker *t, uint64_t count)
{
	t->lost += count;
	(void)ft_seeder_run(&t->seeder, &t->history);
	ft_history_forget(&t->history, ft_boot_ns());
	drain(t);
}

static void bpf_begin(struct ft_tracker *t, int64_t from, int64_t to)
{
	ft_history_begin(&t->history, from, to);
	drain(t);
	uint64_t count = count_new_losses(t, to);
	if (count > 0)
		make_good(t, count);
}

/* It was forked before: the ring tells. */
static void bpf_exec(struct ft_tracker *t, const struct ft_open_exec *exec)
{
	if (ft_history_execute(&t->history, exec))
		return;
	drain(t);
	(void)ft_history_execute(&t->history, exec);
}

static void bpf_find(struct ft_tracker *t, const struct ft_question *q,
		     struct ft_attribution *ret)
{
	ft_history_find(&t->history, q, ret);
}

static int bpf_add_root(struct ft_tracker *t, pid_t root)
{
	drain(t);
	return ft_history_add_root(&t->history, root);
}

static int bpf_is_below(struct ft_tracker *t, const struct ft_process *p, pid_t root)
{
	return ft_history_is_below(&t->history, p, root);
}

static bool bpf_was_away(struct ft_tracker *t, pid_t root)
{
	drain(t);
	return ft_history_was_away(&t->history, root);
}

static uint64_t bpf_take_lost(struct ft_tracker *t)
{
	uint64_t lost = t->lost + t->history.lost;

	t->lost = t->history.lost = 0;
	return lost;
}

static int bpf_get_poll(const struct ft_tracker *t)
{
	return t->ring.wakeups;
}

static bool bpf_is_due(struct ft_tracker *t)
{
	return ft_bpfring_was_woken(&t->ring);
}

static void bpf_get_health(const struct ft_tracker *t, struct ft_tracker_health *ret)
{
	*ret = (struct ft_tracker_health){
		.dropped = __atomic_load_n(&t->bpf->bss->dropped, __ATOMIC_RELAXED),
		.missed = read_missed(t),
		.processes = t->history.pids.count,
		.bytes = t->history.bytes,
		.ring_size = FT_WIRE_RING_SIZE,
		.connector = t->connector < 0 ? t->connector : 0,
	};
}

static struct ft_tracker *bpf_close(struct ft_tracker *t)
{
	if (!t)
		return NULL;
	ft_connector_close(t->connector);
	ft_bpfring_close(&t->ring);
	process_bpf__destroy(t->bpf);
	ft_seeder_fini(&t->seeder);
	ft_history_fini(&t->history);
	ft_bytes_fini(&t->exe);
	ft_bytes_fini(&t->cgroup);
	free(t);
	return NULL;
}

static void cleanup_tracker(struct ft_tracker **t)
{
	bpf_close(*t);
}

static unsigned int kernel_device_of(dev_t dev)
{
	return major(dev) << DEV_MINOR_BITS | minor(dev);
}

/* Else everybody is in another one. */
static void prepare_away(struct ft_tracker *t)
{
	struct stat st;

	if (stat("/proc/self/ns/mnt", &st) == 0)
		t->bpf->rodata->own_mount_namespace = (uint32_t)st.st_ino;
	else
		bpf_program__set_autoload(t->bpf->progs.sched_process_exit, false);
}

static void prepare_loader(struct ft_tracker *t)
{
	const struct ft_proc_object common = ft_loader_find();

	t->history.loader = common;
	t->bpf->rodata->common_loader_dev = kernel_device_of(common.dev);
	t->bpf->rodata->common_loader_ino = common.ino;
	/* The helper that it needs is the same for all programs that trace. */
	if (libbpf_probe_bpf_helper(BPF_PROG_TYPE_KPROBE, BPF_FUNC_find_vma, NULL) != 1)
		bpf_program__set_autoload(t->bpf->progs.loader, false);
}

static int load_programs(struct ft_tracker *t, bool has_exit_mmap)
{
	t->bpf = process_bpf__open();
	if (!t->bpf)
		return -errno;
	prepare_loader(t);
	prepare_away(t);
	bpf_program__set_autoload(t->bpf->progs.exit_mmap, has_exit_mmap);
	return process_bpf__load(t->bpf);
}

static int load(struct ft_tracker *t)
{
	/* It would tell the program's user, not ours, what was refused. */
	libbpf_print_fn_t print = libbpf_set_print(NULL);
	int r = load_programs(t, true);

	/* No such tracepoint (before 6.1). */
	if (r == -ESRCH) {
		process_bpf__destroy(t->bpf);
		r = load_programs(t, false);
	}
	if (r == 0)
		r = process_bpf__attach(t->bpf);
	libbpf_set_print(print);
	return r;
}

static bool is_initial_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) == 0 && st.st_ino == INITIAL_PID_NAMESPACE;
}

static int start(struct ft_tracker *t)
{
	int64_t tick_ns = FT_NSEC_PER_SEC / sysconf(_SC_CLK_TCK);
	int r = ft_seeder_init(&t->seeder, tick_ns);

	ft_history_init(&t->history, ft_observer_wall_offset(), tick_ns);
	if (r == 0)
		r = is_initial_namespace() ? load(t) : -EXDEV;
	if (r == 0)
		r = ft_bpfring_open(&t->ring, bpf_map__fd(t->bpf->maps.ring),
				    FT_WIRE_RING_SIZE);
	if (r < 0)
		return r;
	t->connector = ft_connector_open(bpf_program__fd(t->bpf->progs.connector_ids));
	t->seeder.has_ids = t->connector >= 0;
	r = ft_seeder_run(&t->seeder, &t->history);
	drain(t);
	return r;
}

static int bpf_open(struct ft_tracker **ret, const struct ft_tracker_host *host)
{
	_cleanup_(cleanup_tracker) struct ft_tracker *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->connector = -1;
	t->seeder.proc = -1;
	int r = start(t);
	if (r < 0)
		return r;
	t->seeder.no_args = host->never_waits;
	*ret = ft_take(t);
	return 0;
}

const struct ft_tracker_ops ft_tracker_bpf = {
	.name = "bpf",
	.open = bpf_open,
	.close = bpf_close,
	.begin = bpf_begin,
	.exec = bpf_exec,
	.find = bpf_find,
	.add_root = bpf_add_root,
	.is_below = bpf_is_below,
	.was_away = bpf_was_away,
	.take_lost = bpf_take_lost,
	.get_poll = bpf_get_poll,
	.is_due = bpf_is_due,
	.get_health = bpf_get_health,
};
