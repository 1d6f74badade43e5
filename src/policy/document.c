/* SPDX-License-Identifier: MIT */
/* A YAML text as nodes, from the events of libyaml. */
#include "policy/document.h"

#include <errno.h>
#include <stdlib.h>
#include <yaml.h>

#include "base/cleanup.h"

enum { CHUNK = 16384 };

/* Nodes and words live as long as the document, and go together. */
struct chunk {
	struct chunk *next;
	size_t used;
	_Alignas(struct ft_node) char data[CHUNK];
};

struct ft_document {
	struct chunk *chunks;
	struct ft_node *root;
	size_t nodes;
};

/* A list or map that is not at its end yet. */
struct frame {
	struct ft_node *node;
	struct ft_node *last; /* item or key */
	bool wants_value;     /* of the last key */
};

struct builder {
	struct ft_document *document;
	struct ft_problems *problems;
	struct ft_span text;
	struct frame stack[FT_DOCUMENT_DEPTH_MAX];
	size_t depth;
	bool began; /* a document */
};

static void *allocate(struct ft_document *d, size_t size)
{
	size_t n = (size + _Alignof(struct ft_node) - 1) & -_Alignof(struct ft_node);
	struct chunk *chunk = d->chunks;

	if (!chunk || CHUNK - chunk->used < n) {
		chunk = malloc(sizeof(*chunk));
		if (!chunk)
			return NULL;
		chunk->used = 0;
		chunk->next = d->chunks;
		d->chunks = chunk;
	}
	chunk->used += n;
	return chunk->data + chunk->used - n;
}

static struct ft_position position(const yaml_mark_t *mark)
{
	return (struct ft_position){(unsigned int)mark->line + 1,
				    (unsigned int)mark->column + 1};
}

static int refuse(struct builder *b, const yaml_event_t *e, const char *why)
{
	ft_problems_add(b->problems, position(&e->start_mark), "%s", why);
	return -EINVAL;
}

static int new_node(struct builder *b, const yaml_event_t *e, enum ft_node_kind kind,
		    struct ft_node **ret)
{
	struct ft_node *n;

	if (++b->document->nodes > FT_DOCUMENT_NODES_MAX)
		return refuse(b, e, "more than 100000 values in one file");
	n = allocate(b->document, sizeof(*n));
	if (!n)
		return -ENOMEM;
	*n = (struct ft_node){.kind = kind, .at = position(&e->start_mark)};
	*ret = n;
	return 0;
}

static void check_key(struct builder *b, const struct frame *f, const struct ft_node *key)
{
	for (const struct ft_node *k = f->node->first; k != key; k = k->next) {
		if (strcmp(k->text, key->text) != 0)
			continue;
		ft_problems_add(
			b->problems, key->at,
			"'%.100s' stands here once more, it is in line %u already",
			key->text, k->at.line);
		return;
	}
}

static void append(struct frame *f, struct ft_node *n)
{
	if (f->last)
		f->last->next = n;
	else
		f->node->first = n;
	f->last = n;
	f->node->count++;
}

static int add_key(struct builder *b, const yaml_event_t *e, struct ft_node *n)
{
	struct frame *f = &b->stack[b->depth - 1];

	if (n->kind != FT_NODE_WORD)
		return refuse(b, e, "a key is expected, a word; not a list or a map");
	if (f->node->count >= FT_DOCUMENT_KEYS_MAX)
		return refuse(b, e, "more than 64 keys in one map");
	append(f, n);
	check_key(b, f, n);
	f->wants_value = true;
	return 0;
}

/* Where the node belongs. */
static int add_node(struct builder *b, const yaml_event_t *e, struct ft_node *n)
{
	struct frame *f = b->depth ? &b->stack[b->depth - 1] : NULL;

	if (!f) {
		b->document->root = n;
		return 0;
	}
	if (f->node->kind == FT_NODE_LIST) {
		append(f, n);
		return 0;
	}
	if (!f->wants_value)
		return add_key(b, e, n);
	f->last->value = n;
	f->wants_value = false;
	return 0;
}

static int add_word(struct builder *b, const yaml_event_t *e)
{
	const char *value = (const char *)e->data.scalar.value;
	size_t length = e->data.scalar.length;
	struct ft_node *n;
	char *text;
	int r;

	if (e->data.scalar.anchor || e->data.scalar.tag)
		return refuse(b, e,
			      "anchors (&) and tags (!) are not taken; quote what "
			      "begins so");
	if (length > FT_DOCUMENT_WORD_MAX)
		return refuse(b, e, "longer than 4096 bytes");
	if (memchr(value, '\0', length))
		return refuse(b, e, "no word or path holds a zero byte");
	r = new_node(b, e, FT_NODE_WORD, &n);
	if (r < 0)
		return r;
	text = allocate(b->document, length + 1);
	if (!text)
		return -ENOMEM;
	memcpy(text, value, length);
	text[length] = '\0';
	n->text = text;
	return add_node(b, e, n);
}

