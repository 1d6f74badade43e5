/* SPDX-License-Identifier: MIT */
/* What is behind a scanner of one type. */
#pragma once

#include "scan/scan.h"

/* The first member of each type's own struct. */
struct ft_scanner {
	const struct ft_scanner_ops *ops;
};

struct ft_scanner_ops {
	int (*open)(struct ft_scanner **ret, const struct ft_scanner_spec *spec,
		    char **ret_error);
	void (*close)(struct ft_scanner *s);
	void (*scan)(struct ft_scanner *s, const struct ft_scan *scan,
		     struct ft_scanned *ret);
	/* The rest may be NULL. */
	bool (*is)(struct ft_scanner *s, pid_t pid);
	bool (*take_news)(struct ft_scanner *s, struct ft_scanned *ret);
};

extern const struct ft_scanner_ops ft_scanner_clamd;
extern const struct ft_scanner_ops ft_scanner_yara; /* open: -ENOSYS when built without */
extern const struct ft_scanner_ops ft_scanner_sha256;

/* Sets result and text, which is cut to its room, what is not printable becomes '?'. */
void ft_scanned_set(struct ft_scanned *ret, enum ft_scan_result result, const char *fmt,
		    ...) __attribute__((format(printf, 3, 4)));
/* Until the deadline, 0: it has passed; as poll(2) wants it. */
int ft_scan_msec_left(const struct ft_scan *scan);
/* 0; -ETIMEDOUT: the deadline has passed; -ECANCELED: it was stopped. */
int ft_scan_check(const struct ft_scan *scan);
/* *ret_error (may be NULL) becomes one line; returns error. */
int ft_scan_fail(char **ret_error, int error, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A file that says what is infected: nobody else may change it. Its descriptor, or
 * ft_scan_fail(). */
int ft_scan_open_trusted(const char *file, char **ret_error);
