/* SPDX-License-Identifier: MIT */
/* Scanners against files whose content is known, and a clamd that behaves or does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/number.h"
#include "fake-clamd.h"
#include "scan/scan.h"

enum { SERVICE = 33, PERSON = 12345 };

struct place {
	char dir[32];
	char path[64];
};

static int set_up(void **state)
{
	static struct place p;

	strcpy(p.dir, "/tmp/ft-scan-XXXXXX");
	assert_non_null(mkdtemp(p.dir));
	snprintf(p.path, sizeof(p.path), "%s/file", p.dir);
	*state = &p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;

	unlink(p->path);
	return rmdir(p->dir);
}

static int file_with(const char *content, size_t n)
{
	int fd = memfd_create("content", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, n), n);
	return fd;
}

static struct ft_scanner *open_scanner(enum ft_scanner_type type, const char *file)
{
	struct ft_scanner_spec spec = {.name = "s", .type = type, .file = file};
	struct ft_scanner *s = NULL;
	char *error = NULL;

	if (ft_scanner_open(&s, &spec, &error) < 0)
		fail_msg("%s", error ? error : "no message");
	return s;
}

static void expect_refusal(enum ft_scanner_type type, const char *file, const char *why)
{
	struct ft_scanner_spec spec = {.name = "s", .type = type, .file = file};
	struct ft_scanner *s = NULL;
	char *error = NULL;

	assert_true(ft_scanner_open(&s, &spec, &error) < 0);
	assert_non_null(error);
	if (!strstr(error, why) || strchr(error, '\n'))
		fail_msg("'%s' is not in one line: '%s'", why, error);
	free(error);
}

static struct ft_scanned scan_fd(struct ft_scanner *s, int fd, int64_t msec)
{
	struct ft_scan scan = {.fd = fd,
			       .deadline_ns = ft_boot_ns() + msec * FT_NSEC_PER_MSEC,
			       .stop = -1};
	struct ft_scanned scanned = {.result = -1};

	ft_scanner_scan(s, &scan, &scanned);
	return scanned;
}

static void expect(struct ft_scanner *s, const char *content, enum ft_scan_result result,
		   const char *text)
{
	int fd = file_with(content, strlen(content));
	struct ft_scanned scanned;

	/* Where its reader was does not matter. */
	lseek(fd, 1, SEEK_SET);
	scanned = scan_fd(s, fd, 10000);
	close(fd);
	if (scanned.result != result || !strstr(scanned.text, text))
		fail_msg("'%s': %d, %s", content, scanned.result, scanned.text);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* ---- clamd ---- */

static void expect_good(enum fake_clamd_manner manner, struct place *p)
{
	struct fake_clamd c;

	fake_clamd_start(&c, p->path, manner);
	struct ft_scanner *s = open_scanner(FT_SCANNER_CLAMD, p->path);
	for (int i = 0; i < 20; i++) {
		expect(s, "nothing", FT_SCAN_CLEAN, "");
		expect(s, "all BAD here", FT_SCAN_INFECTED, "Test.Bad-1");
		expect(s, "", FT_SCAN_CLEAN, "");
	}
	ft_scanner_close(s);
	fake_clamd_stop(&c);
}

static void test_clamd_says_what_is_in_a_file(void **state)
{
	expect_good(FAKE_CLAMD_GOOD, *state);
}

static void test_clamd_without_descriptors_gets_bytes(void **state)
{
	expect_good(FAKE_CLAMD_OLD, *state);
}

static void test_clamd_that_hangs_up_is_asked_anew(void **state)
{
	expect_good(FAKE_CLAMD_SHORT, *state);
}

