/* SPDX-License-Identifier: MIT */
/* The layers of an overlay. */
#include "proc/layers.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"

void ft_layers_fini(struct ft_layers *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->paths[i]);
	free(l->paths);
	*l = (struct ft_layers){0};
}

static struct ft_span take_until(struct ft_span *s, char end)
{
	const char *at = memchr(s->data, end, s->len);
	struct ft_span part = {s->data, at ? (size_t)(at - s->data) : s->len};
	size_t used = part.len + (at != NULL);

	s->data += used;
	s->len -= used;
	return part;
}

/* Takes the path, and puts it above all others or below them. */
static int add(struct ft_layers *l, char *path, bool is_upper)
{
	char **list;

	if (!path || l->count == FT_LAYERS_MAX) {
		free(path);
		return path ? 0 : -ENOMEM;
	}
	list = reallocarray(l->paths, l->count + 1, sizeof(*list));
	if (!list) {
		free(path);
		return -ENOMEM;
	}
	l->paths = list;
	if (is_upper)
		memmove(list + 1, list, l->count * sizeof(*list));
	list[is_upper ? 0 : l->count] = path;
	l->count++;
	return 0;
}

/* Separated by colons; one that belongs to a name stands behind a backslash. */
static int add_list(struct ft_layers *l, const char *text)
{
	_cleanup_free_ char *part = malloc(strlen(text) + 1);
	size_t n = 0;
	int r = 0;

	if (!part)
		return -ENOMEM;
	for (const char *c = text; r == 0; c++) {
		if (*c == '\\' && c[1] != '\0') {
			part[n++] = *++c;
		} else if (*c == ':' || *c == '\0') {
			part[n] = '\0';
			r = n > 0 ? add(l, strdup(part), false) : 0;
			n = 0;
		} else {
			part[n++] = *c;
		}
		if (*c == '\0')
			break;
	}
	return r;
}

static int add_option(struct ft_layers *l, struct ft_span option)
{
	const struct ft_span name = take_until(&option, '=');
	_cleanup_free_ char *value = ft_mounts_unescape(option);

	if (!value)
		return -ENOMEM;
	if (ft_span_equal(name, FT_SPAN("lowerdir")))
		return add_list(l, value);
	if (ft_span_equal(name, FT_SPAN("lowerdir+")) ||
	    ft_span_equal(name, FT_SPAN("datadir+")))
		return add(l, ft_take(value), false);
	if (ft_span_equal(name, FT_SPAN("upperdir"))) {
		l->has_upper = true;
		return add(l, ft_take(value), true);
	}
	if (ft_span_equal(name, FT_SPAN("redirect_dir")))
		l->has_redirects = strcmp(value, "on") == 0;
	return 0;
}

/* The last one covers the others. */
static const struct ft_mount *find_root(const struct ft_mounts *m)
{
	const struct ft_mount *root = NULL;

	for (size_t i = 0; i < m->count; i++) {
		if (strcmp(m->list[i].mountpoint, "/") == 0)
			root = &m->list[i];
	}
	return root;
}

int ft_layers_parse(struct ft_span options, struct ft_layers *ret)
{
	struct ft_layers l = {0};
	int r = 0;

	while (options.len > 0 && r == 0)
		r = add_option(&l, take_until(&options, ','));
	if (r == 0 && l.count == 0)
		r = -ENODATA;
	if (r < 0) {
		ft_layers_fini(&l);
		return r;
	}
	*ret = l;
	return 0;
}

int ft_layers_of_root(const struct ft_mounts *m, struct ft_layers *ret, dev_t *ret_dev)
{
	const struct ft_mount *root = find_root(m);
	unsigned int major, minor;
	int r;

	if (!root || strcmp(root->type, "overlay") != 0 || strcmp(root->root, "/") != 0 ||
	    sscanf(root->dev, "%u:%u", &major, &minor) != 2)
		return -ENODATA;
	r = ft_layers_parse(ft_span_of(root->options), ret);
	if (r == 0)
		*ret_dev = makedev(major, minor);
	return r;
}

/* Names that are not absolute were meant from where somebody stood. */
void ft_layers_resolve(struct ft_layers *l)
{
	size_t count = 0;

	for (size_t i = 0; i < l->count; i++) {
		char *path = *l->paths[i] == '/' ? realpath(l->paths[i], NULL) : NULL;

		l->has_upper = l->has_upper && (i > 0 || path);
		free(l->paths[i]);
		if (path)
			l->paths[count++] = path;
	}
	l->count = count;
}

static bool is_below(struct ft_span path, const char *layer, size_t len)
{
	return path.len >= len && memcmp(path.data, layer, len) == 0 &&
	       (path.len == len || path.data[len] == '/');
}

struct ft_span ft_layers_map(const struct ft_layers *l, struct ft_span path)
{
	for (size_t i = 0; i < l->count; i++) {
		size_t len = strlen(l->paths[i]);

		if (!is_below(path, l->paths[i], len))
			continue;
		if (l->has_redirects && !(l->has_upper && i == 0))
			break;
		if (path.len == len)
			return FT_SPAN("/");
		return (struct ft_span){path.data + len, path.len - len};
	}
	return (struct ft_span){0};
}
