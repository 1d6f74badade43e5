/* SPDX-License-Identifier: MIT */
/* Findings, and how they are printed. */
#include "inspect/finding.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "output/jsonfield.h"

enum { GROWTH = 32, NAME_WIDTH_MAX = 36 };

static void fini(struct ft_finding *f)
{
	ft_bytes_fini(&f->name);
	ft_bytes_fini(&f->text);
	ft_bytes_fini(&f->advice);
	ft_bytes_fini(&f->facts);
}

void ft_findings_fini(struct ft_findings *f)
{
	for (size_t i = 0; i < f->count; i++)
		fini(&f->list[i]);
	free(f->list);
	fini(&f->spare);
	*f = (struct ft_findings){0};
}

static struct ft_finding *grow(struct ft_findings *f)
{
	struct ft_finding *list;

	if (f->count % GROWTH == 0) {
		list = reallocarray(f->list, f->count + GROWTH, sizeof(*list));
		if (!list) {
			f->failed = -ENOMEM;
			fini(&f->spare);
			return &f->spare;
		}
		f->list = list;
	}
	return &f->list[f->count++];
}

struct ft_finding *ft_finding_add(struct ft_findings *f, const char *area,
				  const char *name, enum ft_state state)
{
	struct ft_finding *finding = grow(f);

	*finding = (struct ft_finding){.area = area, .state = state};
	ft_bytes_put_str(&finding->name, name);
	return finding;
}

void ft_finding_tell(struct ft_finding *f, const char *text, const char *advice)
{
	ft_bytes_put_str(&f->text, text);
	if (advice)
		ft_bytes_put_str(&f->advice, advice);
}

const char *ft_state_name(enum ft_state state)
{
	static const char *const names[] = {
		[FT_STATE_FINE] = "fine",
		[FT_STATE_UNKNOWN] = "unknown",
		[FT_STATE_LIMITED] = "limited",
		[FT_STATE_MISSING] = "missing",
	};

	return names[state];
}

const char *ft_judgement_name(enum ft_judgement verdict)
{
	static const char *const names[] = {
		[FT_JUDGEMENT_WORKS] = "works",
		[FT_JUDGEMENT_LOSES] = "loses",
		[FT_JUDGEMENT_BLIND] = "blind",
	};

	return names[verdict];
}

/* What the finding alone comes to. */
static enum ft_judgement judge(const struct ft_finding *f)
{
	if (f->is_needed && f->state == FT_STATE_MISSING)
		return FT_JUDGEMENT_BLIND;
	if (!f->loses || f->state == FT_STATE_FINE)
		return FT_JUDGEMENT_WORKS;
	return f->is_part && f->state == FT_STATE_LIMITED ? FT_JUDGEMENT_WORKS
							  : FT_JUDGEMENT_LOSES;
}

enum ft_judgement ft_findings_judge(const struct ft_findings *f)
{
	enum ft_judgement verdict = FT_JUDGEMENT_WORKS;

	for (size_t i = 0; i < f->count; i++)
		if (judge(&f->list[i]) > verdict)
			verdict = judge(&f->list[i]);
	return verdict;
}

static void put_escaped(struct ft_bytes *out, const struct ft_bytes *in)
{
	ft_escape_text(out, ft_bytes_span(in));
}

static size_t width_of(const struct ft_bytes *name)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes text = {0};

	put_escaped(&text, name);
	return text.failed ? 0 : ft_escape_width(ft_bytes_span(&text));
}

/* The names of an area stand in a column, but for long ones. */
static size_t width_of_area(const struct ft_findings *f, size_t first)
{
	size_t width = 0;

	for (size_t i = first; i < f->count; i++) {
		size_t own = width_of(&f->list[i].name);

		if (strcmp(f->list[i].area, f->list[first].area) != 0)
			break;
		if (own > width && own <= NAME_WIDTH_MAX)
			width = own;
	}
	return width;
}

static void put_finding(struct ft_bytes *out, const struct ft_finding *f, size_t width)
{
	ft_bytes_printf(out, "  %-7s  ", ft_state_name(f->state));
	put_escaped(out, &f->name);
	for (size_t i = width_of(&f->name); i < width; i++)
		ft_bytes_put_char(out, ' ');
	ft_bytes_put_lit(out, "  ");
	put_escaped(out, &f->text);
	ft_bytes_put_char(out, '\n');
	if (f->advice.len == 0)
		return;
	ft_bytes_put_lit(out, "           -> ");
	put_escaped(out, &f->advice);
	ft_bytes_put_char(out, '\n');
}

