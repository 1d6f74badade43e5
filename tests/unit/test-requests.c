/* SPDX-License-Identifier: MIT */
/* Requests are answered exactly once, in the order answer, then close; the group is one
 * end of a socket, of which the other end is read. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "guard/requests.h"
#include "kernel/abi.h"

enum { PLACES = 4 };

struct fixture {
	struct ft_requests r;
	int group; /* the kernel's end */
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
	assert_int_equal(ft_requests_init(&f->r, ends[0], PLACES), 0);
	f->group = ends[1];
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	int group = f->r.group;

	ft_requests_fini(&f->r);
	close(group);
	close(f->group);
	free(f);
	return 0;
}

static struct ft_request *take(struct fixture *f, int *ret_fd)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	*ret_fd = fd;
	return ft_requests_take(&f->r, fd, 1);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* The next answer; its fd was open when it came, as it is still. */
static bool next_answer(struct fixture *f, struct ft_abi_response_audit *ret)
{
	memset(ret, 0, sizeof(*ret));
	return recv(f->group, ret, sizeof(*ret), 0) > 0;
}

static void assert_answer(struct fixture *f, int fd, uint32_t response)
{
	struct ft_abi_response_audit a;

	assert_true(next_answer(f, &a));
	assert_int_equal(a.response.fd, fd);
	assert_int_equal(a.response.response, response);
}

static void assert_no_answer(struct fixture *f)
{
	struct ft_abi_response_audit a;

	assert_false(next_answer(f, &a));
}

static const struct ft_answer allow = {.verdict = FT_VERDICT_ALLOW};
static const struct ft_answer deny = {.verdict = FT_VERDICT_DENY};

static void the_first_answer_counts(void **state)
{
	struct fixture *f = *state;
	int fd;
	struct ft_request *q = take(f, &fd);

	assert_int_equal(ft_request_answer(&f->r, q, &deny, NULL), 0);
	assert_int_equal(ft_request_answer(&f->r, q, &allow, NULL), -EALREADY);
	assert_true(is_open(fd));
	ft_request_release(&f->r, q);
	assert_false(is_open(fd));
	assert_answer(f, fd, FT_RESPONSE_DENY);
	assert_no_answer(f);
	assert_int_equal(ft_requests_free(&f->r), PLACES);
}

static void forgotten_ones_get_the_fallback(void **state)
{
	struct fixture *f = *state;
	int first, second;
	struct ft_request *q = take(f, &first);

	f->r.fallback = FT_VERDICT_DENY;
	ft_request_release(&f->r, q);
	assert_answer(f, first, FT_RESPONSE_DENY);
	/* At the end, too. */
	take(f, &second);
	int group = f->r.group;
	ft_requests_fini(&f->r);
	assert_answer(f, second, FT_RESPONSE_DENY);
	assert_false(is_open(second));
	assert_int_equal(ft_requests_init(&f->r, group, PLACES), 0);
}

static void a_scan_keeps_the_descriptor(void **state)
{
	struct fixture *f = *state;
	size_t pos = 0;
	int fd;
	struct ft_request *q = take(f, &fd);

	q->deadline_ns = 100;
	ft_request_begin_scan(&f->r, q);
	assert_int_equal(ft_requests_deadline(&f->r), 100);
	assert_null(ft_requests_next_due(&f->r, 99, &pos));
	pos = 0;
	assert_ptr_equal(ft_requests_next_due(&f->r, 100, &pos), q);
	/* Too late: answered, and still read. */
	assert_int_equal(ft_request_answer(&f->r, q, &allow, NULL), 0);
	ft_request_release(&f->r, q);
	assert_true(is_open(fd));
	assert_int_equal(ft_requests_free(&f->r), PLACES - 1);
	assert_int_equal(ft_requests_deadline(&f->r), 0);
	pos = 0;
	assert_null(ft_requests_next_due(&f->r, 1000, &pos));
	ft_request_end_scan(q, FT_SCAN_INFECTED, "Eicar");
	pos = 0;
	assert_ptr_equal(ft_requests_next_due(&f->r, 0, &pos), q);
	assert_int_equal(q->result, FT_SCAN_INFECTED);
	assert_string_equal(q->text, "Eicar");
	ft_request_release(&f->r, q);
	assert_false(is_open(fd));
	assert_answer(f, fd, FT_RESPONSE_ALLOW);
	assert_no_answer(f);
	assert_int_equal(f->r.scanning, 0);
}

