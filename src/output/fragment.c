/* SPDX-License-Identifier: MIT */
/* What a format says of a process: a direct-mapped table keyed by the image. */
#include "output/fragment.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"
#include "output/format.h"

enum { SLOTS = 256, FRAGMENT_MAX = 8192, CANDIDATES_MAX = 8 };

struct slot {
	uint64_t id; /* 0: empty */
	pid_t pid;
	enum ft_certainty certainty;
	bool is_image; /* not what is sure of it, or shared */
	size_t candidates_count;
	uint64_t candidates[CANDIDATES_MAX];
	struct ft_bytes text;
};

struct ft_fragments {
	struct slot slots[SLOTS];
};

int ft_fragments_new(struct ft_fragments **ret)
{
	struct ft_fragments *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	*ret = c;
	return 0;
}

struct ft_fragments *ft_fragments_free(struct ft_fragments *c)
{
	if (!c)
		return NULL;
	for (size_t i = 0; i < SLOTS; i++)
		ft_bytes_fini(&c->slots[i].text);
	free(c);
	return NULL;
}

/* What several candidates share is not an image: then they are the key. 0: there is none.
 */
static uint64_t key_of(const struct ft_event *ev)
{
	if (!ev->process || ev->candidates_count > CANDIDATES_MAX)
		return 0;
	if (ev->process->id != 0)
		return ev->process->id;
	return ev->candidates_count > 0 ? ev->candidates[0]->id : 0;
}

static void remember(struct slot *s, const struct ft_event *ev, struct ft_span text)
{
	s->id = 0;
	ft_bytes_clear(&s->text);
	ft_bytes_put_span(&s->text, text);
	if (s->text.failed)
		return;
	s->id = key_of(ev);
	s->pid = ev->pid;
	s->certainty = ev->certainty;
	s->is_image = ev->process->id != 0;
	s->candidates_count = ev->candidates_count;
	for (size_t i = 0; i < ev->candidates_count; i++)
		s->candidates[i] = ev->candidates[i]->id;
}

static bool is_of(const struct slot *s, uint64_t key, const struct ft_event *ev)
{
	if (s->id != key || s->pid != ev->pid || s->certainty != ev->certainty ||
	    s->is_image != (ev->process->id != 0) ||
	    s->candidates_count != ev->candidates_count)
		return false;
	for (size_t i = 0; i < ev->candidates_count; i++)
		if (s->candidates[i] != ev->candidates[i]->id)
			return false;
	return true;
}

void ft_fragments_put(struct ft_format *f, struct ft_bytes *out,
		      const struct ft_event *ev, ft_fragment_fn make)
{
	uint64_t key = key_of(ev);
	size_t mark = out->len;
	struct slot *s;

	if (key == 0) {
		make(f, out, ev);
		return;
	}
	s = &f->fragments->slots[ft_hash_u64(0, key) % SLOTS];
	if (is_of(s, key, ev)) {
		ft_bytes_put_span(out, ft_bytes_span(&s->text));
		return;
	}
	make(f, out, ev);
	if (!out->failed && out->len > mark && out->len - mark <= FRAGMENT_MAX)
		remember(s, ev, (struct ft_span){out->data + mark, out->len - mark});
}
