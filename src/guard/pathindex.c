/* SPDX-License-Identifier: MIT */
/* Globs and literal paths by the place at which they are fixed. */
#include "guard/pathindex.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "match/match.h"

/* What a path must have for a glob to be worth a try. */
struct outline {
	uint64_t names; /* a bit for each component without wildcards, by its hash */
	size_t depth;	/* number of components; 0: any */
};

struct pattern {
	struct ft_glob *glob; /* NULL: the place is the path */
	struct outline outline;
	unsigned int rule;
};

/* A literal path, or the directory (with its slash) below which globs have their first
 * wildcard. */
struct place {
	char *text;
	size_t len;
	bool is_dir;
	struct pattern *patterns;
	size_t count;
};

struct place_key {
	struct ft_span text;
	bool is_dir;
};

static bool place_equal(const void *item, const void *key)
{
	const struct place *p = item;
	const struct place_key *k = key;

	return p->is_dir == k->is_dir &&
	       ft_span_equal((struct ft_span){p->text, p->len}, k->text);
}

static void place_free(struct place *p)
{
	for (size_t i = 0; i < p->count; i++)
		ft_glob_free(p->patterns[i].glob);
	free(p->patterns);
	free(p->text);
	free(p);
}

void ft_pathindex_fini(struct ft_pathindex *x)
{
	struct place *p;

	for (size_t pos = 0; (p = ft_table_next(&x->places, &pos));)
		place_free(p);
	ft_table_fini(&x->places);
}

/* The way down a path, a component a step; the hash of what is behind is carried on. */
struct steps {
	struct ft_span path;
	size_t at; /* behind the slash of the directory that was reached */
	uint64_t hash;
	struct outline outline;
};

static uint64_t name_bit(uint64_t hash)
{
	return UINT64_C(1) << (hash >> 58);
}

/* True: it went down to one more directory; false: the last component was taken. */
static bool steps_next(struct steps *s)
{
	const char *from = s->path.data + s->at;
	const char *slash = memchr(from, '/', s->path.len - s->at);
	size_t len = slash ? (size_t)(slash - from) : s->path.len - s->at;

	uint64_t hash = ft_hash_bytes(0, from, len);

	s->outline.names |= name_bit(hash);
	s->outline.depth++;
	s->hash = ft_hash_u64(s->hash, hash);
	s->at += len + (slash != NULL);
	return slash;
}

static uint64_t hash_of(const struct place_key *key)
{
	struct steps s = {.path = key->text, .at = 1};

	if (key->is_dir)
		while (s.at < s.path.len)
			steps_next(&s);
	else
		while (steps_next(&s))
			;
	return ft_hash_u64(s.hash, key->is_dir);
}

/* Made if it is not there; NULL: out of memory. */
static struct place *get_place(struct ft_pathindex *x, struct place_key key)
{
	uint64_t hash = hash_of(&key);
	struct place *p = ft_table_find(&x->places, hash, &key, place_equal);

	if (p)
		return p;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	*p = (struct place){
		.text = ft_span_dup(key.text), .len = key.text.len, .is_dir = key.is_dir};
	if (!p->text || ft_table_add(&x->places, hash, p) < 0) {
		place_free(p);
		return NULL;
	}
	return p;
}

