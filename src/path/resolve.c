/* SPDX-License-Identifier: MIT */
/* Records to paths. How a directory is placed is in place.c. */
#include "path/resolve.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "path/place.h"

enum {
	PATIENCE = 64,
	/* How far the cause of a record that names nothing is looked for in the queue:
	   one system call makes them all. */
	CAUSE_WINDOW = 32,
};

int ft_resolver_init(struct ft_resolver *r, struct ft_view *view,
		     const struct ft_resolve_host *host)
{
	*r = (struct ft_resolver){
		.view = view, .host = *host, .patience = PATIENCE, .has_objects = true};
	return ft_memory_init(&r->memory);
}

static void filesystem_fini(struct ft_filesystem *fs)
{
	free(fs->dev);
	free(fs->type);
	if (fs->mount_fd >= 0)
		close(fs->mount_fd);
}

void ft_resolver_fini(struct ft_resolver *r)
{
	for (size_t i = 0; i < r->filesystems_count; i++)
		filesystem_fini(&r->filesystems[i]);
	free(r->filesystems);
	ft_dirtree_fini(&r->tree);
	ft_ahead_fini(&r->ahead);
	ft_memory_fini(&r->memory);
	ft_bytes_fini(&r->path);
	ft_bytes_fini(&r->old_path);
	ft_bytes_fini(&r->walk_name);
	ft_bytes_fini(&r->last_rename_name);
	*r = (struct ft_resolver){0};
}

int ft_resolver_add_filesystem(struct ft_resolver *r, const struct ft_filesystem *fs,
			       struct ft_span root, struct ft_span root_name)
{
	struct ft_filesystem *list;
	struct ft_node *n;

	list = reallocarray(r->filesystems, r->filesystems_count + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	r->filesystems = list;
	if (root.len > 0) {
		n = ft_dirtree_get(&r->tree, root);
		if (!n || ft_dirtree_anchor(&r->tree, n, root_name) < 0)
			return -ENOMEM;
	}
	r->filesystems[r->filesystems_count++] = *fs;
	return 0;
}

struct ft_filesystem *ft_resolver_find_filesystem(struct ft_resolver *r,
						  struct ft_span key)
{
	if (key.len < FT_KEY_FSID)
		return NULL;
	for (size_t i = 0; i < r->filesystems_count; i++)
		if (memcmp(&r->filesystems[i].fsid, key.data, FT_KEY_FSID) == 0)
			return &r->filesystems[i];
	return NULL;
}

void ft_resolver_drop_filesystem(struct ft_resolver *r, uint64_t fsid)
{
	for (size_t i = 0; i < r->filesystems_count; i++) {
		if (r->filesystems[i].fsid != fsid)
			continue;
		filesystem_fini(&r->filesystems[i]);
		r->filesystems[i] = r->filesystems[--r->filesystems_count];
		/* Who sees it now may change it without our knowing. */
		ft_dirtree_forget_filesystem(&r->tree, fsid);
		ft_memory_clear(&r->memory);
		r->last_node = NULL;
		return;
	}
}

void ft_resolver_scan(struct ft_resolver *r, const struct ft_record *rec,
		      uint64_t position)
{
	struct ft_node *n;

	if (rec->object.len == 0 ||
	    (rec->place.dir.len == 0 && rec->old_place.dir.len == 0)) {
		if ((rec->mask & FT_EV_MOVED_FROM) && !r->moved_blindly) {
			/* What is known may be of before it: all is looked up as of now.
			 */
			ft_resolver_forget(r);
			r->moved_blindly = true;
		}
		return;
	}
	if (!(rec->mask & (FT_EV_RENAME | FT_EV_DELETE)) ||
	    ft_ahead_add(&r->ahead, rec, position) < 0)
		return;
	if (!(rec->mask & FT_EV_RENAME))
		return;
	r->renames_ahead++;
	n = ft_dirtree_find(&r->tree, rec->object);
	if (n && n->renames_ahead < UINT16_MAX)
		n->renames_ahead++;
}

void ft_resolver_forget(struct ft_resolver *r)
{
	ft_dirtree_forget_places(&r->tree);
	r->last_node = NULL;
}

void ft_resolver_end(struct ft_resolver *r)
{
	if (r->doubts > 0)
		ft_place_settle_doubts(r);
	if (r->moved_blindly && !r->has_objects)
		ft_resolver_forget(r);
	if (r->retries)
		ft_dirtree_retry_lost(&r->tree);
	r->retries = false;
	r->doubts = 0;
	r->renames_ahead = 0;
	r->moved_blindly = false;
	r->patience = PATIENCE;
	r->last_node = NULL;
	r->last_rename_pid = 0;
	ft_ahead_clear(&r->ahead);
	ft_dirtree_sweep(&r->tree);
}

static struct ft_node *dir_node(struct ft_resolver *r, struct ft_span key)
{
	if (!r->last_node || !ft_span_equal(ft_node_key(r->last_node), key))
		r->last_node = ft_dirtree_get(&r->tree, key);
	return r->last_node;
}

static void put_path(struct ft_bytes *out, struct ft_span dir, struct ft_span name)
{
	ft_bytes_clear(out);
	if (name.len == 0 || (name.len == 1 && name.data[0] == '.')) {
		ft_bytes_put_span(out, dir.len > 0 ? dir : FT_SPAN("/"));
		return;
	}
	ft_bytes_put_span(out, dir);
	ft_bytes_put_char(out, '/');
	ft_bytes_put_span(out, name);
}

static enum ft_path_source source_of(const struct ft_resolver *r, const struct ft_node *n)
{
	if (r->moved_blindly || (r->doubts > 0 && ft_node_is_doubtful(n)))
		return FT_PATH_NOW;
	if (r->renames_ahead > 0 && ft_node_is_moving(n))
		return FT_PATH_FIRST;
	return FT_PATH_EVENT;
}

/* One place of a record into out; what is known less well decides the record's source. */
static void resolve_place(struct ft_resolver *r, const struct ft_place *p,
			  struct ft_bytes *out, struct ft_resolved *ret)
{
	const struct ft_dir_view *d = NULL;
	enum ft_path_source source;
	struct ft_node *n;

