/* SPDX-License-Identifier: MIT */
/* Built without libyara. */
#include <errno.h>

#include "scan/scanner.h"

static int none_open(struct ft_scanner **ret, const struct ft_scanner_spec *spec,
		     char **ret_error)
{
	return ft_scan_fail(ret_error, -ENOSYS,
			    "%s: this fantail was built without YARA (-Dyara=enabled)",
			    spec->file);
}

const struct ft_scanner_ops ft_scanner_yara = {.open = none_open};
