/* SPDX-License-Identifier: MIT */
/* Reading what is to be scanned. */
#include "scan/content.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "scan/scanner.h"

enum { PIECE_SIZE = 256 * 1024 };

/* By pread(2), not by mmap(2): a file that is cut short meanwhile would be a SIGBUS. */
int ft_content_read(const struct ft_scan *scan, ft_content_fn fn, void *data)
{
	_cleanup_free_ char *piece = malloc(PIECE_SIZE);
	off_t at = 0;
	ssize_t n;

	if (!piece)
		return -ENOMEM;
	while ((n = pread(scan->fd, piece, PIECE_SIZE, at)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		int r = ft_scan_check(scan);
		if (r == 0)
			r = fn(data, piece, (size_t)n);
		if (r < 0)
			return r;
		at += n;
	}
	return 0;
}
