/* SPDX-License-Identifier: MIT */
/* The mount table. */
#include "kernel/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/number.h"
#include "kernel/server.h"

enum { MOUNTINFO_MAX = 64 << 20 };

static void mount_fini(struct ft_mount *m)
{
	free(m->dev);
	free(m->root);
	free(m->mountpoint);
	free(m->type);
	free(m->source);
	free(m->options);
}

void ft_mounts_fini(struct ft_mounts *m)
{
	for (size_t i = 0; i < m->count; i++)
		mount_fini(&m->list[i]);
	free(m->list);
	*m = (struct ft_mounts){0};
}

/* The next field of a line, up to a space; the rest stays in *line. */
static struct ft_span take_field(struct ft_span *line)
{
	const char *end = memchr(line->data, ' ', line->len);
	struct ft_span field = {line->data, end ? (size_t)(end - line->data) : line->len};
	size_t used = field.len + (end ? 1 : 0);

	line->data += used;
	line->len -= used;
	return field;
}

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* The kernel writes space, tab, newline and backslash as \ooo. */
char *ft_mounts_unescape(struct ft_span s)
{
	char *out = malloc(s.len + 1), *p = out;

	if (!out)
		return NULL;
	for (size_t i = 0; i < s.len; i++) {
		const char *c = s.data + i;

		if (*c == '\\' && s.len - i > 3 && is_octal(c[1]) && is_octal(c[2]) &&
		    is_octal(c[3])) {
			*p++ = (char)((c[1] - '0') << 6 | (c[2] - '0') << 3 |
				      (c[3] - '0'));
			i += 3;
			continue;
		}
		*p++ = *c;
	}
	*p = '\0';
	return out;
}

static int parse_id(struct ft_span s, int *ret)
{
	char text[16];
	uint64_t v;

	if (s.len == 0 || s.len >= sizeof(text))
		return -EBADMSG;
	memcpy(text, s.data, s.len);
	text[s.len] = '\0';
	if (ft_number_parse(text, INT32_MAX, &v) < 0)
		return -EBADMSG;
	*ret = (int)v;
	return 0;
}

/* id parent major:minor root mountpoint options [tag...] - type source super-options */
static int parse_line(struct ft_mount *m, struct ft_span line)
{
	struct ft_span field;

	*m = (struct ft_mount){.visible = true};
	if (parse_id(take_field(&line), &m->id) < 0 ||
	    parse_id(take_field(&line), &m->parent_id) < 0)
		return -EBADMSG;
	m->dev = ft_mounts_unescape(take_field(&line));
	m->root = ft_mounts_unescape(take_field(&line));
	m->mountpoint = ft_mounts_unescape(take_field(&line));
	do {
		if (line.len == 0)
			return -EBADMSG;
		field = take_field(&line);
	} while (!ft_span_equal(field, FT_SPAN("-")));
	m->type = ft_mounts_unescape(take_field(&line));
	m->source = ft_mounts_unescape(take_field(&line));
	m->options = ft_span_dup(take_field(&line));
	return m->dev && m->root && m->mountpoint && m->type && m->source && m->options
		       ? 0
		       : -ENOMEM;
}

int ft_mounts_parse(struct ft_mounts *ret, struct ft_span text)
{
	_cleanup_(ft_mounts_fini) struct ft_mounts m = {0};
	int r;

	while (text.len > 0) {
		const char *end = memchr(text.data, '\n', text.len);
		struct ft_span line = {text.data,
				       end ? (size_t)(end - text.data) : text.len};
		struct ft_mount *list;

		if (m.count % 64 == 0) {
			list = reallocarray(m.list, m.count + 64, sizeof(*list));
			if (!list)
				return -ENOMEM;
			m.list = list;
		}
		r = parse_line(&m.list[m.count++], line);
		if (r < 0)
			return r;
		text.data += line.len + (end ? 1 : 0);
		text.len -= line.len + (end ? 1 : 0);
	}
	*ret = m;
	m = (struct ft_mounts){0};
	return 0;
}

