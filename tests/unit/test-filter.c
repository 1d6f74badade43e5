/* SPDX-License-Identifier: MIT */
/* Filters one by one: what each kind takes, and what it refuses. */
#include "match-helpers.h"

#include <errno.h>
#include <grp.h>
#include <locale.h>
#include <pwd.h>
#include <stdio.h>

static void test_regex(void **state)
{
	struct ft_event ev = event_at("/var/log/x.log");
	/* Ends where its length says, not at a NUL. */
	struct ft_event cut = {.path = {"/var/log/x.log.1", 14}};

	assert_true(wanted(FT_MATCH_REGEX, "log", &ev));
	assert_true(wanted(FT_MATCH_REGEX, "^/var/(log|spool)/", &ev));
	assert_false(wanted(FT_MATCH_REGEX, "^log", &ev));
	assert_true(wanted(FT_MATCH_REGEX, "x+\\.log$", &ev));
	assert_true(wanted(FT_MATCH_REGEX, "\\.log$", &cut));
	assert_false(wanted(FT_MATCH_REGEX, "1", &cut));
	assert_true(excluded(FT_MATCH_REGEX, "^/var/", &ev));
	ev = event_at("/a\nb");
	assert_true(wanted(FT_MATCH_REGEX, "^/a.b$", &ev));
	assert_false(wanted(FT_MATCH_REGEX, "^b", &ev));
}

/* Longer than what is kept on the stack, and as long as that. */
static void test_regex_long_path(void **state)
{
	enum { LEN = 100000 };
	_cleanup_free_ char *path = malloc(LEN);
	struct ft_event ev = {.path = {path, LEN}};

	assert_non_null(path);
	memset(path, 'a', LEN);
	path[0] = '/';
	path[LEN - 1] = 'z';
	assert_true(wanted(FT_MATCH_REGEX, "az$", &ev));
	assert_false(wanted(FT_MATCH_REGEX, "b", &ev));
	for (size_t len = 4095; len <= 4098; len++) {
		ev.path = (struct ft_span){path + LEN - len, len};
		assert_true(wanted(FT_MATCH_REGEX, "az$", &ev));
		ev.path.data--;
		assert_false(wanted(FT_MATCH_REGEX, "z", &ev));
	}
}

/* Names that are no text in the user's locale are bytes all the same. */
static void test_regex_bytes(void **state)
{
	struct ft_event ev = event_at("/srv/\xff\xfe/x");

	if (!setlocale(LC_ALL, "C.UTF-8"))
		skip();
	assert_true(wanted(FT_MATCH_REGEX, "^/srv/../x$", &ev));
	assert_true(wanted(FT_MATCH_REGEX, "^/srv/[^/]+/x$", &ev));
	assert_true(wanted(FT_MATCH_REGEX, "/\xff\xfe/", &ev));
	assert_string_equal(setlocale(LC_ALL, NULL), "C.UTF-8");
	setlocale(LC_ALL, "C");
}

static void test_pid(void **state)
{
	struct ft_event known = event_by(&vi), number_alone = {.pid = 7}, none = {0};

	assert_true(wanted(FT_MATCH_PID, "400", &known));
	assert_false(wanted(FT_MATCH_PID, "40", &known));
	assert_true(excluded(FT_MATCH_PID, "400", &known));
	assert_true(wanted(FT_MATCH_PID, "7", &number_alone));
	assert_true(excluded(FT_MATCH_PID, "7", &number_alone));
	assert_false(wanted(FT_MATCH_PID, "7", &none));
	assert_false(excluded(FT_MATCH_PID, "7", &none));
}

static int is_below(void *data, const struct ft_process *p, pid_t root)
{
	const struct ft_process **asked = data;

	*asked = p;
	return root == 77;
}

