/* SPDX-License-Identifier: MIT */
/* Calls as they are told: path, group, names, alerts, and whatever bytes a caller has. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "inspect/calltell.h"
#include "wire-call.h"

enum { OWN_NAMESPACE = 4242 };

#define FDCWD ((unsigned long long)(long long)AT_FDCWD)

/* What is told last lives until the next. */
struct teller {
	struct ft_calltell tell;
	struct ft_callqueue queue;
	struct ft_whole_call *whole;
	struct ft_event event;
	struct ft_lookup lookup;
	struct ft_bytes text;
};

static void teller_fini(struct teller *t)
{
	ft_calltell_fini(&t->tell);
	ft_callqueue_fini(&t->queue);
	ft_bytes_fini(&t->lookup.base);
	ft_bytes_fini(&t->lookup.pathname);
	ft_bytes_fini(&t->text);
	free(t->whole);
}

#define _cleanup_teller_ _cleanup_(teller_fini)

static struct teller new_teller(void)
{
	return (struct teller){.tell.mnt_namespace = OWN_NAMESPACE};
}

static const struct ft_call *tell(struct teller *t, const struct wire_call *begin,
				  long long ret)
{
	struct wire_call end = wire_end(begin, ret);

	ft_callqueue_put(&t->queue, &begin->head);
	ft_callqueue_put(&t->queue, &end.head);
	free(t->whole);
	t->whole = ft_callqueue_take(&t->queue);
	assert_non_null(t->whole);
	ft_calltell_fill(&t->tell, t->whole, 1000, &t->event);
	assert_ptr_equal(t->event.call, &t->tell.call);
	return t->event.call;
}

static struct wire_call watch_of(const char *base, const char *pathname)
{
	struct wire_call w = wire_begin(FT_CALL_INOTIFY_ADD_WATCH, 7, 100);

	w.head.mnt_namespace = OWN_NAMESPACE;
	w.head.args[1] = 0x7000;
	if (base)
		wire_put_base(&w, base);
	if (pathname)
		wire_put_pathname(&w, pathname);
	return w;
}

static void expect_path(struct teller *t, const char *path, enum ft_path_source source)
{
	assert_int_equal(t->event.path_source, source);
	assert_int_equal(t->event.path.len, path ? strlen(path) : 0);
	if (path)
		assert_memory_equal(t->event.path.data, path, strlen(path));
}

/* What the kernel says of a place is so; where names lead from there is not known yet. */
static void test_paths(void **state)
{
	static const struct {
		const char *base, *pathname, *path;
		enum ft_path_source source;
	} cases[] = {
		{"/srv/www", "a", "/srv/www/a", FT_PATH_PARTIAL},
		{"/srv/www", "a/b/", "/srv/www/a/b", FT_PATH_PARTIAL},
		{"/srv/www", ".", "/srv/www", FT_PATH_EVENT},
		{"/srv/www", "./././/", "/srv/www", FT_PATH_EVENT},
		{"/srv/www", "..", "/srv", FT_PATH_PARTIAL},
		{"/srv/www", "../..", "/", FT_PATH_PARTIAL},
		{"/srv/www", "../../../../x", "/x", FT_PATH_PARTIAL},
		{"/srv/www", "...", "/srv/www/...", FT_PATH_PARTIAL},
		{"/srv/www", "..a/.b/c..", "/srv/www/..a/.b/c..", FT_PATH_PARTIAL},
		{"/srv/www", "a/../b", "/srv/www/b", FT_PATH_PARTIAL},
		{"/", "a", "/a", FT_PATH_PARTIAL},
		{"/", "/", "/", FT_PATH_EVENT},
		{"/", "//a///b", "/a/b", FT_PATH_PARTIAL},
		{"/", "/..", "/", FT_PATH_PARTIAL},
		/* A root of its own: out of it leads nothing. */
		{"/jail", "/a", "/jail/a", FT_PATH_PARTIAL},
		{"/jail", "/../../a", "/jail/a", FT_PATH_PARTIAL},
		{"/jail", "/", "/jail", FT_PATH_EVENT},
		/* Nothing, and nowhere. */
		{"/srv", "", NULL, FT_PATH_NONE},
		{NULL, "a", NULL, FT_PATH_NONE},
		{"/srv", NULL, NULL, FT_PATH_NONE},
	};
	_cleanup_teller_ struct teller t = new_teller();

	for (size_t i = 0; i < FT_ARRAY_SIZE(cases); i++) {
		struct wire_call w = watch_of(cases[i].base, cases[i].pathname);

		tell(&t, &w, 0);
		expect_path(&t, cases[i].path, cases[i].source);
	}
}

