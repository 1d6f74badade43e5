/* SPDX-License-Identifier: MIT */
/* A gzipped file, by zlib. */
#include <errno.h>
#include <zlib.h>

#include "inspect/kconfig.h"

int ft_kconfig_gunzip(const char *path, size_t max, struct ft_bytes *out)
{
	gzFile file = gzopen(path, "rbe");
	char part[4096];
	int n = 0, r;

	if (!file)
		return errno ? -errno : -ENOMEM;
	while (out->len <= max && (n = gzread(file, part, sizeof(part))) > 0)
		ft_bytes_put(out, part, (size_t)n);
	r = n < 0 ? -EBADMSG : out->len > max ? -EFBIG : out->failed;
	if (gzclose_r(file) != Z_OK && r == 0)
		r = -EBADMSG;
	return r;
}
