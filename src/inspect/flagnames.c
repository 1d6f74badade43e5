/* SPDX-License-Identifier: MIT */
/* The flag sets of fanotify, inotify and dnotify, by name. */
#include "inspect/flagnames.h"

#include <assert.h>
#include <inttypes.h>
/* Not <fcntl.h>: to glibc O_LARGEFILE is 0 where long has 64 bits; the kernel sees it. */
#include <linux/fcntl.h>
#include <sys/inotify.h>

#include "base/cleanup.h"
#include "event/mask.h"
#include "kernel/abi.h"

#define NAMED(name, value)                                                               \
	{                                                                                \
		(name), (value), (value)                                                 \
	}
#define INIT(NAME) NAMED("FAN_" #NAME, FT_INIT_##NAME)
#define INIT_CLASS(NAME)                                                                 \
	{                                                                                \
		"FAN_CLASS_" #NAME, FT_INIT_CLASS_##NAME, INIT_CLASS_FIELD               \
	}
#define MARK(NAME) NAMED("FAN_MARK_" #NAME, FT_MARK_##NAME)
#define MARK_TYPE(NAME)                                                                  \
	{                                                                                \
		"FAN_MARK_" #NAME, FT_MARK_##NAME, MARK_TYPE_FIELD                       \
	}
#define HEADER(NAME) NAMED(#NAME, NAME)
#define HEADER_FIELD(NAME, field)                                                        \
	{                                                                                \
#NAME, NAME, (field)                                                     \
	}

enum {
	INIT_CLASS_FIELD = FT_INIT_CLASS_CONTENT | FT_INIT_CLASS_PRE_CONTENT,
	MARK_TYPE_FIELD = FT_MARK_MOUNT | FT_MARK_FILESYSTEM,
};

static const struct ft_flag_name fan_init[] = {
	INIT_CLASS(NOTIF),     INIT_CLASS(CONTENT),	INIT_CLASS(PRE_CONTENT),
	INIT(CLOEXEC),	       INIT(NONBLOCK),		INIT(UNLIMITED_QUEUE),
	INIT(UNLIMITED_MARKS), INIT(ENABLE_AUDIT),	INIT(REPORT_PIDFD),
	INIT(REPORT_TID),      INIT(REPORT_FID),	INIT(REPORT_DIR_FID),
	INIT(REPORT_NAME),     INIT(REPORT_TARGET_FID), INIT(REPORT_FD_ERROR),
	INIT(REPORT_MNT),
};

static const struct ft_flag_name fan_mark[] = {
	MARK(ADD),
	MARK(REMOVE),
	MARK(FLUSH),
	MARK_TYPE(INODE),
	MARK_TYPE(MOUNT),
	MARK_TYPE(FILESYSTEM),
	MARK_TYPE(MNTNS),
	MARK(DONT_FOLLOW),
	MARK(ONLYDIR),
	MARK(IGNORED_MASK),
	MARK(IGNORED_SURV_MODIFY),
	MARK(EVICTABLE),
	MARK(IGNORE),
};

static const struct ft_flag_name fan_mask[] = {
#define FT_MASK(NAME, value, name, groups, meaning) NAMED("FAN_" #NAME, FT_EV_##NAME),
#include "event/mask.def"
#undef FT_MASK
	NAMED("FAN_Q_OVERFLOW", FT_EV_Q_OVERFLOW),
	NAMED("FAN_EVENT_ON_CHILD", FT_EV_ON_CHILD),
	NAMED("FAN_ONDIR", FT_EV_ONDIR),
};

static const struct ft_flag_name in_init[] = {
	HEADER(IN_CLOEXEC),
	HEADER(IN_NONBLOCK),
};