/* Nobody who may hang is asked; what cannot be said is there by the table's word. */
static bool is_shown_by_server(const struct ft_mount *m)
{
	_cleanup_close_ int fd =
		ft_file_open_cached(AT_FDCWD, m->mountpoint, O_PATH | O_NOFOLLOW, 0);
	int id = fd < 0 ? fd : ft_mounts_id_of(fd);

	return id < 0 ? id != -ENOENT : id == m->id;
}

static bool is_visible(const struct ft_mounts *mounts, const struct ft_mount *m)
{
	struct statx sx;

	if (ft_server_is_asked(mounts, m))
		return is_shown_by_server(m);
	if (statx(AT_FDCWD, m->mountpoint,
		  AT_NO_AUTOMOUNT | AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC,
		  STATX_MNT_ID, &sx) < 0)
		/* FUSE lets nobody but its owner look: it is there all the same. */
		return errno == EACCES;
	/* A kernel without STATX_MNT_ID (before 5.8) cannot say: take the table's word.
	 */
	return !(sx.stx_mask & STATX_MNT_ID) || (int)sx.stx_mnt_id == m->id;
}

int ft_mounts_read(struct ft_mounts *ret)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes text = {0};
	int r;

	r = ft_file_read(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, &text);
	if (r < 0)
		return r;
	r = ft_mounts_parse(ret, ft_bytes_span(&text));
	if (r < 0)
		return r;
	for (size_t i = 0; i < ret->count; i++)
		if (!ft_mounts_is_pseudo(ret->list[i].type))
			ret->list[i].visible = is_visible(ret, &ret->list[i]);
	return 0;
}

const struct ft_mount *ft_mounts_find(const struct ft_mounts *m, int id)
{
	for (size_t i = 0; i < m->count; i++)
		if (m->list[i].id == id)
			return &m->list[i];
	return NULL;
}

const struct ft_mount *ft_mounts_find_device(const struct ft_mounts *m, dev_t dev)
{
	char text[24];

	snprintf(text, sizeof(text), "%u:%u", major(dev), minor(dev));
	for (size_t i = 0; i < m->count; i++)
		if (strcmp(m->list[i].dev, text) == 0)
			return &m->list[i];
	return NULL;
}

int ft_mounts_id_of(int fd)
{
	struct statx sx;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID, &sx) < 0)
		return -errno;
	return sx.stx_mask & STATX_MNT_ID ? (int)sx.stx_mnt_id : -EOPNOTSUPP;
}

bool ft_mounts_is_pseudo(const char *type)
{
	static const char *const types[] = {
		"autofs",   "binfmt_misc", "bpf",	 "cgroup",     "cgroup2",
		"configfs", "debugfs",	   "devpts",	 "devtmpfs",   "efivarfs",
		"fusectl",  "hugetlbfs",   "mqueue",	 "nsfs",       "pipefs",
		"proc",	    "pstore",	   "rpc_pipefs", "securityfs", "selinuxfs",
		"smackfs",  "sockfs",	   "sysfs",	 "tracefs",
	};

	for (size_t i = 0; i < FT_ARRAY_SIZE(types); i++)
		if (strcmp(types[i], type) == 0)
			return true;
	return false;
}

bool ft_mounts_is_told(const struct ft_mounts *m, size_t i)
{
	const struct ft_mount *mount = &m->list[i];

	if (!mount->visible || ft_mounts_is_pseudo(mount->type))
		return false;
	for (size_t k = 0; k < i; k++)
		if (m->list[k].visible && strcmp(m->list[k].dev, mount->dev) == 0 &&
		    strcmp(m->list[k].root, mount->root) == 0)
			return false;
	return true;
}

int ft_mounts_open_poll(void)
{
	int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* key may be NULL. */
static int mount_detached(const char *type, const char *key, const char *value)
{
	_cleanup_close_ int context = fsopen(type, FSOPEN_CLOEXEC);
	int top;

	if (context < 0)
		return -errno;
	if ((key && fsconfig(context, FSCONFIG_SET_STRING, key, value, 0) < 0) ||
	    fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	top = fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID);
	return top < 0 ? -errno : top;
}

int ft_mounts_open_private(void)
{
	return mount_detached("tmpfs", "size", "1m");
}

int ft_mounts_open_tracefs(void)
{
	return mount_detached("tracefs", NULL, NULL);
}
