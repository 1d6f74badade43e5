/* SPDX-License-Identifier: MIT */
/* Who runs as another user must not type for the one who began him. */
#include "cli/typing.h"

#include <errno.h>
#include <seccomp.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"

/* Of 32-bit programs, too; those that this machine does not have cannot be added. */
static const uint32_t others[] = {SCMP_ARCH_X86, SCMP_ARCH_X32, SCMP_ARCH_ARM};

static int add_architectures(scmp_filter_ctx filter)
{
	/* One that is not here makes no call that is looked for. */
	int r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW);

	for (size_t i = 0; i < FT_ARRAY_SIZE(others) && r == 0; i++) {
		r = seccomp_arch_add(filter, others[i]);
		/* There already; or of the other byte order. */
		if (r == -EEXIST || r == -EDOM)
			r = 0;
	}
	return r;
}

/* The kernel looks at 32 bits of the request. */
static int forbid(scmp_filter_ctx filter, uint32_t request)
{
	return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
				SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, request));
}

int cli_typing_forbid(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int r;

	if (!filter)
		return -ENOMEM;
	/* Programs that are set-user-ID stay what they are. */
	r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);
	if (r == 0)
		r = add_architectures(filter);
	if (r == 0)
		r = forbid(filter, TIOCSTI);
	if (r == 0)
		r = forbid(filter, TIOCLINUX);
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}
