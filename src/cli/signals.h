/* SPDX-License-Identifier: MIT */
/* Signals as something to read. */
#pragma once

/* From now on these, up to a 0, come out of the descriptor (signalfd(2), non-blocking);
 * SIGPIPE is ignored. For the main thread: where it leaves a SIGINT or SIGTERM for a
 * second, the next one ends the program. A descriptor, or -errno after a message. */
int cli_signals_open(const int *signals);
/* From now on another SIGINT or SIGTERM, taken by this thread, ends the program at once.
 */
void cli_signals_release(void);
