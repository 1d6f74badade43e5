/* SPDX-License-Identifier: MIT */
/* Being run by something: readiness, the service manager's notices. */
#pragma once

#include <stdint.h>

/* A newline on the descriptor, which is closed then. */
void cli_tell_ready(int fd);
/* sd_notify(3): "READY=1", "WATCHDOG=1"; nothing where no service manager asks for it. */
void cli_notify(const char *state);
/* With a descriptor, which stays open here. */
void cli_notify_fd(const char *state, int fd);
/* How often the watchdog wants to be told, in ns; 0: never. */
int64_t cli_watchdog_ns(void);
