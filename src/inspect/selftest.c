/* SPDX-License-Identifier: MIT */
/* The selftest. */
#include "inspect/selftest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/escape.h"
#include "base/file.h"
#include "base/number.h"
#include "inspect/bounded.h"
#include "inspect/canary.h"
#include "kernel/mounts.h"
#include "output/jsonfield.h"
#include "session/session.h"

enum {
	CANARY_MSEC = 5000, /* that it may take to come back */
	TRIES = 3,
	DOUBTFUL = FT_SELFTEST_SKIPPED + 1, /* told, but not as exact as it can be */
	PATIENCE_MSEC = 15000,		    /* for all of a filesystem's test */
};

void ft_selftests_fini(struct ft_selftests *s)
{
	for (size_t i = 0; i < s->count; i++) {
		free(s->list[i].path);
		free(s->list[i].type);
		ft_bytes_fini(&s->list[i].reason);
	}
	free(s->list);
	*s = (struct ft_selftests){0};
}

static void cleanup_session(struct ft_session **s)
{
	ft_session_free(*s);
}

static int fail(struct ft_bytes *reason, const char *what, const char *why)
{
	ft_bytes_printf(reason, "%s: %s", what, why);
	return FT_SELFTEST_FAILED;
}

static int take_records(struct ft_session *s, struct ft_canary *c)
{
	int64_t end_ns = ft_boot_ns() + CANARY_MSEC * FT_NSEC_PER_MSEC;
	struct pollfd p[] = {{.fd = s->epoll, .events = POLLIN},
			     {.fd = c->ended, .events = POLLIN}};
	struct ft_event *ev;
	int r;

	while (!ft_canary_is_back(c)) {
		int64_t left = (end_ns - ft_boot_ns()) / FT_NSEC_PER_MSEC;

		r = left > 0 ? poll(p, FT_ARRAY_SIZE(p), (int)left) : 0;
		if (r < 0 && errno != EINTR)
			return -errno;
		if (r == 0)
			return -ETIMEDOUT;
		if (p[1].revents)
			return -ECHILD;
		while ((r = ft_session_next(s, &ev)) > 0)
			if (r == 1)
				ft_canary_take(c, ev);
		if (r < 0)
			return r;
	}
	return 0;
}

/* exact: it can be known exactly who did it. */
static int judge(const struct ft_canary *c, int r, bool exact, struct ft_bytes *reason)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes names = {0};

	if (c->misplaced) {
		ft_mask_format(&names, c->misplaced, ",");
		return fail(reason, "told with a wrong path", ft_bytes_cstr(&names));
	}
	if (!ft_canary_is_back(c) && r == -ETIMEDOUT) {
		ft_mask_format(&names, c->missing, ",");
		return fail(reason, "not told within 5 s", ft_bytes_cstr(&names));
	}
	if (r < 0)
		return fail(reason, "session", strerror(-r));
	if (c->is_other)
		return fail(reason, "process", "another one was told");
	if (c->is_anonymous)
		return fail(reason, "process",
			    "the kernel does not tell it without "
			    "CAP_SYS_ADMIN");
	if (!c->is_certain && exact) {
		fail(reason, "process", "told, but not as exact");
		return DOUBTFUL;
	}
	if (!c->is_certain)
		ft_bytes_put_lit(reason, "without BPF the process is not exact");
	return FT_SELFTEST_OK;
}

static int send_canary(struct ft_session *s, const char *dir, int64_t *ret_took_ns,
		       struct ft_bytes *reason)
{
	struct ft_canary c = {0};
	int64_t began_ns = ft_boot_ns();
	int r = ft_canary_send(&c, dir, s->way != FT_WAY_DESCRIPTORS), child, result;

	if (r == 0)
		r = take_records(s, &c);
	*ret_took_ns = ft_boot_ns() - began_ns;
	result = judge(&c, r, s->tracker_ops == &ft_tracker_bpf, reason);
	child = ft_canary_fini(&c);
	if (child == 0)
		return result;
	ft_bytes_clear(reason);
	return fail(reason, "the file could not be made", strerror(-child));
}

static int watch_and_send(const char *dir, int64_t *ret_took_ns, struct ft_bytes *reason)
{
	_cleanup_(cleanup_session) struct ft_session *s = NULL;
	int r = ft_session_new(&s, 0);

	if (r < 0)
		return fail(reason, "session", strerror(-r));
	r = ft_session_add_path(s, dir, FT_SCOPE_TREE, true);
	if (r == 0)
		r = ft_session_start(s);
	if (r < 0)
		return fail(reason, "session", ft_session_error(s));
	return send_canary(s, dir, ret_took_ns, reason);
}

/* At most one of them is there. */
static void clear_files(const char *dir)
{
	_cleanup_close_ int fd = ft_file_open_path(AT_FDCWD, dir);

	if (fd >= 0) {
		(void)unlinkat(fd, "made", 0);
		(void)unlinkat(fd, "moved", 0);
	}
}

/* A fork that BPF was kept from telling, as the kernel now and then does, is no failure
 * of the chain; three of three are. */
static int try_some(const char *dir, int64_t *ret_took_ns, struct ft_bytes *reason)
{
	int result = DOUBTFUL;

	for (int i = 0; i < TRIES && result == DOUBTFUL; i++) {
		ft_bytes_clear(reason);
		result = watch_and_send(dir, ret_took_ns, reason);
		clear_files(dir);
	}
	return result == DOUBTFUL ? FT_SELFTEST_FAILED : result;
}

