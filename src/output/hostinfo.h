/* SPDX-License-Identifier: MIT */
/* What ECS and OCSF say of the machine, and parts of a path. */
#pragma once

#include "base/bytes.h"

/* The host's name, malloc'd; "localhost" where it has none. NULL when out of memory. */
char *ft_hostinfo_name(void);

/* The last component; all of a path without a slash. */
struct ft_span ft_hostinfo_base(struct ft_span path);
/* What is before the last component: "/" for "/a", empty where there is no slash. */
struct ft_span ft_hostinfo_directory(struct ft_span path);
/* "gz" for "a.tar.gz"; empty for ".profile", "a." and "a". */
struct ft_span ft_hostinfo_extension(struct ft_span path);
/* Arguments as one line, a space between; appended. */
void ft_hostinfo_put_command_line(struct ft_bytes *out, struct ft_span args);
