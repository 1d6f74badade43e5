/* SPDX-License-Identifier: MIT */
/* The library as a program without privileges has it, through <fantail.h> alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fantail.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { NOBODY = 65534, WAIT_MSEC = 20 * 1000, RECORDS_MAX = 64, NOTICES_MAX = 16 };

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Each bit of the header and its name, by the rule of the names: the kernel's, in lower
 * case, without FAN_. */
static const struct {
	uint64_t bit;
	const char *name;
} names[] = {
	{FANTAIL_CREATE, "create"},
	{FANTAIL_MOVED_FROM, "moved_from"},
	{FANTAIL_MOVED_TO, "moved_to"},
	{FANTAIL_RENAME, "rename"},
	{FANTAIL_OPEN, "open"},
	{FANTAIL_OPEN_EXEC, "open_exec"},
	{FANTAIL_ACCESS, "access"},
	{FANTAIL_MODIFY, "modify"},
	{FANTAIL_ATTRIB, "attrib"},
	{FANTAIL_CLOSE_WRITE, "close_write"},
	{FANTAIL_CLOSE_NOWRITE, "close_nowrite"},
	{FANTAIL_DELETE, "delete"},
	{FANTAIL_DELETE_SELF, "delete_self"},
	{FANTAIL_MOVE_SELF, "move_self"},
	{FANTAIL_FS_ERROR, "fs_error"},
	{FANTAIL_MNT_ATTACH, "mnt_attach"},
	{FANTAIL_MNT_DETACH, "mnt_detach"},
	{FANTAIL_OPEN_PERM, "open_perm"},
	{FANTAIL_ACCESS_PERM, "access_perm"},
	{FANTAIL_OPEN_EXEC_PERM, "open_exec_perm"},
};

#define ASKING (FANTAIL_OPEN_PERM | FANTAIL_ACCESS_PERM | FANTAIL_OPEN_EXEC_PERM)

/* A directory with: old (a file), from/f (a file), to/ (empty). */
static char top[4096];

static char *below(const char *name)
{
	static char paths[4][sizeof(top) + 256];
	static unsigned int next;
	char *path = paths[next++ % ARRAY_SIZE(paths)];

	snprintf(path, sizeof(paths[0]), "%s/%s", top, name);
	return path;
}