static void test_tree(void **state)
{
	_cleanup_match_ struct ft_match *m = new_match();
	const struct ft_process *asked = NULL;
	struct ft_event ev = event_by(&vi), number_alone = {.pid = 7};

	/* Nobody to ask: by the parents that are known. */
	assert_true(wanted(FT_MATCH_TREE, "400", &ev));
	assert_true(wanted(FT_MATCH_TREE, "300", &ev));
	assert_true(wanted(FT_MATCH_TREE, "200", &ev));
	assert_false(wanted(FT_MATCH_TREE, "77", &ev));
	assert_true(excluded(FT_MATCH_TREE, "200", &ev));
	assert_true(wanted(FT_MATCH_TREE, "7", &number_alone));
	assert_false(wanted(FT_MATCH_TREE, "8", &number_alone));

	ft_match_set_below(m, is_below, &asked);
	add(m, FT_MATCH_TREE, "77", false);
	assert_true(ft_match_event(m, &ev));
	assert_ptr_equal(asked, &vi);
	asked = NULL;
	assert_false(ft_match_event(m, &number_alone));
	assert_null(asked);
}

static void test_comm(void **state)
{
	struct ft_process daemon = vi;
	struct ft_event ev = event_by(&vi);

	assert_true(wanted(FT_MATCH_COMM, "vi", &ev));
	assert_false(wanted(FT_MATCH_COMM, "v", &ev));
	assert_false(wanted(FT_MATCH_COMM, "vim", &ev));
	assert_false(wanted(FT_MATCH_COMM, "*", &ev));
	assert_true(excluded(FT_MATCH_COMM, "vi", &ev));

	daemon.comm = FT_SPAN("systemd-timesyn");
	ev = event_by(&daemon);
	assert_true(wanted(FT_MATCH_COMM, "systemd-timesyncd", &ev));
	assert_true(wanted(FT_MATCH_COMM, "systemd-timesyn", &ev));
	assert_false(wanted(FT_MATCH_COMM, "systemd-timesy", &ev));
}

static void test_exe(void **state)
{
	struct ft_event ev = event_by(&vi);

	assert_true(wanted(FT_MATCH_EXE, "/usr/bin/vi", &ev));
	assert_true(wanted(FT_MATCH_EXE, "/usr/**", &ev));
	assert_true(wanted(FT_MATCH_EXE, "v?", &ev));
	assert_false(wanted(FT_MATCH_EXE, "/bin/*", &ev));
	assert_true(excluded(FT_MATCH_EXE, "vi", &ev));
}

static void test_ids(void **state)
{
	struct ft_event user = event_by(&vi), root = event_by(&sh);

	assert_true(wanted(FT_MATCH_UID, "1000", &user));
	assert_false(wanted(FT_MATCH_UID, "100", &user));
	assert_true(wanted(FT_MATCH_GID, "100", &user));
	assert_false(wanted(FT_MATCH_GID, "1000", &user));
	assert_true(wanted(FT_MATCH_UID, "0", &root));
	assert_true(excluded(FT_MATCH_UID, "0", &root));
	assert_true(excluded(FT_MATCH_GID, "0", &root));
	assert_false(excluded(FT_MATCH_UID, "0", &user));
}

/* Against what the C library says of the first user and group that are listed. */
static void test_names(void **state)
{
	struct ft_process p = vi;
	struct ft_event ev = event_by(&p);
	struct passwd *user;
	struct group *group;

	setpwent();
	user = getpwent();
	setgrent();
	group = getgrent();
	if (!user || !group)
		skip();
	p.uid = user->pw_uid;
	p.gid = group->gr_gid;
	assert_true(wanted(FT_MATCH_UID, user->pw_name, &ev));
	assert_true(wanted(FT_MATCH_GID, group->gr_name, &ev));
	p.uid++;
	p.gid++;
	assert_false(wanted(FT_MATCH_UID, user->pw_name, &ev));
	assert_false(wanted(FT_MATCH_GID, group->gr_name, &ev));
	endpwent();
	endgrent();
}

static void test_container(void **state)
{
	struct ft_process numbered = vi;
	struct ft_event ev = event_by(&vi), host = event_by(&sh);

	assert_true(wanted(FT_MATCH_CONTAINER, "0123456789abcdef", &ev));
	assert_true(wanted(FT_MATCH_CONTAINER, "0123", &ev));
	assert_false(wanted(FT_MATCH_CONTAINER, "0124", &ev));
	assert_false(wanted(FT_MATCH_CONTAINER, "012", &ev));
	assert_false(wanted(FT_MATCH_CONTAINER, "0123456789abcdef0", &ev));
	assert_false(wanted(FT_MATCH_CONTAINER, "0123", &host));
	assert_true(excluded(FT_MATCH_CONTAINER, "0123", &ev));
	assert_false(excluded(FT_MATCH_CONTAINER, "0123", &host));

	numbered.container = FT_SPAN("101");
	ev = event_by(&numbered);
	assert_true(wanted(FT_MATCH_CONTAINER, "101", &ev));
	assert_false(wanted(FT_MATCH_CONTAINER, "10", &ev));
}

