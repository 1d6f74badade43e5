/* SPDX-License-Identifier: MIT */
/* The backlog: through a pipe that keeps packets apart, and from a real group. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "kernel/abi.h"
#include "raw-records.h"
#include "session/backlog.h"

enum {
	ROUNDS = 3000,
	PIPE_SIZE = 1 << 20,
	PACKETS = PIPE_SIZE / 4096, /* that a pipe holds: a page each */
	PACKET_MAX = 4096,
	FILES = 1500,
};

struct channel {
	int out;
	int in;
	struct ft_backlog backlog;
	uint64_t written; /* records: each tells its number as its pid */
	uint64_t scanned;
	uint64_t told;
};

static void channel_init(struct channel *c)
{
	int fds[2];

	*c = (struct channel){0};
	assert_int_equal(pipe2(fds, O_DIRECT | O_NONBLOCK | O_CLOEXEC), 0);
	c->in = fds[0];
	c->out = fds[1];
	assert_true(fcntl(c->out, F_SETPIPE_SZ, PIPE_SIZE) >= PIPE_SIZE);
	ft_backlog_init(&c->backlog);
}

static void channel_fini(struct channel *c)
{
	ft_backlog_fini(&c->backlog);
	close(c->in);
	close(c->out);
}

#define _cleanup_channel_ _cleanup_(channel_fini)

static void add_record(struct channel *c, struct raw *w)
{
	char name[32];

	snprintf(name, sizeof(name), "name-%0*d", (int)(c->written % 17) + 1,
		 (int)c->written);
	raw_begin(w, FAN_CREATE, (int)c->written++, FAN_NOFD);
	raw_info_fid(w, FT_INFO_DFID_NAME, "directory", name);
}

static void send_packet(struct channel *c, const struct raw *w)
{
	assert_true(w->len <= PACKET_MAX);
	assert_int_equal(write(c->out, w->data, w->len), w->len);
}

static void send_records(struct channel *c, unsigned int n)
{
	struct raw w = {0};

	while (n-- > 0)
		add_record(c, &w);
	send_packet(c, &w);
}

static void scan(void *data, const void *record, size_t n, uint64_t position)
{
	struct channel *c = data;
	struct ft_record r;

	assert_int_equal(position, c->scanned);
	assert_int_equal(ft_decode(record, n, &r), 0);
	assert_int_equal(r.pid, c->scanned);
	c->scanned++;
}

static void check_name(const struct ft_record *r)
{
	char name[32];

	snprintf(name, sizeof(name), "name-%0*d", (int)(r->pid % 17) + 1, r->pid);
	assert_true(raw_is_name(r->place.name, name));
}

static void check_peek(const struct channel *c, unsigned int n)
{
	struct ft_record r;

	if (c->told + n >= c->scanned) {
		assert_false(ft_backlog_peek(&c->backlog, n, &r));
		return;
	}
	assert_true(ft_backlog_peek(&c->backlog, n, &r));
	assert_int_equal(r.pid, c->told + n);
	check_name(&r);
}

static void take_next(struct channel *c)
{
	const struct ft_read *read;
	struct ft_record r;

	assert_int_equal(c->backlog.position, c->told);
	assert_int_equal(ft_backlog_is_empty(&c->backlog), c->told == c->scanned);
	if (c->told == c->scanned) {
		assert_false(ft_backlog_next(&c->backlog, &r, &read));
		return;
	}
	assert_true(ft_backlog_next(&c->backlog, &r, &read));
	assert_int_equal(r.pid, c->told);
	check_name(&r);
	/* The record lies in the read that it came with. */
	assert_true(r.place.name.data > read->data &&
		    r.place.name.data < read->data + read->len);
	assert_true(read->after_ns <= read->time_ns);
	c->told++;
}

