/* SPDX-License-Identifier: MIT */
/* Finding out how a path would be watched, by beginning to. */
#include <errno.h>

#include "base/cleanup.h"
#include "session/session.h"

void ft_trial_fini(struct ft_trial *t)
{
	ft_bytes_fini(&t->text);
}

static void keep(void *data, const char *text)
{
	struct ft_bytes *out = data;

	if (out->len > 0)
		ft_bytes_put_char(out, '\n');
	ft_bytes_put_str(out, text);
}

static void cleanup_session(struct ft_session **s)
{
	ft_session_free(*s);
}

int ft_trial_run(const char *path, struct ft_trial *ret)
{
	_cleanup_(cleanup_session) struct ft_session *s = NULL;
	int r = ft_session_new(&s, FT_SESSION_NO_PROCESS);

	*ret = (struct ft_trial){0};
	if (r < 0) {
		keep(&ret->text, strerror(-r));
		return r;
	}
	s->tops_only = true;
	s->notice = keep;
	s->notice_data = &ret->text;
	r = ft_session_add_path(s, path, FT_SCOPE_TREE, true);
	if (r == 0)
		r = ft_session_start(s);
	if (r < 0)
		keep(&ret->text, ft_session_error(s));
	ret->way = r < 0 ? FT_WAY_NONE : s->way;
	return ret->text.failed < 0 ? ret->text.failed : r;
}
