/* SPDX-License-Identifier: MIT */
/* What a permission request was answered, as it is told. */
#pragma once

#include "base/bytes.h"

enum ft_verdict {
	FT_VERDICT_ALLOW = 1,
	FT_VERDICT_DENY,
};

enum ft_guard_mode {
	FT_MODE_ENFORCE,
	FT_MODE_OBSERVE, /* everything is allowed; what would be denied is told */
};

struct ft_decision {
	enum ft_verdict verdict;  /* of the policy */
	enum ft_verdict answered; /* what the kernel was told */
	enum ft_guard_mode mode;
	struct ft_span rule;   /* its name; empty: the default */
	struct ft_span reason; /* a few words, for people */
	int error;	 /* positive errno that the kernel was told; 0: its own, EPERM */
	int64_t took_ns; /* from the read to the answer */
};

/* "allow", "deny"; "enforce", "observe". */
const char *ft_verdict_name(enum ft_verdict v);
const char *ft_guard_mode_name(enum ft_guard_mode m);
