/* SPDX-License-Identifier: MIT */
/* Files read whole, links of every length, writes through a pipe that takes little at a
 * time. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"

enum { PIPE_BYTES = 3000017 };

static char dir[] = "/tmp/fantail-test-file-XXXXXX";
static int dirfd_of_test = -1;

static int set_up(void **state)
{
	if (!mkdtemp(dir))
		return -1;
	dirfd_of_test = open(dir, O_DIRECTORY | O_CLOEXEC);
	return dirfd_of_test < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	unlinkat(dirfd_of_test, "file", 0);
	unlinkat(dirfd_of_test, "link", 0);
	close(dirfd_of_test);
	return rmdir(dir);
}

static char byte_at(size_t i)
{
	return (char)(i * 31 + i / 251);
}

static void make_file(size_t n)
{
	_cleanup_free_ char *data = malloc(n + 1);
	_cleanup_close_ int fd = openat(dirfd_of_test, "file",
					O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_non_null(data);
	assert_true(fd >= 0);
	for (size_t i = 0; i < n; i++)
		data[i] = byte_at(i);
	assert_int_equal(ft_file_write(fd, data, n), 0);
	struct stat st;
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, n);
}

static void check_read(size_t n, size_t max)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes b = {0};

	ft_bytes_put_lit(&b, "before");
	assert_int_equal(ft_file_read(dirfd_of_test, "file", max, &b),
			 n > max ? -EFBIG : 0);
	assert_int_equal(b.len, 6 + (n > max ? max : n));
	assert_memory_equal(b.data, "before", 6);
	for (size_t i = 6; i < b.len; i++)
		assert_int_equal(b.data[i], byte_at(i - 6));
}

static void test_read(void **state)
{
	static const size_t sizes[] = {0, 1, 100, 4096, 8191, 8192, 8193, 16384, 100000};

	for (size_t i = 0; i < FT_ARRAY_SIZE(sizes); i++) {
		make_file(sizes[i]);
		check_read(sizes[i], SIZE_MAX);
		check_read(sizes[i], sizes[i] + 1);
		check_read(sizes[i], sizes[i]);
		check_read(sizes[i], sizes[i] / 2);
		if (sizes[i])
			check_read(sizes[i], sizes[i] - 1);
		check_read(sizes[i], 0);
	}
}

/* Files of /proc say that they are of size 0. */
static void test_read_proc(void **state)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes b = {0}, big = {0};

	assert_int_equal(ft_file_read(AT_FDCWD, "/proc/self/stat", 4096, &b), 0);
	assert_int_equal(strtol(ft_bytes_cstr(&b), NULL, 10), getpid());
	assert_int_equal(b.data[b.len - 1], '\n');
	assert_int_equal(ft_file_read(AT_FDCWD, "/proc/self/stat", 10, &big), -EFBIG);
	assert_int_equal(big.len, 10);
}

static void test_read_errors(void **state)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes b = {0};
	_cleanup_(ft_bytes_fini) struct ft_bytes small = {.max = 99};

	ft_bytes_put_lit(&b, "before");
	assert_int_equal(ft_file_read(dirfd_of_test, "absent", 10, &b), -ENOENT);
	assert_int_equal(ft_file_read(AT_FDCWD, dir, 10, &b), -EISDIR);
	assert_int_equal(ft_file_read(-1, "file", 10, &b), -EBADF);
	assert_string_equal(ft_bytes_cstr(&b), "before");
	make_file(100);
	assert_int_equal(ft_file_read(dirfd_of_test, "file", 1000, &small), -ENOBUFS);
}

static void test_readlink(void **state)
{
	static const size_t sizes[] = {1,   2,	 100, 254,  255,  256, 257,
				       511, 512, 513, 1024, 4000, 4095};
	_cleanup_(ft_bytes_fini) struct ft_bytes b = {0};
	char target[4096];

	for (size_t i = 0; i < FT_ARRAY_SIZE(sizes); i++) {
		memset(target, 'a' + (char)i, sizes[i]);
		target[sizes[i]] = '\0';
		unlinkat(dirfd_of_test, "link", 0);
		assert_int_equal(symlinkat(target, dirfd_of_test, "link"), 0);
		assert_int_equal(ft_file_readlink(dirfd_of_test, "link", &b), 0);
		assert_int_equal(b.len, sizes[i]);
		assert_string_equal(b.data, target);
	}
	make_file(1);
	assert_int_equal(ft_file_readlink(dirfd_of_test, "file", &b), -EINVAL);
	assert_int_equal(ft_file_readlink(dirfd_of_test, "absent", &b), -ENOENT);
	assert_int_equal(b.len, 0);
}

/* Reads all of the pipe and says by its exit status whether every byte was right. */
static pid_t fork_reader(int fd, int other)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	close(other);
	size_t at = 0;
	char buf[1013];
	for (ssize_t n; (n = read(fd, buf, sizeof(buf))) > 0; at += n) {
		for (ssize_t i = 0; i < n; i++) {
			if (buf[i] != byte_at(at + i))
				_exit(1);
		}
	}
	_exit(at == PIPE_BYTES ? 0 : 2);
}

