/* SPDX-License-Identifier: MIT */
/* Escaped text cut in its middle to fit. */
#pragma once

#include "base/bytes.h"

/*
 * Puts text (as ft_escape_text() made it) with "…" for its middle, at most `width` screen
 * columns wide. More of the end stays than of the begin; no character, none of its
 * combining marks and no escape is split.
 */
void ft_textcut_middle(struct ft_bytes *out, struct ft_span text, size_t width);
