/* SPDX-License-Identifier: MIT */
/* Privileges as /proc/self/status and lockdown tell them, and what is made of them. */
#include <errno.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>

#include <cmocka.h>

#include "inspect/capability.h"

static void test_status(void **state)
{
	struct ft_privileges p = {0};

	assert_int_equal(ft_privileges_parse_status(
				 &p, FT_SPAN("Name:\tx\nCapInh:\t0000000000000000\n"
					     "CapEff:\t000001ffffffffff\nCapBnd:\t0\n"
					     "Seccomp:\t2\nSeccomp_filters:\t1\n")),
			 0);
	assert_true(p.effective == 0x1ffffffffff);
	assert_int_equal(p.seccomp, 2);
	/* Without seccomp in the kernel. */
	assert_int_equal(
		ft_privileges_parse_status(&p, FT_SPAN("CapEff:\t0000000000200000")), 0);
	assert_true(p.effective == UINT64_C(1) << CAP_SYS_ADMIN);
	assert_int_equal(p.seccomp, 0);
}

static void test_bad_status(void **state)
{
	static const char *const bad[] = {
		"",
		"CapEff:",
		"CapEff:\t\n",
		"CapEff:\tfffffffffffffffff\n",
		"CapEff:\t00g0\n",
		"XCapEff:\t0\n",
		"CapEff:\t0\nSeccomp:\tx\n",
		"CapEff:\t0\nSeccomp:\t12\n",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct ft_privileges p = {.effective = 7};

		assert_int_equal(ft_privileges_parse_status(&p, ft_span_of(bad[i])),
				 -EBADMSG);
	}
}

static void test_lockdown(void **state)
{
	struct ft_privileges p = {0};

	ft_privileges_parse_lockdown(&p, FT_SPAN("none [integrity] confidentiality\n"));
	assert_string_equal(ft_bytes_cstr(&p.lockdown), "integrity");
	ft_privileges_parse_lockdown(&p, FT_SPAN("none integrity"));
	assert_int_equal(p.lockdown.len, 0);
	ft_privileges_parse_lockdown(&p, FT_SPAN("] [none"));
	assert_int_equal(p.lockdown.len, 0);
	ft_privileges_fini(&p);
}

/* The kernel's own answer for each capability of this process. */
static void test_own(void **state)
{
	struct ft_privileges p;

	assert_int_equal(ft_privileges_read(&p), 0);
	for (int cap = 0; cap <= CAP_AUDIT_READ; cap++)
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 0)
			assert_false(p.effective & UINT64_C(1) << cap);
	assert_int_equal(p.seccomp, prctl(PR_GET_SECCOMP, 0, 0, 0, 0));
	ft_privileges_fini(&p);
}

static const struct ft_finding *find(const struct ft_findings *f, const char *name)
{
	for (size_t i = 0; i < f->count; i++)
		if (ft_span_equal(ft_bytes_span(&f->list[i].name), ft_span_of(name)))
			return &f->list[i];
	fail_msg("no finding %s", name);
	return NULL;
}

static void test_judged(void **state)
{
	struct ft_privileges p = {.effective = UINT64_C(1) << CAP_SYS_ADMIN,
				  .seccomp = 2,
				  .in_user_namespace = true};
	struct ft_findings f = {0};

	ft_privileges_judge(&p, &f);
	assert_int_equal(find(&f, "CAP_SYS_ADMIN")->state, FT_STATE_LIMITED);
	assert_int_equal(find(&f, "CAP_DAC_READ_SEARCH")->state, FT_STATE_MISSING);
	assert_true(find(&f, "CAP_DAC_READ_SEARCH")->loses);
	assert_int_equal(find(&f, "user namespace")->state, FT_STATE_LIMITED);
	assert_int_equal(find(&f, "PID namespace")->state, FT_STATE_FINE);
	assert_int_equal(find(&f, "seccomp")->state, FT_STATE_LIMITED);
	assert_int_equal(find(&f, "lockdown")->state, FT_STATE_UNKNOWN);
	for (size_t i = 0; i < f.count; i++)
		assert_int_equal(f.list[i].state != FT_STATE_FINE,
				 f.list[i].advice.len > 0);
	ft_findings_fini(&f);
	p.in_user_namespace = false;
	ft_bytes_put_str(&p.lockdown, "integrity");
	ft_privileges_judge(&p, &f);
	assert_int_equal(find(&f, "CAP_SYS_ADMIN")->state, FT_STATE_FINE);
	assert_int_equal(find(&f, "lockdown")->state, FT_STATE_FINE);
	ft_findings_fini(&f);
	ft_privileges_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status),	 cmocka_unit_test(test_bad_status),
		cmocka_unit_test(test_lockdown), cmocka_unit_test(test_own),
		cmocka_unit_test(test_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
