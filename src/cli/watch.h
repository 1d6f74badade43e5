/* SPDX-License-Identifier: MIT */
/* fantail watch. */
#pragma once

#include "cli/options.h"

extern const struct cli_command cli_watch_command;
