/* SPDX-License-Identifier: MIT */
/* What is seen, through which mount. */
#include "path/view.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"

int ft_view_init(struct ft_view *v)
{
	*v = (struct ft_view){.version = 1};
	v->cache = calloc(FT_VIEW_CACHE, sizeof(*v->cache));
	return v->cache ? 0 : -ENOMEM;
}

void ft_target_fini(struct ft_target *t)
{
	free(t->path);
	free(t->dev);
}

void ft_view_fini(struct ft_view *v)
{
	for (size_t i = 0; v->cache && i < FT_VIEW_CACHE; i++)
		ft_bytes_fini(&v->cache[i].path);
	for (size_t i = 0; i < v->targets_count; i++)
		ft_target_fini(&v->targets[i]);
	free(v->targets);
	free(v->cache);
	ft_mounts_fini(&v->mounts);
	ft_bytes_fini(&v->scratch);
	*v = (struct ft_view){0};
}

void ft_view_take_mounts(struct ft_view *v, struct ft_mounts *m)
{
	ft_mounts_fini(&v->mounts);
	v->mounts = *m;
	*m = (struct ft_mounts){0};
	v->version++;
}

/* "/" as the empty string, so that a path is always dir + "/" + name. */
static struct ft_span bare(const char *path)
{
	struct ft_span s = ft_span_of(path);

	return s.len == 1 ? (struct ft_span){path, 0} : s;
}

bool ft_path_is_below(struct ft_span path, struct ft_span dir)
{
	if (dir.len == 0)
		return path.len == 0 || path.data[0] == '/';
	return path.len >= dir.len && memcmp(path.data, dir.data, dir.len) == 0 &&
	       (path.len == dir.len || path.data[dir.len] == '/');
}

static struct ft_span parent_of(struct ft_span path)
{
	const char *slash = memrchr(path.data, '/', path.len);

	return (struct ft_span){path.data, slash ? (size_t)(slash - path.data) : 0};
}

/* Another mount stands between m's mountpoint and the path: what is seen there is not
 * m's. */
static bool is_covered(const struct ft_view *v, const struct ft_mount *m,
		       struct ft_span path)
{
	for (size_t i = 0; i < v->mounts.count; i++) {
		const struct ft_mount *other = &v->mounts.list[i];
		struct ft_span top = bare(other->mountpoint);

		if (other != m && other->parent_id == m->id &&
		    top.len > bare(m->mountpoint).len && ft_path_is_below(path, top))
			return true;
	}
	return false;
}

/* The path through this mount, into out; false if it does not show it. */
static bool see_through(const struct ft_view *v, const struct ft_mount *m,
			struct ft_span inner, struct ft_bytes *out)
{
	struct ft_span root = bare(m->root);

	if (!m->visible || !ft_path_is_below(inner, root))
		return false;
	ft_bytes_clear(out);
	ft_bytes_put_span(out, bare(m->mountpoint));
	ft_bytes_put(out, inner.data + root.len, inner.len - root.len);
	return !out->failed && !is_covered(v, m, ft_bytes_span(out));
}

static enum ft_inside inside_of(const struct ft_target *t, struct ft_span dir,
				const char *dev)
{
	struct ft_span path = bare(t->path);

	switch (t->scope) {
	case FT_SCOPE_FILESYSTEM:
	case FT_SCOPE_MOUNT:
		return !t->dev || strcmp(t->dev, dev) == 0 ? FT_INSIDE : FT_OUTSIDE;
	case FT_SCOPE_TREE:
		if (t->one_filesystem && strcmp(t->dev, dev) != 0)
			return FT_OUTSIDE;
		if (t->is_dir && ft_path_is_below(dir, path))
			return FT_INSIDE;
		break;
	case FT_SCOPE_DIRECTORY:
		if (ft_span_equal(dir, path))
			return FT_INSIDE;
		break;
	case FT_SCOPE_FILE: /* by its object alone, but seen as its PATH came */
		break;
	}
	return path.len > 0 && ft_span_equal(dir, parent_of(path)) ? FT_EDGE : FT_OUTSIDE;
}

/* Through this mount: is it inside? */
static enum ft_inside see_inside(const struct ft_view *v, const struct ft_target *t,
				 const char *dev, const struct ft_mount *m,
				 struct ft_span inner, struct ft_bytes *out)
{
	if (strcmp(m->dev, dev) != 0 || !see_through(v, m, inner, out))
		return FT_OUTSIDE;
	return inside_of(t, ft_bytes_span(out), dev);
}

/* Through the mount that the PATH came by; else, but for scope mount, the shortest one
 * through which it is inside. */
static bool see_for_target(struct ft_view *v, const struct ft_target *t, const char *dev,
			   struct ft_span inner, struct ft_dir_view *ret)
{
	const struct ft_mount *own = ft_mounts_find(&v->mounts, t->mount_id),
			      *best = NULL;
	enum ft_inside inside;

	ret->inside = own ? see_inside(v, t, dev, own, inner, &ret->path) : FT_OUTSIDE;
	if (ret->inside != FT_OUTSIDE)
		return true;
	for (size_t i = 0; t->scope != FT_SCOPE_MOUNT && i < v->mounts.count; i++) {
		const struct ft_mount *m = &v->mounts.list[i];

		inside = see_inside(v, t, dev, m, inner, &ret->path);
		if (inside < ret->inside || inside == FT_OUTSIDE)
			continue;
		if (inside > ret->inside ||
		    strlen(m->mountpoint) < strlen(best->mountpoint))
			best = m;
		ret->inside = inside;
	}
	return best && see_through(v, best, inner, &ret->path);
}

