/* SPDX-License-Identifier: MIT */
/* fantail guard --explain: what is asked for, as the guard would know it. */
#include "cli/guard-facts.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/account.h"
#include "base/cleanup.h"
#include "cli/message.h"
#include "guard/identity.h"
#include "path/view.h"
#include "session/ruleset.h"

enum { COMM_MAX = 15 }; /* what the kernel keeps of a name */

static int usage(const char *option, const char *value, const char *why)
{
	cli_error("--%s %s: %s", option, value, why);
	return -EINVAL;
}

/* The file's own path where it is there, as the guard sees it; else as it was given. */
static int resolve(const char *option, const char *given, char **ret)
{
	*ret = realpath(given, NULL);
	if (*ret)
		return 0;
	if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) {
		cli_error("--%s %s: %s", option, given, strerror(errno));
		return -errno;
	}
	if (given[0] != '/')
		return usage(option, given,
			     "not there; of what is not there the whole path is needed");
	*ret = strdup(given);
	return *ret ? 0 : -ENOMEM;
}

static int take_event(struct cli_guard_facts *a, const char *name)
{
	a->event = name ? name : ft_policyfile_event_names[0];
	for (size_t i = 0; i < FT_POLICYFILE_EVENTS; i++)
		if (strcmp(a->event, ft_policyfile_event_names[i]) == 0)
			a->facts.event = ft_policyfile_event_bits[i];
	if (a->facts.event)
		return 0;
	return usage("event", name, "one of open, exec, access, pre_access");
}

static int take_path(struct cli_guard_facts *a, const char *path)
{
	struct ft_identity id;
	int r = resolve("path", path, &a->path);

	if (r < 0)
		return r;
	a->facts.path = ft_span_of(a->path);
	if (ft_identity_read(AT_FDCWD, a->path, false, &id) < 0)
		return 0;
	a->facts.object = id.object;
	a->facts.size = id.size;
	a->facts.is_regular = S_ISREG(id.mode);
	return 0;
}

static int take_exe(struct cli_guard_facts *a, const char *exe)
{
	struct ft_identity id;
	int r = resolve("exe", exe, &a->exe);

	if (r < 0)
		return r;
	a->facts.exe_path = ft_span_of(a->exe);
	a->process.exe = a->facts.exe_path;
	if (ft_identity_read(AT_FDCWD, a->exe, false, &id) == 0)
		a->facts.exe = id.object;
	return 0;
}

/* Who asks has both: of a user alone it is the group that the user has at login. */
static int take_ids(struct cli_guard_facts *a, const struct cli_guard_request *q)
{
	const struct passwd *user;

	if (!q->uid)
		return usage("gid", q->gid, "needs --uid, too");
	if (ft_account_user(q->uid, &a->process.uid) < 0)
		return usage("uid", q->uid, "no such user");
	a->process.has_ids = true;
	if (q->gid)
		return ft_account_group(q->gid, &a->process.gid) < 0
			       ? usage("gid", q->gid, "no such group")
			       : 0;
	user = getpwuid(a->process.uid);
	if (!user)
		return usage("uid", q->uid, "has no group of its own; needs --gid, too");
	a->process.gid = user->pw_gid;
	return 0;
}

/* Of a container that is given as nothing it is known that there is none. */
static void take_container(struct cli_guard_facts *a, const char *id)
{
	a->process.container = ft_span_of(id);
	a->process.cgroup = FT_SPAN("/");
}

static int take_process(struct cli_guard_facts *a, const struct cli_guard_request *q)
{
	int r = q->exe ? take_exe(a, q->exe) : 0;

	if (r == 0 && (q->uid || q->gid))
		r = take_ids(a, q);
	if (q->comm)
		a->process.comm = (struct ft_span){q->comm, strnlen(q->comm, COMM_MAX)};
	if (q->container)
		take_container(a, q->container);
	if (q->exe || q->uid || q->comm || q->container)
		a->facts.process = &a->process;
	return r;
}

/* As the guard does before it begins. */
static int find_claims(struct cli_guard_facts *a, struct ft_policy *policy)
{
	_cleanup_(ft_ruleset_fini) struct ft_ruleset s;
	int r = ft_ruleset_init(&s, policy, NULL, 0, NULL);

	if (r == 0)
		r = ft_ruleset_resolve(&s);
	if (r < 0) {
		cli_error("guard: %s", strerror(-r));
		return r;
	}
	ft_ruleset_find_claims(&s);
	if (a->facts.object.dev)
		a->facts.claims_count =
			ft_claims_find(s.claims, &a->facts.object, a->claims);
	a->facts.claims = a->claims;
	return 0;
}

static bool is_watched(const struct cli_guard_facts *a, const struct ft_policyfile *f)
{
	for (size_t i = 0; i < f->watch_count; i++) {
		_cleanup_free_ char *real = realpath(f->watch[i], NULL);
		struct ft_span dir = ft_span_of(real ? real : f->watch[i]);

		dir.len = dir.len == 1 ? 0 : dir.len;
		if (ft_path_is_below(a->facts.path, dir))
			return true;
	}
	return false;
}

int cli_guard_facts_init(struct cli_guard_facts *a, const struct cli_guard_request *q,
			 const struct ft_policyfile *f)
{
	int r;

	*a = (struct cli_guard_facts){0};
	r = take_event(a, q->event);
	if (r == 0)
		r = take_path(a, q->path);
	if (r == 0)
		r = take_process(a, q);
	if (r == 0)
		r = find_claims(a, f->policy);
	a->is_outside = a->facts.claims_count == 0 && !is_watched(a, f);
	return r;
}

void cli_guard_facts_fini(struct cli_guard_facts *a)
{
	free(a->path);
	free(a->exe);
}
