/* SPDX-License-Identifier: MIT */
/*
 * Makes calls of fanotify, inotify and dnotify with known arguments, for test-audit.py.
 *
 *	make-calls each DIR		each kind in many ways, and says of each what it
 *was make-calls storm KIND COUNT	as fast as it can; on stdout the results, int32
 *	make-calls compat KIND COUNT	the same by 32-bit system calls
 *	make-calls one NAME		an inotify watch on NAME
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "call32.h"

enum { ARGS = 5, LONGEST = 4095, TOO_LONG = 4200 };

#define FDCWD	    ((uint64_t)(int64_t)AT_FDCWD)
#define POINTER(p)  ((uint64_t)(uintptr_t)(p))
#define BAD_ADDRESS 0x10u
#define EVENT_OPEN  ((uint64_t)FAN_OPEN)

struct kind {
	const char *name;
	long number;
	long number32;
	int pathname; /* which argument; -1: none */
};

enum {
	FANOTIFY_INIT,
	FANOTIFY_MARK,
	INOTIFY_INIT,
	INOTIFY_INIT1,
	INOTIFY_ADD_WATCH,
	INOTIFY_RM_WATCH,
	DNOTIFY,
	KINDS
};

static const struct kind kinds[KINDS] = {
	[FANOTIFY_INIT] = {"fanotify_init", SYS_fanotify_init, 338, -1},
	[FANOTIFY_MARK] = {"fanotify_mark", SYS_fanotify_mark, 339, 4},
	[INOTIFY_INIT] = {"inotify_init", SYS_inotify_init, 291, -1},
	[INOTIFY_INIT1] = {"inotify_init1", SYS_inotify_init1, 332, -1},
	[INOTIFY_ADD_WATCH] = {"inotify_add_watch", SYS_inotify_add_watch, 292, 1},
	[INOTIFY_RM_WATCH] = {"inotify_rm_watch", SYS_inotify_rm_watch, 293, -1},
	[DNOTIFY] = {"dnotify", SYS_fcntl, 221, -1},
};

static const char *top; /* DIR */

static long call(int kind, const uint64_t *a)
{
	long r = syscall(kinds[kind].number, a[0], a[1], a[2], a[3], a[4]);

	return r < 0 ? -errno : r;
}

static void put_hex(const char *s)
{
	putchar(' ');
	if (!s)
		putchar('-');
	else if (!*s)
		putchar('.');
	for (; s && *s; s++)
		printf("%02x", (unsigned char)*s);
}

/*
 * Makes the call and says: kind, result, the path that it leads to (NULL: none), the
 * pathname (NULL: none that can be read), the arguments. Text in hexadecimal.
 */
static long make(int kind, const char *path, const uint64_t *args)
{
	const char *pathname = NULL;
	long r = call(kind, args);

	if (kinds[kind].pathname >= 0 && args[kinds[kind].pathname] > BAD_ADDRESS)
		pathname = (const char *)(uintptr_t)args[kinds[kind].pathname];
	printf("%s %ld", kinds[kind].name, r);
	put_hex(path);
	put_hex(pathname);
	for (int i = 0; i < ARGS; i++)
		printf(" %" PRIu64, args[i]);
	putchar('\n');
	return r;
}

#define MAKE(kind, path, ...) make(kind, path, (const uint64_t[ARGS]){__VA_ARGS__})

static const char *below(const char *rest)
{
	static char path[8][2 * LONGEST];
	static unsigned int next;
	char *p = path[next++ % 8];

	snprintf(p, sizeof(path[0]), "%s%s", top, rest);
	return p;
}

