/* SPDX-License-Identifier: MIT */
/* fantail guard: asks and answers. */
#include "cli/guard.h"
#include "cli/message.h"

int cli_guard_run(struct cli_guard *g)
{
	cli_error("guard: not built yet");
	return CLI_FAILED;
}
