/* SPDX-License-Identifier: MIT */
/* Lists of columns as --columns takes them, and what to say of a name that is none. */
#include "output/columns.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "base/near.h"

enum { NAME_LEN_MAX = 16, WORD_LEN_MIN = 3 };

int ft_column_find(struct ft_span name)
{
	for (int i = 0; i < FT_COLUMNS_END; i++) {
		if (ft_span_equal(name, ft_span_of(ft_column_get(i)->name)))
			return i;
	}
	return -ENOENT;
}

bool ft_column_list_has(const struct ft_column_list *l, enum ft_column_id id)
{
	return memchr(l->ids, id, l->count) != NULL;
}

static bool holds(struct ft_span whole, struct ft_span part)
{
	return part.len >= WORD_LEN_MIN &&
	       memmem(whole.data, whole.len, part.data, part.len);
}

static bool is_near(struct ft_span name, const char *column)
{
	struct ft_span c = ft_span_of(column);

	if (name.len == 0 || name.len > NAME_LEN_MAX)
		return false;
	return holds(c, name) || holds(name, c) || ft_near_distance(name, c) != SIZE_MAX;
}

static void put_names(struct ft_bytes *out, struct ft_span near_to)
{
	bool first = true;

	for (int i = 0; i < FT_COLUMNS_END; i++) {
		const char *name = ft_column_get(i)->name;

		if (near_to.data && !is_near(near_to, name))
			continue;
		if (!first)
			ft_bytes_put_lit(out, ", ");
		ft_bytes_put_str(out, name);
		first = false;
	}
}

char *ft_column_unknown(struct ft_span name)
{
	struct ft_bytes out = {0};
	size_t mark;

	ft_bytes_put_lit(&out, "unknown column '");
	ft_escape_text(&out, name);
	ft_bytes_put_lit(&out, "', near it: ");
	mark = out.len;
	put_names(&out, name.data ? name : FT_SPAN(""));
	if (out.len == mark && !out.failed) {
		out.len -= sizeof("near it: ") - 1;
		ft_bytes_put_lit(&out, "columns are: ");
		put_names(&out, (struct ft_span){0});
	}
	ft_bytes_cstr(&out);
	if (out.failed)
		ft_bytes_fini(&out);
	return out.data;
}

static int add_column(struct ft_column_list *l, struct ft_span name, char **ret_error)
{
	int id = ft_column_find(name);

	if (id < 0) {
		if (ret_error)
			*ret_error = ft_column_unknown(name);
		return -EINVAL;
	}
	if (l->count == FT_COLUMN_LIST_MAX) {
		if (ret_error &&
		    asprintf(ret_error, "more than %d columns", FT_COLUMN_LIST_MAX) < 0)
			*ret_error = NULL;
		return -EINVAL;
	}
	l->ids[l->count++] = (uint8_t)id;
	return 0;
}

int ft_column_list_parse(struct ft_column_list *ret, const char *list, char **ret_error)
{
	struct ft_column_list l = {0};

	for (;;) {
		const char *end = strchrnul(list, ',');
		int r = add_column(&l, (struct ft_span){list, (size_t)(end - list)},
				   ret_error);

		if (r < 0)
			return r;
		if (*end == '\0')
			break;
		list = end + 1;
	}
	*ret = l;
	return 0;
}
