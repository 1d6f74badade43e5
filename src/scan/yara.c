/* SPDX-License-Identifier: MIT */
/* YARA rules, compiled when they are loaded. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <yara.h>

#include "base/cleanup.h"
#include "base/number.h"
#include "scan/content.h"
#include "scan/scanner.h"

/* A file is scanned as a whole, since what is looked for may lie anywhere in it. A larger
 * one is an error, as is one that no memory is left for. */
enum { CONTENT_MAX = 256 * 1024 * 1024 };

struct yara {
	struct ft_scanner scanner;
	YR_RULES *rules;
};

struct compiling {
	const char *file;
	char **ret_error;
};

/* The first error is the one that helps. */
static void take_error(int level, const char *file, int line, const YR_RULE *rule,
		       const char *message, void *data)
{
	struct compiling *c = data;

	if (level == YARA_ERROR_LEVEL_ERROR && c->ret_error && !*c->ret_error)
		ft_scan_fail(c->ret_error, 0, "%s:%d: %s", c->file, line, message);
}

static int compile(struct yara *y, YR_COMPILER *compiler, struct compiling *c)
{
	_cleanup_close_ int fd = ft_scan_open_trusted(c->file, c->ret_error);

	if (fd < 0)
		return fd;
	yr_compiler_set_callback(compiler, take_error, c);
	/* Includes are read while compiling, relative to the current directory: what a
	 * policy names should not depend on that. */
	yr_compiler_set_include_callback(compiler, NULL, NULL, NULL);
	if (yr_compiler_add_fd(compiler, fd, NULL, c->file) > 0)
		return -EINVAL;
	return yr_compiler_get_rules(compiler, &y->rules) == ERROR_SUCCESS ? 0 : -ENOMEM;
}

static int load(struct yara *y, const char *file, char **ret_error)
{
	struct compiling c = {.file = file, .ret_error = ret_error};
	YR_COMPILER *compiler;
	int r;

	if (ret_error)
		*ret_error = NULL;
	if (yr_compiler_create(&compiler) != ERROR_SUCCESS)
		return -ENOMEM;
	r = compile(y, compiler, &c);
	yr_compiler_destroy(compiler);
	return r;
}

static void yara_close(struct ft_scanner *s)
{
	struct yara *y = (struct yara *)s;

	if (y->rules)
		yr_rules_destroy(y->rules);
	yr_finalize();
	free(y);
}

static int yara_open(struct ft_scanner **ret, const struct ft_scanner_spec *spec,
		     char **ret_error)
{
	struct yara *y = calloc(1, sizeof(*y));
	int r;

	if (!y || yr_initialize() != ERROR_SUCCESS) {
		free(y);
		return -ENOMEM;
	}
	r = load(y, spec->file, ret_error);
	if (r < 0) {
		yara_close(&y->scanner);
		return r;
	}
	*ret = &y->scanner;
	return 0;
}

static int add_piece(void *data, const void *piece, size_t n)
{
	struct ft_bytes *content = data;

	ft_bytes_put(content, piece, n);
	return content->failed;
}

/* One rule that matches is enough. */
static int take_match(YR_SCAN_CONTEXT *context, int message, void *rule, void *data)
{
	if (message != CALLBACK_MSG_RULE_MATCHING)
		return CALLBACK_CONTINUE;
	ft_scanned_set(data, FT_SCAN_INFECTED, "%s", ((YR_RULE *)rule)->identifier);
	return CALLBACK_ABORT;
}

/* The library counts seconds. */
static int seconds_left(const struct ft_scan *scan)
{
	return (ft_scan_msec_left(scan) + 999) / 1000;
}

static void yara_scan(struct ft_scanner *s, const struct ft_scan *scan,
		      struct ft_scanned *ret)
{
	const struct yara *y = (const struct yara *)s;
	_cleanup_(ft_bytes_fini) struct ft_bytes content = {.max = CONTENT_MAX};
	int r = ft_content_read(scan, add_piece, &content);

	if (r == 0 && ft_scan_msec_left(scan) == 0)
		r = -ETIMEDOUT;
	if (r < 0) {
		ft_scanned_set(ret, FT_SCAN_ERROR, "reading it: %s",
			       r == -ENOBUFS ? "too large" : strerror(-r));
		return;
	}
	ft_scanned_set(ret, FT_SCAN_CLEAN, "no rule matches");
	r = yr_rules_scan_mem(y->rules,
			      (const uint8_t *)(content.data ? content.data : ""),
			      content.len, SCAN_FLAGS_FAST_MODE | SCAN_FLAGS_NO_TRYCATCH,
			      take_match, ret, seconds_left(scan));
	if (r != ERROR_SUCCESS && ret->result == FT_SCAN_CLEAN)
		ft_scanned_set(ret, FT_SCAN_ERROR, "yara: %s",
			       r == ERROR_SCAN_TIMEOUT ? "too slow" : "error");
}

const struct ft_scanner_ops ft_scanner_yara = {
	.open = yara_open,
	.close = yara_close,
	.scan = yara_scan,
};
