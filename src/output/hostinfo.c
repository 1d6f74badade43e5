/* SPDX-License-Identifier: MIT */
/* What ECS and OCSF say of the machine, and parts of a path. */
#include "output/hostinfo.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *ft_hostinfo_name(void)
{
	char name[256] = "";

	if (gethostname(name, sizeof(name) - 1) != 0 || name[0] == '\0')
		return strdup("localhost");
	return strdup(name);
}

static const char *last_slash(struct ft_span path)
{
	return path.len > 0 ? memrchr(path.data, '/', path.len) : NULL;
}

struct ft_span ft_hostinfo_base(struct ft_span path)
{
	const char *slash = last_slash(path);
	size_t skip;

	/* The root directory is its own name. */
	if (!slash || path.len == 1)
		return path;
	skip = (size_t)(slash - path.data) + 1;
	return (struct ft_span){path.data + skip, path.len - skip};
}

struct ft_span ft_hostinfo_directory(struct ft_span path)
{
	const char *slash = last_slash(path);

	if (!slash || path.len == 1)
		return (struct ft_span){0};
	return (struct ft_span){path.data,
				slash == path.data ? 1 : (size_t)(slash - path.data)};
}

struct ft_span ft_hostinfo_extension(struct ft_span path)
{
	struct ft_span base = ft_hostinfo_base(path);
	const char *dot = base.len > 0 ? memrchr(base.data, '.', base.len) : NULL;
	size_t skip = dot ? (size_t)(dot - base.data) + 1 : 0;

	if (skip <= 1 || skip == base.len)
		return (struct ft_span){0};
	return (struct ft_span){base.data + skip, base.len - skip};
}

void ft_hostinfo_put_command_line(struct ft_bytes *out, struct ft_span args)
{
	size_t mark = out->len;

	if (args.len > 0 && args.data[args.len - 1] == '\0')
		args.len--;
	ft_bytes_put_span(out, args);
	for (size_t i = mark; i < out->len; i++) {
		if (out->data[i] == '\0')
			out->data[i] = ' ';
	}
}
