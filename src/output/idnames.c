/* SPDX-License-Identifier: MIT */
/* Names of users and groups: a direct-mapped table before the name service. */
#include "output/idnames.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>

#include "base/cleanup.h"

enum {
	SLOTS = 64,
	NAME_MAX_LEN = 255,
	LOOKUP_SIZE = 1 << 12,
	LOOKUP_SIZE_MAX = 1 << 20, /* a group's members are part of its entry */
};

struct slot {
	bool used;
	id_t id;
	uint8_t len;
	char name[NAME_MAX_LEN];
};

struct ft_idnames {
	enum ft_idnames_kind kind;
	struct slot slots[SLOTS];
};

int ft_idnames_new(struct ft_idnames **ret, enum ft_idnames_kind kind)
{
	struct ft_idnames *n = calloc(1, sizeof(*n));

	if (!n)
		return -ENOMEM;
	n->kind = kind;
	*ret = n;
	return 0;
}

struct ft_idnames *ft_idnames_free(struct ft_idnames *n)
{
	free(n);
	return NULL;
}

static int look_up_in(enum ft_idnames_kind kind, id_t id, struct ft_span buf,
		      const char **ret_name)
{
	struct passwd pw, *user = NULL;
	struct group gr, *group = NULL;
	char *data = (char *)buf.data;
	int r;

	if (kind == FT_IDNAMES_USER) {
		r = getpwuid_r(id, &pw, data, buf.len, &user);
		*ret_name = user ? user->pw_name : NULL;
		return r;
	}
	r = getgrgid_r(id, &gr, data, buf.len, &group);
	*ret_name = group ? group->gr_name : NULL;
	return r;
}

static void look_up(enum ft_idnames_kind kind, struct slot *s)
{
	const char *name = NULL;
	int r = ERANGE;

	for (size_t size = LOOKUP_SIZE; r == ERANGE && size <= LOOKUP_SIZE_MAX;
	     size *= 4) {
		_cleanup_free_ char *buf = malloc(size);

		if (!buf)
			return;
		r = look_up_in(kind, s->id, (struct ft_span){buf, size}, &name);
		if (r == 0 && name && strlen(name) <= NAME_MAX_LEN) {
			s->len = (uint8_t)strlen(name);
			memcpy(s->name, name, s->len);
		}
	}
}

struct ft_span ft_idnames_get(struct ft_idnames *n, id_t id)
{
	struct slot *s = &n->slots[id % SLOTS];

	if (!s->used || s->id != id) {
		*s = (struct slot){.used = true, .id = id};
		look_up(n->kind, s);
	}
	return (struct ft_span){s->name, s->len};
}