static void a_scan_that_cannot_begin(void **state)
{
	struct fixture *f = *state;
	int fd;
	struct ft_request *q = take(f, &fd);

	ft_request_begin_scan(&f->r, q);
	ft_request_cancel_scan(&f->r, q);
	ft_request_answer(&f->r, q, &deny, NULL);
	ft_request_release(&f->r, q);
	assert_answer(f, fd, FT_RESPONSE_DENY);
	assert_false(is_open(fd));
	assert_int_equal(f->r.scanning, 0);
}

static void *end_scan(void *q)
{
	ft_request_end_scan(q, FT_SCAN_CLEAN, "clean");
	return NULL;
}

static void scans_end_on_other_threads(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 200; i++) {
		pthread_t thread;
		struct ft_request *q, *due = NULL;
		int fd;

		q = take(f, &fd);
		q->deadline_ns = INT64_MAX;
		ft_request_begin_scan(&f->r, q);
		assert_int_equal(pthread_create(&thread, NULL, end_scan, q), 0);
		while (!due) {
			size_t pos = 0;
			due = ft_requests_next_due(&f->r, 0, &pos);
		}
		assert_ptr_equal(due, q);
		assert_string_equal(q->text, "clean");
		ft_request_answer(&f->r, q, &allow, NULL);
		ft_request_release(&f->r, q);
		assert_answer(f, fd, FT_RESPONSE_ALLOW);
		pthread_join(thread, NULL);
	}
}

static void errors_and_audit(void **state)
{
	const struct ft_answer a = {
		.verdict = FT_VERDICT_DENY, .error = EIO, .audit = true, .audit_rule = 7};
	struct fixture *f = *state;
	struct ft_abi_response_audit got;
	int fd, error = -1;
	struct ft_request *q = take(f, &fd);

	f->r.takes_errors = true;
	assert_int_equal(ft_request_answer(&f->r, q, &a, &error), 0);
	assert_int_equal(error, EIO);
	assert_true(next_answer(f, &got));
	assert_int_equal(got.response.response, FT_RESPONSE_DENY | FT_RESPONSE_AUDIT |
							FT_RESPONSE_INFO |
							EIO << FT_RESPONSE_ERRNO_SHIFT);
	assert_int_equal(got.rule, 7);
	assert_int_equal(got.len, 16);
	ft_request_release(&f->r, q);
	/* A group that takes neither. */
	f->r.takes_errors = f->r.takes_audit = false;
	q = take(f, &fd);
	ft_request_answer(&f->r, q, &a, &error);
	assert_int_equal(error, 0);
	assert_answer(f, fd, FT_RESPONSE_DENY);
	ft_request_release(&f->r, q);
}

static void who_asked_was_killed(void **state)
{
	struct fixture *f = *state;
	int fd;
	struct ft_request *q = take(f, &fd);

	close(f->group);
	f->group = -1;
	assert_true(ft_request_answer(&f->r, q, &deny, NULL) < 0);
	assert_int_equal(ft_request_answer(&f->r, q, &deny, NULL), -EALREADY);
	ft_request_release(&f->r, q);
	assert_false(is_open(fd));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_first_answer_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(forgotten_ones_get_the_fallback, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_scan_keeps_the_descriptor, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_scan_that_cannot_begin, setup,
						teardown),
		cmocka_unit_test_setup_teardown(scans_end_on_other_threads, setup,
						teardown),
		cmocka_unit_test_setup_teardown(errors_and_audit, setup, teardown),
		cmocka_unit_test_setup_teardown(who_asked_was_killed, setup, teardown),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
