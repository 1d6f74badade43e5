/* SPDX-License-Identifier: MIT */
/* The calls by which marks are made. Read by both compilers. */
#pragma once

enum ft_call_kind {
	FT_CALL_FANOTIFY_INIT,
	FT_CALL_FANOTIFY_MARK,
	FT_CALL_INOTIFY_INIT,
	FT_CALL_INOTIFY_INIT1,
	FT_CALL_INOTIFY_ADD_WATCH,
	FT_CALL_INOTIFY_RM_WATCH,
	FT_CALL_DNOTIFY, /* fcntl(2) F_NOTIFY */
	FT_CALL_COUNT,
};