static void test_clamd_that_hangs_costs_the_deadline(void **state)
{
	struct place *p = *state;
	struct fake_clamd c;
	int fd = file_with("x", 1);

	fake_clamd_start(&c, p->path, FAKE_CLAMD_HANGS);
	struct ft_scanner *s = open_scanner(FT_SCANNER_CLAMD, p->path);
	int64_t began = ft_boot_ns();
	struct ft_scanned scanned = scan_fd(s, fd, 300);
	int64_t took = ft_boot_ns() - began;
	assert_int_equal(scanned.result, FT_SCAN_ERROR);
	assert_true(took >= 299 * FT_NSEC_PER_MSEC);
	assert_true(took < 5 * FT_NSEC_PER_SEC);
	assert_int_equal(scan_fd(s, fd, 0).result, FT_SCAN_ERROR);
	close(fd);
	ft_scanner_close(s);
	fake_clamd_stop(&c);
}

static void test_clamd_that_errs_or_babbles_is_an_error(void **state)
{
	static const enum fake_clamd_manner manners[] = {FAKE_CLAMD_ERROR,
							 FAKE_CLAMD_BABBLE};
	struct place *p = *state;

	for (size_t i = 0; i < 2; i++) {
		struct fake_clamd c;
		fake_clamd_start(&c, p->path, manners[i]);
		struct ft_scanner *s = open_scanner(FT_SCANNER_CLAMD, p->path);
		for (int n = 0; n < 3; n++) {
			if (manners[i] == FAKE_CLAMD_ERROR)
				expect(s, "x", FT_SCAN_ERROR, "broken");
		}
		if (manners[i] == FAKE_CLAMD_BABBLE)
			expect(s, "x", FT_SCAN_ERROR, "clamd: ");
		ft_scanner_close(s);
		fake_clamd_stop(&c);
	}
}

static void expect_news(struct ft_scanner *s, enum ft_scan_result result)
{
	struct ft_scanned news;

	assert_true(ft_scanner_take_news(s, &news));
	assert_int_equal(news.result, result);
	assert_false(ft_scanner_take_news(s, &news));
}

static struct ft_scanned scan_text(struct ft_scanner *s, const char *content)
{
	int fd = file_with(content, strlen(content));
	struct ft_scanned scanned = scan_fd(s, fd, 10000);

	close(fd);
	return scanned;
}

static bool answers(struct ft_scanner *s)
{
	return scan_text(s, "x").result == FT_SCAN_CLEAN;
}

static void test_clamd_goes_and_comes_back(void **state)
{
	struct place *p = *state;
	struct fake_clamd c;

	struct ft_scanner *s = open_scanner(FT_SCANNER_CLAMD, p->path);
	expect_news(s, FT_SCAN_ERROR);
	expect(s, "x", FT_SCAN_ERROR, "clamd: ");
	fake_clamd_start(&c, p->path, FAKE_CLAMD_GOOD);
	int64_t until = ft_boot_ns() + 20 * FT_NSEC_PER_SEC;
	while (!answers(s) && ft_boot_ns() < until)
		poll(NULL, 0, 10);
	expect(s, "BAD", FT_SCAN_INFECTED, "Test");
	expect_news(s, FT_SCAN_CLEAN);
	fake_clamd_stop(&c);
	expect(s, "x", FT_SCAN_ERROR, "clamd: ");
	expect_news(s, FT_SCAN_ERROR);
	ft_scanner_close(s);
}

/* It serves each session with a process of its own: the one that answered is the one. */
static void test_clamd_is_known_by_who_answers(void **state)
{
	struct place *p = *state;
	struct fake_clamd c;
	int is = 0;

	fake_clamd_start(&c, p->path, FAKE_CLAMD_GOOD);
	struct ft_scanner *s = open_scanner(FT_SCANNER_CLAMD, p->path);
	assert_false(ft_scanner_is(s, getpid()));
	assert_false(ft_scanner_is(s, 1));
	assert_false(ft_scanner_is(s, 0));
	assert_false(ft_scanner_is(s, c.pid));
	for (pid_t pid = c.pid + 1; pid < c.pid + 1000; pid++)
		is += ft_scanner_is(s, pid);
	assert_int_equal(is, 1);
	fake_clamd_stop(&c);
	/* It was killed with its group; its end may be told a moment later. */
	int64_t until = ft_boot_ns() + 20 * FT_NSEC_PER_SEC;
	do {
		is = 0;
		for (pid_t pid = c.pid; pid < c.pid + 1000; pid++)
			is += ft_scanner_is(s, pid);
	} while (is > 0 && ft_boot_ns() < until);
	assert_int_equal(is, 0);
	ft_scanner_close(s);
}

