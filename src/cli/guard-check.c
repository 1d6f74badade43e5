/* SPDX-License-Identifier: MIT */
/* fantail guard --check: what a policy guards. */
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "base/number.h"
#include "cli/guard.h"
#include "cli/message.h"

static void put_line(struct ft_bytes *out, const char *what, const char *text)
{
	ft_bytes_printf(out, "%-10s", what);
	ft_escape_text(out, ft_span_of(text));
	ft_bytes_put_char(out, '\n');
}

static void put_config(struct ft_bytes *out, const struct ft_policy_config *c)
{
	ft_bytes_printf(out, "%-10s%s, default %s, %.10gs for a scan, then %s\n", "mode",
			ft_guard_mode_name(c->mode), ft_verdict_name(c->fallback),
			(double)c->timeout_ns / FT_NSEC_PER_SEC,
			ft_verdict_name(c->on_timeout));
}

static void put_scanner(struct ft_bytes *out, const struct ft_scanner_spec *s)
{
	static const char *const types[] = {
		[FT_SCANNER_CLAMD] = "clamd",
		[FT_SCANNER_YARA] = "yara",
		[FT_SCANNER_SHA256] = "sha256",
	};

	ft_bytes_printf(out, "%-10s", "scanner");
	ft_escape_text(out, ft_span_of(s->name));
	ft_bytes_printf(out, ": %s, ", types[s->type]);
	ft_escape_text(out, ft_span_of(s->file));
	ft_bytes_put_char(out, '\n');
}

static void put_events(struct ft_bytes *out, uint64_t events)
{
	const char *before = "";

	for (size_t i = 0; i < FT_POLICYFILE_EVENTS; i++) {
		if (!(events & ft_policyfile_event_bits[i]))
			continue;
		ft_bytes_printf(out, "%s%s", before, ft_policyfile_event_names[i]);
		before = ", ";
	}
}

static void put_rule(struct ft_bytes *out, const struct ft_policyfile *f, size_t i)
{
	const struct ft_rule_spec *s = ft_rule_spec(ft_policy_rule(f->policy, i));

	ft_bytes_printf(out, "%-10s%s %s: ", "rule", cli_guard_verdict_name(s->verdict),
			s->name);
	put_events(out, s->events);
	if (s->verdict == FT_RULE_SCAN)
		cli_guard_put_results(out, f, s);
	if (s->audit)
		ft_bytes_put_lit(out, "; audit");
	ft_bytes_put_char(out, '\n');
}

/* Whatever a scanner needs is loaded, as it would be before it is guarded. */
static int try_scanners(const struct ft_policyfile *f)
{
	int worst = 0;

	for (size_t i = 0; i < f->scanners_count; i++) {
		_cleanup_free_ char *error = NULL;
		struct ft_scanner *s = NULL;
		int r = ft_scanner_open(&s, &f->scanners[i], &error);

		ft_scanner_close(s);
		if (r == 0)
			continue;
		cli_error("scanner '%s': %s", f->scanners[i].name,
			  error ? error : strerror(-r));
		worst = r;
	}
	return worst;
}

int cli_guard_check(struct cli_guard *g)
{
	_cleanup_(ft_policyfile_fini) struct ft_policyfile f = {0};
	_cleanup_(ft_bytes_fini) struct ft_bytes out = {0};

	if (cli_guard_load(g, &f) < 0 || try_scanners(&f) < 0)
		return CLI_FAILED;
	put_config(&out, ft_policy_config(f.policy));
	for (size_t i = 0; i < f.watch_count; i++)
		put_line(&out, "watch", f.watch[i]);
	for (size_t i = 0; i < f.scanners_count; i++)
		put_scanner(&out, &f.scanners[i]);
	for (size_t i = 0; i < ft_policy_rules_count(f.policy); i++)
		put_rule(&out, &f, i);
	cli_guard_warn_of_need(g, &f);
	return cli_guard_print(&out);
}
