/* SPDX-License-Identifier: MIT */
/* Blocks of bytes on their way to a descriptor: a queue, a pool of empty blocks, and the
 * thread that writes. */
#include "output/writer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

enum {
	POOL_MAX = 8,		/* empty blocks kept; more are freed */
	RECORD_SLACK = 1 << 14, /* room past the size of a block, so that its last record
				   need not grow it */
};

struct ft_writer_block {
	struct ft_writer_block *next;
	struct ft_bytes bytes;
	int next_fd; /* -1, or what is written to after these bytes */
};

struct ft_writer {
	pthread_t thread;
	size_t block_size;
	struct ft_writer_block *filling; /* the caller's thread alone */
	_Atomic size_t waiting;		 /* bytes in the queue and being written */
	_Atomic int error;
	_Atomic bool abandoned;

	pthread_mutex_t
		lock; /* never held over a system call; a copy of one block at most */
	pthread_cond_t queued;
	pthread_cond_t written;
	bool waited_for; /* somebody waits for `written` */
	struct ft_writer_block *head;
	struct ft_writer_block *tail;
	struct ft_writer_block *pool;
	size_t pool_count;
	struct ft_writer_block *writing; /* in the thread's hand */
	bool ending;

	int fd; /* the thread alone, until it has ended */
	bool owned;
};

static struct ft_writer_block *block_free(struct ft_writer_block *b)
{
	if (b)
		ft_bytes_fini(&b->bytes);
	free(b);
	return NULL;
}

static struct ft_writer_block *block_new(size_t size)
{
	struct ft_writer_block *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->next_fd = -1;
	if (ft_bytes_reserve(&b->bytes, size) < 0)
		return block_free(b);
	return b;
}

/* ---- the thread ---- */

static int wait_writable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	return poll(&p, 1, -1) < 0 && errno != EINTR ? -errno : 0;
}

/* The descriptor may be anyone's, and without O_NONBLOCK or with: both are waited for
 * here. */
static int write_all(int fd, struct ft_span data, size_t *ret_done)
{
	*ret_done = 0;
	while (*ret_done < data.len) {
		ssize_t done = write(fd, data.data + *ret_done, data.len - *ret_done);
		int r = 0;

		if (done >= 0) {
			*ret_done += (size_t)done;
		} else if (errno == EAGAIN) {
			r = wait_writable(fd);
		} else if (errno != EINTR) {
			r = -errno;
		}
		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * A full disk took a part of a record: what a file keeps is whole records. A block ends
 * as each of its records does. If somebody else has written to the file since, it is left
 * alone.
 */
static void cut_to_record(int fd, struct ft_span block, size_t done)
{
	const char *last = memrchr(block.data, block.data[block.len - 1], done);
	size_t whole = last ? (size_t)(last - block.data) + 1 : 0;
	off_t at = lseek(fd, 0, SEEK_CUR);
	struct stat st;

	if (at < (off_t)done || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_size != at)
		return;
	/* The first error is the one that is told. */
	(void)!ftruncate(fd, at - (off_t)(done - whole));
}

static void write_block(struct ft_writer *w, const struct ft_writer_block *b)
{
	size_t done = 0;
	int r, state;

	if (b->bytes.len > 0 && !atomic_load(&w->error) && !atomic_load(&w->abandoned)) {
		/* The one place where ft_writer_abandon() may end the thread: nothing is
		 * held here. */
		pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
		r = write_all(w->fd, ft_bytes_span(&b->bytes), &done);
		pthread_setcancelstate(state, NULL);
		if (r < 0 && done > 0)
			cut_to_record(w->fd, ft_bytes_span(&b->bytes), done);
		if (r < 0)
			atomic_store(&w->error, r);
	}
	if (b->next_fd < 0)
		return;
	if (w->owned)
		close(w->fd);
	w->fd = b->next_fd;
	w->owned = true;
}

static struct ft_writer_block *take_block(struct ft_writer *w)
{
	struct ft_writer_block *b;

	pthread_mutex_lock(&w->lock);
	while (!w->head && !w->ending)
		pthread_cond_wait(&w->queued, &w->lock);
	b = w->head;
	if (b) {
		w->head = b->next;
		if (!w->head)
			w->tail = NULL;
		b->next = NULL;
		w->writing = b;
	}
	pthread_mutex_unlock(&w->lock);
	return b;
}

static void recycle_block(struct ft_writer *w, struct ft_writer_block *b)
{
	/* One that grew for a huge record does not keep its size. */
	bool keep = b->bytes.cap <= 2 * (w->block_size + RECORD_SLACK);

	atomic_fetch_sub(&w->waiting, b->bytes.len);
	pthread_mutex_lock(&w->lock);
	w->writing = NULL;
	if (keep && w->pool_count < POOL_MAX) {
		ft_bytes_clear(&b->bytes);
		b->next_fd = -1;
		b->next = w->pool;
		w->pool = b;
		w->pool_count++;
		b = NULL;
	}
	if (w->waited_for)
		pthread_cond_signal(&w->written);
	pthread_mutex_unlock(&w->lock);
	block_free(b);
}

static void *run(void *data)
{
	struct ft_writer *w = data;
	struct ft_writer_block *b;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	while ((b = take_block(w))) {
		write_block(w, b);
		recycle_block(w, b);
	}
	return NULL;
}

/* ---- the caller's side ---- */

static int start_thread(struct ft_writer *w)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	r = pthread_sigmask(SIG_SETMASK, &all, &before);
	if (r != 0)
		return -r;
	r = pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
}

int ft_writer_open(struct ft_writer **ret, int fd, bool owned, size_t block_size)
{
	struct ft_writer *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->block_size = block_size;
	w->fd = fd;
	w->owned = owned;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->queued, NULL);
	pthread_cond_init(&w->written, NULL);
	r = start_thread(w);
	if (r < 0) {
		free(w);
		return r;
	}
	*ret = w;
	return 0;
}

