/* SPDX-License-Identifier: MIT */
/* Who reads what we print: such a process is not told, or its own writing would never
 * end. */
#pragma once

#include "session/session.h"

/* Finds the processes that read this pipe, and those that read theirs; each is ignored by
 * the session, told on stderr. */
void cli_ignore_readers(struct ft_session *s, int fd);