/* As bytes: result, time, reason. */
static void test_in_child(void *data, struct ft_bytes *out)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes reason = {0};
	const char *dir = data;
	int64_t took_ns = 0;
	int result;

	if (mkdir(dir, 0700) < 0) {
		result = FT_SELFTEST_SKIPPED;
		ft_bytes_printf(&reason, "no directory can be made: %s", strerror(errno));
	} else {
		result = try_some(dir, &took_ns, &reason);
		(void)rmdir(dir);
	}
	ft_bytes_put(out, &result, sizeof(result));
	ft_bytes_put(out, &took_ns, sizeof(took_ns));
	ft_bytes_put_span(out, ft_bytes_span(&reason));
}

static void take_result(struct ft_span from, struct ft_selftest *t)
{
	int result;

	if (from.len < sizeof(result) + sizeof(t->took_ns))
		return;
	memcpy(&result, from.data, sizeof(result));
	memcpy(&t->took_ns, from.data + sizeof(result), sizeof(t->took_ns));
	t->result = (enum ft_selftest_result)result;
	ft_bytes_put(&t->reason, from.data + sizeof(result) + sizeof(t->took_ns),
		     from.len - sizeof(result) - sizeof(t->took_ns));
}

static int test_path(struct ft_selftests *s, const char *path, const char *type)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes dir = {0}, result = {0};
	struct ft_selftest *list, *t;
	int r;

	list = reallocarray(s->list, s->count + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	s->list = list;
	t = &list[s->count++];
	*t = (struct ft_selftest){
		.path = strdup(path), .type = strdup(type), .result = FT_SELFTEST_FAILED};
	if (!t->path || !t->type)
		return -ENOMEM;
	ft_bytes_printf(&dir, "%s/.fantail-doctor-%d-%llx",
			strcmp(path, "/") == 0 ? "" : path, (int)getpid(),
			(unsigned long long)ft_boot_ns());
	r = ft_bounded_run(test_in_child, (void *)ft_bytes_cstr(&dir), PATIENCE_MSEC,
			   &result);
	if (r == 0)
		take_result(ft_bytes_span(&result), t);
	else
		ft_bytes_printf(&t->reason, "does not answer (%s); %s may be left",
				strerror(-r), ft_bytes_cstr(&dir));
	return 0;
}

static int test_named(struct ft_selftests *s, const struct ft_mounts *mounts,
		      const char *path)
{
	_cleanup_free_ char *real = realpath(path, NULL);
	_cleanup_close_ int fd = real ? ft_file_open_path(AT_FDCWD, real) : -errno;
	const struct ft_mount *m;

	if (fd < 0)
		return fd;
	m = ft_mounts_find(mounts, ft_mounts_id_of(fd));
	return m ? test_path(s, real, m->type) : -EXDEV;
}

int ft_selftest_run(const char *const *paths, size_t count, struct ft_selftests *ret,
		    const char **ret_bad)
{
	_cleanup_(ft_selftests_fini) struct ft_selftests s = {0};
	_cleanup_(ft_mounts_fini) struct ft_mounts mounts = {0};
	int r = ft_mounts_read(&mounts);

	*ret_bad = "/proc/self/mountinfo";
	for (size_t i = 0; i < count && r == 0; i++) {
		*ret_bad = paths[i];
		r = test_named(&s, &mounts, paths[i]);
	}
	for (size_t i = 0; i < mounts.count && count == 0 && r == 0; i++)
		if (ft_mounts_is_told(&mounts, i))
			r = test_path(&s, mounts.list[i].mountpoint, mounts.list[i].type);
	if (r < 0)
		return r;
	*ret = s;
	s = (struct ft_selftests){0};
	return 0;
}

static const char *name_of(enum ft_selftest_result result)
{
	static const char *const names[] = {
		[FT_SELFTEST_OK] = "ok",
		[FT_SELFTEST_FAILED] = "failed",
		[FT_SELFTEST_SKIPPED] = "skipped",
	};

	return names[result];
}

void ft_selftest_format_text(struct ft_bytes *out, const struct ft_selftests *s)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct ft_selftest *t = &s->list[i];

		ft_bytes_printf(out, "%-7s  ", name_of(t->result));
		ft_escape_text(out, ft_span_of(t->path));
		ft_bytes_printf(out, " (%s)", t->type);
		if (t->took_ns > 0)
			ft_bytes_printf(out, " in %.1f ms",
					(double)t->took_ns / FT_NSEC_PER_MSEC);
		if (t->reason.len > 0) {
			ft_bytes_put_lit(out, ": ");
			ft_escape_text(out, ft_bytes_span(&t->reason));
		}
		ft_bytes_put_char(out, '\n');
	}
}

void ft_selftest_format_json(struct ft_bytes *out, const struct ft_selftests *s)
{
	ft_json_put_name(out, FT_SPAN("selftest"));
	ft_bytes_put_char(out, '[');
	for (size_t i = 0; i < s->count; i++) {
		const struct ft_selftest *t = &s->list[i];
		size_t mark;

		if (i > 0)
			ft_bytes_put_char(out, ',');
		mark = ft_json_begin(out);
		ft_json_put_string(out, FT_SPAN("path"), ft_span_of(t->path));
		ft_json_put_text(out, FT_SPAN("type"), ft_span_of(t->type));
		ft_json_put_text(out, FT_SPAN("result"), ft_span_of(name_of(t->result)));
		if (t->took_ns > 0)
			ft_json_put_i64(out, FT_SPAN("took_ns"), t->took_ns);
		ft_json_put_string(out, FT_SPAN("reason"), ft_bytes_span(&t->reason));
		ft_json_end(out, mark);
	}
	ft_bytes_put_char(out, ']');
}
