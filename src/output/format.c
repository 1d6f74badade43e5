/* SPDX-License-Identifier: MIT */
/* The formats behind one face. */
#include "output/format.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

static const struct ft_format_ops *const formats[] = {
	[FT_FORMAT_TEXT] = &ft_format_text, [FT_FORMAT_JSON] = &ft_format_json,
	[FT_FORMAT_CSV] = &ft_format_csv,   [FT_FORMAT_ECS] = &ft_format_ecs,
	[FT_FORMAT_OCSF] = &ft_format_ocsf, [FT_FORMAT_TEMPLATE] = &ft_format_template,
	[FT_FORMAT_RAW] = &ft_format_raw,
};

static const struct {
	const char *name;
	enum ft_format_kind kind;
} names[] = {
	{"text", FT_FORMAT_TEXT}, {"json", FT_FORMAT_JSON}, {"csv", FT_FORMAT_CSV},
	{"ecs", FT_FORMAT_ECS},	  {"ocsf", FT_FORMAT_OCSF},
};

int ft_output_parse_format(const char *s, struct ft_output_config *c)
{
	for (size_t i = 0; i < FT_ARRAY_SIZE(names); i++) {
		if (strcmp(s, names[i].name) == 0) {
			c->format = names[i].kind;
			return 0;
		}
	}
	if (!strchr(s, '{'))
		return -EINVAL;
	c->format = FT_FORMAT_TEMPLATE;
	c->template_text = s;
	return 0;
}

static void cleanup_format(struct ft_format **f)
{
	ft_format_free(*f);
}

static int make_tables(struct ft_format *f)
{
	int r;

	r = ft_idnames_new(&f->users, FT_IDNAMES_USER);
	if (r < 0)
		return r;
	r = ft_idnames_new(&f->groups, FT_IDNAMES_GROUP);
	if (r < 0)
		return r;
	return ft_fragments_new(&f->fragments);
}

int ft_format_new(struct ft_format **ret, const struct ft_output_config *c,
		  char **ret_error)
{
	_cleanup_(cleanup_format) struct ft_format *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	f->no_args = c->no_args;
	f->color = c->color;
	f->width = c->width;
	f->time.utc = c->utc;
	r = make_tables(f);
	if (r < 0)
		return r;
	if (c->columns) {
		r = ft_column_list_parse(&f->columns, c->columns, ret_error);
		if (r < 0)
			return r;
	}
	/* Only now: close is for what open began. */
	f->ops = formats[c->format];
	if (f->ops->open) {
		r = f->ops->open(f, c, ret_error);
		if (r < 0)
			return r;
	}
	*ret = ft_take(f);
	return 0;
}

struct ft_format *ft_format_free(struct ft_format *f)
{
	if (!f)
		return NULL;
	if (f->ops && f->ops->close && f->state)
		f->ops->close(f);
	ft_idnames_free(f->users);
	ft_idnames_free(f->groups);
	ft_fragments_free(f->fragments);
	ft_bytes_fini(&f->scratch);
	free(f);
	return NULL;
}

void ft_format_begin(struct ft_format *f, struct ft_bytes *out)
{
	if (f->ops->begin)
		f->ops->begin(f, out);
}

void ft_format_put(struct ft_format *f, struct ft_bytes *out, const struct ft_event *ev,
		   uint64_t seq)
{
	f->ops->put(f, out, ev, seq);
}
