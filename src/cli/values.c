/* SPDX-License-Identifier: MIT */
/* Values of options. */
#include "cli/values.h"

#include <errno.h>
#include <fcntl.h>

#include "base/number.h"
#include "cli/message.h"

int cli_take_number(const struct cli_word *word, uint64_t least, uint64_t max,
		    uint64_t *ret)
{
	if (ft_number_parse(word->value, max, ret) == 0 && *ret >= least)
		return 0;
	cli_error("--%s %s: not a number that fits", word->option->name, word->value);
	return -EINVAL;
}

int cli_take_duration(const struct cli_word *word, int64_t *ret_ns)
{
	if (ft_duration_parse(word->value, ret_ns) == 0 && *ret_ns > 0)
		return 0;
	cli_error("--%s %s: a duration is 250ms, 30s, 5m, 1h30m", word->option->name,
		  word->value);
	return -EINVAL;
}

/* What we opened ourselves closes on exec; what we were given does not, or we would not
 * have it. */
int cli_take_fd(const struct cli_word *word, int *ret)
{
	uint64_t n;
	int r = cli_take_number(word, 0, INT32_MAX, &n), flags;

	if (r < 0)
		return r;
	flags = fcntl((int)n, F_GETFD);
	if (flags < 0 || flags & FD_CLOEXEC) {
		cli_error("--%s %s: no such descriptor was given to this process",
			  word->option->name, word->value);
		return -EINVAL;
	}
	*ret = (int)n;
	return 0;
}
