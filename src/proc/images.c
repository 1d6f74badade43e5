/* SPDX-License-Identifier: MIT */
/* The images of processes that are kept, by pid. */
#include "proc/images.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/hash.h"

static uint64_t hash_of(pid_t pid)
{
	return ft_hash_u64(0, (uint64_t)pid);
}

static bool pid_equal(const void *item, const void *key)
{
	return ((const struct ft_pid *)item)->pid == *(const pid_t *)key;
}

struct ft_pid *ft_images_find(const struct ft_images *m, pid_t pid)
{
	return ft_table_find(&m->table, hash_of(pid), &pid, pid_equal);
}

static void unlink_pid(struct ft_images *m, struct ft_pid *p)
{
	*(p->newer ? &p->newer->older : &m->newest) = p->older;
	*(p->older ? &p->older->newer : &m->oldest) = p->newer;
}

static void link_newest(struct ft_images *m, struct ft_pid *p)
{
	p->newer = NULL;
	p->older = m->newest;
	*(m->newest ? &m->newest->newer : &m->oldest) = p;
	m->newest = p;
}

static void use(struct ft_images *m, struct ft_pid *p)
{
	if (p->used == m->backlog)
		return;
	p->used = m->backlog;
	unlink_pid(m, p);
	link_newest(m, p);
}

static bool make_room(struct ft_images *m)
{
	if (m->table.count < FT_IMAGES_MAX)
		return true;
	if (m->oldest->used == m->backlog)
		return false;
	ft_images_remove(m, m->oldest);
	return true;
}

struct ft_pid *ft_images_get(struct ft_images *m, pid_t pid)
{
	struct ft_pid *p = ft_images_find(m, pid);

	if (p) {
		use(m, p);
		return p;
	}
	p = make_room(m) ? calloc(1, sizeof(*p)) : NULL;
	if (!p || ft_table_add(&m->table, hash_of(pid), p) < 0) {
		free(p);
		return NULL;
	}
	p->pid = pid;
	p->used = m->backlog;
	link_newest(m, p);
	return p;
}

static void retire(struct ft_images *m, struct ft_image *image)
{
	if (!image)
		return;
	image->next = m->retired;
	m->retired = image;
}

void ft_images_remove(struct ft_images *m, struct ft_pid *p)
{
	retire(m, p->now);
	retire(m, p->before);
	unlink_pid(m, p);
	ft_table_remove(&m->table, hash_of(p->pid), p);
	free(p);
}

static void free_retired(struct ft_images *m)
{
	while (m->retired) {
		struct ft_image *image = m->retired;
		m->retired = image->next;
		ft_image_free(image);
	}
}

void ft_images_begin(struct ft_images *m)
{
	free_retired(m);
	m->backlog++;
}

void ft_images_fini(struct ft_images *m)
{
	while (m->oldest)
		ft_images_remove(m, m->oldest);
	free_retired(m);
	ft_table_fini(&m->table);
}

struct ft_image *ft_image_new(struct ft_images *m, pid_t pid,
			      const struct ft_proc_stat *stat)
{
	struct ft_image *image = calloc(1, sizeof(*image));

	if (!image)
		return NULL;
	image->stat = *stat;
	image->first_ppid = stat->ppid;
	image->gone = FT_NEVER;
	image->process = (struct ft_process){
		.id = ++m->last_id,
		.pid = pid,
		.ppid = stat->ppid,
		.has_ppid = true,
		.comm = {image->stat.comm, stat->comm_len},
	};
	return image;
}

struct ft_image *ft_image_free(struct ft_image *image)
{
	if (image) {
		free(image->exe);
		free(image->details);
		free(image);
	}
	return NULL;
}

void ft_images_forget_before(struct ft_images *m, struct ft_pid *p)
{
	retire(m, ft_take(p->before));
}

void ft_images_replace(struct ft_images *m, struct ft_pid *p, struct ft_image *image)
{
	ft_images_forget_before(m, p);
	p->before = p->now;
	p->now = image;
}