static void make_file(const char *name)
{
	int fd = open(below(name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	close(fd);
}

static void assert_says(const struct fantail *f, const char *part)
{
	if (!strstr(fantail_error(f), part))
		fail_msg("\"%s\" is not in \"%s\"", part, fantail_error(f));
	assert_null(strchr(fantail_error(f), '\n'));
}

static struct fantail *new_session(unsigned int flags)
{
	struct fantail *f = NULL;

	assert_int_equal(fantail_new(&f, flags), 0);
	assert_non_null(f);
	assert_string_equal(fantail_error(f), "");
	return f;
}

static void test_new(void **state)
{
	struct fantail *f = NULL;

	assert_int_equal(fantail_new(&f, 1 << 30), -EINVAL);
	assert_null(f);
	assert_true(strlen(fantail_error(NULL)) > 0);
	assert_null(fantail_free(NULL));
	f = new_session(FANTAIL_ASK | FANTAIL_NO_PROCESS);
	assert_null(fantail_free(f));
}

static void test_no_descriptors(void **state)
{
	struct rlimit before, none;
	struct fantail *f = NULL;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(fantail_new(&f, 0), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_null(f);
}

static void test_paths(void **state)
{
	struct fantail *f = new_session(0);

	assert_int_equal(fantail_add_path(f, below("nothing"), FANTAIL_TREE, 0), -ENOENT);
	assert_says(f, below("nothing"));
	assert_says(f, strerror(ENOENT));
	assert_int_equal(fantail_add_path(f, below("old"), FANTAIL_DIRECTORY, 0),
			 -ENOTDIR);
	assert_says(f, below("old"));
	assert_says(f, strerror(ENOTDIR));
	assert_int_equal(fantail_add_path(f, top, (enum fantail_scope)5, 0), -EINVAL);
	assert_says(f, top);
	assert_int_equal(fantail_add_path(f, top, FANTAIL_TREE, 1u << 7), -EINVAL);
	assert_says(f, top);
	assert_int_equal(fantail_add_path(f, "", FANTAIL_TREE, 0), -ENOENT);
	assert_int_equal(fantail_add_path(f, top, FANTAIL_TREE, FANTAIL_ONE_FILESYSTEM),
			 0);
	/* A call that is done leaves nothing of one that failed. */
	assert_string_equal(fantail_error(f), "");
	fantail_free(f);
}

static void test_filters(void **state)
{
	static const struct {
		enum fantail_filter kind;
		const char *value;
		int error;
		const char *says;
	} bad[] = {
		{FANTAIL_FILTER_PATH, "a//b", -EINVAL, "a//b"},
		{FANTAIL_FILTER_REGEX, "a(", -EINVAL, "a("},
		{FANTAIL_FILTER_PID, "one", -EINVAL, "one"},
		{FANTAIL_FILTER_TREE, "-1", -EINVAL, "-1"},
		{FANTAIL_FILTER_UID, "no such user", -ENOENT,
		 "no such user: no such user"},
		{FANTAIL_FILTER_GID, "nogroup at all", -ENOENT, "no such group"},
		{(enum fantail_filter)9, "x", -EINVAL, "x"},
	};
	static const struct {
		enum fantail_filter kind;
		const char *value;
	} good[] = {
		{FANTAIL_FILTER_PATH, "**/*.c"},
		{FANTAIL_FILTER_REGEX, "[.]c$"},
		{FANTAIL_FILTER_PID, "1"},
		{FANTAIL_FILTER_TREE, "1"},
		{FANTAIL_FILTER_COMM, "sh"},
		{FANTAIL_FILTER_EXE, "/bin/*"},
		{FANTAIL_FILTER_UID, "0"},
		{FANTAIL_FILTER_GID, "0"},
		{FANTAIL_FILTER_CONTAINER, "0123456789ab"},
	};
	struct fantail *f = new_session(0);

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(fantail_add_filter(f, bad[i].kind, bad[i].value, 0),
				 bad[i].error);
		assert_says(f, bad[i].says);
	}
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_int_equal(
			fantail_add_filter(f, good[i].kind, good[i].value, i % 2), 0);
	fantail_free(f);
}

static void test_events(void **state)
{
	struct fantail *watches = new_session(0), *asks = new_session(FANTAIL_ASK);

	assert_int_equal(fantail_set_events(watches, 0), -EINVAL);
	assert_int_equal(fantail_set_events(watches, FANTAIL_OPEN | FANTAIL_OPEN_PERM),
			 -EINVAL);
	assert_says(watches, "permission");
	assert_int_equal(fantail_set_events(asks, FANTAIL_OPEN | FANTAIL_OPEN_PERM),
			 -EINVAL);
	assert_says(asks, "permission");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		bool is_question = names[i].bit & ASKING;

		assert_int_equal(fantail_set_events(watches, names[i].bit),
				 is_question ? -EINVAL : 0);
		assert_int_equal(fantail_set_events(asks, names[i].bit),
				 is_question ? 0 : -EINVAL);
	}
	fantail_free(watches);
	fantail_free(asks);
}

static void test_order_of_calls(void **state)
{
	struct fantail *f = new_session(0);
	struct fantail_event *ev = NULL;

	assert_int_equal(fantail_fd(f), -1);
	assert_int_equal(fantail_next(f, &ev), -EINVAL);
	assert_says(f, "not started");
	assert_null(ev);
	assert_int_equal(fantail_stop(f), -EINVAL);
	assert_int_equal(fantail_answer(f, ev, FANTAIL_ALLOW), -EINVAL);
	assert_int_equal(fantail_start(f), -EINVAL);
	assert_says(f, "no path");
	assert_int_equal(fantail_fd(f), -1);
	assert_int_equal(fantail_start(f), -EALREADY);
	assert_int_equal(fantail_add_path(f, top, FANTAIL_TREE, 0), -EALREADY);
	assert_int_equal(fantail_add_all(f), -EALREADY);
	assert_int_equal(fantail_set_events(f, FANTAIL_OPEN), -EALREADY);
	assert_int_equal(fantail_add_filter(f, FANTAIL_FILTER_PID, "1", 0), -EALREADY);
	assert_says(f, "before it is started");
	fantail_free(f);
}

static void test_asking_is_refused(void **state)
{
	struct fantail *f = new_session(FANTAIL_ASK);

	assert_int_equal(fantail_add_path(f, top, FANTAIL_MOUNT, 0), 0);
	assert_int_equal(fantail_start(f), -EPERM);
	assert_says(f, top);
	assert_says(f, strerror(EPERM));
	assert_int_equal(fantail_fd(f), -1);
	fantail_free(f);
}

static void test_names(void **state)
{
	uint64_t mask, all = 0;
	char text[512], whole[512] = "";

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		mask = 0;
		assert_string_equal(fantail_event_name(names[i].bit), names[i].name);
		assert_int_equal(fantail_parse_events(names[i].name, &mask), 0);
		assert_int_equal(mask, names[i].bit);
		assert_int_equal(fantail_format_events(mask, text, sizeof(text)),
				 strlen(names[i].name));
		assert_string_equal(text, names[i].name);
		snprintf(whole + strlen(whole), sizeof(whole) - strlen(whole), "%s%s",
			 i > 0 ? "," : "", names[i].name);
		all |= names[i].bit;
	}
	assert_int_equal(fantail_parse_events(whole, &mask), 0);
	assert_int_equal(mask, all);
	assert_int_equal(fantail_format_events(all, text, sizeof(text)), strlen(whole));
	assert_string_equal(text, whole);
	assert_null(fantail_event_name(0));
	assert_null(fantail_event_name(FANTAIL_CREATE | FANTAIL_DELETE));
	assert_null(fantail_event_name(UINT64_C(1) << 63));
}

