/* SPDX-License-Identifier: MIT */
/* The way out: slow readers, full disks, closed pipes, files that are opened anew. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "output/output.h"

enum { PATIENCE = 60 }; /* seconds until SIGALRM ends what hangs */

static const struct ft_event event = {
	.time_ns = 1795176000123456789,
	.mask = FT_EV_OPEN,
	.path_source = FT_PATH_EVENT,
	.path = {"/srv/a-name-that-makes-the-line-a-little-longer.txt", 51},
};

static const struct ft_output_config json = {
	.format = FT_FORMAT_JSON, .columns = "seq,path", .fd = -1};

static struct ft_output *open_output(const struct ft_output_config *c)
{
	struct ft_output *o = NULL;

	assert_int_equal(ft_output_open(&o, c, NULL), 0);
	return o;
}

static void make_pipe(int ret[2], int flags)
{
	assert_int_equal(pipe2(ret, O_CLOEXEC | flags), 0);
	/* As small as it gets. */
	assert_true(fcntl(ret[1], F_SETPIPE_SZ, 4096) >= 4096);
}

/* Appends what there is; false at the end. */
static bool read_some(int fd, struct ft_bytes *out, int timeout_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char buf[4096];
	ssize_t n;

	if (poll(&p, 1, timeout_ms) == 0)
		return true;
	n = read(fd, buf, sizeof(buf));
	assert_true(n >= 0);
	ft_bytes_put(out, buf, (size_t)n);
	return n > 0;
}

struct told {
	uint64_t lines;
	uint64_t last_seq;
	uint64_t events;
	uint64_t lost;
	uint64_t lost_records;
};

/* seq must be contiguous, from 1. */
static struct told count_lines(struct ft_bytes *text)
{
	const char *at = ft_bytes_cstr(text);
	struct told t = {0};

	while (*at) {
		const char *end = strchr(at, '\n');
		unsigned long long seq, count;

		assert_non_null(end);
		assert_int_equal(sscanf(at, "{\"seq\":%llu,", &seq), 1);
		assert_int_equal(seq, t.last_seq + 1);
		t.last_seq = seq;
		t.lines++;
		if (sscanf(at,
			   "{\"seq\":%llu,\"events\":[\"lost\"],\"count\":%llu,\"where\":"
			   "\"output\"}",
			   &seq, &count) == 2) {
			t.lost += count;
			t.lost_records++;
		} else {
			assert_non_null(memmem(at, (size_t)(end - at), "[\"open\"]", 8));
			t.events++;
		}
		at = end + 1;
	}
	return t;
}

static void read_rest(int fd, struct ft_bytes *text)
{
	while (read_some(fd, text, -1))
		;
}

struct closing {
	struct ft_output *output;
	int fd;
	int error;
};

static void *close_output(void *data)
{
	struct closing *c = data;

	ft_output_close(c->output, &c->error);
	close(c->fd);
	return NULL;
}

/* Closes the output and its descriptor while the other end is read to its end. */
static int close_and_read(struct ft_output *o, int fds[2], struct ft_bytes *text)
{
	struct closing c = {.output = o, .fd = fds[1]};
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, close_output, &c), 0);
	read_rest(fds[0], text);
	assert_int_equal(pthread_join(thread, NULL), 0);
	close(fds[0]);
	return c.error;
}

static void check_slow_reader(unsigned int flush_every)
{
	struct ft_output_config c = json;
	_cleanup_(ft_bytes_fini) struct ft_bytes text = {0};
	struct told t;
	struct ft_output *o;
	uint64_t refused = 0, put = 0, dropped;
	int fds[2];

	make_pipe(fds, 0);
	c.fd = fds[1];
	c.max_waiting = 32768;
	o = open_output(&c);
	/* Nobody reads: none of these may wait. */
	for (; put < 5000; put++) {
		refused += (uint64_t)ft_output_put(o, &event);
		if (flush_every && put % flush_every == 0)
			assert_int_equal(ft_output_flush(o), 0);
	}
	assert_true(refused > 3000);
	assert_int_equal(ft_output_dropped(o), refused);
	assert_int_equal(ft_output_count(o), put - refused);
	/* The reader comes back: the loss is told without another event. */
	while (!text.data || !strstr(ft_bytes_cstr(&text), "\"lost\"")) {
		assert_true(read_some(fds[0], &text, 10));
		assert_int_equal(ft_output_flush(o), 0);
	}
	for (unsigned int i = 0; i < 20; i++, put++)
		refused += (uint64_t)ft_output_put(o, &event);
	dropped = ft_output_dropped(o);
	assert_int_equal(dropped, refused);
	assert_int_equal(close_and_read(o, fds, &text), 0);
	t = count_lines(&text);
	assert_int_equal(t.lost, dropped);
	assert_int_equal(t.events, put - dropped);
	assert_true(t.lost_records >= 1);
}

