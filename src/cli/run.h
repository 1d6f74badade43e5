/* SPDX-License-Identifier: MIT */
/* fantail run. */
#pragma once

#include "cli/options.h"

extern const struct cli_command cli_run_command;