static void each_flag(int group)
{
	for (int i = 0; i < 32; i++) {
		uint64_t bit = UINT64_C(1) << i;
		long fd = MAKE(FANOTIFY_INIT, NULL, bit, bit);

		if (fd >= 0)
			close((int)fd);
		fd = MAKE(INOTIFY_INIT1, NULL, bit);
		if (fd >= 0)
			close((int)fd);
		/* Nothing is at that path, but a flush looks at none. */
		MAKE(FANOTIFY_MARK, bit & FAN_MARK_FLUSH ? NULL : "/nowhere/at/all",
		     (uint64_t)group, bit, EVENT_OPEN, FDCWD, POINTER("/nowhere/at/all"));
		MAKE(INOTIFY_ADD_WATCH, "/nowhere/at/all", 1000,
		     POINTER("/nowhere/at/all"), bit);
		MAKE(DNOTIFY, NULL, 1000, F_NOTIFY, bit);
	}
	for (int i = 0; i < 64; i++)
		MAKE(FANOTIFY_MARK, "/nowhere/at/all", (uint64_t)group, FAN_MARK_ADD,
		     UINT64_C(1) << i, FDCWD, POINTER("/nowhere/at/all"));
}

static void each_place(int group, int watches)
{
	int dir = open(below("/a"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint64_t g = (uint64_t)group, w = (uint64_t)watches, d = (uint64_t)dir;

	MAKE(FANOTIFY_MARK, below("/a"), g, FAN_MARK_ADD, EVENT_OPEN, FDCWD,
	     POINTER("a"));
	MAKE(FANOTIFY_MARK, below("/a"), g, FAN_MARK_ADD, EVENT_OPEN, FDCWD,
	     POINTER(".//a/./"));
	MAKE(FANOTIFY_MARK, below("/a/b"), g, FAN_MARK_ADD, EVENT_OPEN, d, POINTER("b"));
	MAKE(FANOTIFY_MARK, below(""), g, FAN_MARK_ADD, EVENT_OPEN, d, POINTER(".."));
	MAKE(FANOTIFY_MARK, below("/a"), g, FAN_MARK_ADD, EVENT_OPEN, d, 0);
	MAKE(FANOTIFY_MARK, NULL, g, FAN_MARK_ADD, EVENT_OPEN, FDCWD, 0);
	MAKE(FANOTIFY_MARK, "/", g, FAN_MARK_ADD, EVENT_OPEN, d, POINTER("/"));
	MAKE(FANOTIFY_MARK, "/", g, FAN_MARK_ADD, EVENT_OPEN, d,
	     POINTER("../../../../../../../../../.."));
	/* Links are followed, unless it is said that they are not. */
	MAKE(FANOTIFY_MARK, below("/a/b"), g, FAN_MARK_ADD, EVENT_OPEN, FDCWD,
	     POINTER("link"));
	MAKE(FANOTIFY_MARK, below("/link"), g, FAN_MARK_ADD | FAN_MARK_DONT_FOLLOW,
	     EVENT_OPEN, FDCWD, POINTER("link"));
	MAKE(FANOTIFY_MARK, below("/a"), g, FAN_MARK_ADD, EVENT_OPEN, FDCWD,
	     POINTER("link/.."));
	MAKE(INOTIFY_ADD_WATCH, below("/a/b"), w, POINTER("link"), IN_CREATE);
	MAKE(INOTIFY_ADD_WATCH, below("/link"), w, POINTER("link"),
	     IN_CREATE | IN_DONT_FOLLOW);
	MAKE(DNOTIFY, below("/a"), d, F_NOTIFY, 4);
	MAKE(DNOTIFY, below("/a"), d, F_NOTIFY, 0);
	close(dir);
}

static void each_mistake(int group, int watches)
{
	uint64_t g = (uint64_t)group, w = (uint64_t)watches;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	MAKE(FANOTIFY_MARK, NULL, g, FAN_MARK_ADD, EVENT_OPEN, FDCWD, BAD_ADDRESS);
	MAKE(FANOTIFY_MARK, NULL, g, FAN_MARK_ADD, EVENT_OPEN, 1000, POINTER("a"));
	MAKE(FANOTIFY_MARK, NULL, g, FAN_MARK_ADD, EVENT_OPEN, 1000, 0);
	MAKE(FANOTIFY_MARK, below("/a"), 1000, FAN_MARK_ADD, EVENT_OPEN, FDCWD,
	     POINTER("a"));
	MAKE(FANOTIFY_MARK, below("/a"), UINT64_MAX, FAN_MARK_ADD, EVENT_OPEN, FDCWD,
	     POINTER("a"));
	MAKE(FANOTIFY_MARK, below("/a"), (uint64_t)null, FAN_MARK_ADD, EVENT_OPEN, FDCWD,
	     POINTER("a"));
	MAKE(FANOTIFY_MARK, NULL, g, FAN_MARK_ADD, EVENT_OPEN, FDCWD, POINTER(""));
	MAKE(INOTIFY_ADD_WATCH, NULL, w, 0, IN_CREATE);
	MAKE(INOTIFY_ADD_WATCH, NULL, w, BAD_ADDRESS, IN_CREATE);
	MAKE(INOTIFY_ADD_WATCH, below("/nothing"), w, POINTER("nothing"), IN_CREATE);
	MAKE(INOTIFY_ADD_WATCH, below("/a"), g, POINTER("a"), IN_CREATE);
	MAKE(INOTIFY_ADD_WATCH, below("/a"), w, POINTER("a"), 0);
	MAKE(INOTIFY_RM_WATCH, NULL, w, 77777);
	MAKE(INOTIFY_RM_WATCH, NULL, g, UINT64_MAX);
	MAKE(DNOTIFY, "/dev/null", (uint64_t)null, F_NOTIFY, 4);
	MAKE(DNOTIFY, NULL, 1000, F_NOTIFY, 4);
	close(null);
}

static void each_name(int group, int watches)
{
	static const char hostile[] = "line\nescape\033[31m\xff\xe2\x80\xae\"\\";
	char name[TOO_LONG + 1], path[TOO_LONG];
	uint64_t w = (uint64_t)watches;

	snprintf(path, sizeof(path), "/%s", hostile);
	MAKE(FANOTIFY_MARK, below(path), (uint64_t)group, FAN_MARK_ADD, EVENT_OPEN, FDCWD,
	     POINTER(hostile));
	memset(name, 'x', sizeof(name));
	name[0] = '/';
	name[LONGEST] = '\0';
	MAKE(INOTIFY_ADD_WATCH, name, w, POINTER(name), IN_CREATE);
	name[LONGEST] = 'x';
	name[TOO_LONG] = '\0';
	MAKE(INOTIFY_ADD_WATCH, NULL, w, POINTER(name), IN_CREATE);
}

/* In a page that is not in memory before the kernel reads it. */
static void each_absent(const char *pathname, const char *path, int watches)
{
	const char *file = below("/page");
	int fd = open(file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	const char *page;

	if (fd < 0 || write(fd, pathname, strlen(pathname) + 1) < 0 || fsync(fd) < 0)
		exit(1);
	page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	if (page == MAP_FAILED)
		exit(1);
	MAKE(INOTIFY_ADD_WATCH, path, (uint64_t)watches, POINTER(page), IN_CREATE);
	close(fd);
}

static void each_change(int group, int watches)
{
	uint64_t g = (uint64_t)group, w = (uint64_t)watches;
	uint64_t wd = (uint64_t)MAKE(INOTIFY_ADD_WATCH, below("/a"), w, POINTER("a"),
				     IN_CREATE);

	MAKE(INOTIFY_ADD_WATCH, below("/a"), w, POINTER("a"), IN_MASK_ADD | IN_OPEN);
	MAKE(INOTIFY_RM_WATCH, NULL, w, wd);
	MAKE(FANOTIFY_MARK, below("/a"), g, FAN_MARK_REMOVE, EVENT_OPEN, FDCWD,
	     POINTER("a"));
	MAKE(FANOTIFY_MARK, NULL, g, FAN_MARK_FLUSH, 0, FDCWD, 0);
	MAKE(FANOTIFY_MARK, NULL, g, FAN_MARK_FLUSH | FAN_MARK_MOUNT, 0, FDCWD, 0);
	close((int)MAKE(INOTIFY_INIT, NULL, 0));
}

/* From a directory that is gone, and from a root of its own. */
static void each_odd_place(int watches)
{
	uint64_t w = (uint64_t)watches;

	if (mkdir(below("/gone"), 0700) < 0 || chdir(below("/gone")) < 0 ||
	    rmdir(below("/gone")) < 0)
		exit(1);
	MAKE(INOTIFY_ADD_WATCH, below("/gone"), w, POINTER("."), IN_CREATE);
	MAKE(INOTIFY_ADD_WATCH, below("/gone/x"), w, POINTER("x"), IN_CREATE);
	if (chroot(below("/a")) < 0 || chdir("/b") < 0)
		exit(1);
	MAKE(INOTIFY_ADD_WATCH, below("/a/b"), w, POINTER("/b"), IN_CREATE);
	MAKE(INOTIFY_ADD_WATCH, below("/a"), w, POINTER("/../.."), IN_CREATE);
	MAKE(INOTIFY_ADD_WATCH, below("/a/b"), w, POINTER("."), IN_CREATE);
}

static int each(void)
{
	int group = (int)MAKE(FANOTIFY_INIT, NULL, FAN_CLOEXEC | FAN_REPORT_DFID_NAME,
			      O_RDWR | O_CLOEXEC);
	int watches = (int)MAKE(INOTIFY_INIT1, NULL, IN_CLOEXEC | IN_NONBLOCK);

	if (group < 0 || watches < 0 || chdir(top) < 0)
		return 1;
	each_place(group, watches);
	each_mistake(group, watches);
	each_name(group, watches);
	each_absent("a", below("/a"), watches);
	each_absent("/etc/../etc", "/etc", watches);
	each_change(group, watches);
	each_flag(group);
	each_odd_place(watches);
	return 0;
}

/* ---- storms ---- */

static uint32_t draw(uint32_t i)
{
	return i * 2654435761u + 12345;
}

/* What test-audit.py works out for itself. */
static void draw_arguments(int kind, uint32_t i, char *pathname, uint64_t *a)
{
	static int null = -1;

	if (null < 0)
		null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	sprintf(pathname, "/nowhere/%u", i);
	for (int k = 0; k < ARGS; k++)
		a[k] = draw(i + (uint32_t)k);
	switch (kind) {
	case FANOTIFY_MARK:
		a[0] = (uint64_t)null;
		a[2] |= a[3] << 32;
		a[3] = FDCWD;
		a[4] = POINTER(pathname);
		break;
	case INOTIFY_ADD_WATCH:
		a[0] = (uint64_t)null;
		a[1] = POINTER(pathname);
		break;
	case DNOTIFY:
		a[0] = (uint64_t)null;
		a[1] = F_NOTIFY;
		break;
	default:
		break;
	}
}

static long call_compat(int kind, const uint64_t *a)
{
	uint32_t b[CALL32_ARGS] = {(uint32_t)a[0], (uint32_t)a[1], (uint32_t)a[2],
				   (uint32_t)a[3], (uint32_t)a[4]};

	if (kind == FANOTIFY_MARK) {
		b[3] = (uint32_t)(a[2] >> 32);
		b[4] = (uint32_t)a[3];
		b[5] = (uint32_t)a[4];
	}
	return call32(kinds[kind].number32, b);
}

static int storm(const char *name, uint32_t count, bool compat)
{
	int32_t *results = calloc(count, sizeof(*results));
	char *pathname = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	int kind = 0;

	while (kind < KINDS && strcmp(kinds[kind].name, name) != 0)
		kind++;
	if (!results || pathname == MAP_FAILED || kind == KINDS)
		return 1;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t args[ARGS];
		long r;

		draw_arguments(kind, i, pathname, args);
		r = compat ? call_compat(kind, args) : call(kind, args);
		results[i] = (int32_t)r;
		if (r > 2)
			close((int)r);
	}
	fwrite(results, sizeof(*results), count, stdout);
	free(results);
	return 0;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 2 ? argv[1] : "";

	if (strcmp(mode, "each") == 0) {
		top = argv[2];
		return each();
	}
	if (strcmp(mode, "one") == 0)
		return inotify_add_watch(inotify_init1(0), argv[2], IN_CREATE) > 0;
	if (argc > 3)
		return storm(argv[2], (uint32_t)strtoul(argv[3], NULL, 10),
			     strcmp(mode, "compat") == 0);
	return 2;
}