static void test_slow_reader(void **state)
{
	check_slow_reader(0);
	check_slow_reader(7);
	check_slow_reader(1);
}

/* What is lost at the very end is told too. */
static void test_loss_at_the_end(void **state)
{
	struct ft_output_config c = json;
	_cleanup_(ft_bytes_fini) struct ft_bytes text = {0};
	struct ft_output *o;
	struct told t;
	uint64_t dropped;
	int fds[2];

	make_pipe(fds, 0);
	c.fd = fds[1];
	c.max_waiting = 1000;
	o = open_output(&c);
	for (unsigned int i = 0; i < 1000; i++)
		assert_true(ft_output_put(o, &event) >= 0);
	dropped = ft_output_dropped(o);
	assert_true(dropped > 0);
	assert_int_equal(close_and_read(o, fds, &text), 0);
	t = count_lines(&text);
	assert_int_equal(t.lost, dropped);
	assert_int_equal(t.events, 1000 - dropped);
}

/* Lost records of others come through where events do not, up to a bound of their own. */
static void test_notices_have_room(void **state)
{
	const struct ft_event lost = {.kind = FT_KIND_LOST, .where = FT_LOST_KERNEL};
	struct ft_output_config c = json;
	struct ft_output *o;
	unsigned int accepted = 0;
	int fds[2];

	make_pipe(fds, 0);
	c.fd = fds[1];
	c.max_waiting = 1000;
	o = open_output(&c);
	while (ft_output_put(o, &event) == 0)
		;
	assert_int_equal(ft_output_put(o, &lost), 0);
	while (ft_output_put(o, &lost) == 0)
		assert_true(++accepted < 10000);
	assert_true(accepted > 100);
	ft_output_abandon(o);
	ft_output_close(o, NULL);
	close(fds[0]);
	close(fds[1]);
}

static void test_nonblocking_descriptor(void **state)
{
	struct ft_output_config c = json;
	_cleanup_(ft_bytes_fini) struct ft_bytes text = {0};
	struct ft_output *o;
	int fds[2];

	make_pipe(fds, O_NONBLOCK);
	assert_int_equal(fcntl(fds[0], F_SETFL, 0), 0);
	c.fd = fds[1];
	o = open_output(&c);
	for (unsigned int i = 0; i < 10000; i++)
		assert_int_equal(ft_output_put(o, &event), 0);
	assert_int_equal(close_and_read(o, fds, &text), 0);
	assert_int_equal(count_lines(&text).events, 10000);
}

/* The error arrives some time after a put. */
static int put_until_error(struct ft_output *o)
{
	int r;

	do {
		r = ft_output_put(o, &event);
		if (r == 0)
			r = ft_output_flush(o);
		sched_yield();
	} while (r >= 0);
	return r;
}

static void test_no_space(void **state)
{
	struct ft_output_config c = json;
	_cleanup_close_ int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct ft_output *o;
	int error = 0;

	assert_true(fd >= 0);
	c.fd = fd;
	o = open_output(&c);
	assert_int_equal(put_until_error(o), -ENOSPC);
	assert_int_equal(ft_output_put(o, &event), -ENOSPC);
	assert_int_equal(ft_output_put_line(o, FT_SPAN("x")), -ENOSPC);
	ft_output_close(o, &error);
	assert_int_equal(error, -ENOSPC);
}

/* SIGPIPE is at its default here: it would end the test. */
static void test_closed_pipe(void **state)
{
	struct ft_output_config c = json;
	struct ft_output *o;
	int fds[2], error = 0;

	assert_ptr_equal(signal(SIGPIPE, SIG_DFL), SIG_DFL);
	make_pipe(fds, 0);
	close(fds[0]);
	c.fd = fds[1];
	o = open_output(&c);
	assert_int_equal(put_until_error(o), -EPIPE);
	ft_output_close(o, &error);
	assert_int_equal(error, -EPIPE);
	close(fds[1]);
}

