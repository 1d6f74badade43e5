/* SPDX-License-Identifier: MIT */
/* Scanners of all types, and what they share. */
#include "scan/scanner.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/number.h"
#include "base/trusted.h"

static const struct ft_scanner_ops *const types[] = {
	[FT_SCANNER_CLAMD] = &ft_scanner_clamd,
	[FT_SCANNER_YARA] = &ft_scanner_yara,
	[FT_SCANNER_SHA256] = &ft_scanner_sha256,
};

int ft_scanner_open(struct ft_scanner **ret, const struct ft_scanner_spec *spec,
		    char **ret_error)
{
	struct ft_scanner *s;
	int r = types[spec->type]->open(&s, spec, ret_error);

	if (r < 0)
		return r;
	s->ops = types[spec->type];
	*ret = s;
	return 0;
}

struct ft_scanner *ft_scanner_close(struct ft_scanner *s)
{
	if (s)
		s->ops->close(s);
	return NULL;
}

/* Reading a FIFO or a device may wait for ever, and take what it reads from others. */
static bool is_scannable(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

void ft_scanner_scan(struct ft_scanner *s, const struct ft_scan *scan,
		     struct ft_scanned *ret)
{
	if (ft_scan_msec_left(scan) == 0)
		ft_scanned_set(ret, FT_SCAN_ERROR, "no time left");
	else if (!is_scannable(scan->fd))
		ft_scanned_set(ret, FT_SCAN_ERROR, "not a regular file");
	else
		s->ops->scan(s, scan, ret);
}

bool ft_scanner_is(struct ft_scanner *s, pid_t pid)
{
	return s->ops->is && s->ops->is(s, pid);
}

bool ft_scanner_take_news(struct ft_scanner *s, struct ft_scanned *ret)
{
	return s->ops->take_news && s->ops->take_news(s, ret);
}

void ft_scanned_set(struct ft_scanned *ret, enum ft_scan_result result, const char *fmt,
		    ...)
{
	va_list args;

	ret->result = result;
	va_start(args, fmt);
	vsnprintf(ret->text, sizeof(ret->text), fmt, args);
	va_end(args);
	for (char *c = ret->text; *c; c++) {
		if (*c < ' ' || *c > '~')
			*c = '?';
	}
}

int ft_scan_msec_left(const struct ft_scan *scan)
{
	int64_t left = scan->deadline_ns - ft_boot_ns();

	if (left <= 0)
		return 0;
	left = (left + FT_NSEC_PER_MSEC - 1) / FT_NSEC_PER_MSEC;
	return left < INT32_MAX ? (int)left : INT32_MAX;
}

int ft_scan_check(const struct ft_scan *scan)
{
	struct pollfd p = {.fd = scan->stop, .events = POLLIN};

	if (poll(&p, 1, 0) > 0)
		return -ECANCELED;
	return ft_scan_msec_left(scan) == 0 ? -ETIMEDOUT : 0;
}

int ft_scan_fail(char **ret_error, int error, const char *fmt, ...)
{
	va_list args;

	if (!ret_error)
		return error;
	va_start(args, fmt);
	if (vasprintf(ret_error, fmt, args) < 0)
		*ret_error = NULL;
	va_end(args);
	return error;
}

int ft_scan_open_trusted(const char *file, char **ret_error)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes why = {0};
	int fd = -1, r = ft_trusted_open(file, &fd, &why);

	if (r == 0)
		return fd;
	return why.len > 0 ? ft_scan_fail(ret_error, r, "%s", ft_bytes_cstr(&why))
			   : ft_scan_fail(ret_error, r, "%s: %s", file, strerror(-r));
}