/* A person who binds its socket is sent nothing, and is not the scanner. */
static void test_clamd_is_no_person(void **state)
{
	struct place *p = *state;
	struct ft_scanned scanned;
	struct fake_clamd c;

	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(p->dir, PERSON, -1), 0);
	expect_refusal(FT_SCANNER_CLAMD, p->path, p->dir);
	assert_int_equal(chown(p->dir, SERVICE, -1), 0);
	/* It is down. Where everybody may make a socket, a person does. */
	struct ft_scanner *s = open_scanner(FT_SCANNER_CLAMD, p->path);
	assert_int_equal(chmod(p->dir, 01777), 0);
	assert_int_equal(seteuid(PERSON), 0);
	fake_clamd_start(&c, p->path, FAKE_CLAMD_GOOD);
	assert_int_equal(seteuid(0), 0);
	int64_t until = ft_boot_ns() + 20 * FT_NSEC_PER_SEC;
	do {
		scanned = scan_text(s, "x");
		assert_int_equal(scanned.result, FT_SCAN_ERROR);
		poll(NULL, 0, 10);
	} while (!strstr(scanned.text, strerror(EPERM)) && ft_boot_ns() < until);
	assert_non_null(strstr(scanned.text, strerror(EPERM)));
	for (pid_t pid = c.pid; pid < c.pid + 1000; pid++)
		assert_false(ft_scanner_is(s, pid));
	ft_scanner_close(s);
	expect_refusal(FT_SCANNER_CLAMD, p->path, "no service");
	fake_clamd_stop(&c);
}

/* ---- files that say what is infected ---- */

static bool has_yara(const char *path)
{
	struct ft_scanner_spec spec = {
		.name = "s", .type = FT_SCANNER_YARA, .file = path};
	struct ft_scanner *s = NULL;
	char *error = NULL;
	int r = ft_scanner_open(&s, &spec, &error);

	free(error);
	if (r == 0)
		ft_scanner_close(s);
	return r != -ENOSYS;
}

static void test_who_could_change_what_is_infected(void **state)
{
	struct place *p = *state;

	write_file(p->path, "");
	assert_int_equal(chmod(p->path, 0666), 0);
	expect_refusal(FT_SCANNER_SHA256, p->path, "others may write");
	if (has_yara(p->path))
		expect_refusal(FT_SCANNER_YARA, p->path, "others may write");
}

/* ---- checksums ---- */

