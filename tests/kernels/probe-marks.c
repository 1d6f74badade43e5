/* SPDX-License-Identifier: MIT */
/*
 * Every group and mark of fanotify, tried on PATH: probe-marks PATH
 * Or a listener that is asked about PATH's filesystem, and never answers:
 * probe-marks --hold PATH
 *
 * The lines are those of `fantail doctor --matrix --format csv PATH`, in another order.
 * For an old kernel with old headers: the numbers stand here.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct name {
	const char *name;
	uint64_t value;
};

static const struct name classes[] = {
	{"FAN_CLASS_NOTIF", 0}, {"FAN_CLASS_CONTENT", 4}, {"FAN_CLASS_PRE_CONTENT", 8}};
static const struct name reports[] = {
	{"FAN_REPORT_PIDFD", 0x80},	 {"FAN_REPORT_TID", 0x100},
	{"FAN_REPORT_FID", 0x200},	 {"FAN_REPORT_DIR_FID", 0x400},
	{"FAN_REPORT_NAME", 0x800},	 {"FAN_REPORT_TARGET_FID", 0x1000},
	{"FAN_REPORT_FD_ERROR", 0x2000}, {"FAN_REPORT_MNT", 0x4000},
};
static const struct name others[] = {{"FAN_UNLIMITED_QUEUE", 0x10},
				     {"FAN_UNLIMITED_MARKS", 0x20},
				     {"FAN_ENABLE_AUDIT", 0x40}};
static const struct name types[] = {
	{"inode", 0}, {"mount", 0x10}, {"filesystem", 0x100}, {"mntns", 0x110}};
static const struct name modes[] = {
	{"mark", 0}, {"evictable", 0x200}, {"ignored", 0x60}, {"ignore", 0x440}};
static const struct name events[] = {
	{"access", 0x1},
	{"modify", 0x2},
	{"attrib", 0x4},
	{"close_write", 0x8},
	{"close_nowrite", 0x10},
	{"open", 0x20},
	{"moved_from", 0x40},
	{"moved_to", 0x80},
	{"create", 0x100},
	{"delete", 0x200},
	{"delete_self", 0x400},
	{"move_self", 0x800},
	{"open_exec", 0x1000},
	{"fs_error", 0x8000},
	{"open_perm", 0x10000},
	{"access_perm", 0x20000},
	{"open_exec_perm", 0x40000},
	{"pre_access", 0x100000},
	{"mnt_attach", 0x1000000},
	{"mnt_detach", 0x2000000},
	{"rename", 0x10000000},
	{"ondir", 0x40000020},
	{"on_child", 0x08000020},
};

enum { ADD = 1, REMOVE = 2, CLOEXEC = 1, NONBLOCK = 2, REPORTS = 8, OPEN_PERM = 0x10000 };

#define FOR_EACH(item, list)                                                             \
	for (const struct name *item = (list);                                           \
	     item < (list) + sizeof(list) / sizeof(*(list)); item++)

static const char *name_of(int error)
{
	static const struct name errors[] = {
		{"ok", 0},
		{"EPERM", EPERM},
		{"EINVAL", EINVAL},
		{"ENODEV", ENODEV},
		{"EXDEV", EXDEV},
		{"EOPNOTSUPP", EOPNOTSUPP},
		{"ENOTDIR", ENOTDIR},
		{"EEXIST", EEXIST},
		{"ENOENT", ENOENT},
	};

	FOR_EACH(e, errors)
	if ((int)e->value == error)
		return e->name;
	return strerror(error);
}

static long mark(int group, uint64_t flags, uint64_t mask, const char *path)
{
	return syscall(SYS_fanotify_mark, group, (unsigned int)flags, mask, AT_FDCWD,
		       path);
}

static void try_marks(int group, const char *name, const char *path)
{
	FOR_EACH(t, types)
	FOR_EACH(m, modes)
	FOR_EACH(e, events)
	{
		const char *on = t->value == 0x110 ? "/proc/self/ns/mnt" : path;
		uint64_t flags = t->value | m->value;
		long r = mark(group, ADD | flags, e->value, on);

		printf("%s,%s,%s,%s,%s\n", name, t->name, m->name, e->name,
		       name_of(r < 0 ? errno : 0));
		if (r == 0)
			mark(group, REMOVE | flags, e->value, on);
	}
}

static void try_group(const char *name, uint64_t flags, const char *path)
{
	int group = (int)syscall(SYS_fanotify_init,
				 (unsigned int)flags | CLOEXEC | NONBLOCK, O_RDONLY);

	printf("%s,,,,%s\n", name, name_of(group < 0 ? errno : 0));
	if (group < 0)
		return;
	try_marks(group, name, path);
	close(group);
}

static void try_all(const char *path)
{
	char name[512];

	FOR_EACH(c, classes)
	{
		for (unsigned int set = 0; set < 1 << REPORTS; set++) {
			uint64_t flags = c->value;

			strcpy(name, c->name);
			for (int i = 0; i < REPORTS; i++)
				if (set & 1u << i) {
					flags |= reports[i].value;
					strcat(strcat(name, "|"), reports[i].name);
				}
			try_group(name, flags, path);
		}
		FOR_EACH(o, others)
		{
			snprintf(name, sizeof(name), "%s|%s", c->name, o->name);
			try_group(name, c->value | o->value, path);
		}
	}
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--hold") == 0) {
		int group = (int)syscall(SYS_fanotify_init, 4 | CLOEXEC, O_RDONLY);

		if (mark(group, ADD | 0x100, OPEN_PERM, argv[2]) < 0) {
			perror("probe-marks: fanotify_mark");
			return 1;
		}
		puts("holding");
		fflush(stdout);
		for (;;)
			pause();
	}
	if (argc != 2) {
		fprintf(stderr, "usage: probe-marks [--hold] PATH\n");
		return 2;
	}
	puts("group,type,mode,event,result");
	try_all(argv[1]);
	return 0;
}
