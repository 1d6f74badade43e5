/* SPDX-License-Identifier: MIT */
/* Reading options by their table, and printing the table as help. */
#include "cli/options.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/near.h"
#include "cli/message.h"

/* NULL: past the last. */
static const struct cli_option *option_at(const struct cli_options *o, size_t i)
{
	for (; o; o = o->more) {
		if (i < o->count)
			return &o->list[i];
		i -= o->count;
	}
	return NULL;
}

static const struct cli_option *find_letter(const struct cli_options *o, char letter)
{
	const struct cli_option *option;

	for (size_t i = 0; (option = option_at(o, i)); i++)
		if (option->letter == letter)
			return option;
	return NULL;
}

static const struct cli_option *find_name(const struct cli_options *o, const char *name,
					  size_t len, bool *ret_negated)
{
	const struct cli_option *option;

	*ret_negated = false;
	for (size_t i = 0; (option = option_at(o, i)); i++)
		if (strlen(option->name) == len && memcmp(option->name, name, len) == 0)
			return option;
	if (len <= 4 || memcmp(name, "not-", 4) != 0)
		return NULL;
	*ret_negated = true;
	for (size_t i = 0; (option = option_at(o, i)); i++)
		if (option->negatable && strlen(option->name) == len - 4 &&
		    memcmp(option->name, name + 4, len - 4) == 0)
			return option;
	return NULL;
}

struct guess {
	struct ft_span word;
	size_t distance;
	char name[64];
};

static void try_name(struct guess *g, const char *before, const char *name)
{
	char whole[sizeof(g->name)];
	size_t distance;

	snprintf(whole, sizeof(whole), "%s%s", before, name);
	distance = ft_near_distance(g->word, ft_span_of(whole));
	if (distance < g->distance) {
		g->distance = distance;
		memcpy(g->name, whole, sizeof(whole));
	}
}

/* word: as given, with its dashes; equals: where its value begins, or NULL. */
static void unknown_name(const struct cli_command *c, const char *word,
			 const char *equals)
{
	size_t len = equals ? (size_t)(equals - word) : strlen(word);
	struct guess g = {.word = {word + 2, len - 2}, .distance = SIZE_MAX};

	const struct cli_option *o;

	for (size_t i = 0; (o = option_at(c->options, i)); i++) {
		try_name(&g, "", o->name);
		if (o->negatable)
			try_name(&g, "not-", o->name);
	}
	if (g.distance == SIZE_MAX)
		cli_error("%.*s: no such option (fantail help %s lists them)", (int)len,
			  word, c->name);
	else
		cli_error(
			"%.*s: no such option, --%s is near (fantail help %s lists them)",
			(int)len, word, g.name, c->name);
}

static int take_value(struct cli_parser *p, const char *shown, struct cli_word *ret)
{
	if (p->at >= p->argc) {
		cli_error("%s needs a value: %s", shown, ret->option->metavar);
		return -EINVAL;
	}
	ret->value = p->argv[p->at++];
	return 1;
}

static int next_long(struct cli_parser *p, const char *word, struct cli_word *ret)
{
	const char *name = word + 2, *equals = strchr(name, '=');

	ret->option =
		find_name(p->command->options, name,
			  equals ? (size_t)(equals - name) : strlen(name), &ret->negated);
	if (!ret->option) {
		unknown_name(p->command, word, equals);
		return -EINVAL;
	}
	if (equals && !ret->option->metavar) {
		cli_error("--%s takes no value", ret->option->name);
		return -EINVAL;
	}
	if (!ret->option->metavar)
		return 1;
	if (equals) {
		ret->value = equals + 1;
		return 1;
	}
	return take_value(p, word, ret);
}

