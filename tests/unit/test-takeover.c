/* SPDX-License-Identifier: MIT */
/* Which image a record in the queue is of: lives that are drawn at random, with a queue
 * that merges as the kernel's does. What was told must be what was so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "proc/history.h"

enum {
	TICK = 10000000,
	PID = 20,
	PARENT = 10,
	QUEUE = 1,
	DEV = 7,
	LOADER = 100, /* inode numbers */
	SCRIPT = 101, /* cannot be executed */
	PROGRAMS = 200,
	PROGRAMS_COUNT = 4, /* the odd ones have no loader */
	UNMARKED = 203,
	FILES = 300,
	FILES_COUNT = 6,
	STEPS = 10,
	LIVES = 50000,
	RECORDS_MAX = 128,
	IMAGES_MAX = 32,
};

enum bits { OPEN = 1, OPEN_EXEC = 2, CLOSE = 4 };

struct record {
	uint64_t object;
	unsigned int mask;
	uint32_t images; /* a bit of each that did some of it */
};

struct image {
	uint64_t file;
	int64_t begin;
};

/* One process, read late: everything is in one window. */
struct life {
	struct ft_history h;
	uint64_t random;
	bool tells_open; /* plain OPEN is asked for, too */
	bool has_own_loader;
	int64_t now;
	int64_t start;
	struct record records[RECORDS_MAX];
	size_t records_count;
	struct image images[IMAGES_MAX];
	size_t images_count;
	uint64_t opened; /* by this image, and not closed */
	bool has_read;
	bool has_opened_loader;
	bool has_threads;
};

static unsigned int draw(struct life *l, unsigned int n)
{
	l->random = l->random * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (unsigned int)(l->random >> 33) % n;
}

static uint32_t bit_of_last(const struct life *l)
{
	return UINT32_C(1) << (l->images_count - 1);
}

/* As the kernel does: into the record that waits for the same process and object. */
static void queue(struct life *l, uint64_t object, unsigned int mask, uint32_t images)
{
	if (!l->tells_open)
		mask &= ~(unsigned int)OPEN;
	if (mask == 0)
		return;
	for (size_t i = 0; i < l->records_count; i++) {
		if (l->records[i].object != object)
			continue;
		l->records[i].mask |= mask;
		l->records[i].images |= images;
		return;
	}
	assert_true(l->records_count < RECORDS_MAX);
	l->records[l->records_count++] = (struct record){object, mask, images};
}

static void add_image(struct life *l, uint64_t file)
{
	assert_true(l->images_count < IMAGES_MAX);
	l->images[l->images_count++] = (struct image){file, l->now};
}

static void fork_one(struct life *l)
{
	const struct ft_step step = {
		.kind = FT_STEP_FORK,
		.pid = PID,
		.ppid = PARENT,
		.source = PARENT,
		.time = ++l->now,
		.start = l->now,
	};

	l->start = l->now;
	add_image(l, 0);
	ft_history_add(&l->h, &step);
}

static void close_all(struct life *l, uint32_t image)
{
	for (unsigned int i = 0; i < FILES_COUNT; i++) {
		if (l->opened & UINT64_C(1) << i)
			queue(l, FILES + i, CLOSE, image);
	}
	l->opened = 0;
}

static void tell_loader(struct life *l)
{
	const struct ft_step step = {.kind = FT_STEP_LOADER,
				     .pid = PID,
				     .time = l->now,
				     .start = l->start,
				     .file = {DEV, LOADER}};

	ft_history_add(&l->h, &step);
}

/* The records of an execution are the new image's; what it closes was the old one's. */
static void execute(struct life *l, uint64_t file)
{
	uint32_t old = bit_of_last(l);
	char name[32];

	snprintf(name, sizeof(name), "/%d", (int)file);
	struct ft_step step = {
		.kind = FT_STEP_EXEC,
		.pid = PID,
		.ppid = PARENT,
		.start = l->start,
		.file = {DEV, file},
		.has_read = l->has_read,
		.closes = l->opened != 0,
		.is_static = file % 2 == 1,
		.text.exe = ft_span_of(name),
	};
	if (file != UNMARKED)
		queue(l, file, OPEN | OPEN_EXEC, old << 1);
	if (l->has_threads && draw(l, 2))
		queue(l, FILES + draw(l, FILES_COUNT), OPEN, old);
	if (file % 2 == 0)
		queue(l, LOADER, OPEN | OPEN_EXEC, old << 1);
	if (l->has_threads && draw(l, 2))
		queue(l, FILES + draw(l, FILES_COUNT), OPEN, old);
	close_all(l, old);
	step.time = ++l->now;
	add_image(l, file);
	l->has_threads = false;
	ft_history_add(&l->h, &step);
	if (l->has_own_loader && file % 2 == 0)
		tell_loader(l);
}

