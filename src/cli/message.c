/* SPDX-License-Identifier: MIT */
/* Messages. */
#include "cli/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "base/file.h"

void cli_error(const char *fmt, ...)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes line = {0};
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	ft_bytes_put_lit(&line, "fantail: ");
	/* Paths stand in messages, and a path may try to drive a terminal. */
	ft_escape_text(&line, ft_span_of(text));
	ft_bytes_put_char(&line, '\n');
	/* Nobody could be told if stderr fails. */
	(void)ft_file_write(STDERR_FILENO, line.data, line.len);
}
