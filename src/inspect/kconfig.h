/* SPDX-License-Identifier: MIT */
/* The kernel's configuration, as it is told, beside what was tried. */
#pragma once

#include "base/bytes.h"
#include "inspect/finding.h"

enum { FT_KCONFIG_MAX = 4 << 20 };

/* The value of an option ("y", "m", "250") in text of the form of a .config; empty: not
 * set. */
struct ft_span ft_kconfig_get(struct ft_span text, const char *option);
void ft_kconfig_judge(struct ft_span text, const char *source, struct ft_findings *f);
/* From /proc/config.gz, /boot or /lib/modules. Where it is not told, that is said. */
void ft_kconfig_inspect(struct ft_findings *f);

/* kconfig-gz.c or kconfig-plain.c: a gzipped file, at most max bytes of what is in it.
 * 0 or -errno; -ENOSYS: built without. */
int ft_kconfig_gunzip(const char *path, size_t max, struct ft_bytes *out);