static void run(uint64_t random)
{
	_cleanup_channel_ struct channel c;
	unsigned int queued = 0;

	channel_init(&c);
	for (int i = 0; i < ROUNDS; i++) {
		random = ft_hash_u64(random, 1);
		switch ((random >> 20) % 8) {
		case 0:
		case 1:
			for (unsigned int n = (random >> 30) % 8;
			     n > 0 && queued < PACKETS; n--, queued++)
				send_records(&c, 1 + (random >> 40) % 40);
			break;
		case 2:
			assert_int_equal(ft_backlog_drain(&c.backlog, c.in, scan, &c), 0);
			assert_int_equal(c.scanned, c.written);
			queued = 0;
			break;
		case 3:
			check_peek(&c, (random >> 30) % 100);
			break;
		default:
			for (unsigned int n = (random >> 30) % 60; n > 0; n--)
				take_next(&c);
			if (ft_backlog_is_empty(&c.backlog))
				ft_backlog_clear(&c.backlog);
			break;
		}
	}
	while (c.told < c.scanned)
		take_next(&c);
	assert_true(c.told > ROUNDS);
}

static void test_random(void **state)
{
	for (uint64_t seed = 1; seed <= 4; seed++)
		run(seed);
}

static void test_nothing(void **state)
{
	_cleanup_channel_ struct channel c;

	channel_init(&c);
	take_next(&c);
	check_peek(&c, 0);
	assert_int_equal(ft_backlog_drain(&c.backlog, c.in, NULL, NULL), 0);
	take_next(&c);
	ft_backlog_clear(&c.backlog);
	take_next(&c);
}

/* At the bound the rest stays in the queue, and comes after what is there was told. */
static void test_bound(void **state)
{
	_cleanup_channel_ struct channel c;
	int r = 0;

	channel_init(&c);
	while (r == 0) {
		for (int n = 0; n < PACKETS - 1; n++)
			send_records(&c, 1);
		r = ft_backlog_drain(&c.backlog, c.in, scan, &c);
		if (r == 0)
			assert_true(c.backlog.was_emptied);
	}
	assert_int_equal(r, 1);
	assert_false(c.backlog.was_emptied);
	assert_int_equal(c.scanned, FT_BACKLOG_READS);
	assert_true(c.scanned < c.written);
	assert_int_equal(ft_backlog_drain(&c.backlog, c.in, scan, &c), 1);
	assert_int_equal(c.scanned, FT_BACKLOG_READS);
	while (!ft_backlog_is_empty(&c.backlog))
		take_next(&c);
	assert_int_equal(c.told, FT_BACKLOG_READS);
	ft_backlog_clear(&c.backlog);
	assert_int_equal(ft_backlog_drain(&c.backlog, c.in, scan, &c), 0);
	while (!ft_backlog_is_empty(&c.backlog))
		take_next(&c);
	assert_int_equal(c.told, c.written);
}

/* What cannot be a record ends its read; what was before it and what comes in later ones
 * is told. */
static void test_garbage(void **state)
{
	_cleanup_channel_ struct channel c;
	struct raw w = {0};

	channel_init(&c);
	add_record(&c, &w);
	add_record(&c, &w);
	raw_put(&w, "this is not a record at all, whatever it is", 43);
	send_packet(&c, &w);
	send_records(&c, 3);
	assert_int_equal(ft_backlog_drain(&c.backlog, c.in, scan, &c), -EBADMSG);
	assert_int_equal(c.scanned, 2);
	assert_int_equal(ft_backlog_drain(&c.backlog, c.in, scan, &c), 0);
	assert_int_equal(c.scanned, 5);
	while (c.told < 5)
		take_next(&c);
	take_next(&c);
}

/* Broken inside: nothing is known of it, and its neighbours are told. */
static void test_broken_record(void **state)
{
	_cleanup_channel_ struct channel c;
	const struct ft_read *read;
	struct ft_record r;
	struct raw w = {0};

	channel_init(&c);
	add_record(&c, &w);
	raw_begin(&w, FAN_CREATE, 77, FAN_NOFD);
	raw_info_fid(&w, FT_INFO_DFID_NAME, "directory", "a/b");
	send_packet(&c, &w);
	w = (struct raw){0};
	add_record(&c, &w);
	send_packet(&c, &w);
	assert_int_equal(ft_backlog_drain(&c.backlog, c.in, NULL, NULL), 0);
	assert_true(ft_backlog_next(&c.backlog, &r, &read));
	assert_int_equal(r.pid, 0);
	assert_false(ft_backlog_peek(&c.backlog, 0, &r));
	assert_true(ft_backlog_next(&c.backlog, &r, &read));
	assert_int_equal(r.mask, 0);
	assert_int_equal(r.fd, -1);
	assert_int_equal(r.pidfd, -1);
	assert_int_equal(r.place.dir.len + r.place.name.len + r.object.len, 0);
	assert_true(ft_backlog_next(&c.backlog, &r, &read));
	assert_int_equal(r.pid, 1);
	check_name(&r);
	assert_true(ft_backlog_is_empty(&c.backlog));
}

