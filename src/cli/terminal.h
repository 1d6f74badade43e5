/* SPDX-License-Identifier: MIT */
/* Whether there is a person who sees colours. */
#pragma once

#include <stdbool.h>

/* A terminal that has colours, of somebody who wants them (NO_COLOR, TERM). */
bool cli_wants_color(int fd);