static void start_thread(struct life *l)
{
	const struct ft_step step = {
		.kind = FT_STEP_THREAD, .pid = PID, .time = ++l->now, .start = l->start};

	l->has_threads = true;
	ft_history_add(&l->h, &step);
}

static void open_file(struct life *l)
{
	unsigned int file = draw(l, FILES_COUNT);

	queue(l, FILES + file, OPEN | CLOSE, bit_of_last(l));
}

static void hold_file(struct life *l)
{
	unsigned int file = draw(l, FILES_COUNT);

	queue(l, FILES + file, OPEN, bit_of_last(l));
	l->opened |= UINT64_C(1) << file;
}

/* As who verifies it before he runs it. */
static void read_program(struct life *l)
{
	if (l->has_opened_loader)
		return;
	queue(l, PROGRAMS + draw(l, PROGRAMS_COUNT), OPEN, bit_of_last(l));
	l->has_read = true;
}

/* Arguments that are too long, and the next time they are not. The attempt itself may be
 * told as either's. */
static void fail_to_execute(struct life *l)
{
	const struct ft_step step = {
		.kind = FT_STEP_FAILED, .pid = PID, .time = ++l->now, .start = l->start};

	queue(l, PROGRAMS + draw(l, PROGRAMS_COUNT), OPEN | OPEN_EXEC, 0);
	ft_history_add(&l->h, &step);
}

/* Who opens both the program and its loader is not found out. */
static void open_loader(struct life *l)
{
	if (l->has_read)
		return;
	queue(l, LOADER, OPEN, bit_of_last(l));
	l->has_opened_loader = true;
}

static void step_once(struct life *l)
{
	switch (draw(l, 10)) {
	case 0:
	case 1:
		execute(l, PROGRAMS + draw(l, PROGRAMS_COUNT));
		break;
	case 2:
		read_program(l);
		break;
	case 3:
		/* Tried, and refused. */
		queue(l, SCRIPT, OPEN | OPEN_EXEC, bit_of_last(l));
		break;
	case 8:
		fail_to_execute(l);
		break;
	case 9:
		open_loader(l);
		break;
	case 4:
		if (draw(l, 4) == 0)
			start_thread(l);
		break;
	case 5:
		hold_file(l);
		break;
	default:
		open_file(l);
		break;
	}
}

static void tell_execs(struct life *l)
{
	for (size_t i = 0; i < l->records_count; i++) {
		const struct record *r = &l->records[i];
		const struct ft_open_exec exec = {
			.pid = PID,
			.queue = QUEUE,
			.position = i,
			.dev = DEV,
			.ino = r->object,
			.is_alone = r->mask == OPEN_EXEC,
		};
		if (r->mask & OPEN_EXEC)
			assert_true(ft_history_execute(&l->h, &exec));
	}
}

static bool is_image(const struct life *l, const struct ft_process *p, size_t image)
{
	char name[32];

	snprintf(name, sizeof(name), "/%d", (int)l->images[image].file);
	return image == 0 ? p->exe.len == 0 : ft_span_equal(p->exe, ft_span_of(name));
}

/* Exact: who did all of it. Ambiguous: who did it is among those named, if not all could
 * be. */
static bool is_right(const struct life *l, const struct record *r,
		     const struct ft_attribution *a)
{
	bool is_exact = a->certainty != FT_CERTAINTY_AMBIGUOUS;

	for (size_t i = 0; i < l->images_count; i++) {
		bool is_named = is_exact && is_image(l, a->process, i);
		for (size_t k = 0; k < a->candidates_count; k++)
			is_named = is_named || is_image(l, a->candidates[k], i);
		if (r->images & UINT32_C(1) << i && !is_named &&
		    a->candidates_count < FT_HISTORY_CANDIDATES)
			return false;
	}
	return true;
}

static void show(const struct life *l, size_t at)
{
	for (size_t i = 0; i < l->images_count; i++)
		print_message("image %zu: %d\n", i, (int)l->images[i].file);
	for (size_t i = 0; i < l->records_count; i++)
		print_message("%c %zu: %d, mask %u, by %x\n", i == at ? '*' : ' ', i,
			      (int)l->records[i].object, l->records[i].mask,
			      l->records[i].images);
}

/* What was found, of records after the first exec. */
struct tally {
	size_t exact;
	size_t ambiguous;
};