	n = dir_node(r, p->dir);
	if (n && ft_place_dir(r, n))
		d = ft_view_of_dir(r->view, &r->tree, ret->fs, n);
	if (!d || !d->known) {
		ft_bytes_clear(out);
		if (!(p->name.len == 1 && p->name.data[0] == '.'))
			ft_bytes_put_span(out, p->name);
		source = out->len > 0 ? FT_PATH_PARTIAL : FT_PATH_NONE;
		/* It cannot be said to be outside: it is told. A place that no mount
		 * shows is said so by its view. */
		ret->inside = ret->inside || !d || d->inside == FT_INSIDE;
	} else {
		put_path(out, ft_bytes_span(&d->path), p->name);
		source = source_of(r, n);
		ret->inside = ret->inside || d->inside == FT_INSIDE ||
			      (d->inside == FT_EDGE &&
			       ft_view_is_target(r->view, ft_bytes_span(out)));
	}
	if (source < ret->source)
		ret->source = source;
}

/* The nth record after the one at hand; the second half of a system call may be on its
 * way. */
static bool peek_patiently(struct ft_resolver *r, unsigned int n, struct ft_record *ret)
{
	if (r->host.peek(r->host.data, n, ret))
		return true;
	if (n > 0 || r->patience == 0)
		return false;
	r->patience--;
	return r->host.drain(r->host.data) >= 0 && r->host.peek(r->host.data, n, ret);
}

/*
 * The other record of this link or unlink, or that of a later one: when its own was
 * merged into an older record. That was a removal of one of the object's names, for a
 * link makes a new one.
 */
static bool is_cause(const struct ft_resolver *r, const struct ft_record *rec,
		     const struct ft_record *next)
{
	if (next->pid != rec->pid || (next->mask & FT_EV_RENAME))
		return false;
	if (next->mask & FT_EV_CREATE)
		return !ft_memory_was_removed(&r->memory, rec->object);
	return next->mask & FT_EV_DELETE;
}

/* What the rename that this process did last put its new name over. */
static bool find_rename_over(struct ft_resolver *r, const struct ft_record *rec,
			     struct ft_place *ret)
{
	if (!(rec->mask & FT_EV_ATTRIB) || r->last_rename_pid != rec->pid ||
	    ft_span_equal(ft_key_span(&r->last_rename_object), rec->object))
		return false;
	ret->dir = ft_key_span(&r->last_rename_dir);
	ret->name = ft_bytes_span(&r->last_rename_name);
	return true;
}

static bool is_same_place(const struct ft_place *a, const struct ft_place *b)
{
	return ft_span_equal(a->dir, b->dir) && ft_span_equal(a->name, b->name);
}

/*
 * A record that carries nothing but the object's handle comes with another of the same
 * system call: link and unlink name the object right after it, a rename over it stands
 * right before it. Anything else is a name that it had lately, or has a little later.
 * FT_PATH_NONE: nothing names it.
 */
static enum ft_path_source find_cause(struct ft_resolver *r, const struct ft_record *rec,
				      struct ft_place *ret)
{
	bool is_next = true, is_known, is_over;
	struct ft_record next;
	struct ft_place over;