static void test_refused(void **state)
{
	static const struct {
		enum ft_match_kind kind;
		const char *value;
		int result;
		const char *error; /* NULL: the C library's words */
	} cases[] = {
		{FT_MATCH_PATH, "", -EINVAL, "empty value"},
		{FT_MATCH_COMM, "", -EINVAL, "empty value"},
		{FT_MATCH_PATH, "a[", -EINVAL, "unterminated [ in glob"},
		{FT_MATCH_EXE, "a\\", -EINVAL, "backslash at the end of glob"},
		{FT_MATCH_REGEX, "(", -EINVAL, NULL},
		{FT_MATCH_REGEX, "[a", -EINVAL, NULL},
		{FT_MATCH_PID, "0", -EINVAL, "not a process id"},
		{FT_MATCH_PID, "-1", -EINVAL, "not a process id"},
		{FT_MATCH_PID, "1x", -EINVAL, "not a process id"},
		{FT_MATCH_PID, "2147483648", -EINVAL, "not a process id"},
		{FT_MATCH_TREE, "self", -EINVAL, "not a process id"},
		{FT_MATCH_UID, "4294967295", -EINVAL, "id out of range"},
		{FT_MATCH_GID, "99999999999999999999", -EINVAL, "id out of range"},
		{FT_MATCH_UID, "no such:user", -ENOENT, "no such user"},
		{FT_MATCH_GID, "no such:group", -ENOENT, "no such group"},
		{FT_MATCH_UID, "-1", -ENOENT, "no such user"},
	};
	_cleanup_match_ struct ft_match *m = new_match();

	for (size_t i = 0; i < 2 * FT_ARRAY_SIZE(cases); i++) {
		const char *error = NULL;
		int r = ft_match_add(m, cases[i / 2].kind, cases[i / 2].value, i % 2,
				     &error);

		assert_int_equal(r, cases[i / 2].result);
		assert_non_null(error);
		if (cases[i / 2].error)
			assert_string_equal(error, cases[i / 2].error);
		assert_true(strlen(error) > 0);
		assert_int_equal(ft_match_add(m, cases[i / 2].kind, cases[i / 2].value,
					      i % 2, NULL),
				 r);
	}
	assert_true(ft_match_is_empty(m));
}

static void test_bounds(void **state)
{
	_cleanup_match_ struct ft_match *m = new_match();
	_cleanup_free_ char *value = malloc(4098);
	const char *error = NULL;
	struct ft_event last = {.pid = 1023}, beyond = {.pid = 1024};

	assert_non_null(value);
	memset(value, 'a', 4097);
	value[4097] = '\0';
	assert_int_equal(ft_match_add(m, FT_MATCH_REGEX, value, false, &error), -E2BIG);
	assert_string_equal(error, "longer than 4096 bytes");
	value[4096] = '\0';
	assert_int_equal(ft_match_add(m, FT_MATCH_PATH, value, true, &error), 0);
	for (unsigned int i = 1; i < 1024; i++) {
		char number[16];

		snprintf(number, sizeof(number), "%u", i);
		add(m, FT_MATCH_PID, number, false);
	}
	assert_int_equal(ft_match_add(m, FT_MATCH_PID, "1024", false, &error), -E2BIG);
	assert_string_equal(error, "more than 1024 filters");
	assert_true(ft_match_event(m, &last));
	assert_false(ft_match_event(m, &beyond));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_regex),
		cmocka_unit_test(test_regex_long_path),
		cmocka_unit_test(test_regex_bytes),
		cmocka_unit_test(test_pid),
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_comm),
		cmocka_unit_test(test_exe),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_container),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
