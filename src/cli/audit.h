/* SPDX-License-Identifier: MIT */
/* fantail audit. */
#pragma once

#include "cli/options.h"

extern const struct cli_command cli_audit_command;