static struct wire_call mark_of(const char *base, const char *pathname)
{
	struct wire_call w = watch_of(base, pathname);

	w.head.kind = FT_CALL_FANOTIFY_MARK;
	w.head.args[0] = 3;
	w.head.args[1] = FAN_MARK_ADD;
	w.head.args[2] = FAN_OPEN;
	w.head.args[3] = 5;
	w.head.args[4] = pathname ? 0x7000 : 0;
	return w;
}

static void test_no_pathname_is_the_descriptor(void **state)
{
	_cleanup_teller_ struct teller t = new_teller();
	struct wire_call w = mark_of("/srv/dir", NULL);

	assert_true(tell(&t, &w, 0)->is_null);
	expect_path(&t, "/srv/dir", FT_PATH_EVENT);
	/* Of one that is mounted nowhere, as a memfd, there is no more than a name. */
	w.head.flags &= ~(unsigned int)FT_CALLWIRE_BASE;
	tell(&t, &w, 0);
	expect_path(&t, NULL, FT_PATH_NONE);
	w = mark_of("/srv/dir", NULL);
	w.head.args[3] = FDCWD;
	tell(&t, &w, -EBADF);
	expect_path(&t, NULL, FT_PATH_NONE);
	/* Not NULL, and not to be read: it leads nowhere. */
	w.head.args[3] = 5;
	w.head.args[4] = 0x10;
	assert_false(tell(&t, &w, -EFAULT)->is_null);
	expect_path(&t, NULL, FT_PATH_NONE);
	w = mark_of("/srv/dir", "x");
	w.head.args[1] = FAN_MARK_FLUSH;
	tell(&t, &w, 0);
	expect_path(&t, NULL, FT_PATH_NONE);
}

/* What is open is told as the kernel has it; what is no descriptor is a name. */
static void test_links_to_what_is_open(void **state)
{
	static const struct {
		const char *pathname;
		unsigned int link_len;
		uint32_t mask, mnt_namespace;
		const char *path;
		enum ft_path_source source;
	} cases[] = {
		{"/proc/self/fd/6", 15, 0, 0, "/etc/shadow", FT_PATH_EVENT},
		{"/dev/fd/6", 9, 0, 0, "/etc/shadow", FT_PATH_EVENT},
		{"/proc/self/fd/6/", 15, IN_DONT_FOLLOW, 0, "/etc/shadow", FT_PATH_EVENT},
		{"/proc/self/fd/6/../x", 15, 0, 0, "/etc/x", FT_PATH_PARTIAL},
		{"/proc/self/fd/6", 15, IN_DONT_FOLLOW, 0, "/proc/self/fd/6",
		 FT_PATH_PARTIAL},
		{"/proc/self/fd/6", 15, 0, 77, "/etc/shadow", FT_PATH_PARTIAL},
		{"/proc/77/fd/6", 13, 0, 0, "/proc/77/fd/6", FT_PATH_PARTIAL},
		{"/srv/fd/6", 9, 0, 0, "/srv/fd/6", FT_PATH_PARTIAL},
	};
	_cleanup_teller_ struct teller t = new_teller();

	for (size_t i = 0; i < FT_ARRAY_SIZE(cases); i++) {
		struct wire_call w = watch_of("/etc/shadow", cases[i].pathname);

		w.head.link_len = cases[i].link_len;
		w.head.args[2] = cases[i].mask;
		if (cases[i].mnt_namespace)
			w.head.mnt_namespace = cases[i].mnt_namespace;
		tell(&t, &w, 0);
		expect_path(&t, cases[i].path, cases[i].source);
	}
}

/* The number that stands for the current directory elsewhere is no descriptor. */
static void test_dnotify(void **state)
{
	_cleanup_teller_ struct teller t = new_teller();
	struct wire_call w = watch_of("/srv/dir", NULL);

	w.head.kind = FT_CALL_DNOTIFY;
	w.head.args[0] = 5;
	tell(&t, &w, 0);
	expect_path(&t, "/srv/dir", FT_PATH_EVENT);
	w.head.args[0] = FDCWD;
	tell(&t, &w, -EBADF);
	expect_path(&t, NULL, FT_PATH_NONE);
}

