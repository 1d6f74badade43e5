/* SPDX-License-Identifier: MIT */
/* A template: text with {column} in it, compiled once. */
#include "output/format.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/escape.h"

enum { TEXT_MAX = 4096, PARTS_MAX = 256 };

/* Literal bytes, then a column; the last part may have no column. */
struct part {
	size_t literal_at; /* in template.literals */
	size_t literal_len;
	int column; /* -1: none */
};

struct template
{
	struct ft_bytes literals;
	struct part parts[PARTS_MAX];
	size_t count;
	bool tells_events;
};

static int fail(char **ret_error, const char *what, const char *at)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes shown = {0};
	size_t len = strlen(at);

	ft_escape_text(&shown, (struct ft_span){at, len < 20 ? len : 20});
	if (ret_error &&
	    asprintf(ret_error, "template: %s at '%s'", what, ft_bytes_cstr(&shown)) < 0)
		*ret_error = NULL;
	return -EINVAL;
}

/* Where the literal of the next part begins. */
static size_t literal_begin(const struct template *t)
{
	const struct part *last = t->count > 0 ? &t->parts[t->count - 1] : NULL;

	return last ? last->literal_at + last->literal_len : 0;
}

/* A template that ends its line itself gets no second newline. */
static bool ends_line(const struct template *t)
{
	size_t len = t->literals.len;

	return len > literal_begin(t) && t->literals.data[len - 1] == '\n';
}

static int end_part(struct template *t, int column, char **ret_error)
{
	size_t at = literal_begin(t);

	if (t->count == PARTS_MAX)
		return fail(ret_error, "too many columns", "");
	t->parts[t->count++] = (struct part){at, t->literals.len - at, column};
	if (column == FT_COLUMN_EVENTS)
		t->tells_events = true;
	return 0;
}

static int compile_column(struct template *t, const char **at, char **ret_error)
{
	const char *end = strchr(*at, '}');
	struct ft_span name;
	int column;

	if (!end)
		return fail(ret_error, "'{' without '}'", *at);
	name = (struct ft_span){*at + 1, (size_t)(end - *at - 1)};
	column = ft_column_find(name);
	if (column < 0) {
		if (ret_error)
			*ret_error = ft_column_unknown(name);
		return -EINVAL;
	}
	*at = end + 1;
	return end_part(t, column, ret_error);
}

static int compile_escape(struct template *t, const char **at, char **ret_error)
{
	static const char from[] = "nt\\", to[] = "\n\t\\";
	const char *p = (*at)[1] ? strchr(from, (*at)[1]) : NULL;

	if (!p)
		return fail(ret_error, "unknown escape (\\n, \\t and \\\\ are known)",
			    *at);
	ft_bytes_put_char(&t->literals, to[p - from]);
	*at += 2;
	return 0;
}

static int compile(struct template *t, const char *at, char **ret_error)
{
	int r = 0;

	while (*at && r == 0) {
		if (at[0] == '\\') {
			r = compile_escape(t, &at, ret_error);
		} else if (at[0] == '{' && at[1] != '{') {
			r = compile_column(t, &at, ret_error);
		} else {
			ft_bytes_put_char(&t->literals, at[0]);
			at += (at[0] == '{' || at[0] == '}') && at[1] == at[0] ? 2 : 1;
		}
	}
	if (r < 0)
		return r;
	if (!ends_line(t))
		ft_bytes_put_char(&t->literals, '\n');
	r = end_part(t, -1, ret_error);
	return r < 0 ? r : t->literals.failed;
}

static void template_close(struct ft_format *f)
{
	struct template *t = f->state;

	ft_bytes_fini(&t->literals);
	free(t);
}

static int template_open(struct ft_format *f, const struct ft_output_config *c,
			 char **ret_error)
{
	const char *text = c->template_text ? c->template_text : "";

	if (strlen(text) > TEXT_MAX)
		return fail(ret_error, "longer than 4096 bytes", text);
	f->state = calloc(1, sizeof(struct template));
	if (!f->state)
		return -ENOMEM;
	return compile(f->state, text, ret_error);
}

static void template_put(struct ft_format *f, struct ft_bytes *out,
			 const struct ft_event *ev, uint64_t seq)
{
	const struct template *t = f->state;

	/* A template without {events} could not say that something was lost. */
	if (ev->kind != FT_KIND_EVENT && !t->tells_events) {
		ft_notice_format(out, ev);
		ft_bytes_put_char(out, '\n');
		return;
	}
	for (size_t i = 0; i < t->count; i++) {
		const struct part *p = &t->parts[i];

		ft_bytes_put(out, t->literals.data + p->literal_at, p->literal_len);
		if (p->column >= 0)
			ft_escape_text(out, ft_format_value(f, p->column, ev, seq));
	}
}

const struct ft_format_ops ft_format_template = {
	.open = template_open,
	.close = template_close,
	.put = template_put,
};
