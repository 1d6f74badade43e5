/* SPDX-License-Identifier: MIT */
/* A policy file becomes a compiled policy: what stands at its top, and the way through
 * its parts. */
#include "policy/policyfile.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/number.h"
#include "base/trusted.h"
#include "event/mask.h"
#include "policy/sections.h"

#define TIMEOUT_DEFAULT (5 * FT_NSEC_PER_SEC)
#define TIMEOUT_LEAST	(10 * FT_NSEC_PER_MSEC)
#define TIMEOUT_MAX	(600 * FT_NSEC_PER_SEC)

const char *const ft_policyfile_event_names[FT_POLICYFILE_EVENTS] = {
	"open", "exec", "access", "pre_access"};
const uint64_t ft_policyfile_event_bits[FT_POLICYFILE_EVENTS] = {
	FT_EV_OPEN_PERM, FT_EV_OPEN_EXEC_PERM, FT_EV_ACCESS_PERM, FT_EV_PRE_ACCESS};

struct top {
	struct ft_policy_config config;
	const struct ft_node *version;
	const struct ft_node *watch;
	const struct ft_node *rules;
	const struct ft_node *scanners;
};

static void take_version(struct ft_policy_reader *r, const struct ft_node *n, void *at)
{
	if (n->kind != FT_NODE_WORD || strcmp(n->text, "1") != 0)
		ft_problems_add(&r->problems, n->at,
				"version 1 is expected, the only one there is");
}

static void take_mode(struct ft_policy_reader *r, const struct ft_node *n, void *at)
{
	static const char *const names[] = {
		[FT_MODE_ENFORCE] = "enforce",
		[FT_MODE_OBSERVE] = "observe",
	};
	int i = ft_field_choice(r, n, names, FT_ARRAY_SIZE(names));

	if (i >= 0)
		*(enum ft_guard_mode *)at = (enum ft_guard_mode)i;
}

static void take_timeout(struct ft_policy_reader *r, const struct ft_node *n, void *at)
{
	const char *word = ft_field_word(r, n, "a duration like 5s");
	int64_t ns;

	if (!word)
		return;
	if (ft_duration_parse(word, &ns) == 0 && ns >= TIMEOUT_LEAST && ns <= TIMEOUT_MAX)
		*(int64_t *)at = ns;
	else
		ft_problems_add(&r->problems, n->at,
				"a duration from 10ms to 10m is expected, like 5s, not "
				"'%.100s'",
				word);
}

static const struct ft_key key_list[] = {
	{"version", take_version, 0, true},
	{"mode", take_mode, offsetof(struct top, config.mode)},
	{"default", ft_take_verdict, offsetof(struct top, config.fallback)},
	{"timeout", take_timeout, offsetof(struct top, config.timeout_ns)},
	{"on_timeout", ft_take_verdict, offsetof(struct top, config.on_timeout)},
	{"watch", ft_take_node, offsetof(struct top, watch)},
	{"rules", ft_take_node, offsetof(struct top, rules), true},
	{"scanners", ft_take_node, offsetof(struct top, scanners)},
};

static const struct ft_keys keys = {"a policy", key_list, FT_ARRAY_SIZE(key_list)};

static int read_parts(struct ft_policy_reader *r, const struct ft_node *root)
{
	struct top top = {.config = {.mode = FT_MODE_ENFORCE,
				     .fallback = FT_VERDICT_ALLOW,
				     .on_timeout = FT_VERDICT_ALLOW,
				     .timeout_ns = TIMEOUT_DEFAULT}};
	int e;

	ft_keys_take(r, &keys, root, &top);
	e = ft_policy_new(&r->out->policy, &top.config);
	if (e < 0)
		return e;
	if (top.scanners)
		ft_section_read_scanners(r, top.scanners);
	if (top.rules)
		ft_section_read_rules(r, top.rules);
	if (top.watch)
		ft_section_read_watch(r, top.watch);
	else if (r->problems.count == 0)
		ft_section_derive_watch(r, top.rules);
	return r->failed;
}

static int read_text(struct ft_policy_reader *r, struct ft_span text)
{
	struct ft_document *d;
	int e = ft_document_parse(&d, text, &r->problems);

	if (e < 0)
		return e;
	if (ft_document_root(d))
		e = read_parts(r, ft_document_root(d));
	else
		ft_problems_add(&r->problems, (struct ft_position){0},
				"empty; a policy begins with 'version: 1'");
	ft_document_free(d);
	return e < 0 ? e : r->problems.count > 0 ? -EINVAL : 0;
}

int ft_policyfile_parse(struct ft_policyfile *ret, const char *name, struct ft_span text,
			ft_policyfile_warn_fn warn, void *data, char **ret_error)
{
	struct ft_policyfile f = {0};
	struct ft_policy_reader r = {
		.problems.name = name, .warn = warn, .data = data, .out = &f};
	int e = read_text(&r, text);

	if (e < 0) {
		*ret_error = r.problems.count > 0 ? ft_problems_text(&r.problems) : NULL;
		ft_policyfile_fini(&f);
		return e;
	}
	*ret = f;
	return 0;
}

/* Of the file as a whole: "file: why". */
static int fail(const char *name, const char *why, int error, char **ret_error)
{
	struct ft_problems p = {.name = name};

	ft_problems_add(&p, (struct ft_position){0}, "%s", why);
	*ret_error = ft_problems_text(&p);
	return error;
}

/* Of the path itself it need not be said twice; one on the way to it is named, too. */
static const char *reason_of(const char *why, const char *path)
{
	_cleanup_free_ char *here = path[0] == '/' ? NULL : getcwd(NULL, 0);
	const char *at = why + (here ? strlen(here) + 1 : 0);
	size_t n = strlen(path);

	if (strlen(why) < (size_t)(at - why) + n || memcmp(at, path, n) != 0 ||
	    strncmp(at + n, ": ", 2) != 0)
		return why;
	return at + n + 2;
}

int ft_policyfile_read(struct ft_policyfile *ret, const char *path,
		       ft_policyfile_warn_fn warn, void *data, char **ret_error)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes text = {0}, why = {0};
	_cleanup_close_ int fd = -1;
	int r = ft_trusted_open(path, &fd, &why);

	*ret_error = NULL;
	if (r < 0)
		return fail(path,
			    why.len ? reason_of(ft_bytes_cstr(&why), path) : strerror(-r),
			    r, ret_error);
	/* Too large is for the parser to tell. */
	r = ft_file_read_fd(fd, FT_DOCUMENT_BYTES_MAX + 1, &text);
	if (r < 0 && r != -EFBIG)
		return fail(path, strerror(-r), r, ret_error);
	r = ft_policyfile_parse(ret, path, ft_bytes_span(&text), warn, data, ret_error);
	if (r < 0 || !ret->watch_is_derived)
		return r;
	r = ft_watchlist_settle(ret);
	if (r == 0)
		return 0;
	ft_policyfile_fini(ret);
	return fail(path,
		    "more than 64 directories to watch; say with 'watch' which "
		    "ones above them",
		    r, ret_error);
}

void ft_policyfile_fini(struct ft_policyfile *f)
{
	ft_policy_free(f->policy);
	for (size_t i = 0; i < f->scanners_count; i++) {
		free((void *)f->scanners[i].name);
		free((void *)f->scanners[i].file);
	}
	free(f->scanners);
	for (size_t i = 0; i < f->watch_count; i++)
		free(f->watch[i]);
	free(f->watch);
	*f = (struct ft_policyfile){0};
}
