/* SPDX-License-Identifier: MIT */
/* Messages. */
#include "cli/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "base/file.h"

/* Paths stand in messages, and a path may try to drive a terminal. A backslash is left
 * alone: it may be of an escape made before, or of the C library's words. */
static void put_safe(struct ft_bytes *line, const char *text)
{
	for (;;) {
		size_t n = strcspn(text, "\\");

		ft_escape_text(line, (struct ft_span){text, n});
		text += n;
		if (!*text)
			return;
		ft_bytes_put_char(line, *text++);
	}
}

void cli_error(const char *fmt, ...)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes line = {0};
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	ft_bytes_put_lit(&line, "fantail: ");
	put_safe(&line, text);
	ft_bytes_put_char(&line, '\n');
	/* Nobody could be told if stderr fails. */
	(void)ft_file_write(STDERR_FILENO, line.data, line.len);
}
