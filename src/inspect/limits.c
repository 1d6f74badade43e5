/* SPDX-License-Identifier: MIT */
/* Limits. */
#include "inspect/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/number.h"
#include "kernel/abi.h"
#include "output/jsonfield.h"

static const char area[] = "Limits";

enum {
	SYSCTL_MAX = 64,
	TIGHT_PERCENT = 90,
	FILES_ENOUGH = 1024, /* descriptors that FD groups need */
};

enum use { USE_NONE, USE_GROUPS, USE_MARKS, USE_INSTANCES, USE_WATCHES };

static const struct {
	const char *name; /* below /proc/sys, with dots */
	enum use use;
	const char *meaning;
} limits[] = {
	{"fs.fanotify.max_queued_events", USE_NONE,
	 "records a group may have waiting; fantail's queue has no such bound as root"},
	{"fs.fanotify.max_user_groups", USE_GROUPS, "fanotify groups a user"},
	{"fs.fanotify.max_user_marks", USE_MARKS, "fanotify marks a user"},
	{"fs.fanotify.watchdog_timeout", USE_NONE,
	 "seconds after which an answer that is due is told in the kernel's log; 0: "
	 "never"},
	{"user.max_fanotify_groups", USE_GROUPS, "the same, of this user namespace"},
	{"user.max_fanotify_marks", USE_MARKS, "the same, of this user namespace"},
	{"fs.inotify.max_queued_events", USE_NONE,
	 "events an inotify instance may have waiting"},
	{"fs.inotify.max_user_instances", USE_INSTANCES, "inotify instances a user"},
	{"fs.inotify.max_user_watches", USE_WATCHES, "inotify watches a user"},
};

void ft_usage_count(const struct ft_groups *groups, uid_t uid,
		    bool (*uid_of)(pid_t pid, uid_t *ret), struct ft_usage *ret)
{
	*ret = (struct ft_usage){0};
	for (size_t i = 0; i < groups->count; i++) {
		const struct ft_group *g = &groups->list[i];
		uint64_t marks = g->text.marks_count + g->text.marks_dropped;
		uid_t owner;

		if (!uid_of(ft_group_pid(g), &owner) || owner != uid)
			continue;
		if (g->text.kind == FT_GROUP_KIND_INOTIFY) {
			ret->instances++;
			ret->watches += marks;
			continue;
		}
		ret->groups++;
		/* The kernel does not count those. */
		if (!(g->text.flags & FT_INIT_UNLIMITED_MARKS))
			ret->marks += marks;
	}
}

static bool uid_of(pid_t pid, uid_t *ret)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	if (stat(path, &st) < 0)
		return false;
	*ret = st.st_uid;
	return true;
}

static int read_sysctl(const char *name, uint64_t *ret)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes path = {0}, text = {0};
	char *newline;
	int r;

	ft_bytes_printf(&path, "/proc/sys/%s", name);
	for (size_t i = sizeof("/proc/sys/"); i < path.len; i++)
		if (path.data[i] == '.')
			path.data[i] = '/';
	r = ft_file_read(AT_FDCWD, ft_bytes_cstr(&path), SYSCTL_MAX, &text);
	if (r < 0)
		return r;
	ft_bytes_cstr(&text);
	newline = memchr(text.data, '\n', text.len);
	if (newline)
		*newline = '\0';
	return ft_number_parse(text.data, UINT64_MAX, ret);
}

static uint64_t used_of(const struct ft_usage *u, enum use use)
{
	switch (use) {
	case USE_GROUPS:
		return u->groups;
	case USE_MARKS:
		return u->marks;
	case USE_INSTANCES:
		return u->instances;
	case USE_WATCHES:
		return u->watches;
	case USE_NONE:
		break;
	}
	return 0;
}

static void inspect(size_t i, const struct ft_usage *usage, struct ft_findings *f)
{
	uint64_t max, used = used_of(usage, limits[i].use);
	struct ft_finding *finding;
	int r = read_sysctl(limits[i].name, &max);

	/* Before 5.13 there are none for fanotify, and not each kernel has each. */
	if (r < 0)
		return;
	finding = ft_finding_add(f, area, limits[i].name, FT_STATE_FINE);
	ft_json_put_u64(&finding->facts, FT_SPAN("max"), max);
	if (limits[i].use == USE_NONE) {
		ft_bytes_printf(&finding->text, "%" PRIu64 " %s", max, limits[i].meaning);
		return;
	}
	ft_json_put_u64(&finding->facts, FT_SPAN("used"), used);
	ft_bytes_printf(&finding->text, "%" PRIu64 " of %" PRIu64 " %s", used, max,
			limits[i].meaning);
	if (used >= max)
		finding->state = FT_STATE_MISSING;
	else if (used * 100.0 >= max * (double)TIGHT_PERCENT)
		finding->state = FT_STATE_LIMITED;
	if (finding->state != FT_STATE_FINE)
		ft_bytes_printf(&finding->advice,
				"sysctl %s=%" PRIu64
				", or see who holds them: fantail marks",
				limits[i].name, max * 2);
}

static void inspect_files(struct ft_findings *f)
{
	struct rlimit limit;
	struct ft_finding *finding;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	finding = ft_finding_add(f, area, "open files",
				 limit.rlim_max < FILES_ENOUGH ? FT_STATE_LIMITED
							       : FT_STATE_FINE);
	ft_json_put_u64(&finding->facts, FT_SPAN("max"), limit.rlim_max);
	ft_bytes_printf(&finding->text, "%" PRIu64 " a process may have",
			(uint64_t)limit.rlim_max);
	if (finding->state != FT_STATE_FINE)
		ft_bytes_put_lit(&finding->advice, "ulimit -H -n 65536");
}

void ft_limits_inspect(const struct ft_groups *groups, struct ft_findings *f)
{
	struct ft_usage usage;

	ft_usage_count(groups, geteuid(), uid_of, &usage);
	for (size_t i = 0; i < FT_ARRAY_SIZE(limits); i++)
		inspect(i, &usage, f);
	inspect_files(f);
}