	is_known = ft_memory_get(&r->memory, rec->object, ret);
	is_over = find_rename_over(r, rec, &over);
	if (is_known && is_over && is_same_place(ret, &over) &&
	    !ft_memory_was_removed(&r->memory, rec->object)) {
		ft_memory_put(&r->memory, rec->object, &over, true);
		*ret = over;
		return FT_PATH_EVENT;
	}
	for (unsigned int i = 0; i < CAUSE_WINDOW && peek_patiently(r, i, &next); i++) {
		if (next.place.dir.len > 0 && ft_span_equal(next.object, rec->object)) {
			*ret = next.old_place.dir.len > 0 ? next.old_place : next.place;
			is_next = is_next && is_cause(r, rec, &next) &&
				  !(is_over && (next.mask & FT_EV_CREATE));
			return is_next ? FT_PATH_EVENT : FT_PATH_NOW;
		}
		is_next = is_next && next.pid != rec->pid;
	}
	if (is_known)
		return FT_PATH_NOW;
	if (!is_over)
		return FT_PATH_NONE;
	*ret = over;
	return FT_PATH_EVENT;
}

static void put_key(struct ft_key *out, struct ft_span key)
{
	out->len = key.len;
	memcpy(out->data, key.data, key.len);
}

/* Until the same process does something else. */
static void remember_rename(struct ft_resolver *r, const struct ft_record *rec)
{
	if (!(rec->mask & FT_EV_RENAME)) {
		if (rec->place.dir.len > 0 && rec->pid == r->last_rename_pid)
			r->last_rename_pid = 0;
		return;
	}
	if (rec->place.dir.len == 0 || rec->object.len == 0) {
		r->last_rename_pid = 0;
		return;
	}
	r->last_rename_pid = rec->pid;
	put_key(&r->last_rename_object, rec->object);
	put_key(&r->last_rename_dir, rec->place.dir);
	ft_bytes_clear(&r->last_rename_name);
	ft_bytes_put_span(&r->last_rename_name, rec->place.name);
}

static void apply(struct ft_resolver *r, const struct ft_record *rec, uint64_t position)
{
	struct ft_place known;

	if (rec->object.len == 0)
		return;
	if (rec->mask & FT_EV_ONDIR) {
		ft_place_apply(r, rec, position);
		if ((rec->mask & FT_EV_RENAME) &&
		    ft_memory_get(&r->memory, rec->object, &known))
			ft_memory_put(&r->memory, rec->object, &(struct ft_place){0},
				      false);
		if ((rec->mask & FT_EV_RENAME) && r->host.mounts_moved &&
		    rec->old_place.name.len > 0 &&
		    ft_view_has_component(r->view, rec->old_place.name))
			r->host.mounts_moved(r->host.data);
	} else if (rec->mask & (FT_EV_CREATE | FT_EV_DELETE | FT_EV_RENAME)) {
		ft_memory_put(&r->memory, rec->object, &rec->place,
			      rec->mask & FT_EV_DELETE);
	}
}

/*
 * Of a record that names none. A rename to where there is no mark tells its old place
 * alone; a directory may have been found where it is by now.
 */
static enum ft_path_source find_place(struct ft_resolver *r, const struct ft_record *rec,
				      struct ft_place *ret)
{
	if (rec->object.len == 0)
		return FT_PATH_NONE;
	if (!(rec->mask & FT_EV_RENAME))
		return find_cause(r, rec, ret);
	return (rec->mask & FT_EV_ONDIR) && ft_memory_get(&r->memory, rec->object, ret)
		       ? FT_PATH_NOW
		       : FT_PATH_NONE;
}

void ft_resolver_resolve(struct ft_resolver *r, const struct ft_record *rec,
			 uint64_t position, struct ft_resolved *ret)
{
	struct ft_record found = *rec;
	struct ft_place place = rec->place;

	*ret = (struct ft_resolved){.source = FT_PATH_EVENT};
	ret->fs = ft_resolver_find_filesystem(r, place.dir.len > 0 ? place.dir
								   : rec->object);
	if (!ret->fs) {
		ret->source = FT_PATH_NONE;
		return;
	}
	/* An error tells an inode at most, wherever it is: nobody wants to miss one. */
	if (rec->mask & FT_EV_FS_ERROR) {
		ret->source = FT_PATH_NONE;
		ret->inside = true;
		return;
	}
	if (place.dir.len == 0)
		ret->source = find_place(r, rec, &place);
	if (ret->source != FT_PATH_NONE) {
		resolve_place(r, &place, &r->path, ret);
		ret->path = ft_bytes_span(&r->path);
	} else {
		ret->inside = rec->old_place.dir.len == 0;
	}
	if (rec->old_place.dir.len > 0) {
		resolve_place(r, &rec->old_place, &r->old_path, ret);
		ret->old_path = ft_bytes_span(&r->old_path);
	}
	ret->inside = ret->inside ||
		      (rec->object.len > 0 && ft_view_is_object(r->view, rec->object));
	if (rec->mask & FT_EV_RENAME)
		found.place = place;
	if (rec->mask & (FT_EV_CREATE | FT_EV_DELETE | FT_EV_RENAME))
		apply(r, &found, position);
	remember_rename(r, &found);
}
