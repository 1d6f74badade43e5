/* SPDX-License-Identifier: MIT */
/*
 * A YAML text as words, lists and maps, each with its place. Only what a policy needs:
 * one document, no anchors, aliases, tags or directives, keys that are words and stand
 * once in their map. Nothing can grow: what is made is never larger than what is read.
 */
#pragma once

#include "policy/problems.h"

/* Bounds; past them it is a problem of the file. */
enum {
	FT_DOCUMENT_BYTES_MAX = 1 << 20,
	FT_DOCUMENT_NODES_MAX = 100000,
	FT_DOCUMENT_DEPTH_MAX = 8,
	FT_DOCUMENT_KEYS_MAX = 64,   /* of one map */
	FT_DOCUMENT_WORD_MAX = 4096, /* bytes */
};

enum ft_node_kind { FT_NODE_WORD, FT_NODE_LIST, FT_NODE_MAP };

struct ft_node {
	enum ft_node_kind kind;
	struct ft_position at;
	const char *text;      /* a word, NUL-ended, UTF-8 */
	struct ft_node *first; /* items of a list; keys of a map, words with a value */
	struct ft_node *next;
	struct ft_node *value; /* of a key */
	size_t count;	       /* of items or keys */
};

struct ft_document;

/* 0; -EINVAL: `problems` says what is wrong; -ENOMEM. */
int ft_document_parse(struct ft_document **ret, struct ft_span text,
		      struct ft_problems *problems);
struct ft_document *ft_document_free(struct ft_document *d);
/* NULL: there is nothing in it. */
const struct ft_node *ft_document_root(const struct ft_document *d);
