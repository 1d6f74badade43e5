/* SPDX-License-Identifier: MIT */
/* Globs on paths: compiled to a flat list of atoms, matched without recursion or
 * allocation. */
#include "match/match.h"

#include <assert.h>
#include <errno.h>

#include "base/cleanup.h"

enum { PATTERN_MAX = 4096 };

/* An atom below ATOM_ANY is the byte itself, `/` included; from ATOM_SET on it is a
 * bracket and its index. */
enum {
	ATOM_ANY = 256, /* ? */
	ATOM_STAR,
	ATOM_DEEP, /* a component that is two stars, and the slash after it */
	ATOM_REST, /* the same as the last component: the last atom, takes whatever is
		      left */
	ATOM_END,  /* the last atom otherwise */
	ATOM_SET,
};

enum anchor {
	ANCHOR_NAME,  /* the last component */
	ANCHOR_WHOLE, /* the whole path */
	ANCHOR_BELOW, /* what follows one of the roots */
};

struct byte_set {
	uint64_t words[4];
};

/*
 * Most paths are refused by comparing their ends: head and tail count the literal atoms
 * in front and at the end. text has the bytes of the literal atoms at the atoms' own
 * indices, so that memcmp() can be used on them.
 */
struct ft_glob {
	enum anchor anchor;
	size_t count;
	size_t head;
	size_t tail;
	uint16_t *atoms;
	char *text;
	struct byte_set *sets;
	size_t sets_count;
};

struct compiler {
	struct ft_glob *glob;
	const char *at;
	const char *error;
};

/* Pairs of first and last byte: of ASCII, whatever the locale says. */
static const struct byte_class {
	const char *name;
	const char *ranges;
} byte_classes[] = {
	{"alnum", "09AZaz"},   {"alpha", "AZaz"},
	{"blank", "\t\t  "},   {"cntrl", "\x01\x1f\x7f\x7f"},
	{"digit", "09"},       {"graph", "!~"},
	{"lower", "az"},       {"print", " ~"},
	{"punct", "!/:@[`{~"}, {"space", "\t\r  "},
	{"upper", "AZ"},       {"xdigit", "09AFaf"},
};

static int fail(struct compiler *c, const char *why)
{
	c->error = why;
	return -EINVAL;
}

static void set_add(struct byte_set *set, unsigned char first, unsigned char last)
{
	for (unsigned int b = first; b <= last; b++)
		set->words[b / 64] |= UINT64_C(1) << b % 64;
}

static bool set_has(const struct byte_set *set, unsigned char b)
{
	return set->words[b / 64] >> b % 64 & 1;
}

static void push(struct ft_glob *g, unsigned int atom)
{
	if (atom < ATOM_ANY)
		g->text[g->count] = (char)atom;
	g->atoms[g->count++] = (uint16_t)atom;
}

static int push_set(struct compiler *c, const struct byte_set *set)
{
	struct ft_glob *g = c->glob;
	struct byte_set *grown = reallocarray(g->sets, g->sets_count + 1, sizeof(*set));

	if (!grown)
		return -ENOMEM;
	g->sets = grown;
	g->sets[g->sets_count] = *set;
	push(g, ATOM_SET + (unsigned int)g->sets_count++);
	return 0;
}

/* An escaped slash parts components as a plain one does. */
static size_t separator_len(const char *p)
{
	if (p[0] == '/')
		return 1;
	return p[0] == '\\' && p[1] == '/' ? 2 : 0;
}

static bool is_deep(const char *p)
{
	return p[0] == '*' && p[1] == '*' && (p[2] == '\0' || separator_len(p + 2) > 0);
}

static bool is_class(const char *p)
{
	return p[0] == '[' && (p[1] == ':' || p[1] == '.' || p[1] == '=');
}

/* [:name:] inside of a bracket. */
static int take_class(struct compiler *c, struct byte_set *set)
{
	const char *name = c->at + 2;
	const char *end = strstr(name, ":]");
	struct ft_span span = {name, end ? (size_t)(end - name) : 0};

	if (c->at[1] != ':')
		return fail(c, "[. or [= inside [ ] in glob");
	for (size_t i = 0; i < FT_ARRAY_SIZE(byte_classes); i++) {
		if (!ft_span_equal(span, ft_span_of(byte_classes[i].name)))
			continue;
		for (const char *r = byte_classes[i].ranges; *r; r += 2)
			set_add(set, (unsigned char)r[0], (unsigned char)r[1]);
		c->at = end + 2;
		return 0;
	}
	return fail(c, "unknown [:class:] in glob");
}

static int take_byte(struct compiler *c, unsigned char *ret)
{
	if (is_class(c->at))
		return fail(c, "class as the end of a range in glob");
	if (*c->at == '\\')
		c->at++;
	if (*c->at == '\0')
		return fail(c, "unterminated [ in glob");
	*ret = (unsigned char)*c->at++;
	return 0;
}