static void test_groups(void **state)
{
	static const struct {
		const char *list;
		uint64_t mask;
	} groups[] = {
		{"read", FANTAIL_ACCESS},
		{"write", FANTAIL_MODIFY | FANTAIL_CLOSE_WRITE},
		{"exec", FANTAIL_OPEN_EXEC},
		{"change", FANTAIL_CREATE | FANTAIL_DELETE | FANTAIL_RENAME |
				   FANTAIL_MODIFY | FANTAIL_CLOSE_WRITE | FANTAIL_ATTRIB},
		{"read,open", FANTAIL_ACCESS | FANTAIL_OPEN},
	};
	static const char *const bad[] = {"", ",", "create,", "FAN_CREATE", "nothing"};
	uint64_t mask, all = 0;

	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		assert_int_equal(fantail_parse_events(groups[i].list, &mask), 0);
		assert_int_equal(mask, groups[i].mask);
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		all |= names[i].bit & ~ASKING;
	assert_int_equal(fantail_parse_events("all", &mask), 0);
	assert_int_equal(mask, all);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		mask = 42;
		assert_int_equal(fantail_parse_events(bad[i], &mask), -EINVAL);
		assert_int_equal(mask, 42);
	}
}

typedef size_t (*write_fn)(char *buf, size_t size);

/* Whatever the size: as much as fits, a NUL, the whole length, and nothing past the end.
 */
static void assert_cuts(write_fn fn, const char *whole)
{
	size_t len = strlen(whole);
	char buf[64];

	assert_true(len + 2 < sizeof(buf));
	for (size_t size = 0; size <= len + 2; size++) {
		size_t kept = size == 0 ? 0 : size > len ? len : size - 1;

		memset(buf, '#', sizeof(buf));
		assert_int_equal(fn(buf, size), len);
		assert_memory_equal(buf, whole, kept);
		assert_int_equal(buf[kept], size == 0 ? '#' : '\0');
		for (size_t i = kept + (size > 0); i < sizeof(buf); i++)
			assert_int_equal(buf[i], '#');
	}
	assert_int_equal(fn(NULL, 0), len);
}

static size_t write_events(char *buf, size_t size)
{
	return fantail_format_events(FANTAIL_CREATE | FANTAIL_RENAME | FANTAIL_DELETE,
				     buf, size);
}