static void free_blocks(struct ft_writer_block *b)
{
	while (b) {
		struct ft_writer_block *next = b->next;

		/* A block that the thread did not come to. */
		if (b->next_fd >= 0)
			close(b->next_fd);
		block_free(b);
		b = next;
	}
}

int ft_writer_close(struct ft_writer *w)
{
	int r;

	ft_writer_put(w, true);
	pthread_mutex_lock(&w->lock);
	w->ending = true;
	pthread_cond_signal(&w->queued);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	free_blocks(w->writing);
	free_blocks(w->head);
	free_blocks(w->pool);
	block_free(w->filling);
	r = atomic_load(&w->error);
	/* NFS and the like tell some errors of writes here. */
	if (w->owned && close(w->fd) < 0 && r == 0)
		r = -errno;
	pthread_cond_destroy(&w->queued);
	pthread_cond_destroy(&w->written);
	pthread_mutex_destroy(&w->lock);
	free(w);
	return r;
}

struct ft_bytes *ft_writer_get(struct ft_writer *w)
{
	if (w->filling)
		return &w->filling->bytes;
	pthread_mutex_lock(&w->lock);
	w->filling = w->pool;
	if (w->filling) {
		w->pool = w->filling->next;
		w->pool_count--;
	}
	pthread_mutex_unlock(&w->lock);
	if (!w->filling)
		w->filling = block_new(w->block_size + RECORD_SLACK);
	if (!w->filling)
		return NULL;
	w->filling->next = NULL;
	return &w->filling->bytes;
}

/* Small blocks that nobody writes yet become one: what waits in memory is what waits in
 * bytes. */
static bool append_to_tail(struct ft_writer *w, struct ft_writer_block *b)
{
	struct ft_writer_block *t = w->tail;

	if (!t || t->next_fd >= 0 || t->bytes.len + b->bytes.len > w->block_size)
		return false;
	ft_bytes_put_span(&t->bytes, ft_bytes_span(&b->bytes));
	return !t->bytes.failed;
}

static void hand_on(struct ft_writer *w)
{
	struct ft_writer_block *b = w->filling;

	atomic_fetch_add(&w->waiting, b->bytes.len);
	pthread_mutex_lock(&w->lock);
	if (b->next_fd < 0 && append_to_tail(w, b)) {
		ft_bytes_clear(&b->bytes);
	} else {
		if (w->tail)
			w->tail->next = b;
		else
			w->head = b;
		w->tail = b;
		w->filling = NULL;
		pthread_cond_signal(&w->queued);
	}
	pthread_mutex_unlock(&w->lock);
}

void ft_writer_put(struct ft_writer *w, bool now)
{
	struct ft_writer_block *b = w->filling;

	if (!b || b->bytes.len == 0)
		return;
	if (now || b->bytes.len >= w->block_size)
		hand_on(w);
}

int ft_writer_switch(struct ft_writer *w, int fd)
{
	if (!ft_writer_get(w))
		return -ENOMEM;
	w->filling->next_fd = fd;
	hand_on(w);
	return 0;
}

void ft_writer_abandon(struct ft_writer *w)
{
	if (!atomic_exchange(&w->abandoned, true))
		pthread_cancel(w->thread);
}

size_t ft_writer_waiting(const struct ft_writer *w)
{
	return atomic_load_explicit(&w->waiting, memory_order_relaxed) +
	       (w->filling ? w->filling->bytes.len : 0);
}

bool ft_writer_wait(struct ft_writer *w, size_t bytes, unsigned int msec)
{
	struct timespec until;
	int r = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += (long)msec * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&w->lock);
	w->waited_for = true;
	while (r == 0 && ft_writer_waiting(w) > bytes && ft_writer_error(w) == 0)
		r = pthread_cond_timedwait(&w->written, &w->lock, &until);
	w->waited_for = false;
	pthread_mutex_unlock(&w->lock);
	return ft_writer_waiting(w) <= bytes;
}

int ft_writer_error(const struct ft_writer *w)
{
	return atomic_load_explicit(&w->error, memory_order_relaxed);
}
