/* SPDX-License-Identifier: MIT */
/* The scanners of a policy file. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "policy/sections.h"

/* What each type calls its file. */
static const char *const type_names[] = {
	[FT_SCANNER_CLAMD] = "clamd",
	[FT_SCANNER_YARA] = "yara",
	[FT_SCANNER_SHA256] = "sha256",
};
static const char *const file_keys[] = {
	[FT_SCANNER_CLAMD] = "socket",
	[FT_SCANNER_YARA] = "rules",
	[FT_SCANNER_SHA256] = "list",
};

struct draft {
	const struct ft_node *type;
	const struct ft_node *files[FT_ARRAY_SIZE(file_keys)];
};

static const struct ft_key key_list[] = {
	{"type", ft_take_node, offsetof(struct draft, type), true},
	{"socket", ft_take_node, offsetof(struct draft, files[FT_SCANNER_CLAMD])},
	{"rules", ft_take_node, offsetof(struct draft, files[FT_SCANNER_YARA])},
	{"list", ft_take_node, offsetof(struct draft, files[FT_SCANNER_SHA256])},
};

static const struct ft_keys keys = {"a scanner", key_list, FT_ARRAY_SIZE(key_list)};

/* NULL: told. */
static const char *read_file(struct ft_policy_reader *r, const struct ft_node *map,
			     const struct draft *d, int type)
{
	for (size_t i = 0; i < FT_ARRAY_SIZE(file_keys); i++)
		if (d->files[i] && (int)i != type)
			ft_problems_add(&r->problems, d->files[i]->at,
					"a scanner of type '%s' has a '%s', no '%s'",
					type_names[type], file_keys[type], file_keys[i]);
	if (d->files[type])
		return ft_field_path(r, d->files[type]);
	ft_problems_add(&r->problems, map->at, "a scanner of type '%s' needs '%s'",
			type_names[type], file_keys[type]);
	return NULL;
}

static void add(struct ft_policy_reader *r, const struct ft_scanner_spec *spec)
{
	struct ft_policyfile *f = r->out;
	struct ft_scanner_spec *list =
		reallocarray(f->scanners, f->scanners_count + 1, sizeof(*list));
	char *name = strdup(spec->name), *file = strdup(spec->file);

	if (list)
		f->scanners = list;
	if (!list || !name || !file) {
		free(name);
		free(file);
		r->failed = -ENOMEM;
		return;
	}
	list[f->scanners_count++] =
		(struct ft_scanner_spec){.name = name, .type = spec->type, .file = file};
}

static void read_scanner(struct ft_policy_reader *r, const struct ft_node *key)
{
	struct draft d = {0};
	const char *file;
	int type = -1;

	if (key->text[0] == '\0')
		ft_problems_add(&r->problems, key->at,
				"the name of a scanner is expected, not nothing");
	ft_keys_take(r, &keys, key->value, &d);
	if (d.type)
		type = ft_field_choice(r, d.type, type_names, FT_ARRAY_SIZE(type_names));
	if (type < 0)
		return;
	file = read_file(r, key->value, &d, type);
	/* It stands for itself all the same: rules that name it are not wrong, too. */
	add(r, &(struct ft_scanner_spec){.name = key->text,
					 .type = (enum ft_scanner_type)type,
					 .file = file ? file : ""});
}

void ft_section_read_scanners(struct ft_policy_reader *r, const struct ft_node *map)
{
	if (map->kind != FT_NODE_MAP) {
		ft_problems_add(&r->problems, map->at,
				"names of scanners are expected, each with its 'type'");
		return;
	}
	if (map->count > FT_POLICY_SCANNERS_MAX) {
		ft_problems_add(&r->problems, map->at, "more than %d scanners",
				FT_POLICY_SCANNERS_MAX);
		return;
	}
	for (const struct ft_node *k = map->first; k; k = k->next)
		read_scanner(r, k);
}
