/* SPDX-License-Identifier: MIT */
/* fantail doctor */
#pragma once

#include "cli/options.h"

extern const struct cli_command cli_doctor_command;