static size_t write_no_events(char *buf, size_t size)
{
	return fantail_format_events(0, buf, size);
}

static size_t write_name(char *buf, size_t size)
{
	return fantail_escape("a\\b\n\t\r\x1b[2J\x7f\xff\xc3\xa9\xe2\x80\xae", buf, size);
}

static size_t write_no_name(char *buf, size_t size)
{
	return fantail_escape(NULL, buf, size);
}

static void test_cut(void **state)
{
	assert_cuts(write_events, "create,rename,delete");
	assert_cuts(write_no_events, "");
	assert_cuts(write_name,
		    "a\\\\b\\n\\t\\r\\x1b[2J\\x7f\\xff\xc3\xa9\\xe2\\x80\\xae");
	assert_cuts(write_no_name, "");
}

static void test_words(void **state)
{
	assert_string_equal(fantail_path_source_name(FANTAIL_PATH_NONE), "none");
	assert_string_equal(fantail_path_source_name(FANTAIL_PATH_PARTIAL), "partial");
	assert_string_equal(fantail_path_source_name(FANTAIL_PATH_NOW), "now");
	assert_string_equal(fantail_path_source_name(FANTAIL_PATH_FIRST), "first");
	assert_string_equal(fantail_path_source_name(FANTAIL_PATH_EVENT), "event");
	assert_null(fantail_path_source_name((enum fantail_path_source)5));
	assert_string_equal(fantail_certainty_name(FANTAIL_CERTAINTY_NONE), "none");
	assert_string_equal(fantail_certainty_name(FANTAIL_CERTAINTY_CREDENTIALS),
			    "credentials");
	assert_string_equal(fantail_certainty_name(FANTAIL_CERTAINTY_AMBIGUOUS),
			    "ambiguous");
	assert_string_equal(fantail_certainty_name(FANTAIL_CERTAINTY_EXACT), "exact");
	assert_null(fantail_certainty_name((enum fantail_certainty)4));
}

