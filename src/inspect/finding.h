/* SPDX-License-Identifier: MIT */
/* What was found out about this machine: a line each, with what to do about it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

enum ft_state {
	FT_STATE_FINE,
	FT_STATE_UNKNOWN, /* nobody tells: neither good nor bad */
	FT_STATE_LIMITED,
	FT_STATE_MISSING,
};

struct ft_finding {
	const char *area; /* static */
	struct ft_bytes name;
	enum ft_state state;
	bool loses;	/* unless it is fine, things happen that are not told */
	bool is_part;	/* of the machine: where it is limited, the rest is not */
	bool is_needed; /* when it is missing, nothing can be watched */
	struct ft_bytes text;
	struct ft_bytes advice; /* empty: nothing to do */
	struct ft_bytes facts;	/* fields of an object, see output/jsonfield.h */
};

struct ft_findings {
	struct ft_finding *list;
	size_t count;
	struct ft_finding spare; /* where there was no memory for one */
	int failed;
};

/* Valid until the next one is added. Never NULL: what is written to it is lost after
 * `failed`. */
struct ft_finding *ft_finding_add(struct ft_findings *f, const char *area,
				  const char *name, enum ft_state state);
/* The text; a second one: what would help. */
void ft_finding_tell(struct ft_finding *f, const char *text, const char *advice);
void ft_findings_fini(struct ft_findings *f);
const char *ft_state_name(enum ft_state state);

enum ft_judgement {
	FT_JUDGEMENT_WORKS, /* but for parts that are limited */
	FT_JUDGEMENT_LOSES, /* not all that happens would be told */
	FT_JUDGEMENT_BLIND, /* nothing can be watched */
};

enum ft_judgement ft_findings_judge(const struct ft_findings *f);
const char *ft_judgement_name(enum ft_judgement verdict);
void ft_findings_format_text(struct ft_bytes *out, const struct ft_findings *f);
/* Fields of an object: verdict and findings. */
void ft_findings_format_json(struct ft_bytes *out, const struct ft_findings *f);