static const struct ft_flag_name in_mask[] = {
	HEADER(IN_ACCESS),	HEADER(IN_MODIFY),	  HEADER(IN_ATTRIB),
	HEADER(IN_CLOSE_WRITE), HEADER(IN_CLOSE_NOWRITE), HEADER(IN_OPEN),
	HEADER(IN_MOVED_FROM),	HEADER(IN_MOVED_TO),	  HEADER(IN_CREATE),
	HEADER(IN_DELETE),	HEADER(IN_DELETE_SELF),	  HEADER(IN_MOVE_SELF),
	HEADER(IN_UNMOUNT),	HEADER(IN_Q_OVERFLOW),	  HEADER(IN_IGNORED),
	HEADER(IN_ONLYDIR),	HEADER(IN_DONT_FOLLOW),	  HEADER(IN_EXCL_UNLINK),
	HEADER(IN_MASK_CREATE), HEADER(IN_MASK_ADD),	  HEADER(IN_ISDIR),
	HEADER(IN_ONESHOT),
};

static const struct ft_flag_name open_flags[] = {
	HEADER_FIELD(O_RDONLY, O_ACCMODE),
	HEADER_FIELD(O_WRONLY, O_ACCMODE),
	HEADER_FIELD(O_RDWR, O_ACCMODE),
	HEADER(O_CREAT),
	HEADER(O_EXCL),
	HEADER(O_NOCTTY),
	HEADER(O_TRUNC),
	HEADER(O_APPEND),
	HEADER(O_NONBLOCK),
	HEADER(O_SYNC),
	HEADER_FIELD(O_DSYNC, O_SYNC),
	HEADER(FASYNC),
	HEADER(O_DIRECT),
	HEADER(O_LARGEFILE),
	HEADER(O_TMPFILE),
	HEADER_FIELD(O_DIRECTORY, O_TMPFILE),
	HEADER(O_NOFOLLOW),
	HEADER(O_NOATIME),
	HEADER(O_CLOEXEC),
	HEADER(O_PATH),
};

static const struct ft_flag_name dn_mask[] = {
	HEADER(DN_ACCESS), HEADER(DN_MODIFY), HEADER(DN_CREATE),    HEADER(DN_DELETE),
	HEADER(DN_RENAME), HEADER(DN_ATTRIB), HEADER(DN_MULTISHOT),
};

#define TABLE(names)                                                                     \
	{                                                                                \
		(names), FT_ARRAY_SIZE(names)                                            \
	}

static const struct {
	const struct ft_flag_name *names;
	size_t count;
} tables[FT_FLAGS_COUNT] = {
	[FT_FLAGS_FAN_INIT] = TABLE(fan_init), [FT_FLAGS_FAN_MARK] = TABLE(fan_mark),
	[FT_FLAGS_FAN_MASK] = TABLE(fan_mask), [FT_FLAGS_IN_INIT] = TABLE(in_init),
	[FT_FLAGS_IN_MASK] = TABLE(in_mask),   [FT_FLAGS_OPEN] = TABLE(open_flags),
	[FT_FLAGS_DN_MASK] = TABLE(dn_mask),
};

const struct ft_flag_name *ft_flagnames_table(enum ft_flag_set set, size_t *ret_count)
{
	assert(set < FT_FLAGS_COUNT);
	*ret_count = tables[set].count;
	return tables[set].names;
}

void ft_flagnames_decode(enum ft_flag_set set, uint64_t value, struct ft_flagnames *ret)
{
	size_t count;
	const struct ft_flag_name *names = ft_flagnames_table(set, &count);

	ret->count = 0;
	ret->unknown = value;
	for (size_t i = 0; i < count && ret->count < FT_FLAGNAMES_MAX; i++) {
		if ((value & names[i].field) != names[i].bits)
			continue;
		ret->names[ret->count++] = names[i].name;
		ret->unknown &= ~names[i].bits;
	}
}

void ft_flagnames_format(struct ft_bytes *out, enum ft_flag_set set, uint64_t value,
			 const char *sep)
{
	struct ft_flagnames decoded;

	ft_flagnames_decode(set, value, &decoded);
	for (size_t i = 0; i < decoded.count; i++) {
		ft_bytes_put_str(out, i ? sep : "");
		ft_bytes_put_str(out, decoded.names[i]);
	}
	if (decoded.unknown)
		ft_bytes_printf(out, "%s0x%" PRIx64, decoded.count ? sep : "",
				decoded.unknown);
	else if (!decoded.count)
		ft_bytes_put_lit(out, "0");
}