/* Where nothing can be watched, the rest does not matter. */
static bool decides(const struct ft_finding *f, enum ft_judgement verdict)
{
	if (verdict == FT_JUDGEMENT_BLIND)
		return judge(f) == verdict;
	return f->loses && f->state != FT_STATE_FINE;
}

static bool has_limited_parts(const struct ft_findings *f)
{
	for (size_t i = 0; i < f->count; i++)
		if (decides(&f->list[i], FT_JUDGEMENT_WORKS))
			return true;
	return false;
}

static bool is_advised_before(const struct ft_findings *f, size_t at)
{
	enum ft_judgement verdict = ft_findings_judge(f);

	for (size_t i = 0; i < at; i++)
		if (decides(&f->list[i], verdict) &&
		    ft_span_equal(ft_bytes_span(&f->list[i].advice),
				  ft_bytes_span(&f->list[at].advice)))
			return true;
	return false;
}

static void put_verdict(struct ft_bytes *out, const struct ft_findings *f)
{
	static const char *const texts[] = {
		[FT_JUDGEMENT_WORKS] = "What happens to files is seen here.\n",
		[FT_JUDGEMENT_LOSES] = "Not all that happens to files is seen here.\n",
		[FT_JUDGEMENT_BLIND] = "Nothing can be watched here.\n",
	};

	enum ft_judgement verdict = ft_findings_judge(f);

	if (verdict == FT_JUDGEMENT_WORKS && has_limited_parts(f))
		ft_bytes_put_lit(out, "What happens to files is seen here, but not all "
				      "of it on some filesystems.\n");
	else
		ft_bytes_put_str(out, texts[verdict]);
}

/* Of what decided it, each advice once. */
static void put_reasons(struct ft_bytes *out, const struct ft_findings *f)
{
	enum ft_judgement verdict = ft_findings_judge(f);

	for (size_t i = 0; i < f->count; i++) {
		const struct ft_finding *finding = &f->list[i];

		if (decides(finding, verdict) && !is_advised_before(f, i))
			put_finding(out, finding, 0);
	}
}

void ft_findings_format_text(struct ft_bytes *out, const struct ft_findings *f)
{
	const char *area = "";
	size_t width = 0;

	/* First for who reads from the top, last for who sees the end on a terminal. */
	put_verdict(out, f);
	put_reasons(out, f);
	for (size_t i = 0; i < f->count; i++) {
		if (strcmp(area, f->list[i].area) != 0) {
			ft_bytes_printf(out, "\n%s\n", f->list[i].area);
			width = width_of_area(f, i);
		}
		area = f->list[i].area;
		put_finding(out, &f->list[i], width);
	}
	ft_bytes_put_char(out, '\n');
	put_verdict(out, f);
}

void ft_findings_format_json(struct ft_bytes *out, const struct ft_findings *f)
{
	ft_json_put_text(out, FT_SPAN("verdict"),
			 ft_span_of(ft_judgement_name(ft_findings_judge(f))));
	ft_json_put_name(out, FT_SPAN("findings"));
	ft_bytes_put_char(out, '[');
	for (size_t i = 0; i < f->count; i++) {
		const struct ft_finding *finding = &f->list[i];
		size_t mark;

		if (i > 0)
			ft_bytes_put_char(out, ',');
		mark = ft_json_begin(out);
		ft_json_put_text(out, FT_SPAN("area"), ft_span_of(finding->area));
		ft_json_put_string(out, FT_SPAN("name"), ft_bytes_span(&finding->name));
		ft_json_put_text(out, FT_SPAN("state"),
				 ft_span_of(ft_state_name(finding->state)));
		ft_json_put_bool(out, FT_SPAN("loses"),
				 finding->loses && finding->state != FT_STATE_FINE);
		ft_json_put_string(out, FT_SPAN("text"), ft_bytes_span(&finding->text));
		ft_json_put_string(out, FT_SPAN("advice"),
				   ft_bytes_span(&finding->advice));
		ft_bytes_put_span(out, ft_bytes_span(&finding->facts));
		ft_json_end(out, mark);
	}
	ft_bytes_put_char(out, ']');
}