static int next_letter(struct cli_parser *p, struct cli_word *ret)
{
	char shown[3] = {'-', *p->more, '\0'};

	ret->option = find_letter(p->command->options, *p->more);
	if (!ret->option) {
		cli_error("%s: no such option (fantail help %s lists them)", shown,
			  p->command->name);
		return -EINVAL;
	}
	p->more++;
	if (!ret->option->metavar) {
		if (!*p->more)
			p->more = NULL;
		return 1;
	}
	if (*p->more) {
		ret->value = p->more;
		p->more = NULL;
		return 1;
	}
	p->more = NULL;
	return take_value(p, shown, ret);
}

int cli_next(struct cli_parser *p, struct cli_word *ret)
{
	const char *word;

	*ret = (struct cli_word){0};
	if (p->more)
		return next_letter(p, ret);
	if (p->at >= p->argc)
		return 0;
	word = p->argv[p->at++];
	if (!p->only_arguments && strcmp(word, "--") == 0) {
		p->only_arguments = true;
		return cli_next(p, ret);
	}
	if (p->only_arguments || word[0] != '-' || word[1] == '\0') {
		p->only_arguments = p->only_arguments || p->stop_at_argument;
		ret->value = word;
		return 1;
	}
	if (word[1] == '-')
		return next_long(p, word, ret);
	p->more = word + 1;
	return next_letter(p, ret);
}

static void print_option(const struct cli_option *o)
{
	char left[64];
	int n;

	n = o->letter ? snprintf(left, sizeof(left), "-%c, --%s", o->letter, o->name)
		      : snprintf(left, sizeof(left), "--%s", o->name);
	if (o->metavar)
		snprintf(left + n, sizeof(left) - (size_t)n, "%s%s", " ", o->metavar);
	printf("  %-23s %s\n", left, o->help);
}

/* Filters explain themselves by what they take. */
/* Names alone: what they mean is in the long help. */
static void print_names(const struct cli_options *o, enum cli_group group)
{
	const struct cli_option *option;
	size_t column = 0;

	for (size_t i = 0; (option = option_at(o, i)); i++) {
		char text[64];
		int n;

		if (option->group != group)
			continue;
		n = snprintf(text, sizeof(text), "  --%s%s%s", option->name,
			     option->metavar ? " " : "",
			     option->metavar ? option->metavar : "");
		if (column + (size_t)n > 78) {
			putchar('\n');
			column = 0;
		}
		column += (size_t)n;
		fputs(text, stdout);
	}
	putchar('\n');
}

static void print_group(const struct cli_options *o, enum cli_group group)
{
	const struct cli_option *option;

	for (size_t i = 0; (option = option_at(o, i)); i++)
		if (option->group == group)
			print_option(option);
}

static bool has_group(const struct cli_options *o, enum cli_group group)
{
	const struct cli_option *option;

	for (size_t i = 0; (option = option_at(o, i)); i++)
		if (option->group == group)
			return true;
	return false;
}

void cli_print_help(const struct cli_command *c, bool brief)
{
	static const char *const titles[CLI_GROUP_COUNT] = {
		[CLI_GROUP_POLICY] = "What may be done",
		[CLI_GROUP_ASK] = "Asking a policy, guarding nothing",
		[CLI_GROUP_WATCH] = "What to watch",
		[CLI_GROUP_EVENTS] = "Events",
		[CLI_GROUP_FILTER] =
			"Filters: each may be repeated, and has a --not- twin",
		[CLI_GROUP_OUTPUT] = "Output",
		[CLI_GROUP_RUN] = "Running",
	};

	printf("fantail %s %s: %s\n", c->name, c->synopsis, c->summary);
	for (int g = 0; g < CLI_GROUP_COUNT; g++) {
		if (!has_group(c->options, (enum cli_group)g))
			continue;
		bool is_short = brief && (g == CLI_GROUP_FILTER || g == CLI_GROUP_ASK);
		if (!brief || is_short)
			printf("%s%s\n", brief ? "" : "\n", titles[g]);
		if (is_short) {
			print_names(c->options, (enum cli_group)g);
			continue;
		}
		print_group(c->options, (enum cli_group)g);
	}
	if (brief)
		printf("More: fantail help %s, man fantail-%s\n", c->name, c->name);
}
