/* SPDX-License-Identifier: MIT */
/* What the program says on stderr: one line each, control characters escaped. */
#pragma once

enum cli_exit {
	CLI_DONE = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_INCOMPLETE = 3,
};

/* "fantail: ..." */
void cli_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
