/* SPDX-License-Identifier: MIT */
/* Who waits, by what /proc says of each thread. */
#include "inspect/waiter.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/number.h"
#include "proc/procfs.h"

enum {
	TEXT_MAX = 1 << 16,
	NAME_LEN = 64,
	COMPAT_TOP = 32, /* bits of an address of 32-bit code */
	/* After that, of who waits it is not found out for what. */
	PATIENCE_MSEC = 5000,
};

/* ---- pure ---- */

static struct ft_span take_word(struct ft_span *text)
{
	struct ft_span word;

	while (text->len > 0 && (*text->data == ' ' || *text->data == '\n')) {
		text->data++;
		text->len--;
	}
	word = (struct ft_span){text->data, 0};
	while (text->len > 0 && *text->data != ' ' && *text->data != '\n') {
		text->data++;
		text->len--;
		word.len++;
	}
	return word;
}

static int parse_word(struct ft_span word, int base, uint64_t *ret)
{
	char text[24], *end;

	/* Signs and spaces are strtoull's own idea. */
	if (word.len == 0 || word.len >= sizeof(text) || *word.data < '0' ||
	    *word.data > '9')
		return -EBADMSG;
	memcpy(text, word.data, word.len);
	text[word.len] = '\0';
	errno = 0;
	*ret = strtoull(text, &end, base);
	return *end || errno ? -EBADMSG : 0;
}

int ft_waiter_parse_syscall(struct ft_span text, struct ft_syscall *ret)
{
	struct ft_syscall s = {.number = -1};
	uint64_t number, stack, code;
	struct ft_span word = take_word(&text);

	/* "running", or "-1 SP PC" of one that is in the kernel by itself. */
	if (ft_span_equal(word, FT_SPAN("running")) ||
	    ft_span_equal(word, FT_SPAN("-1"))) {
		*ret = s;
		return 0;
	}
	if (parse_word(word, 10, &number) < 0)
		return -EBADMSG;
	for (int i = 0; i < FT_WAITER_ARGS; i++)
		if (parse_word(take_word(&text), 16, &s.args[i]) < 0)
			return -EBADMSG;
	if (parse_word(take_word(&text), 16, &stack) < 0 ||
	    parse_word(take_word(&text), 16, &code) < 0)
		return -EBADMSG;
	if (number > LONG_MAX)
		return -EBADMSG;
	s.number = (long)number;
	s.is_compat =
		sizeof(long) > 4 && stack >> COMPAT_TOP == 0 && code >> COMPAT_TOP == 0;
	*ret = s;
	return 0;
}

int ft_waiter_parse_sched(struct ft_span text, int64_t *ret_ns)
{
	static const char field[] = "se.exec_start";
	const char *at = memmem(text.data, text.len, field, sizeof(field) - 1);
	uint64_t msec, fraction;
	struct ft_span rest, word;
	const char *dot;

	if (!at)
		return -EBADMSG;
	rest = (struct ft_span){at, text.len - (size_t)(at - text.data)};
	(void)take_word(&rest);
	if (!ft_span_equal(take_word(&rest), FT_SPAN(":")))
		return -EBADMSG;
	word = take_word(&rest);
	dot = memchr(word.data, '.', word.len);
	/* Milliseconds, and six digits. */
	if (!dot || word.len - (size_t)(dot - word.data) != 7 ||
	    parse_word((struct ft_span){word.data, (size_t)(dot - word.data)}, 10,
		       &msec) < 0 ||
	    parse_word((struct ft_span){dot + 1, 6}, 10, &fraction) < 0 ||
	    msec > INT64_MAX / FT_NSEC_PER_MSEC - 1)
		return -EBADMSG;
	*ret_ns = (int64_t)(msec * FT_NSEC_PER_MSEC + fraction);
	return 0;
}

static bool has(struct ft_span text, const char *word)
{
	return text.len > 0 && memmem(text.data, text.len, word, strlen(word));
}

bool ft_waiter_is_held(struct ft_span wchan, struct ft_span stack)
{
	/* The second is in the first, where the compiler put it there. */
	static const char *const names[] = {"fanotify_handle_event",
					    "fanotify_get_response"};

	for (size_t i = 0; i < FT_ARRAY_SIZE(names); i++)
		if (has(wchan, names[i]) || has(stack, names[i]))
			return true;
	return false;
}

/* ---- by /proc ---- */

struct scan {
	int proc;
	struct ft_waiters *waiters;
	struct ft_bytes text;
	struct ft_bytes stack;
};

static int read_thread(struct scan *s, pid_t pid, pid_t tid, const char *file,
		       struct ft_bytes *out)
{
	char path[NAME_LEN];

	snprintf(path, sizeof(path), "%d/task/%d/%s", (int)pid, (int)tid, file);
	ft_bytes_clear(out);
	return ft_file_read(s->proc, path, TEXT_MAX, out);
}

