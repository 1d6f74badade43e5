/* SPDX-License-Identifier: MIT */
/* fantail guard --explain: what would be answered, and why. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "cli/guard-facts.h"
#include "cli/message.h"
#include "output/jsonfield.h"

struct explain {
	const struct ft_policyfile *file;
	struct cli_guard_facts asked;
	struct ft_bytes rules; /* each that was looked at */
	struct ft_bytes out;
};

static void explain_fini(struct explain *e)
{
	cli_guard_facts_fini(&e->asked);
	ft_bytes_fini(&e->rules);
	ft_bytes_fini(&e->out);
}

static const struct ft_rule_spec *spec_of(const struct explain *e, int rule)
{
	return ft_rule_spec(ft_policy_rule(e->file->policy, (size_t)rule));
}

static void put_why(struct ft_bytes *out, const struct ft_explained *x)
{
	if (!x->matches)
		ft_bytes_printf(out, "no: %s %s", x->key,
				x->by_doubt			? "is not known"
				: strcmp(x->key, "events") == 0 ? "are others"
								: "is another");
	else
		ft_bytes_printf(out, "yes%s%s",
				x->by_object ? ", it is a file that the rule names, "
					       "under another name"
					     : "",
				x->by_doubt ? ", what it asks for is not known" : "");
}

static void put_text_rule(void *data, const struct ft_explained *x)
{
	struct explain *e = data;

	if (x->rule < 0)
		return;
	ft_bytes_printf(&e->out, "%-24s ", spec_of(e, x->rule)->name);
	put_why(&e->out, x);
	ft_bytes_put_char(&e->out, '\n');
}

static void ask(struct explain *e, ft_explain_fn fn, struct ft_outcome *ret)
{
	if (e->asked.is_outside)
		*ret = (struct ft_outcome){.verdict = FT_RULE_ALLOW, .rule = -1};
	else
		ft_policy_explain(e->file->policy, &e->asked.facts, fn, e, ret);
}

static void put_text(struct explain *e)
{
	struct ft_bytes *out = &e->out;
	struct ft_outcome o;

	ask(e, put_text_rule, &o);
	ft_bytes_printf(out, "%s, by %s: %s ", cli_guard_verdict_name(o.verdict),
			e->asked.is_outside ? "being outside of what is watched"
			: o.rule < 0	    ? "default"
					    : spec_of(e, o.rule)->name,
			e->asked.event);
	ft_escape_text(out, e->asked.facts.path);
	if (o.verdict == FT_RULE_SCAN)
		cli_guard_put_results(out, e->file, spec_of(e, o.rule));
	if (ft_policy_config(e->file->policy)->mode == FT_MODE_OBSERVE)
		ft_bytes_put_lit(out, "; mode observe allows it all the same");
	ft_bytes_put_char(out, '\n');
}

static void put_json_rule(void *data, const struct ft_explained *x)
{
	struct explain *e = data;
	struct ft_bytes *out = &e->rules;
	size_t mark;

	if (x->rule < 0)
		return;
	if (out->len > 0)
		ft_bytes_put_char(out, ',');
	mark = ft_json_begin(out);
	ft_json_put_string(out, FT_SPAN("rule"), ft_span_of(spec_of(e, x->rule)->name));
	ft_json_put_bool(out, FT_SPAN("matches"), x->matches);
	if (x->key)
		ft_json_put_string(out, FT_SPAN("key"), ft_span_of(x->key));
	if (x->by_object)
		ft_json_put_bool(out, FT_SPAN("by_object"), true);
	if (x->by_doubt)
		ft_json_put_bool(out, FT_SPAN("by_doubt"), true);
	ft_json_end(out, mark);
}

static void put_json_scan(struct explain *e, const struct ft_rule_spec *s)
{
	static const char *const names[] = {
		[FT_SCAN_CLEAN] = "clean",
		[FT_SCAN_INFECTED] = "infected",
		[FT_SCAN_ERROR] = "error",
	};

	ft_json_put_string(&e->out, FT_SPAN("scanner"),
			   ft_span_of(e->file->scanners[s->scanner].name));
	for (size_t i = 0; i < FT_ARRAY_SIZE(names); i++)
		ft_json_put_string(&e->out, ft_span_of(names[i]),
				   ft_span_of(ft_verdict_name(s->on_result[i])));
}

static void put_json(struct explain *e)
{
	const struct ft_policy_config *c = ft_policy_config(e->file->policy);
	struct ft_bytes *out = &e->out;
	size_t mark = ft_json_begin(out);
	struct ft_outcome o;

	ask(e, put_json_rule, &o);
	ft_json_put_string(out, FT_SPAN("path"), e->asked.facts.path);
	ft_json_put_string(out, FT_SPAN("event"), ft_span_of(e->asked.event));
	ft_json_put_bool(out, FT_SPAN("watched"), !e->asked.is_outside);
	ft_json_put_string(out, FT_SPAN("verdict"),
			   ft_span_of(cli_guard_verdict_name(o.verdict)));
	if (o.verdict == FT_RULE_SCAN)
		put_json_scan(e, spec_of(e, o.rule));
	if (o.rule >= 0)
		ft_json_put_string(out, FT_SPAN("rule"),
				   ft_span_of(spec_of(e, o.rule)->name));
	ft_json_put_string(out, FT_SPAN("mode"), ft_span_of(ft_guard_mode_name(c->mode)));
	ft_json_put_name(out, FT_SPAN("rules"));
	ft_bytes_put_char(out, '[');
	ft_bytes_put_span(out, ft_bytes_span(&e->rules));
	ft_bytes_put_char(out, ']');
	ft_json_end(out, mark);
	ft_bytes_put_char(out, '\n');
}

int cli_guard_explain(struct cli_guard *g)
{
	_cleanup_(ft_policyfile_fini) struct ft_policyfile f = {0};
	_cleanup_(explain_fini) struct explain e = {.file = &f};
	enum ft_format_kind format = g->output.config.format;
	int r;

	if (format != FT_FORMAT_TEXT && format != FT_FORMAT_JSON) {
		cli_error("--explain prints text or json");
		return CLI_USAGE;
	}
	if (cli_guard_load(g, &f) < 0)
		return CLI_FAILED;
	r = cli_guard_facts_init(&e.asked, &g->request, &f);
	if (r < 0)
		return r == -EINVAL ? CLI_USAGE : CLI_FAILED;
	if (format == FT_FORMAT_JSON)
		put_json(&e);
	else
		put_text(&e);
	return e.rules.failed ? CLI_FAILED : cli_guard_print(&e.out);
}
