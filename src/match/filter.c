/* SPDX-License-Identifier: MIT */
/* The kinds of filters: parsed and looked up once, then asked without a system call. */
#include "match/filter.h"

#include <errno.h>
#include <limits.h>
#include <locale.h>

#include "base/account.h"
#include "base/cleanup.h"
#include "base/number.h"

enum {
	VALUE_MAX = 4096,
	COPY_MAX = 4096, /* of a path, on the stack: longer ones are rare */
	COMM_MAX = 15,	 /* what the kernel keeps of a name */
	CONTAINER_PREFIX_MIN = 4,
};

typedef int (*init_fn)(struct ft_filter *f, struct ft_filter_context *c,
		       const char *value, const char **ret_error);
typedef void (*fini_fn)(struct ft_filter *f);
typedef bool (*hits_fn)(const struct ft_filter *f, const struct ft_filter_context *c,
			const struct ft_filter_subject *s);

static int fail(const char **ret_error, int error, const char *why)
{
	*ret_error = why;
	return error;
}

static int init_glob(struct ft_filter *f, struct ft_filter_context *c, const char *value,
		     const char **ret_error)
{
	size_t n = strlen(value);

	f->is_open_ended = n >= 3 && strcmp(value + n - 3, "/**") == 0;
	return ft_glob_new(&f->glob, value, ret_error);
}

static void fini_glob(struct ft_filter *f)
{
	ft_glob_free(f->glob);
}

static bool hits_path(const struct ft_filter *f, const struct ft_filter_context *c,
		      const struct ft_filter_subject *s)
{
	return ft_glob_match(f->glob, s->path, c->roots, c->roots_count);
}

static bool hits_exe(const struct ft_filter *f, const struct ft_filter_context *c,
		     const struct ft_filter_subject *s)
{
	return s->process &&
	       ft_glob_match(f->glob, s->process->exe, c->roots, c->roots_count);
}

/* In the C locale: paths are bytes, a dot must take those too that are no character. */
static int compile_bytes(regex_t *regex, const char *value, char *error,
			 size_t error_size)
{
	locale_t bytes = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	locale_t before;
	int r;

	if (!bytes)
		return REG_ESPACE;
	before = uselocale(bytes);
	r = regcomp(regex, value, REG_EXTENDED | REG_NOSUB);
	if (r != 0)
		regerror(r, regex, error, error_size);
	uselocale(before);
	freelocale(bytes);
	return r;
}

static int init_regex(struct ft_filter *f, struct ft_filter_context *c, const char *value,
		      const char **ret_error)
{
	_cleanup_free_ regex_t *regex = calloc(1, sizeof(*regex));
	int r;

	if (!regex)
		return fail(ret_error, -ENOMEM, "out of memory");
	r = compile_bytes(regex, value, c->error, sizeof(c->error));
	if (r == REG_ESPACE)
		return fail(ret_error, -ENOMEM, "out of memory");
	if (r != 0)
		return fail(ret_error, -EINVAL, c->error);
	f->regex = ft_take(regex);
	return 0;
}

static void fini_regex(struct ft_filter *f)
{
	regfree(f->regex);
	free(f->regex);
}

/*
 * Of a partial path the name alone is known: it is not the beginning of a line then, so
 * what matches in it would match in the whole path too. Copied, as regexec() takes
 * strings: REG_STARTEND is not everywhere, and the address sanitizer reads past it up to
 * a NUL.
 */
static bool hits_regex(const struct ft_filter *f, const struct ft_filter_context *c,
		       const struct ft_filter_subject *s)
{
	char small[COPY_MAX + 1];
	_cleanup_free_ char *large = NULL;
	char *copy = small;
	int r;

	if (s->path.len > COPY_MAX)
		copy = large = malloc(s->path.len + 1);
	if (!copy)
		return !f->negate;
	memcpy(copy, s->path.data, s->path.len);
	copy[s->path.len] = '\0';
	r = regexec(f->regex, copy, 0, NULL, copy[0] == '/' ? 0 : REG_NOTBOL);
	return r == 0 || (r != REG_NOMATCH && !f->negate);
}

static int init_pid(struct ft_filter *f, struct ft_filter_context *c, const char *value,
		    const char **ret_error)
{
	if (ft_number_parse(value, INT_MAX, &f->number) < 0 || f->number == 0)
		return fail(ret_error, -EINVAL, "not a process id");
	return 0;
}

static bool hits_pid(const struct ft_filter *f, const struct ft_filter_context *c,
		     const struct ft_filter_subject *s)
{
	return s->pid > 0 && (uint64_t)s->pid == f->number;
}

static bool is_among_parents(const struct ft_process *p, pid_t root)
{
	if (p->has_ppid && p->ppid == root)
		return true;
	for (size_t i = 0; i < p->parents_count; i++) {
		if (p->parents[i].pid == root)
			return true;
	}
	return false;
}

static bool hits_tree(const struct ft_filter *f, const struct ft_filter_context *c,
		      const struct ft_filter_subject *s)
{
	pid_t root = (pid_t)f->number;

	/* Of what has the number, and is not known, the root itself is the likely one. */
	if (!s->process)
		return s->pid == root && !f->negate;
	if (c->below)
		return c->below(c->below_data, s->process, root) > 0;
	return s->pid == root || is_among_parents(s->process, root);
}