static void test_a_pathname_that_is_too_long(void **state)
{
	_cleanup_teller_ struct teller t = new_teller();
	char name[FT_CALLWIRE_PATHNAME_MAX] = "/";
	const struct ft_call *call;
	struct wire_call w;

	memset(name + 1, 'x', 4094);
	w = watch_of("/", name);
	call = tell(&t, &w, 0);
	assert_false(call->pathname_cut);
	assert_int_equal(call->pathname.len, 4095);
	assert_int_equal(t.event.path.len, 4095);
	name[4095] = 'x';
	w = watch_of("/", name);
	call = tell(&t, &w, -ENAMETOOLONG);
	assert_true(call->pathname_cut);
	assert_int_equal(call->pathname.len, 4095);
	expect_path(&t, NULL, FT_PATH_NONE);
}

static void test_arguments_are_as_wide_as_the_kernels(void **state)
{
	_cleanup_teller_ struct teller t = new_teller();
	struct wire_call w = mark_of("/", "/x");
	const struct ft_call *call;

	w.head.args[0] = 0xffffffff00000003;
	w.head.args[1] = 0x1234567800000101;
	w.head.args[2] = 0x8000000000000020;
	w.head.args[3] = 0x00000000ffffff9c;
	call = tell(&t, &w, -EINVAL);
	assert_int_equal(call->fd, 3);
	assert_int_equal(call->flags.value, 0x101);
	assert_true(ft_span_equal(call->flags.names,
				  FT_SPAN("FAN_MARK_ADD|FAN_MARK_FILESYSTEM")));
	assert_true(call->mask.value == 0x8000000000000020);
	assert_true(
		ft_span_equal(call->mask.names, FT_SPAN("FAN_OPEN|0x8000000000000000")));
	assert_int_equal(call->dirfd, AT_FDCWD);
	assert_true(t.event.has_error);
	assert_int_equal(t.event.error, EINVAL);
	assert_int_equal(t.event.time_ns, 1100);
	assert_int_equal(t.event.pid, 7);
}

static uint64_t group_of(struct teller *t, enum ft_call_kind kind, uint64_t address,
			 long long ret)
{
	struct wire_call w = wire_begin(kind, 7, 100);

	w.head.group = address;
	return tell(t, &w, ret)->group;
}

static void test_groups(void **state)
{
	_cleanup_teller_ struct teller t = new_teller();
	uint64_t a = group_of(&t, FT_CALL_FANOTIFY_INIT, 0x1000, 3);
	uint64_t b = group_of(&t, FT_CALL_INOTIFY_INIT, 0x2000, 4);

	assert_true(a != 0 && b != 0 && a != b);
	assert_int_equal(group_of(&t, FT_CALL_FANOTIFY_MARK, 0x1000, 0), a);
	assert_int_equal(group_of(&t, FT_CALL_FANOTIFY_MARK, 0x1000, -ENOENT), a);
	assert_int_equal(group_of(&t, FT_CALL_INOTIFY_RM_WATCH, 0x2000, 0), b);
	/* The mark is wrong, and the group is not. */
	assert_int_equal(group_of(&t, FT_CALL_FANOTIFY_MARK, 0x1000, -EINVAL), a);
	/* No group at all. */
	assert_int_equal(group_of(&t, FT_CALL_FANOTIFY_MARK, 0, -EINVAL), 0);
	assert_int_equal(group_of(&t, FT_CALL_FANOTIFY_INIT, 0, -EPERM), 0);
	/* Another one at the place of one that is gone. */
	assert_int_not_equal(group_of(&t, FT_CALL_INOTIFY_INIT1, 0x1000, 3), a);
	assert_int_not_equal(group_of(&t, FT_CALL_FANOTIFY_MARK, 0x1000, 0), a);
	/* One that was there before. */
	assert_int_not_equal(group_of(&t, FT_CALL_FANOTIFY_MARK, 0x3000, 0), 0);
}

static void test_other_namespaces(void **state)
{
	_cleanup_teller_ struct teller t = new_teller();
	struct wire_call w = watch_of("/", "/etc/x");

	assert_int_equal(tell(&t, &w, 1)->mount_namespace, 0);
	assert_true(ft_calltell_lookup(&t.tell, t.whole, &t.lookup));
	assert_string_equal(ft_bytes_cstr(&t.lookup.base), "/");
	assert_string_equal(ft_bytes_cstr(&t.lookup.pathname), "/etc/x");
	assert_true(t.lookup.is_from_root);
	w.head.mnt_namespace = 77;
	assert_int_equal(tell(&t, &w, 1)->mount_namespace, 77);
	expect_path(&t, "/etc/x", FT_PATH_PARTIAL);
	assert_false(ft_calltell_lookup(&t.tell, t.whole, &t.lookup));
}

