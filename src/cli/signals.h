/* SPDX-License-Identifier: MIT */
/* Signals as something to read. */
#pragma once

#include <stdbool.h>

/* From now on these, up to a 0, come out of the descriptor (signalfd(2), non-blocking);
 * SIGPIPE is ignored. A descriptor, or -errno after a message. */
int cli_signals_open(const int *signals);
/* Is a SIGINT or SIGTERM not read yet? */
bool cli_signals_has_end(void);
/* Takes it away. False: somebody else did. */
bool cli_signals_take_end(void);
/* From now on another SIGINT or SIGTERM that this thread may take ends the
 * program at once. */
void cli_signals_release(void);
