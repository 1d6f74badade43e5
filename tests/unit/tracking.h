/* SPDX-License-Identifier: MIT */
/* A tracker beside a session that says what the test wants, and what is asked of its
 * answers. After cmocka.h. */
#pragma once

#include <linux/limits.h>
#include <sys/personality.h>
#include <sys/prctl.h>

#include "base/cleanup.h"
#include "child.h"
#include "proc/tracker.h"

static const struct ft_tracker_ops *const ops = &ft_tracker_procfs;

struct fixture {
	struct ft_tracker *t;
	char dir[64];
	char first[96]; /* two copies of this program */
	char second[96];
	char self[PATH_MAX];
	/* What the session would say. */
	bool is_seen;
	dev_t seen_dev;
	int drained;
	int drain_result;
	bool loses_at_drain;
	pid_t exec_at_drain;
};

static inline int host_drain(void *data)
{
	struct fixture *f = data;

	f->drained++;
	if (f->loses_at_drain)
		f->is_seen = false;
	if (f->exec_at_drain)
		ops->exec(f->t, &(struct ft_open_exec){.pid = f->exec_at_drain});
	return f->drain_result;
}

static inline bool host_execs_seen(void *data, dev_t dev)
{
	struct fixture *f = data;

	return f->is_seen && dev == f->seen_dev;
}

static inline void reopen(struct fixture *f)
{
	const struct ft_tracker_host host = {host_drain, host_execs_seen, f};

	f->t = ops->close(f->t);
	if (ops->open(&f->t, &host) < 0)
		abort();
}

static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct stat st;

	if (!f)
		return -1;
	*state = f;
	strcpy(f->dir, "/tmp/fantail-tracker-XXXXXX");
	if (!mkdtemp(f->dir) || !realpath("/proc/self/exe", f->self))
		return -1;
	snprintf(f->first, sizeof(f->first), "%s/first", f->dir);
	snprintf(f->second, sizeof(f->second), "%s/second", f->dir);
	child_copy_self(f->first);
	child_copy_self(f->second);
	if (stat(f->first, &st) < 0)
		return -1;
	f->seen_dev = st.st_dev;
	reopen(f);
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;
	int r;

	ops->close(f->t);
	unlink(f->first);
	unlink(f->second);
	r = rmdir(f->dir);
	free(f);
	return r;
}

/* Addresses are not drawn: what proves by them proves nothing here. */
static inline bool has_random_addresses(void)
{
	FILE *file = fopen("/proc/sys/kernel/randomize_va_space", "re");
	int c = file ? fgetc(file) : '0';

	if (file)
		fclose(file);
	return c != '0' && !(personality(0xffffffff) & ADDR_NO_RANDOMIZE);
}

static inline struct ft_attribution find_in(struct fixture *f, pid_t pid, int64_t from)
{
	struct ft_attribution a;

	ops->begin(f->t, from, child_now());
	ops->find(f->t, &(struct ft_question){.pid = pid}, &a);
	return a;
}

static inline void assert_span(struct ft_span got, const void *expect, size_t n)
{
	assert_int_equal(got.len, n);
	if (n > 0)
		assert_memory_equal(got.data, expect, n);
}

static inline void assert_text(struct ft_span got, const char *expect)
{
	assert_span(got, expect, strlen(expect));
}

static inline bool is_text(struct ft_span got, const char *expect)
{
	return ft_span_equal(got, ft_span_of(expect));
}

/* exact or ambiguous, and one candidate alone: it is the image of now. */
static inline void assert_only(const struct ft_attribution *a,
			       enum ft_certainty certainty, pid_t pid, const char *comm)
{
	assert_int_equal(a->certainty, certainty);
	assert_non_null(a->process);
	assert_int_equal(a->process->pid, pid);
	assert_text(a->process->comm, comm);
	if (certainty == FT_CERTAINTY_EXACT) {
		assert_int_equal(a->candidates_count, 0);
		assert_false(a->may_be_another);
		return;
	}
	assert_true(a->may_be_another);
	assert_int_equal(a->candidates_count, 1);
	assert_ptr_equal(a->candidates[0], a->process);
}

static inline void assert_two(const struct ft_attribution *a, const char *now,
			      const char *before)
{
	assert_int_equal(a->certainty, FT_CERTAINTY_AMBIGUOUS);
	assert_int_equal(a->candidates_count, 2);
	assert_text(a->candidates[0]->comm, now);
	assert_text(a->candidates[1]->comm, before);
	assert_int_not_equal(a->candidates[0]->id, a->candidates[1]->id);
	assert_int_equal(a->process->id, 0);
	assert_int_equal(a->process->pid, a->candidates[0]->pid);
}

static inline struct child exec_child(const char *path)
{
	struct child_exec x = {.path = path, .name = path};
	struct child c = child_fork(child_exec_now, &x);

	child_wait_ready(&c);
	return c;
}

static inline void own_comm(char comm[32])
{
	assert_int_equal(prctl(PR_GET_NAME, comm), 0);
}