static void test_abandon(void **state)
{
	struct ft_output_config c = json;
	struct ft_output *o;
	int fds[2];

	make_pipe(fds, 0);
	c.fd = fds[1];
	o = open_output(&c);
	for (unsigned int i = 0; i < 10000; i++)
		assert_int_equal(ft_output_put(o, &event), 0);
	assert_int_equal(ft_output_flush(o), 0);
	ft_output_abandon(o);
	/* Nobody ever reads. */
	ft_output_close(o, NULL);
	close(fds[0]);
	close(fds[1]);
}

static void test_flush_and_line(void **state)
{
	struct ft_output_config c = json;
	_cleanup_(ft_bytes_fini) struct ft_bytes text = {0};
	struct ft_output *o;
	int fds[2];

	make_pipe(fds, 0);
	c.fd = fds[1];
	o = open_output(&c);
	assert_int_equal(ft_output_fd(o), fds[1]);
	assert_int_equal(ft_output_put(o, &event), 0);
	assert_int_equal(ft_output_put_line(o, FT_SPAN("a line")), 0);
	assert_int_equal(ft_output_flush(o), 0);
	while (!text.data || !strstr(ft_bytes_cstr(&text), "}\na line\n"))
		assert_true(read_some(fds[0], &text, -1));
	assert_int_equal(ft_output_count(o), 1);
	assert_int_equal(close_and_read(o, fds, &text), 0);
}

enum { THREADS_MAX = 16 };

struct threads {
	long tids[THREADS_MAX];
	size_t count;
};

static void list_threads(struct threads *ret)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *d;

	assert_non_null(dir);
	ret->count = 0;
	while ((d = readdir(dir))) {
		if (d->d_name[0] == '.')
			continue;
		assert_true(ret->count < THREADS_MAX);
		ret->tids[ret->count++] = atol(d->d_name);
	}
	closedir(dir);
}

/* The one thread of `after` that is not in `before`: a sanitizer may have threads of its
 * own. */
static long new_thread(const struct threads *before, const struct threads *after)
{
	long found = 0;

	for (size_t i = 0; i < after->count; i++) {
		bool old = false;

		for (size_t j = 0; j < before->count; j++)
			old |= before->tids[j] == after->tids[i];
		if (old)
			continue;
		assert_int_equal(found, 0);
		found = after->tids[i];
	}
	assert_int_not_equal(found, 0);
	return found;
}

static uint64_t signals_blocked_in(long tid)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes status = {0};
	unsigned long long mask = 0;
	const char *line;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%ld/status", tid);
	assert_int_equal(ft_file_read(AT_FDCWD, path, 1 << 16, &status), 0);
	line = strstr(ft_bytes_cstr(&status), "SigBlk:");
	assert_non_null(line);
	assert_int_equal(sscanf(line, "SigBlk: %llx", &mask), 1);
	return mask;
}

static void test_signals_are_blocked(void **state)
{
	static const int wanted[] = {SIGINT,  SIGTERM, SIGHUP, SIGPIPE,
				     SIGCHLD, SIGUSR1, SIGALRM};
	struct ft_output_config c = json;
	_cleanup_close_ int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct ft_output *o;
	struct threads others, all;
	sigset_t before, after;
	uint64_t blocked;

	assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &before), 0);
	c.fd = fd;
	list_threads(&others);
	o = open_output(&c);
	list_threads(&all);
	blocked = signals_blocked_in(new_thread(&others, &all));
	for (size_t i = 0; i < FT_ARRAY_SIZE(wanted); i++)
		assert_true(blocked & (UINT64_C(1) << (wanted[i] - 1)));
	assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &after), 0);
	assert_int_equal(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
	ft_output_close(o, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slow_reader),
		cmocka_unit_test(test_loss_at_the_end),
		cmocka_unit_test(test_notices_have_room),
		cmocka_unit_test(test_nonblocking_descriptor),
		cmocka_unit_test(test_no_space),
		cmocka_unit_test(test_closed_pipe),
		cmocka_unit_test(test_abandon),
		cmocka_unit_test(test_flush_and_line),
		cmocka_unit_test(test_signals_are_blocked),
	};

	alarm(PATIENCE);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