static int begin(struct builder *b, const yaml_event_t *e, enum ft_node_kind kind)
{
	bool is_list = kind == FT_NODE_LIST;
	struct ft_node *n;
	int r;

	if (is_list ? e->data.sequence_start.anchor || e->data.sequence_start.tag
		    : e->data.mapping_start.anchor || e->data.mapping_start.tag)
		return refuse(b, e, "anchors (&) and tags (!) are not taken");
	if (b->depth >= FT_DOCUMENT_DEPTH_MAX)
		return refuse(b, e, "lists and maps are more than 8 deep");
	r = new_node(b, e, kind, &n);
	if (r == 0)
		r = add_node(b, e, n);
	if (r == 0)
		b->stack[b->depth++] = (struct frame){.node = n};
	return r;
}

static int begin_document(struct builder *b, const yaml_event_t *e)
{
	if (b->began)
		return refuse(b, e, "a second document begins; a policy is one");
	if (e->data.document_start.version_directive ||
	    e->data.document_start.tag_directives.start !=
		    e->data.document_start.tag_directives.end)
		return refuse(b, e, "directives (%) are not taken");
	b->began = true;
	return 0;
}

static int take(struct builder *b, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		return begin_document(b, e);
	case YAML_SCALAR_EVENT:
		return add_word(b, e);
	case YAML_SEQUENCE_START_EVENT:
		return begin(b, e, FT_NODE_LIST);
	case YAML_MAPPING_START_EVENT:
		return begin(b, e, FT_NODE_MAP);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		b->depth--;
		return 0;
	case YAML_ALIAS_EVENT:
		return refuse(b, e, "aliases (*) are not taken; quote what begins so");
	default:
		return 0;
	}
}

/* libyaml tells where bad bytes are by their offset alone. */
static struct ft_position position_of(struct ft_span text, size_t offset)
{
	struct ft_position at = {1, 1};

	for (size_t i = 0; i < offset && i < text.len; i++) {
		bool is_first = ((unsigned char)text.data[i] & 0xc0) != 0x80;

		at.column = text.data[i] == '\n' ? 1 : at.column + is_first;
		at.line += text.data[i] == '\n';
	}
	return at;
}

static bool is_indented_by_tab(struct ft_span text, size_t line)
{
	size_t i = 0;

	for (; line > 0 && i < text.len; i++)
		line -= text.data[i] == '\n';
	while (i < text.len && text.data[i] == ' ')
		i++;
	return i < text.len && text.data[i] == '\t';
}

/* What was most likely meant by what libyaml takes for something else. */
static const char *hint_for(const struct builder *b, const yaml_parser_t *p)
{
	if (p->context && strcmp(p->context, "while scanning an alias") == 0)
		return " (quote globs: '*.c')";
	return is_indented_by_tab(b->text, p->problem_mark.line)
		       ? " (indent by blanks, not by tabs)"
		       : "";
}

static int tell_syntax(struct builder *b, const yaml_parser_t *p)
{
	if (p->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (p->error == YAML_READER_ERROR)
		ft_problems_add(b->problems, position_of(b->text, p->problem_offset),
				"%s; a policy is UTF-8 text", p->problem);
	else if (p->context && p->context_mark.line != p->problem_mark.line)
		ft_problems_add(b->problems, position(&p->problem_mark),
				"not YAML: %s, %s that begins in line %zu%s", p->problem,
				p->context, p->context_mark.line + 1, hint_for(b, p));
	else
		ft_problems_add(b->problems, position(&p->problem_mark),
				"not YAML: %s%s%s%s", p->problem, p->context ? ", " : "",
				p->context ? p->context : "", hint_for(b, p));
	return -EINVAL;
}

static int build(struct builder *b, yaml_parser_t *p)
{
	for (;;) {
		yaml_event_t e;
		bool is_end;
		int r;

		if (!yaml_parser_parse(p, &e))
			return tell_syntax(b, p);
		is_end = e.type == YAML_STREAM_END_EVENT;
		r = take(b, &e);
		yaml_event_delete(&e);
		if (r < 0 || is_end)
			return r;
	}
}

static int parse(struct builder *b)
{
	_cleanup_(yaml_parser_delete) yaml_parser_t p;

	if (!yaml_parser_initialize(&p))
		return -ENOMEM;
	yaml_parser_set_encoding(&p, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(
		&p, (const unsigned char *)(b->text.len ? b->text.data : ""),
		b->text.len);
	return build(b, &p);
}

int ft_document_parse(struct ft_document **ret, struct ft_span text,
		      struct ft_problems *problems)
{
	struct builder b = {.problems = problems, .text = text};
	int r;

	if (text.len > FT_DOCUMENT_BYTES_MAX) {
		ft_problems_add(problems, (struct ft_position){0},
				"larger than 1 MiB, that is no policy");
		return -EINVAL;
	}
	b.document = calloc(1, sizeof(*b.document));
	if (!b.document)
		return -ENOMEM;
	r = parse(&b);
	if (r < 0)
		ft_document_free(b.document);
	else
		*ret = b.document;
	return r;
}

struct ft_document *ft_document_free(struct ft_document *d)
{
	struct chunk *next;

	for (struct chunk *c = d ? d->chunks : NULL; c; c = next) {
		next = c->next;
		free(c);
	}
	free(d);
	return NULL;
}

const struct ft_node *ft_document_root(const struct ft_document *d)
{
	return d->root;
}