static void ask_all(struct life *l, struct tally *tally)
{
	ft_history_begin(&l->h, 1, l->now);
	for (size_t i = 0; i < l->records_count; i++) {
		const struct record *r = &l->records[i];
		const struct ft_question q = {PID, QUEUE, i, r->mask == CLOSE};
		struct ft_attribution a;
		ft_history_find(&l->h, &q, &a);
		assert_true(a.certainty != FT_CERTAINTY_NONE);
		if (!is_right(l, r, &a)) {
			show(l, i);
			fail_msg("record %zu: not who did it", i);
		}
		tally->exact += a.certainty == FT_CERTAINTY_EXACT;
		tally->ambiguous += a.certainty == FT_CERTAINTY_AMBIGUOUS;
	}
}

static void init_life(struct life *l, uint64_t random)
{
	*l = (struct life){.random = random, .now = 100};
	ft_history_init(&l->h, 0, TICK);
	l->tells_open = draw(l, 2);
	l->has_own_loader = draw(l, 2);
	if (!l->has_own_loader)
		l->h.loader = (struct ft_proc_object){DEV, LOADER};
}

static void test_random_lives(void **state)
{
	struct tally tally = {0};

	for (uint64_t random = 0; random < LIVES; random++) {
		struct life l;
		init_life(&l, random);
		fork_one(&l);
		for (unsigned int i = draw(&l, STEPS); i > 0; i--)
			step_once(&l);
		tell_execs(&l);
		ask_all(&l, &tally);
		ft_history_fini(&l.h);
		assert_true(l.h.bytes == 0);
	}
	/* It is not for want of answers. */
	assert_true(tally.exact > LIVES / 2);
	assert_true(tally.ambiguous > LIVES / 2);
}

/* What most processes do: all of it is exact. */
static void check_plain(uint64_t program, bool tells_open)
{
	struct tally tally = {0};
	struct life l;

	init_life(&l, 1);
	l.tells_open = tells_open;
	fork_one(&l);
	execute(&l, program);
	for (uint64_t i = 0; i < FILES_COUNT; i++)
		queue(&l, FILES + i, OPEN | CLOSE, bit_of_last(&l));
	tell_execs(&l);
	ask_all(&l, &tally);
	assert_int_equal(tally.exact, l.records_count);
	ft_history_fini(&l.h);
}

static void test_plain(void **state)
{
	for (uint64_t i = PROGRAMS; i < UNMARKED; i++) {
		check_plain(i, true);
		check_plain(i, false);
	}
}

/* Read before, and nothing else is a witness: its record stands too early. */
static void test_verified(void **state)
{
	struct ft_attribution a;
	struct life l;

	init_life(&l, 1);
	l.tells_open = true;
	fork_one(&l);
	queue(&l, PROGRAMS + 1, OPEN, bit_of_last(&l));
	queue(&l, FILES, OPEN, bit_of_last(&l));
	l.has_read = true;
	execute(&l, PROGRAMS + 1);
	tell_execs(&l);
	ft_history_begin(&l.h, 1, l.now);
	ft_history_find(&l.h, &(struct ft_question){PID, QUEUE, 1, false}, &a);
	assert_int_equal(a.certainty, FT_CERTAINTY_AMBIGUOUS);
	ft_history_fini(&l.h);
}

/* Queues have no order among each other. */
static void test_other_queue(void **state)
{
	struct ft_attribution a;
	struct life l;

	init_life(&l, 1);
	fork_one(&l);
	execute(&l, PROGRAMS);
	tell_execs(&l);
	ft_history_begin(&l.h, 1, l.now);
	ft_history_find(&l.h, &(struct ft_question){PID, QUEUE, 5, false}, &a);
	assert_int_equal(a.certainty, FT_CERTAINTY_EXACT);
	ft_history_find(&l.h, &(struct ft_question){PID, QUEUE + 1, 5, false}, &a);
	assert_int_equal(a.certainty, FT_CERTAINTY_AMBIGUOUS);
	ft_history_find(&l.h, &(struct ft_question){.pid = PID}, &a);
	assert_int_equal(a.certainty, FT_CERTAINTY_AMBIGUOUS);
	ft_history_fini(&l.h);
}

/* So many execs that the first ones are forgotten, by one process. */
static void test_bound(void **state)
{
	struct tally tally = {0};
	struct life l;

	init_life(&l, 1);
	fork_one(&l);
	for (int i = 0; i < IMAGES_MAX - 2; i++)
		execute(&l, 1000 + 2 * (uint64_t)i);
	tell_execs(&l);
	assert_int_equal(ft_history_find_pid(&l.h, PID)->execs_count, FT_HISTORY_EXECS);
	ask_all(&l, &tally);
	assert_true(tally.exact > 0);
	ft_history_fini(&l.h);
	assert_true(l.h.bytes == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_lives), cmocka_unit_test(test_plain),
		cmocka_unit_test(test_verified),     cmocka_unit_test(test_other_queue),
		cmocka_unit_test(test_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