/* Would the kernel give this process such a group? */
static bool can_open_group(unsigned int flags)
{
	int fd = fanotify_init(flags, 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void test_probe(void **state)
{
	assert_int_equal(fantail_probe(FANTAIL_FEATURE_FID),
			 can_open_group(FAN_REPORT_FID | FAN_REPORT_DFID_NAME));
	assert_int_equal(fantail_probe(FANTAIL_FEATURE_TARGET),
			 can_open_group(FAN_REPORT_DFID_NAME_TARGET));
	assert_int_equal(fantail_probe(FANTAIL_FEATURE_UNLIMITED), 0);
	assert_int_equal(fantail_probe(FANTAIL_FEATURE_PERMISSION), 0);
	assert_int_equal(fantail_probe(FANTAIL_FEATURE_FILESYSTEM), 0);
	assert_int_equal(fantail_probe(FANTAIL_FEATURE_HANDLES), 0);
	assert_int_equal(fantail_probe((enum fantail_feature)8), -EINVAL);
}

/* ---- a watch ---- */

struct record {
	uint64_t mask;
	bool is_dir;
	char path[sizeof(top) + 256];
	char old_path[sizeof(top) + 256];
};

struct watch {
	struct fantail *session;
	int64_t started;
	struct record records[RECORDS_MAX];
	size_t count;
	char *notices[NOTICES_MAX];
	size_t notices_count;
};

static void keep_notice(void *data, const char *text)
{
	struct watch *w = data;

	assert_true(w->notices_count < NOTICES_MAX);
	w->notices[w->notices_count] = strdup(text);
	assert_non_null(w->notices[w->notices_count++]);
}

static int64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static void keep_record(struct watch *w, const struct fantail_event *ev)
{
	struct record *kept = &w->records[w->count++];
	const char *path, *old_path;
	size_t len = 42;
	uid_t id;

	assert_true(w->count <= RECORDS_MAX);
	assert_int_equal(fantail_event_kind(ev), FANTAIL_KIND_EVENT);
	assert_in_range(fantail_event_time(ev), w->started, now());
	/* The kernel does not tell a process without privileges who it was. */
	assert_int_equal(fantail_event_pid(ev), 0);
	assert_int_equal(fantail_event_certainty(ev), FANTAIL_CERTAINTY_NONE);
	assert_null(fantail_event_comm(ev));
	assert_null(fantail_event_exe(ev));
	assert_int_equal(fantail_event_uid(ev, &id), -ENODATA);
	assert_int_equal(fantail_event_gid(ev, &id), -ENODATA);
	assert_int_equal(fantail_event_count(ev), 0);
	path = fantail_event_path(ev, &len);
	assert_non_null(path);
	assert_int_equal(len, strlen(path));
	old_path = fantail_event_old_path(ev, &len);
	assert_int_equal(len, old_path ? strlen(old_path) : 0);
	kept->mask = fantail_event_mask(ev);
	kept->is_dir = fantail_event_is_dir(ev);
	snprintf(kept->path, sizeof(kept->path), "%s", path);
	snprintf(kept->old_path, sizeof(kept->old_path), "%s", old_path ? old_path : "");
}

static void take_all(struct watch *w)
{
	struct fantail_event *ev;
	int r;

	while ((r = fantail_next(w->session, &ev)) > 0)
		keep_record(w, ev);
	assert_int_equal(r, 0);
}

/* Until this path was told. */
static void wait_for(struct watch *w, const char *path)
{
	struct pollfd wait = {.fd = fantail_fd(w->session), .events = POLLIN};

	while (w->count == 0 || strcmp(w->records[w->count - 1].path, path) != 0) {
		assert_int_equal(poll(&wait, 1, WAIT_MSEC), 1);
		take_all(w);
	}
}

static void in_child(void (*fn)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void need(bool done)
{
	if (!done)
		_exit(errno ? errno : 1);
}

static void first_workload(void)
{
	int fd = open(below("new"), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	need(fd >= 0 && write(fd, "x", 1) == 1 && close(fd) == 0);
	need(rename(below("from/f"), below("to/g")) == 0);
	need(unlink(below("old")) == 0);
	need(mkdir(below("made"), 0700) == 0);
}

static void second_workload(void)
{
	need(mkdir(below("made/inside"), 0700) == 0);
	need(rmdir(below("empty")) == 0);
	need(rename(below("made"), below("to/moved")) == 0);
	need(mkdir(below("to/moved/last"), 0700) == 0);
}

static void queued_workload(void)
{
	need(unlink(below("new")) == 0);
}

static void later_workload(void)
{
	need(mkdir(below("later"), 0700) == 0);
}

static void assert_record(const struct record *r, uint64_t mask, bool is_dir,
			  const char *path, const char *old_path)
{
	assert_int_equal(r->mask, mask);
	assert_int_equal(r->is_dir, is_dir);
	assert_string_equal(r->path, below(path));
	assert_string_equal(r->old_path, old_path ? below(old_path) : "");
}

static void test_watch(void **state)
{
	struct watch w = {.session = new_session(0), .started = now()};
	struct fantail *f = w.session;
	const struct record *r = w.records;

	if (fantail_probe(FANTAIL_FEATURE_RENAME) != 1) {
		fantail_free(f);
		skip();
	}
	fantail_set_notice(f, keep_notice, &w);
	assert_int_equal(
		fantail_set_events(f, FANTAIL_CREATE | FANTAIL_DELETE | FANTAIL_RENAME),
		0);
	assert_int_equal(fantail_add_path(f, top, FANTAIL_TREE, 0), 0);
	if (fantail_start(f) < 0)
		fail_msg("%s", fantail_error(f));
	take_all(&w);
	assert_int_equal(w.count, 0);

	/* One's own doing is not told. */
	assert_int_equal(mkdir(below("empty"), 0700), 0);
	in_child(first_workload);
	wait_for(&w, below("made"));
	in_child(second_workload);
	wait_for(&w, below("to/moved/last"));
	in_child(queued_workload);
	assert_int_equal(fantail_stop(f), 0);
	in_child(later_workload);
	take_all(&w);

	assert_int_equal(w.count, 9);
	assert_record(&r[0], FANTAIL_CREATE, false, "new", NULL);
	assert_record(&r[1], FANTAIL_RENAME, false, "to/g", "from/f");
	assert_record(&r[2], FANTAIL_DELETE, false, "old", NULL);
	assert_record(&r[3], FANTAIL_CREATE, true, "made", NULL);
	assert_record(&r[4], FANTAIL_CREATE, true, "made/inside", NULL);
	assert_record(&r[5], FANTAIL_DELETE, true, "empty", NULL);
	assert_record(&r[6], FANTAIL_RENAME, true, "to/moved", "made");
	assert_record(&r[7], FANTAIL_CREATE, true, "to/moved/last", NULL);
	assert_record(&r[8], FANTAIL_DELETE, false, "new", NULL);

	/* That it has no privileges, and that each directory is marked: each once. */
	assert_int_equal(w.notices_count, 2);
	for (size_t i = 0; i < w.notices_count; i++) {
		assert_non_null(strstr(w.notices[i], "CAP_SYS_ADMIN"));
		free(w.notices[i]);
	}
	assert_int_equal(fantail_start(f), -EALREADY);
	fantail_free(f);
}

static void test_answer_to_no_question(void **state)
{
	struct fantail *f = new_session(FANTAIL_NO_PROCESS);
	struct fantail_event *ev = NULL;
	struct pollfd wait = {.events = POLLIN};

	assert_int_equal(fantail_set_events(f, FANTAIL_CREATE), 0);
	assert_int_equal(fantail_add_path(f, top, FANTAIL_DIRECTORY, 0), 0);
	assert_int_equal(fantail_add_filter(f, FANTAIL_FILTER_PATH, "made", 1), 0);
	assert_int_equal(fantail_start(f), 0);
	in_child(first_workload);
	wait.fd = fantail_fd(f);
	assert_int_equal(poll(&wait, 1, WAIT_MSEC), 1);
	assert_int_equal(fantail_next(f, &ev), 1);
	assert_string_equal(fantail_event_path(ev, NULL), below("new"));
	assert_int_equal(fantail_answer(f, ev, (enum fantail_verdict)0), -EINVAL);
	assert_int_equal(fantail_answer(f, NULL, FANTAIL_ALLOW), -EINVAL);
	assert_int_equal(fantail_answer(f, ev, FANTAIL_ALLOW), -EALREADY);
	assert_says(f, "question");
	assert_int_equal(fantail_next(f, &ev), 0);
	assert_string_equal(fantail_error(f), "");
	fantail_free(f);
}

/* ---- its place ---- */

static int fill_top(void **state)
{
	assert_int_equal(mkdir(below("from"), 0700), 0);
	assert_int_equal(mkdir(below("to"), 0700), 0);
	make_file("from/f");
	make_file("old");
	return 0;
}

static int empty_top(void **state)
{
	char command[sizeof(top) + 64];

	snprintf(command, sizeof(command), "rm -rf '%s'/*", top);
	return system(command);
}

static int make_top(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char name[sizeof(top)];

	snprintf(name, sizeof(name), "%s/fantail-public-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(name) || !realpath(name, top))
		return -1;
	if (geteuid() != 0)
		return 0;
	/* Privileges change what is tested; /proc/self is one's own again by the last. */
	return chown(top, NOBODY, NOBODY) < 0 || setgroups(0, NULL) < 0 ||
	       setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	       setresuid(NOBODY, NOBODY, NOBODY) < 0 ||
	       prctl(PR_SET_DUMPABLE, 1L, 0L, 0L, 0L) < 0;
}

static int remove_top(void **state)
{
	/* Of a parent that is not ours the emptied directory is left. */
	(void)rmdir(top);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new),
		cmocka_unit_test(test_no_descriptors),
		cmocka_unit_test_setup_teardown(test_paths, fill_top, empty_top),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_order_of_calls),
		cmocka_unit_test(test_asking_is_refused),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_probe),
		cmocka_unit_test_setup_teardown(test_watch, fill_top, empty_top),
		cmocka_unit_test_setup_teardown(test_answer_to_no_question, fill_top,
						empty_top),
	};

	return cmocka_run_group_tests(tests, make_top, remove_top);
}
