/* SPDX-License-Identifier: MIT */
/* A command that tells records until it is stopped. */
#include "cli/stream.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/number.h"
#include "cli/message.h"
#include "cli/output-options.h"
#include "cli/service.h"
#include "cli/signals.h"
#include "cli/values.h"

enum {
	OPT_FOR = CLI_OPTION_STREAM,
	OPT_COUNT,
	OPT_READY_FD,
};

const struct cli_option cli_stream_options[CLI_STREAM_OPTIONS] = {
	{.name = "for",
	 .metavar = "DURATION",
	 .help = "stop after 250ms, 30s, 1h30m",
	 .group = CLI_GROUP_RUN,
	 .id = OPT_FOR},
	{.name = "count",
	 .metavar = "N",
	 .help = "stop after N events",
	 .group = CLI_GROUP_RUN,
	 .id = OPT_COUNT},
	{.name = "ready-fd",
	 .metavar = "N",
	 .help = "a newline on descriptor N once events are seen",
	 .group = CLI_GROUP_RUN,
	 .id = OPT_READY_FD},
};

int cli_stream_take(struct cli_stream *s, const struct cli_word *word)
{
	switch (word->option->id) {
	case OPT_FOR:
		return cli_take_duration(word, &s->for_ns);
	case OPT_COUNT:
		return cli_take_number(word, 1, UINT64_MAX, &s->count);
	case OPT_READY_FD:
		return cli_take_fd(word, &s->ready_fd);
	default:
		return 1;
	}
}

void cli_stream_signal(struct cli_loop *l, const struct signalfd_siginfo *info)
{
	/* Without a file it means what it always did: the terminal has gone. */
	if (info->ssi_signo == SIGHUP && l->config->file) {
		cli_loop_reopen(l);
		return;
	}
	cli_signals_release();
	cli_loop_stop(l);
}

static void summarize(const struct cli_loop *l)
{
	double seconds = (double)(ft_boot_ns() - l->began_ns) / FT_NSEC_PER_SEC;
	char lost[64] = "nothing lost";

	if (l->dropped > 0)
		snprintf(lost, sizeof(lost),
			 "%" PRIu64 " not printed, the output was too slow", l->dropped);
	else if (l->lost)
		snprintf(lost, sizeof(lost), "some were lost");
	cli_error("%" PRIu64 " event%s in %.1f s, %s", l->told, l->told == 1 ? "" : "s",
		  seconds, lost);
}

static int start(struct cli_stream *s)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, 0};
	int r = cli_loop_open_signals(&s->loop, signals);

	if (r == 0)
		r = cli_loop_open_output(&s->loop);
	if (r == 0 && s->prepare)
		r = s->prepare(s);
	return r < 0 ? r : cli_loop_start(&s->loop);
}

int cli_stream_run(struct cli_stream *s)
{
	struct cli_loop *l = &s->loop;
	int r;

	l->signals = -1;
	l->count = s->count;
	r = start(s);
	if (r < 0) {
		r = r == -EINVAL && !l->output ? CLI_USAGE : CLI_FAILED;
		cli_loop_close(l);
		return r;
	}
	l->end_ns = s->for_ns > 0 ? l->began_ns + s->for_ns : 0;
	cli_tell_ready(s->ready_fd);
	cli_notify("READY=1");
	cli_loop_run(l);
	if (cli_loop_close(l) < 0)
		return CLI_FAILED;
	summarize(l);
	return l->lost || l->dropped > 0 ? CLI_INCOMPLETE : CLI_DONE;
}
