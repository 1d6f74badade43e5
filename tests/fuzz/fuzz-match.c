/* SPDX-License-Identifier: MIT */
/* Any glob on any path, compared with the naive matcher. Input: root, NUL, pattern, NUL,
 * path. */
#include <stdint.h>
#include <stdlib.h>

#include "../unit/naive-glob.h"
#include "match/match.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is compared; longer ones are compiled and matched all the same. */
enum { COMPARED_MAX = 256 };

/* The bytes up to the next NUL, which the input may lack. */
static struct ft_span take_field(struct ft_span *rest)
{
	const char *nul = rest->len ? memchr(rest->data, '\0', rest->len) : NULL;
	size_t len = nul ? (size_t)(nul - rest->data) : rest->len;
	struct ft_span field = {rest->data, len};

	rest->data += nul ? len + 1 : len;
	rest->len -= nul ? len + 1 : len;
	return field;
}

static char *copy_of(struct ft_span s)
{
	char *copy = s.len ? strndup(s.data, s.len) : strdup("");

	if (!copy)
		abort();
	return copy;
}

static void compare(const char *pattern, struct ft_span path, const char *root, int got)
{
	enum naive_result expected;

	if (strlen(pattern) > COMPARED_MAX || path.len > COMPARED_MAX)
		return;
	expected = naive_glob(pattern, path.data, path.len, root);
	if (expected != NAIVE_GAVE_UP && expected != (enum naive_result)got)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ft_span rest = {(const char *)data, size};
	struct ft_span root_field = take_field(&rest);
	char *root = copy_of(root_field);
	char *pattern = copy_of(take_field(&rest));
	struct ft_span path = take_field(&rest);
	struct ft_glob *glob = NULL;
	const char *error = NULL;
	int r = ft_glob_new(&glob, pattern, &error);
	int got = NAIVE_REFUSED;

	if (r == 0)
		got = ft_glob_match(glob, path, &root_field, 1) ? NAIVE_YES : NAIVE_NO;
	else if (!error)
		abort();
	compare(pattern, path, root, got);
	ft_glob_free(glob);
	free(pattern);
	free(root);
	return 0;
}