static int take_range(struct compiler *c, struct byte_set *set)
{
	unsigned char first, last;
	int r = take_byte(c, &first);

	if (r < 0)
		return r;
	last = first;
	if (c->at[0] == '-' && c->at[1] != ']' && c->at[1] != '\0') {
		c->at++;
		r = take_byte(c, &last);
		if (r < 0)
			return r;
	}
	if (last < first)
		return fail(c, "range from high to low in glob");
	set_add(set, first, last);
	return 0;
}

static int take_bracket(struct compiler *c)
{
	struct byte_set set = {0};
	const char *first;
	bool negate;

	c->at++;
	negate = *c->at == '!' || *c->at == '^';
	c->at += negate;
	first = c->at;
	while (*c->at != ']' || c->at == first) {
		int r = is_class(c->at) ? take_class(c, &set) : take_range(c, &set);

		if (r < 0)
			return r;
	}
	c->at++;
	for (size_t i = 0; negate && i < FT_ARRAY_SIZE(set.words); i++)
		set.words[i] = ~set.words[i];
	set.words['/' / 64] &= ~(UINT64_C(1) << '/' % 64);
	return push_set(c, &set);
}

static int take_atom(struct compiler *c)
{
	struct ft_glob *g = c->glob;

	switch (*c->at) {
	case '[':
		return take_bracket(c);
	case '?':
		push(g, ATOM_ANY);
		break;
	case '*':
		if (g->count == 0 || g->atoms[g->count - 1] != ATOM_STAR)
			push(g, ATOM_STAR);
		break;
	case '\\':
		c->at++;
		if (*c->at == '\0')
			return fail(c, "backslash at the end of glob");
		/* fall through */
	default:
		push(g, (unsigned char)*c->at);
	}
	c->at++;
	return 0;
}

/* What no path has is refused: such a pattern is a mistake, and would match nothing
 * without a word. */
static int check_component(struct compiler *c, size_t first)
{
	const uint16_t *atoms = c->glob->atoms + first;
	size_t n = c->glob->count - first;

	if (n == 0)
		return fail(c,
			    "empty component in glob (a / at the end, or two in a row)");
	if (n <= 2 && atoms[0] == '.' && atoms[n - 1] == '.')
		return fail(c, "component . or .. in glob");
	return 0;
}

static int take_component(struct compiler *c)
{
	size_t first = c->glob->count;

	while (*c->at && separator_len(c->at) == 0) {
		int r = take_atom(c);

		if (r < 0)
			return r;
	}
	return check_component(c, first);
}

static int compile(struct compiler *c)
{
	struct ft_glob *g = c->glob;
	size_t n = separator_len(c->at);

	if (n > 0) {
		g->anchor = ANCHOR_WHOLE;
		push(g, '/');
		c->at += n;
		if (*c->at == '\0') {
			push(g, ATOM_END);
			return 0;
		}
	}
	for (;;) {
		bool deep = is_deep(c->at);
		int r = 0;

		if (deep)
			c->at += 2;
		else
			r = take_component(c);
		if (r < 0)
			return r;
		n = separator_len(c->at);
		if (n == 0) {
			push(g, deep ? ATOM_REST : ATOM_END);
			return 0;
		}
		push(g, deep ? ATOM_DEEP : '/');
		if (g->anchor == ANCHOR_NAME)
			g->anchor = ANCHOR_BELOW;
		c->at += n;
	}
}

static void measure_ends(struct ft_glob *g)
{
	size_t last = g->count - 1;

	while (g->atoms[g->head] < ATOM_ANY)
		g->head++;
	if (g->atoms[last] != ATOM_END)
		return;
	while (g->tail < last && g->atoms[last - 1 - g->tail] < ATOM_ANY)
		g->tail++;
}

struct ft_glob *ft_glob_free(struct ft_glob *g)
{
	if (!g)
		return NULL;
	free(g->atoms);
	free(g->text);
	free(g->sets);
	free(g);
	return NULL;
}

static void cleanup_glob(struct ft_glob **g)
{
	ft_glob_free(*g);
}