static void write_through_pipe(int flags)
{
	_cleanup_free_ char *data = malloc(PIPE_BYTES);
	int fds[2], status = -1;

	assert_non_null(data);
	for (size_t i = 0; i < PIPE_BYTES; i++)
		data[i] = byte_at(i);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(fcntl(fds[1], F_SETFL, flags), 0);
	pid_t pid = fork_reader(fds[0], fds[1]);
	assert_true(pid > 0);
	close(fds[0]);
	assert_int_equal(ft_file_write(fds[1], data, PIPE_BYTES), 0);
	close(fds[1]);
	while (waitpid(pid, &status, 0) < 0)
		assert_int_equal(errno, EINTR);
	assert_int_equal(status, 0);
}

static void test_write_nonblocking(void **state)
{
	write_through_pipe(O_NONBLOCK);
}

static volatile sig_atomic_t ticks;

static void count_tick(int sig)
{
	ticks++;
}

/* A signal without SA_RESTART each 200 us: short writes and EINTR. */
static void test_write_interrupted(void **state)
{
	struct sigaction action = {.sa_handler = count_tick}, before;
	const struct itimerval tick = {.it_interval.tv_usec = 200,
				       .it_value.tv_usec = 200};
	const struct itimerval none = {0};

	assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &tick, NULL), 0);
	write_through_pipe(0);
	assert_true(ticks > 0);
	assert_int_equal(setitimer(ITIMER_REAL, &none, NULL), 0);
	assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
}

static void test_write_errors(void **state)
{
	struct sigaction ignored = {.sa_handler = SIG_IGN}, before;
	_cleanup_close_ int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	int fds[2];

	assert_true(full >= 0);
	assert_int_equal(ft_file_write(full, "x", 1), -ENOSPC);
	assert_int_equal(ft_file_write(full, "", 0), 0);
	assert_int_equal(ft_file_write(-1, "x", 1), -EBADF);
	assert_int_equal(sigaction(SIGPIPE, &ignored, &before), 0);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	close(fds[0]);
	assert_int_equal(ft_file_write(fds[1], "x", 1), -EPIPE);
	close(fds[1]);
	assert_int_equal(sigaction(SIGPIPE, &before, NULL), 0);
}

/* Of each length, as it is cut at different places. */
static void test_open_within(void **state)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes path = {0};
	struct stat st, same;

	make_file(3);
	assert_int_equal(fstatat(dirfd_of_test, "file", &st, 0), 0);
	for (unsigned int i = 0; i < 2 * PATH_MAX / 3; i++) {
		_cleanup_(ft_bytes_fini) struct ft_bytes whole = {0};
		_cleanup_close_ int fd = -1;

		ft_bytes_put_str(&path, i % 4 ? "./" : ".//");
		ft_bytes_put_span(&whole, ft_bytes_span(&path));
		ft_bytes_put_str(&whole, "file");
		fd = ft_file_open_within(dirfd_of_test, ft_bytes_cstr(&whole));
		assert_true(fd >= 0);
		assert_int_equal(fstat(fd, &same), 0);
		assert_int_equal(st.st_ino, same.st_ino);
	}
	ft_bytes_put_str(&path, "none");
	assert_int_equal(ft_file_open_within(dirfd_of_test, ft_bytes_cstr(&path)),
			 -ENOENT);
	for (unsigned int i = 0; i < PATH_MAX; i++)
		ft_bytes_put_char(&path, 'x');
	assert_int_equal(ft_file_open_within(dirfd_of_test, ft_bytes_cstr(&path)),
			 -ENAMETOOLONG);
}

/* Not by a link, not above, not onto another filesystem. */
static void test_open_within_only(void **state)
{
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int link = -1;
	struct stat st;

	assert_int_equal(symlinkat(".", dirfd_of_test, "way"), 0);
	assert_int_equal(ft_file_open_within(dirfd_of_test, "way/file"), -ELOOP);
	link = ft_file_open_within(dirfd_of_test, "way");
	assert_int_equal(fstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(ft_file_open_within(dirfd_of_test, ".."), -EXDEV);
	assert_int_equal(ft_file_open_within(dirfd_of_test, "/"), -EXDEV);
	assert_int_equal(ft_file_open_within(root, "proc/self"), -EXDEV);
	assert_int_equal(unlinkat(dirfd_of_test, "way", 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_read_proc),
		cmocka_unit_test(test_read_errors),
		cmocka_unit_test(test_readlink),
		cmocka_unit_test(test_open_within),
		cmocka_unit_test(test_open_within_only),
		cmocka_unit_test(test_write_nonblocking),
		cmocka_unit_test(test_write_interrupted),
		cmocka_unit_test(test_write_errors),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
