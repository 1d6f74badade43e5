/* SPDX-License-Identifier: MIT */
/* The kernel's fanotify ABI as this project needs it: also what the build machine's
 * headers do not know yet. */
#pragma once

#include <stdint.h>

/* fanotify_init(2) */
enum {
	FT_INIT_CLOEXEC = 0x00000001,
	FT_INIT_NONBLOCK = 0x00000002,
	FT_INIT_CLASS_NOTIF = 0x00000000,
	FT_INIT_CLASS_CONTENT = 0x00000004,
	FT_INIT_CLASS_PRE_CONTENT = 0x00000008,
	FT_INIT_UNLIMITED_QUEUE = 0x00000010,
	FT_INIT_UNLIMITED_MARKS = 0x00000020,
	FT_INIT_ENABLE_AUDIT = 0x00000040,
	FT_INIT_REPORT_PIDFD = 0x00000080,
	FT_INIT_REPORT_TID = 0x00000100,
	FT_INIT_REPORT_FID = 0x00000200,
	FT_INIT_REPORT_DIR_FID = 0x00000400,
	FT_INIT_REPORT_NAME = 0x00000800,
	FT_INIT_REPORT_TARGET_FID = 0x00001000, /* 5.17 */
	FT_INIT_REPORT_FD_ERROR = 0x00002000,	/* 6.12 */
	FT_INIT_REPORT_MNT = 0x00004000,	/* 6.14 */
	FT_INIT_DFID_NAME = FT_INIT_REPORT_DIR_FID | FT_INIT_REPORT_NAME,
	FT_INIT_DFID_NAME_TARGET =
		FT_INIT_DFID_NAME | FT_INIT_REPORT_FID | FT_INIT_REPORT_TARGET_FID,
};

/* fanotify_mark(2) */
enum {
	FT_MARK_ADD = 0x00000001,
	FT_MARK_REMOVE = 0x00000002,
	FT_MARK_DONT_FOLLOW = 0x00000004,
	FT_MARK_ONLYDIR = 0x00000008,
	FT_MARK_IGNORED_MASK = 0x00000020,
	FT_MARK_IGNORED_SURV_MODIFY = 0x00000040,
	FT_MARK_IGNORED_MASK_SURV = 0x00000060,
	FT_MARK_FLUSH = 0x00000080,
	FT_MARK_EVICTABLE = 0x00000200, /* 5.19 */
	FT_MARK_IGNORE = 0x00000400,	/* 6.0 */
	FT_MARK_IGNORE_SURV = 0x00000440,
	FT_MARK_INODE = 0x00000000,
	FT_MARK_MOUNT = 0x00000010,
	FT_MARK_FILESYSTEM = 0x00000100,
	FT_MARK_MNTNS = 0x00000110, /* 6.14 */
};

#define FT_EV_ON_CHILD 0x08000000u

/* What comes after the metadata of an event. */
enum ft_info_type {
	FT_INFO_FID = 1,
	FT_INFO_DFID_NAME = 2,
	FT_INFO_DFID = 3,
	FT_INFO_PIDFD = 4,
	FT_INFO_ERROR = 5,
	FT_INFO_RANGE = 6, /* 6.14 */
	FT_INFO_MNT = 7,   /* 6.14 */
	FT_INFO_OLD_DFID_NAME = 10,
	FT_INFO_NEW_DFID_NAME = 12,
};

enum {
	FT_METADATA_VERSION = 3,
	FT_NOFD = -1,
};

/* Packed: a record in a buffer is aligned to 4 bytes, whatever the kernel's own header
 * says. */
struct ft_abi_metadata {
	uint32_t event_len;
	uint8_t vers;
	uint8_t reserved;
	uint16_t metadata_len;
	uint64_t mask;
	int32_t fd;
	int32_t pid;
} __attribute__((packed));

struct ft_abi_info {
	uint8_t info_type;
	uint8_t pad;
	uint16_t len;
};

/* A file handle as fid records and name_to_handle_at(2) have it. */
struct ft_abi_handle {
	uint32_t handle_bytes;
	int32_t handle_type;
	unsigned char f_handle[];
};

struct ft_abi_response {
	int32_t fd;
	uint32_t response;
};

/* What may follow it (6.3): the number of the rule, for the audit log. */
struct ft_abi_response_audit {
	struct ft_abi_response response;
	uint8_t type;
	uint8_t pad;
	uint16_t len; /* of this part */
	uint32_t rule;
	uint32_t subject_trust;
	uint32_t object_trust;
};

enum {
	FT_RESPONSE_ALLOW = 0x01,
	FT_RESPONSE_DENY = 0x02,
	FT_RESPONSE_AUDIT = 0x10,     /* needs FT_INIT_ENABLE_AUDIT */
	FT_RESPONSE_INFO = 0x20,      /* more follows */
	FT_RESPONSE_ERRNO_SHIFT = 24, /* of a denial (6.14): needs CLASS_PRE_CONTENT */
	FT_RESPONSE_INFO_AUDIT_RULE = 1,
	FT_RESPONSE_TRUST_UNKNOWN = 2,
};

/* statx(2), 6.8: an id that is never given to another mount. */
#define FT_STATX_MNT_ID_UNIQUE 0x00004000u

_Static_assert(sizeof(struct ft_abi_metadata) == 24, "the kernel's layout");
_Static_assert(sizeof(struct ft_abi_info) == 4, "the kernel's layout");
_Static_assert(sizeof(struct ft_abi_response_audit) == 24, "the kernel's layout");