static int add_pattern(struct ft_pathindex *x, struct place_key key, struct pattern new)
{
	struct place *p = get_place(x, key);
	struct pattern *grown;

	if (!p)
		return -ENOMEM;
	grown = reallocarray(p->patterns, p->count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	p->patterns = grown;
	p->patterns[p->count++] = new;
	return 0;
}

/*
 * The text in front of the first wildcard, without escapes; ret_dir_len of it up to its
 * last slash, and that one. True: there is no wildcard.
 */
static bool take_fixed(const char *value, char *ret_text, size_t *ret_dir_len)
{
	char *out = ret_text;

	*ret_dir_len = 0;
	for (; *value && !strchr("*?[", *value); value++) {
		value += *value == '\\';
		*out++ = *value;
		if (*value == '/')
			*ret_dir_len = (size_t)(out - ret_text);
	}
	*out = '\0';
	return *value == '\0';
}

/*
 * Up to the first bracket, in which a slash would part nothing; what is behind it is not
 * asked for. text: room for the pattern.
 */
static struct outline take_outline(const char *value, char *text)
{
	bool is_fixed = true, is_bounded = true;
	struct outline o = {.depth = 1};
	char *out = text;

	for (value++; *value && *value != '['; value++) {
		is_bounded = is_bounded && (value[0] != '*' || value[1] != '*');
		is_fixed = is_fixed && *value != '*' && *value != '?';
		value += *value == '\\';
		if (*value != '/')
			*out++ = *value;
		if (*value != '/' && value[1] != '\0')
			continue;
		if (is_fixed)
			o.names |= name_bit(ft_hash_bytes(0, text, (size_t)(out - text)));
		o.depth += *value == '/';
		is_fixed = true;
		out = text;
	}
	if (!is_bounded || *value == '[')
		o.depth = 0;
	return o;
}

static void cleanup_glob(struct ft_glob **g)
{
	ft_glob_free(*g);
}

int ft_pathindex_add_literal(struct ft_pathindex *x, unsigned int rule, const char *path)
{
	return add_pattern(x, (struct place_key){ft_span_of(path), false},
			   (struct pattern){.rule = rule});
}

int ft_pathindex_add(struct ft_pathindex *x, unsigned int rule, const char *value,
		     char **ret_literal, const char **ret_error)
{
	_cleanup_(cleanup_glob) struct ft_glob *glob = NULL;
	_cleanup_free_ char *fixed = NULL, *text = NULL;
	size_t dir_len;
	int r;

	*ret_error = "path is not absolute";
	if (value[0] != '/')
		return -EINVAL;
	r = ft_glob_new(&glob, value, ret_error);
	if (r < 0)
		return r;
	*ret_error = "out of memory";
	fixed = malloc(strlen(value) + 1);
	text = malloc(strlen(value) + 1);
	if (!fixed || !text)
		return -ENOMEM;
	if (take_fixed(value, fixed, &dir_len)) {
		r = ft_pathindex_add_literal(x, rule, fixed);
		if (r < 0)
			return r;
		*ret_literal = ft_take(fixed);
		return 1;
	}
	r = add_pattern(x, (struct place_key){{fixed, dir_len}, true},
			(struct pattern){glob, take_outline(value, text), rule});
	if (r == 0)
		glob = NULL;
	return r;
}

static bool fits(const struct outline *asked, const struct outline *is)
{
	return (asked->names & ~is->names) == 0 &&
	       (asked->depth == 0 || asked->depth == is->depth);
}

static void try_patterns(const struct place *p, const struct steps *whole,
			 struct ft_pathhits *hits)
{
	for (size_t i = 0; i < p->count; i++) {
		const struct pattern *n = &p->patterns[i];

		if (!n->glob)
			ft_rulebits_set(&hits->literals, n->rule);
		else if (fits(&n->outline, &whole->outline) &&
			 !ft_rulebits_has(&hits->globs, n->rule) &&
			 ft_glob_match(n->glob, whole->path, NULL, 0))
			ft_rulebits_set(&hits->globs, n->rule);
	}
}

static const struct place *find_place(const struct ft_pathindex *x, const struct steps *s,
				      bool is_dir)
{
	const struct place_key key = {{s->path.data, s->at}, is_dir};

	return ft_table_find(&x->places, ft_hash_u64(s->hash, is_dir), &key, place_equal);
}

void ft_pathindex_match(const struct ft_pathindex *x, struct ft_span path,
			struct ft_pathhits *hits)
{
	struct steps whole = {.path = path, .at = 1}, s = whole;
	const struct place *p;

	if (path.len == 0 || path.data[0] != '/' || x->places.count == 0)
		return;
	while (steps_next(&whole))
		;
	do {
		p = find_place(x, &s, true);
		if (p)
			try_patterns(p, &whole, hits);
	} while (steps_next(&s));
	p = find_place(x, &s, false);
	if (p)
		try_patterns(p, &whole, hits);
}
