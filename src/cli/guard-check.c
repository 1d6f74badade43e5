/* SPDX-License-Identifier: MIT */
/* fantail guard --check: what a policy guards. */
#include "cli/guard.h"
#include "cli/message.h"

int cli_guard_check(struct cli_guard *g)
{
	cli_error("guard: --check is not built yet");
	return CLI_FAILED;
}
