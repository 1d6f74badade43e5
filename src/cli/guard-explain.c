/* SPDX-License-Identifier: MIT */
/* fantail guard --explain: what would be answered, and why. */
#include "cli/guard.h"
#include "cli/message.h"

int cli_guard_explain(struct cli_guard *g)
{
	cli_error("guard: --explain is not built yet");
	return CLI_FAILED;
}