/* A wait that only its end or a fatal signal ends is D. */
static bool sleeps_deeply(struct scan *s, pid_t pid, pid_t tid)
{
	const char *end;

	if (read_thread(s, pid, tid, "stat", &s->text) < 0)
		return false;
	end = memrchr(s->text.data, ')', s->text.len);
	return end && end + 2 < s->text.data + s->text.len && end[2] == 'D';
}

static int add(struct ft_waiters *w, pid_t pid, pid_t tid)
{
	struct ft_waiter *list = reallocarray(w->list, w->count + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	w->list = list;
	list[w->count++] = (struct ft_waiter){.pid = pid, .tid = tid};
	return 0;
}

/* ret_hidden: that is not ours to see. */
static bool is_held(struct scan *s, pid_t pid, pid_t tid, bool *ret_hidden)
{
	bool refused, held;
	int stack;

	*ret_hidden = false;
	if (!sleeps_deeply(s, pid, tid))
		return false;
	if (read_thread(s, pid, tid, "wchan", &s->text) < 0)
		ft_bytes_clear(&s->text);
	stack = read_thread(s, pid, tid, "stack", &s->stack);
	if (stack < 0)
		ft_bytes_clear(&s->stack);
	/* "0": not permitted, or a kernel without names. */
	refused = (stack == -EACCES || stack == -EPERM) &&
		  ft_span_equal(ft_bytes_span(&s->text), FT_SPAN("0"));
	held = ft_waiter_is_held(ft_bytes_span(&s->text), ft_bytes_span(&s->stack));
	/* Of one that ends, Yama refuses it to everybody. */
	*ret_hidden = refused && sleeps_deeply(s, pid, tid);
	return held;
}

static int look_at_thread(struct scan *s, pid_t pid, pid_t tid)
{
	bool is_hidden, held = is_held(s, pid, tid, &is_hidden);

	s->waiters->threads++;
	s->waiters->denied += is_hidden;
	return held ? add(s->waiters, pid, tid) : 0;
}

static pid_t number_of(const struct dirent *entry)
{
	uint64_t n;

	return ft_number_parse(entry->d_name, INT32_MAX, &n) == 0 ? (pid_t)n : 0;
}

static DIR *open_list(int proc, const char *path)
{
	int fd = ft_file_open_dir(proc, path);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d && fd >= 0)
		close(fd);
	return d;
}

static int look_at_process(struct scan *s, pid_t pid)
{
	const struct dirent *entry;
	char path[NAME_LEN];
	int r = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%d/task", (int)pid);
	d = open_list(s->proc, path);
	while (d && r == 0 && (entry = readdir(d))) {
		pid_t tid = number_of(entry);

		if (tid > 0)
			r = look_at_thread(s, pid, tid);
	}
	if (d)
		closedir(d);
	return r;
}

static void waiter_fini(struct ft_waiter *w)
{
	ft_bytes_fini(&w->comm);
	ft_bytes_fini(&w->exe);
	ft_bytes_fini(&w->asked);
	ft_bytes_fini(&w->path);
}

static void read_process(struct scan *s, struct ft_waiter *w)
{
	char path[NAME_LEN];

	snprintf(path, sizeof(path), "%d/comm", (int)w->pid);
	if (ft_file_read(s->proc, path, NAME_LEN, &w->comm) < 0)
		ft_bytes_clear(&w->comm);
	if (w->comm.len > 0 && w->comm.data[w->comm.len - 1] == '\n')
		w->comm.len--;
	ft_procfs_read_exe(s->proc, w->pid, &w->exe);
}

/* Who has its answer by now is left out: nothing true can be said of what it waited for.
 */
static void look_at_waiters(struct scan *s)
{
	int64_t end = ft_boot_ns() + PATIENCE_MSEC * FT_NSEC_PER_MSEC;
	struct ft_waiters *all = s->waiters;
	size_t kept = 0;
	bool is_hidden;

	for (size_t i = 0; i < all->count; i++) {
		struct ft_waiter *w = &all->list[i];

		read_process(s, w);
		if (ft_boot_ns() < end)
			ft_waiter_look(s->proc, w);
		w->since_ns = ft_now_ns() - w->waited_ns;
		if (is_held(s, w->pid, w->tid, &is_hidden))
			all->list[kept++] = *w;
		else
			waiter_fini(w);
	}
	all->count = kept;
}

int ft_waiters_read(int proc, struct ft_waiters *ret)
{
	struct scan s = {.proc = proc, .waiters = ret};
	const struct dirent *entry;
	DIR *d = open_list(proc, ".");
	int r = 0;

	*ret = (struct ft_waiters){0};
	if (!d)
		return -errno;
	while (r == 0 && (entry = readdir(d))) {
		pid_t pid = number_of(entry);

		if (pid > 0)
			r = look_at_process(&s, pid);
	}
	closedir(d);
	if (r == 0)
		look_at_waiters(&s);
	ft_bytes_fini(&s.text);
	ft_bytes_fini(&s.stack);
	return r;
}

void ft_waiters_fini(struct ft_waiters *w)
{
	for (size_t i = 0; i < w->count; i++)
		waiter_fini(&w->list[i]);
	free(w->list);
	*w = (struct ft_waiters){0};
}
