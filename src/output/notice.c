/* SPDX-License-Identifier: MIT */
/* Lost and gap records in words, for formats that people read. */
#include "output/format.h"

#include "base/escape.h"

static const char *const lost_meaning[] = {
	[FT_LOST_KERNEL] =
		"the kernel's queue was full, or something could not be marked",
	[FT_LOST_BUFFER] = "the event buffer was full",
	[FT_LOST_OUTPUT] = "the reader of this output is too slow",
	[FT_LOST_PROCESS] = "some processes could not be followed",
	[FT_LOST_DESCRIPTOR] = "no free file descriptors",
	[FT_LOST_JOURNAL] = "the journal could not keep up",
};

static void put_moment(struct ft_bytes *out, const char *word, int64_t ns)
{
	char buf[FT_TIME_LEN];

	if (ns == 0)
		return;
	ft_time_format(buf, ns, true);
	ft_bytes_printf(out, " %s %s", word, buf);
}

static void put_lost(struct ft_bytes *out, const struct ft_event *ev)
{
	ft_bytes_put_lit(out, "*** LOST ");
	if (ev->has_count)
		ft_bytes_printf(out, "%llu record%s", (unsigned long long)ev->count,
				ev->count == 1 ? "" : "s");
	else
		ft_bytes_put_lit(out, "an unknown number of records");
	ft_bytes_printf(out, " (%s): %s", ft_lost_where_name(ev->where),
			lost_meaning[ev->where]);
}

void ft_notice_format(struct ft_bytes *out, const struct ft_event *ev)
{
	if (ev->kind == FT_KIND_LOST) {
		put_lost(out, ev);
		return;
	}
	ft_bytes_put_lit(out, "*** GAP nobody was watching");
	put_moment(out, "from", ev->from_ns);
	put_moment(out, "to", ev->to_ns);
	if (ev->reason) {
		ft_bytes_put_lit(out, ": ");
		ft_escape_text(out, ft_span_of(ev->reason));
	}
}
