/* SPDX-License-Identifier: MIT */
/* Records of calls as the BPF programs make them. Included after cmocka.h. */
#pragma once

#include <string.h>

#include "inspect/callwire.h"

enum { WIRE_TEXT = 2 * 4352 };

struct wire_call {
	struct ft_callwire head;
	char text[WIRE_TEXT];
};

/* "/a/b" as components from the last one up; "/": none of them. */
static inline void wire_put_base(struct wire_call *w, const char *base)
{
	size_t at = 0;

	for (const char *end = base + strlen(base); end > base;) {
		const char *name = end;

		while (name > base && name[-1] != '/')
			name--;
		if (end > name) {
			memcpy(w->text + at, name, (size_t)(end - name));
			at += (size_t)(end - name);
			w->text[at++] = '\0';
		}
		end = name > base ? name - 1 : base;
	}
	w->head.base_len = (unsigned int)at;
	w->head.flags |= FT_CALLWIRE_BASE;
}

static inline void wire_put_pathname(struct wire_call *w, const char *pathname)
{
	w->head.pathname_len = (unsigned int)strlen(pathname) + 1;
	memcpy(w->text + w->head.base_len, pathname, w->head.pathname_len);
	w->head.flags |= FT_CALLWIRE_PATHNAME;
}

static inline struct wire_call wire_begin(enum ft_call_kind kind, unsigned int tid,
					  unsigned long long time)
{
	return (struct wire_call){.head = {.part = FT_CALLWIRE_BEGIN,
					   .kind = kind,
					   .tid = tid,
					   .pid = tid,
					   .time = time}};
}

static inline struct wire_call wire_end(const struct wire_call *begin, long long ret)
{
	struct wire_call w = {.head = begin->head};

	w.head.part = FT_CALLWIRE_END;
	w.head.flags = w.head.base_len = w.head.pathname_len = 0;
	w.head.group = 0;
	w.head.ret = ret;
	return w;
}