/* [after, time] holds the moment of the event: the queue was empty at the one, and read
 * at the other. */
static void test_times(void **state)
{
	_cleanup_channel_ struct channel c;
	int64_t before, emptied, sent, end;
	const struct ft_read *read;
	struct ft_record r;

	before = ft_now_ns();
	channel_init(&c);
	send_records(&c, 1);
	assert_int_equal(ft_backlog_drain(&c.backlog, c.in, NULL, NULL), 0);
	emptied = ft_now_ns();
	assert_true(ft_backlog_next(&c.backlog, &r, &read));
	assert_true(read->after_ns >= before && read->after_ns <= read->time_ns &&
		    read->time_ns <= emptied);
	assert_int_equal(ft_backlog_drain(&c.backlog, c.in, NULL, NULL), 0);
	assert_true(c.backlog.empty_ns >= emptied);
	sent = ft_now_ns();
	send_records(&c, 1);
	send_records(&c, 1);
	assert_int_equal(ft_backlog_drain(&c.backlog, c.in, NULL, NULL), 0);
	end = ft_now_ns();
	for (int i = 0; i < 2; i++) {
		assert_true(ft_backlog_next(&c.backlog, &r, &read));
		assert_true(read->after_ns >= emptied && read->after_ns <= sent);
		assert_true(read->time_ns >= sent && read->time_ns <= end);
	}
	assert_true(ft_boot_ns() >= c.backlog.empty_boot_ns);
}

/* ---- a real group ---- */

static void make_files(const char *folder)
{
	char path[PATH_MAX];
	int fd;

	for (int i = 0; i < FILES; i++) {
		snprintf(path, sizeof(path), "%s/a-file-with-a-name-%d", folder, i);
		fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
		assert_true(fd >= 0);
		close(fd);
	}
}

static void remove_files(const char *folder)
{
	char path[PATH_MAX];

	for (int i = 0; i < FILES; i++) {
		snprintf(path, sizeof(path), "%s/a-file-with-a-name-%d", folder, i);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(rmdir(folder), 0);
}

static void test_real_group(void **state)
{
	_cleanup_(ft_backlog_fini) struct ft_backlog b;
	char folder[] = "/tmp/fantail-backlog-XXXXXX", name[64];
	_cleanup_close_ int group = -1;
	const struct ft_read *read;
	struct ft_record r;

	ft_backlog_init(&b);
	group = fanotify_init(
		FAN_REPORT_FID | FAN_REPORT_DFID_NAME | FAN_CLOEXEC | FAN_NONBLOCK, 0);
	if (group < 0)
		skip();
	assert_non_null(mkdtemp(folder));
	assert_int_equal(fanotify_mark(group, FAN_MARK_ADD, FAN_CREATE, AT_FDCWD, folder),
			 0);
	make_files(folder);
	assert_int_equal(ft_backlog_drain(&b, group, NULL, NULL), 0);
	/* More than one read. */
	assert_true(b.count > 1);
	for (int i = 0; i < FILES; i++) {
		assert_true(ft_backlog_next(&b, &r, &read));
		snprintf(name, sizeof(name), "a-file-with-a-name-%d", i);
		assert_true(raw_is_name(r.place.name, name));
		assert_true(r.mask & FAN_CREATE);
		assert_int_equal(r.pid, getpid());
	}
	assert_true(ft_backlog_is_empty(&b));
	remove_files(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),	      cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_bound),	      cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_broken_record), cmocka_unit_test(test_times),
		cmocka_unit_test(test_real_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