static int init_text(struct ft_filter *f, struct ft_filter_context *c, const char *value,
		     const char **ret_error)
{
	f->text = strdup(value);
	return f->text ? 0 : fail(ret_error, -ENOMEM, "out of memory");
}

/* People ask for the program's name; of a longer one the kernel keeps the beginning. */
static int init_comm(struct ft_filter *f, struct ft_filter_context *c, const char *value,
		     const char **ret_error)
{
	f->text = strndup(value, COMM_MAX);
	return f->text ? 0 : fail(ret_error, -ENOMEM, "out of memory");
}

static void fini_text(struct ft_filter *f)
{
	free(f->text);
}

static bool hits_comm(const struct ft_filter *f, const struct ft_filter_context *c,
		      const struct ft_filter_subject *s)
{
	return s->process && ft_span_equal(s->process->comm, ft_span_of(f->text));
}

static bool hits_container(const struct ft_filter *f, const struct ft_filter_context *c,
			   const struct ft_filter_subject *s)
{
	struct ft_span wanted = ft_span_of(f->text);
	struct ft_span id = s->process ? s->process->container : (struct ft_span){0};

	if (wanted.len >= CONTAINER_PREFIX_MIN && id.len > wanted.len)
		id.len = wanted.len;
	return ft_span_equal(id, wanted);
}

typedef int (*account_fn)(const char *name, uint32_t *ret_id);

static int init_account(account_fn fn, struct ft_filter *f, const char *value,
			const char *none, const char **ret_error)
{
	uint32_t id;
	int r = fn(value, &id);

	if (r == -ERANGE)
		return fail(ret_error, -EINVAL, "id out of range");
	if (r == -ENOENT)
		return fail(ret_error, r, none);
	if (r < 0)
		return fail(ret_error, r, "name could not be looked up");
	f->number = id;
	return 0;
}

static int init_uid(struct ft_filter *f, struct ft_filter_context *c, const char *value,
		    const char **ret_error)
{
	return init_account(ft_account_user, f, value, "no such user", ret_error);
}

static int init_gid(struct ft_filter *f, struct ft_filter_context *c, const char *value,
		    const char **ret_error)
{
	return init_account(ft_account_group, f, value, "no such group", ret_error);
}

static bool hits_uid(const struct ft_filter *f, const struct ft_filter_context *c,
		     const struct ft_filter_subject *s)
{
	return s->process && s->process->has_ids && s->process->uid == f->number;
}

static bool hits_gid(const struct ft_filter *f, const struct ft_filter_context *c,
		     const struct ft_filter_subject *s)
{
	return s->process && s->process->has_ids && s->process->gid == f->number;
}

static const struct kind {
	enum ft_filter_side side;
	init_fn init;
	fini_fn fini; /* may be NULL */
	hits_fn hits;
} kinds[FT_MATCH_KIND_COUNT] = {
	[FT_MATCH_PATH] = {FT_FILTER_SIDE_PATH, init_glob, fini_glob, hits_path},
	[FT_MATCH_REGEX] = {FT_FILTER_SIDE_PATH, init_regex, fini_regex, hits_regex},
	[FT_MATCH_PID] = {FT_FILTER_SIDE_PROCESS, init_pid, NULL, hits_pid},
	[FT_MATCH_TREE] = {FT_FILTER_SIDE_PROCESS, init_pid, NULL, hits_tree},
	[FT_MATCH_COMM] = {FT_FILTER_SIDE_PROCESS, init_comm, fini_text, hits_comm},
	[FT_MATCH_EXE] = {FT_FILTER_SIDE_PROCESS, init_glob, fini_glob, hits_exe},
	[FT_MATCH_UID] = {FT_FILTER_SIDE_PROCESS, init_uid, NULL, hits_uid},
	[FT_MATCH_GID] = {FT_FILTER_SIDE_PROCESS, init_gid, NULL, hits_gid},
	[FT_MATCH_CONTAINER] = {FT_FILTER_SIDE_PROCESS, init_text, fini_text,
				hits_container},
};

enum ft_filter_side ft_filter_side_of(enum ft_match_kind kind)
{
	return kinds[kind].side;
}

int ft_filter_init(struct ft_filter *f, struct ft_filter_context *c, const char *value,
		   const char **ret_error)
{
	if (value[0] == '\0')
		return fail(ret_error, -EINVAL, "empty value");
	if (strnlen(value, VALUE_MAX + 1) > VALUE_MAX)
		return fail(ret_error, -E2BIG, "longer than 4096 bytes");
	return kinds[f->kind].init(f, c, value, ret_error);
}

void ft_filter_fini(struct ft_filter *f)
{
	if (kinds[f->kind].fini)
		kinds[f->kind].fini(f);
}

bool ft_filter_hits(const struct ft_filter *f, const struct ft_filter_context *c,
		    const struct ft_filter_subject *s)
{
	return kinds[f->kind].hits(f, c, s);
}
