/* SPDX-License-Identifier: MIT */
/* Any bytes as a policy file: read or refused with lines that say where; what was read
 * can be asked. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "event/mask.h"
#include "policy/policyfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const struct ft_policy *p)
{
	const struct ft_facts facts = {
		.event = FT_EV_OPEN_PERM, .path = {"/a/b", 4}, .is_regular = true};
	struct ft_outcome o;

	ft_policy_decide(p, &facts, &o);
	assert(o.rule >= -1 && o.rule < (int)ft_policy_rules_count(p));
}

static void check_error(const char *error)
{
	size_t lines = 1;

	for (const char *c = error; *c; c++) {
		assert((unsigned char)*c >= ' ' || *c == '\n');
		lines += *c == '\n';
	}
	assert(lines <= 20);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(ft_policyfile_fini) struct ft_policyfile f = {0};
	_cleanup_free_ char *error = NULL;
	struct ft_span text = {(const char *)data, size};

	if (ft_policyfile_parse(&f, "fuzz", text, NULL, NULL, &error) == 0) {
		assert(!error && f.watch_count > 0 &&
		       ft_policy_rules_count(f.policy) > 0);
		ask(f.policy);
		return 0;
	}
	assert(error && !f.policy);
	check_error(error);
	return 0;
}
