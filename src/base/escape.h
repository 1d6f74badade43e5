/* SPDX-License-Identifier: MIT */
/* Bytes made safe for a line, a terminal, JSON or CSV. Names are bytes until here. */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"

/*
 * The escapes of fantail-watch(1) for text and templates: \\ \n \t \r, and \xHH a byte
 * for other control bytes (C0, DEL), for bytes that are not valid UTF-8, and for each
 * byte of C1 controls (U+0080..9F), bidi controls (U+061C, 200E, 200F, 202A..202E,
 * 2066..2069) and U+2028, U+2029. Valid UTF-8 otherwise stays as it is.
 */
void ft_escape_text(struct ft_bytes *out, struct ft_span in);

/* As text, then as one RFC 4180 field: quoted if it holds a comma, a quote or a space at
 * an end. */
void ft_escape_csv(struct ft_bytes *out, struct ft_span in);

/*
 * The inside of a JSON string, without the quotes: RFC 8259 escapes, \u00HH for control
 * characters, C1, and \uHHHH for the bidi controls and U+2028/2029 named above; one
 * U+FFFD a byte that is not valid UTF-8. Returns false if there was such a byte (the
 * caller adds FIELD_base64).
 */
bool ft_escape_json(struct ft_bytes *out, struct ft_span in);

/* Standard base64 with padding, RFC 4648. */
void ft_escape_base64(struct ft_bytes *out, struct ft_span in);

/* Terminal columns that text of valid UTF-8 takes (wcwidth-like; wide East Asian and
 * emoji 2, combining 0). */
size_t ft_escape_width(struct ft_span text);