static void expect_alert(struct teller *t, const struct wire_call *w, const char *alert)
{
	tell(t, w, 0);
	ft_bytes_clear(&t->text);
	ft_callalert_put(&t->text, &t->event);
	assert_string_equal(ft_bytes_cstr(&t->text), alert);
}

static void test_alerts(void **state)
{
	static const struct {
		uint64_t flags, mask;
		const char *path, *alert;
	} marks[] = {
		{FAN_MARK_ADD, FAN_OPEN, "/srv", ""},
		{FAN_MARK_ADD, FAN_OPEN_PERM, "/srv", "permission mark"},
		{FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN, "/srv", "mount mark"},
		{FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN, "/srv", "filesystem mark"},
		{FAN_MARK_ADD | 0x110, 0x1000000, "/srv", "mount namespace mark"},
		{FAN_MARK_REMOVE, FAN_OPEN_PERM, "/srv", "mark removed"},
		{FAN_MARK_FLUSH, 0, "/root", "marks flushed"},
		{FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN_PERM, "/boot",
		 "permission mark, filesystem mark, sensitive path"},
		{FAN_MARK_ADD, FAN_OPEN, "/etc/shadow", "sensitive path"},
		{FAN_MARK_ADD, FAN_OPEN, "/etc/shadow-", ""},
		{FAN_MARK_ADD, FAN_OPEN, "/root/a/b", "sensitive path"},
		{FAN_MARK_ADD, FAN_OPEN, "/home/x/.ssh", "sensitive path"},
		{FAN_MARK_ADD, FAN_OPEN, "/home/x/.ssh/id", "sensitive path"},
		{FAN_MARK_ADD, FAN_OPEN, "/home/x/.sshd/id", ""},
		{FAN_MARK_ADD, FAN_OPEN, "/srv/root", ""},
	};
	_cleanup_teller_ struct teller t = new_teller();
	struct wire_call w;

	for (size_t i = 0; i < FT_ARRAY_SIZE(marks); i++) {
		w = mark_of("/", marks[i].path);
		w.head.args[1] = marks[i].flags;
		w.head.args[2] = marks[i].mask;
		expect_alert(&t, &w, marks[i].alert);
	}
	w = wire_begin(FT_CALL_FANOTIFY_INIT, 7, 100);
	expect_alert(&t, &w, "");
	w.head.args[0] = FAN_CLASS_CONTENT;
	expect_alert(&t, &w, "permission group");
	w.head.args[0] = FAN_CLASS_PRE_CONTENT;
	expect_alert(&t, &w, "permission group");
	w = wire_begin(FT_CALL_INOTIFY_RM_WATCH, 7, 100);
	expect_alert(&t, &w, "watch removed");
	t.tell.call.is_unresolved = true;
	ft_bytes_clear(&t.text);
	ft_callalert_put(&t.text, &t.event);
	assert_string_equal(ft_bytes_cstr(&t.text), "watch removed, unresolved path");
}

/* Whatever stands in a record: nothing is read past its lengths, and a path is absolute.
 */
static void test_random_records(void **state)
{
	_cleanup_teller_ struct teller t = new_teller();
	static const char bytes[] = "/./../a\xff\n\x1b";
	uint64_t random = 88172645463325252u;

	for (int i = 0; i < 20000; i++) {
		struct wire_call w = {0};

		for (size_t k = 0; k < sizeof(w.head) + 64; k++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			((char *)&w)[k] = k < sizeof(w.head)
						  ? (char)random
						  : bytes[random % sizeof(bytes)];
		}
		w.head.part = FT_CALLWIRE_BEGIN;
		w.head.kind %= FT_CALL_COUNT;
		w.head.base_len %= 32;
		w.head.pathname_len %= 32;
		tell(&t, &w, (long long)(random % 200) - 100);
		if (t.event.path.len > 0)
			assert_int_equal(t.event.path.data[0], '/');
		ft_calltell_lookup(&t.tell, t.whole, &t.lookup);
		ft_bytes_clear(&t.text);
		ft_callalert_put(&t.text, &t.event);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_no_pathname_is_the_descriptor),
		cmocka_unit_test(test_links_to_what_is_open),
		cmocka_unit_test(test_dnotify),
		cmocka_unit_test(test_a_pathname_that_is_too_long),
		cmocka_unit_test(test_arguments_are_as_wide_as_the_kernels),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_other_namespaces),
		cmocka_unit_test(test_alerts),
		cmocka_unit_test(test_random_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