static int allocate(struct ft_glob **ret, size_t pattern_len)
{
	_cleanup_(cleanup_glob) struct ft_glob *g = calloc(1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	/* An atom stands for a byte of the pattern at least; one more is the end. */
	g->atoms = calloc(pattern_len + 1, sizeof(*g->atoms));
	g->text = calloc(pattern_len + 1, 1);
	if (!g->atoms || !g->text)
		return -ENOMEM;
	*ret = ft_take(g);
	return 0;
}

int ft_glob_new(struct ft_glob **ret, const char *pattern, const char **ret_error)
{
	_cleanup_(cleanup_glob) struct ft_glob *g = NULL;
	struct compiler c = {.at = pattern, .error = "out of memory"};
	size_t len = strnlen(pattern, PATTERN_MAX + 1);
	int r;

	if (len == 0) {
		r = fail(&c, "empty glob");
	} else if (len > PATTERN_MAX) {
		c.error = "glob longer than 4096 bytes";
		r = -E2BIG;
	} else {
		r = allocate(&g, len);
	}
	if (r == 0) {
		c.glob = g;
		r = compile(&c);
	}
	if (r < 0) {
		if (ret_error)
			*ret_error = c.error;
		return r;
	}
	measure_ends(g);
	*ret = ft_take(g);
	return 0;
}

static bool atom_takes(const struct ft_glob *g, unsigned int atom, unsigned char b)
{
	if (atom < ATOM_ANY)
		return atom == b;
	if (atom == ATOM_ANY)
		return b != '/';
	assert(atom >= ATOM_SET);
	return set_has(&g->sets[atom - ATOM_SET], b);
}

/* Where to go on after a mismatch: the atom behind a star or a deep, and the byte it was
 * last tried at. */
struct retry {
	size_t atom; /* 0: none, as no star stands in front of atom 0 */
	size_t byte;
};

/* A star takes one byte more, within its component; else a deep takes one component more.
 */
static bool take_more(struct retry *star, struct retry *deep, struct ft_span s)
{
	const char *slash;

	if (star->atom > 0 && star->byte < s.len && s.data[star->byte] != '/') {
		star->byte++;
		return true;
	}
	star->atom = 0;
	if (deep->atom == 0)
		return false;
	slash = memchr(s.data + deep->byte, '/', s.len - deep->byte);
	if (!slash)
		return false;
	deep->byte = (size_t)(slash - s.data) + 1;
	return true;
}

/*
 * Only the last star of the component at hand and the last deep are ever tried again:
 * what stood before them has found its first fit, and a later fit leaves less for the
 * rest. So a byte meets an atom at most once for each deep that is open, and one is:
 * O(atoms * bytes) in the worst case.
 */
static bool run(const struct ft_glob *g, struct ft_span s)
{
	struct retry star = {0}, deep = {0};
	size_t atom = g->head, byte = g->head;

	for (;;) {
		unsigned int a = g->atoms[atom];

		switch (a) {
		case ATOM_REST:
			return true;
		case ATOM_END:
			if (byte == s.len)
				return true;
			break;
		case ATOM_DEEP:
			deep = (struct retry){++atom, byte};
			continue;
		case ATOM_STAR:
			star = (struct retry){++atom, byte};
			continue;
		default:
			if (byte == s.len ||
			    !atom_takes(g, a, (unsigned char)s.data[byte]))
				break;
			/* The component before fits as it is: its star cannot reach past
			 * it. */
			if (s.data[byte++] == '/')
				star.atom = 0;
			atom++;
			continue;
		}
		if (!take_more(&star, &deep, s))
			return false;
		atom = star.atom > 0 ? star.atom : deep.atom;
		byte = star.atom > 0 ? star.byte : deep.byte;
	}
}

static bool match_span(const struct ft_glob *g, struct ft_span s)
{
	return s.len >= g->head && memcmp(s.data, g->text, g->head) == 0 && run(g, s);
}

static bool match_below(const struct ft_glob *g, struct ft_span path, struct ft_span root)
{
	struct ft_span rest;

	if (path.len <= root.len + 1 || path.data[root.len] != '/' ||
	    (root.len > 0 && memcmp(path.data, root.data, root.len) != 0))
		return false;
	rest = (struct ft_span){path.data + root.len + 1, path.len - root.len - 1};
	return match_span(g, rest);
}

static struct ft_span last_component(struct ft_span path)
{
	const char *slash = memrchr(path.data, '/', path.len);
	size_t skip = slash ? (size_t)(slash - path.data) + 1 : 0;

	return (struct ft_span){path.data + skip, path.len - skip};
}

bool ft_glob_match(const struct ft_glob *g, struct ft_span path,
		   const struct ft_span *roots, size_t roots_count)
{
	const char *tail = g->text + g->count - 1 - g->tail;

	if (path.len == 0 || path.len < g->tail ||
	    memcmp(path.data + path.len - g->tail, tail, g->tail) != 0)
		return false;
	switch (g->anchor) {
	case ANCHOR_NAME:
		return match_span(g, last_component(path));
	case ANCHOR_WHOLE:
		return match_span(g, path);
	case ANCHOR_BELOW:
		break;
	}
	for (size_t i = 0; i < roots_count; i++) {
		if (match_below(g, path, roots[i]))
			return true;
	}
	return false;
}
