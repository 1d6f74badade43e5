/* SPDX-License-Identifier: MIT */
/* fantail marks: who listens to file events on this machine. */
#pragma once

#include "cli/options.h"

extern const struct cli_command cli_marks_command;