/* The first target that it is inside of; else the first that it is at the edge of. */
static bool see_for_targets(struct ft_view *v, const char *dev, struct ft_span inner,
			    struct ft_dir_view *ret)
{
	const struct ft_target *edge = NULL;

	for (size_t i = 0; i < v->targets_count; i++) {
		const struct ft_target *t = &v->targets[i];

		if (!t->dev || !see_for_target(v, t, dev, inner, ret))
			continue;
		if (ret->inside == FT_INSIDE)
			return true;
		edge = edge ? edge : t;
	}
	return edge && see_for_target(v, edge, dev, inner, ret);
}

static bool see_shortest(struct ft_view *v, const char *dev, struct ft_span inner,
			 struct ft_dir_view *ret)
{
	const struct ft_mount *best = NULL;

	for (size_t i = 0; i < v->mounts.count; i++) {
		const struct ft_mount *m = &v->mounts.list[i];

		if (strcmp(m->dev, dev) == 0 && see_through(v, m, inner, &ret->path) &&
		    (!best || strlen(m->mountpoint) < strlen(best->mountpoint)))
			best = m;
	}
	return best && see_through(v, best, inner, &ret->path);
}

static void see(struct ft_view *v, const char *dev, struct ft_span inner,
		struct ft_dir_view *ret)
{
	ret->known = true;
	/* Whole filesystems are seen by the shortest way, trees as their PATH came. */
	if (see_for_targets(v, dev, inner, ret))
		return;
	ret->inside = FT_OUTSIDE;
	for (size_t i = 0; i < v->targets_count; i++)
		if (!v->targets[i].dev)
			ret->inside = FT_INSIDE;
	if (see_shortest(v, dev, inner, ret))
		return;
	/* No mount of ours shows it. Inside its filesystem it is there all the same. */
	ret->known = false;
	for (size_t i = 0; i < v->targets_count; i++)
		if (v->targets[i].scope == FT_SCOPE_FILESYSTEM &&
		    inside_of(&v->targets[i], inner, dev) == FT_INSIDE)
			ret->inside = FT_INSIDE;
}

static bool is_fresh(const struct ft_view *v, const struct ft_dirtree *t,
		     const struct ft_node *n, const struct ft_dir_view *d)
{
	return d->node == n && d->stamp == n->stamp && d->epoch == t->epoch &&
	       d->version == v->version;
}

const struct ft_dir_view *ft_view_of_dir(struct ft_view *v, const struct ft_dirtree *t,
					 const struct ft_filesystem *fs,
					 const struct ft_node *n)
{
	struct ft_dir_view *d = &v->cache[ft_hash_u64(0, (uintptr_t)n) % FT_VIEW_CACHE];
	const struct ft_node *root;

	if (is_fresh(v, t, n, d))
		return d;
	if (ft_node_path(n, &v->scratch, &root) < 0)
		return NULL;
	*d = (struct ft_dir_view){.node = n,
				  .stamp = n->stamp,
				  .epoch = t->epoch,
				  .version = v->version,
				  .path = d->path};
	see(v, fs->dev, ft_bytes_span(&v->scratch), d);
	if (d->path.failed) {
		d->node = NULL;
		return NULL;
	}
	return d;
}

bool ft_view_is_target(const struct ft_view *v, struct ft_span path)
{
	for (size_t i = 0; i < v->targets_count; i++) {
		const struct ft_target *t = &v->targets[i];

		if ((t->scope == FT_SCOPE_TREE || t->scope == FT_SCOPE_DIRECTORY) &&
		    t->path && ft_span_equal(path, ft_span_of(t->path)))
			return true;
	}
	return false;
}

bool ft_view_is_object(const struct ft_view *v, struct ft_span key)
{
	for (size_t i = 0; i < v->targets_count; i++)
		if (!v->targets[i].is_dir && v->targets[i].key.len > 0 &&
		    ft_span_equal(key, ft_key_span(&v->targets[i].key)))
			return true;
	return false;
}

bool ft_view_has_path(const struct ft_view *v, struct ft_span path, const char *dev)
{
	for (size_t i = 0; i < v->targets_count; i++) {
		const struct ft_target *t = &v->targets[i];

		if (!t->dev || inside_of(t, path, dev) == FT_INSIDE ||
		    (t->path && t->scope != FT_SCOPE_FILE &&
		     ft_span_equal(path, ft_span_of(t->path))) ||
		    inside_of(t, parent_of(path), dev) == FT_INSIDE)
			return true;
	}
	return false;
}

static bool has_component(const char *path, struct ft_span name)
{
	const char *p = path;

	while ((p = memmem(p, strlen(p), name.data, name.len))) {
		if (p > path && p[-1] == '/' &&
		    (p[name.len] == '/' || p[name.len] == '\0'))
			return true;
		p++;
	}
	return false;
}

bool ft_view_has_component(const struct ft_view *v, struct ft_span name)
{
	for (size_t i = 0; i < v->mounts.count; i++)
		if (has_component(v->mounts.list[i].mountpoint, name) ||
		    has_component(v->mounts.list[i].root, name))
			return true;
	return false;
}