static void test_sha256_finds_what_is_listed(void **state)
{
	struct place *p = *state;

	/* Of "abc" and of nothing: FIPS 180-2. */
	write_file(
		p->path,
		"# unwanted\n\n"
		"BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD  abc\n"
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\r\n");
	struct ft_scanner *s = open_scanner(FT_SCANNER_SHA256, p->path);
	expect(s, "abc", FT_SCAN_INFECTED, "list");
	expect(s, "", FT_SCAN_INFECTED, "list");
	expect(s, "abd", FT_SCAN_CLEAN, "list");
	ft_scanner_close(s);
}

static void test_sha256_refuses_a_bad_list(void **state)
{
	struct place *p = *state;

	write_file(p->path, "# good\nba7816bf8f01cf\n");
	expect_refusal(FT_SCANNER_SHA256, p->path, ":2: ");
	write_file(p->path,
		   "xx7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n");
	expect_refusal(FT_SCANNER_SHA256, p->path, ":1: ");
	unlink(p->path);
	expect_refusal(FT_SCANNER_SHA256, p->path, "No such file");
	write_file(p->path, "");
	ft_scanner_close(open_scanner(FT_SCANNER_SHA256, p->path));
}

/* ---- YARA ---- */

static void test_yara_rules_match(void **state)
{
	struct place *p = *state;

	write_file(p->path, "rule far { strings: $a = \"BAD\" condition: $a }\n"
			    "rule empty_file { condition: filesize == 0 }\n");
	if (!has_yara(p->path))
		skip();
	struct ft_scanner *s = open_scanner(FT_SCANNER_YARA, p->path);
	expect(s, "all BAD", FT_SCAN_INFECTED, "far");
	expect(s, "", FT_SCAN_INFECTED, "empty_file");
	expect(s, "good", FT_SCAN_CLEAN, "");
	/* Across what is read at once. */
	static char large[600 * 1024];
	memset(large, 'x', sizeof(large));
	memcpy(large + 256 * 1024 - 1, "BAD", 3);
	int fd = file_with(large, sizeof(large));
	assert_int_equal(scan_fd(s, fd, 10000).result, FT_SCAN_INFECTED);
	close(fd);
	ft_scanner_close(s);
}

static void test_yara_refuses_bad_rules(void **state)
{
	struct place *p = *state;

	write_file(p->path, "rule x {\n  condition: nonsense\n}\n");
	if (!has_yara(p->path))
		skip();
	expect_refusal(FT_SCANNER_YARA, p->path, "file:2: ");
	write_file(p->path, "include \"other.yar\"\n");
	expect_refusal(FT_SCANNER_YARA, p->path, "file:1: ");
}

/* ---- files that are none, and that are too large ---- */

static void test_only_regular_files_are_scanned(void **state)
{
	struct place *p = *state;
	int fds[2], zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	write_file(p->path, "");
	struct ft_scanner *s = open_scanner(FT_SCANNER_SHA256, p->path);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(scan_fd(s, fds[0], 5000).result, FT_SCAN_ERROR);
	assert_int_equal(scan_fd(s, zero, 5000).result, FT_SCAN_ERROR);
	close(fds[0]);
	close(fds[1]);
	close(zero);
	ft_scanner_close(s);
}

static void test_a_sparse_giant_ends_at_the_deadline(void **state)
{
	struct place *p = *state;
	int fd = memfd_create("giant", MFD_CLOEXEC);

	write_file(p->path, "");
	struct ft_scanner *s = open_scanner(FT_SCANNER_SHA256, p->path);
	assert_int_equal(ftruncate(fd, INT64_C(1) << 40), 0);
	int64_t began = ft_boot_ns();
	assert_int_equal(scan_fd(s, fd, 200).result, FT_SCAN_ERROR);
	assert_true(ft_boot_ns() - began < 5 * FT_NSEC_PER_SEC);
	close(fd);
	ft_scanner_close(s);
}

/* ---- the pool ---- */

enum { JOBS = 200 };

struct tally {
	_Atomic int done[JOBS];
	_Atomic int errors;
	int block[2]; /* who is done reads from it */
};

static void count_job(void *data, void *job, const struct ft_scanned *scanned)
{
	struct tally *t = data;

	t->done[(intptr_t)job]++;
	t->errors += scanned->result == FT_SCAN_ERROR;
}

static void test_pool_does_each_job_once(void **state)
{
	struct place *p = *state;
	static struct tally t;
	struct ft_pool_config config = {
		.threads = 3, .waiting_max = 16, .done = count_job, .data = &t};
	struct ft_pool *pool;
	int fd = file_with("x", 1), taken = 0;

	write_file(p->path, "");
	struct ft_scanner *s = open_scanner(FT_SCANNER_SHA256, p->path);
	assert_int_equal(ft_pool_open(&pool, &config), 0);
	struct ft_scan scan = {.fd = fd,
			       .deadline_ns = ft_boot_ns() + 60 * FT_NSEC_PER_SEC};
	for (intptr_t i = 0; i < JOBS; i++) {
		while (ft_pool_submit(pool, s, &scan, (void *)i) == -EBUSY)
			poll(NULL, 0, 1);
		taken++;
	}
	assert_null(ft_pool_close(pool, 10000));
	for (int i = 0; i < taken; i++)
		assert_int_equal(t.done[i], 1);
	ft_scanner_close(s);
	close(fd);
}

static void wait_job(void *data, void *job, const struct ft_scanned *scanned)
{
	struct tally *t = data;
	char c;

	count_job(data, job, scanned);
	(void)!read(t->block[0], &c, 1);
}

static void test_pool_is_full_and_ends_what_waits(void **state)
{
	struct place *p = *state;
	static struct tally t;
	struct ft_pool_config config = {
		.threads = 1, .waiting_max = 2, .done = wait_job, .data = &t};
	struct ft_pool *pool;
	int fd = file_with("x", 1);

	write_file(p->path, "");
	struct ft_scanner *s = open_scanner(FT_SCANNER_SHA256, p->path);
	assert_int_equal(pipe(t.block), 0);
	assert_int_equal(ft_pool_open(&pool, &config), 0);
	struct ft_scan scan = {.fd = fd,
			       .deadline_ns = ft_boot_ns() + 60 * FT_NSEC_PER_SEC};
	assert_int_equal(ft_pool_submit(pool, s, &scan, (void *)0), 0);
	while (t.done[0] == 0)
		poll(NULL, 0, 1);
	assert_int_equal(ft_pool_submit(pool, s, &scan, (void *)1), 0);
	assert_int_equal(ft_pool_submit(pool, s, &scan, (void *)2), 0);
	assert_int_equal(ft_pool_submit(pool, s, &scan, (void *)3), -EBUSY);
	/* The thread goes on: it finds the end of the pipe. */
	close(t.block[1]);
	assert_null(ft_pool_close(pool, 10000));
	for (int i = 0; i < 3; i++)
		assert_int_equal(t.done[i], 1);
	assert_int_equal(t.done[3], 0);
	close(t.block[0]);
	ft_scanner_close(s);
	close(fd);
}

/* A scanner that hangs is hung up on; what does not end is left as it is. */
static void test_pool_ends_what_runs(void **state)
{
	struct place *p = *state;
	static struct tally t;
	struct ft_pool_config config = {
		.threads = 2, .waiting_max = 2, .done = wait_job, .data = &t};
	struct ft_pool *pool;
	struct fake_clamd c;
	int fd = file_with("x", 1);

	fake_clamd_start(&c, p->path, FAKE_CLAMD_HANGS);
	struct ft_scanner *s = open_scanner(FT_SCANNER_CLAMD, p->path);
	assert_int_equal(pipe(t.block), 0);
	assert_int_equal(ft_pool_open(&pool, &config), 0);
	struct ft_scan scan = {.fd = fd,
			       .deadline_ns = ft_boot_ns() + 600 * FT_NSEC_PER_SEC};
	assert_int_equal(ft_pool_submit(pool, s, &scan, (void *)0), 0);
	/* It is done, which does not end. */
	assert_ptr_equal(ft_pool_close(pool, 1000), pool);
	assert_int_equal(t.done[0], 1);
	assert_int_equal(t.errors, 1);
	close(t.block[1]);
	assert_null(ft_pool_close(pool, 10000));
	close(t.block[0]);
	ft_scanner_close(s);
	fake_clamd_stop(&c);
	close(fd);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_clamd_says_what_is_in_a_file),
		CASE(test_clamd_without_descriptors_gets_bytes),
		CASE(test_clamd_that_hangs_up_is_asked_anew),
		CASE(test_clamd_that_hangs_costs_the_deadline),
		CASE(test_clamd_that_errs_or_babbles_is_an_error),
		CASE(test_clamd_goes_and_comes_back),
		CASE(test_clamd_is_known_by_who_answers),
		CASE(test_clamd_is_no_person),
		CASE(test_who_could_change_what_is_infected),
		CASE(test_sha256_finds_what_is_listed),
		CASE(test_sha256_refuses_a_bad_list),
		CASE(test_yara_rules_match),
		CASE(test_yara_refuses_bad_rules),
		CASE(test_only_regular_files_are_scanned),
		CASE(test_a_sparse_giant_ends_at_the_deadline),
		CASE(test_pool_does_each_job_once),
		CASE(test_pool_is_full_and_ends_what_waits),
		CASE(test_pool_ends_what_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
