/* SPDX-License-Identifier: MIT */
/* fantail doctor: what can be seen here, and what cannot. */
#include "cli/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/number.h"
#include "cli/message.h"
#include "cli/watch-options.h"
#include "inspect/bounded.h"
#include "inspect/capability.h"
#include "inspect/coverage.h"
#include "inspect/features.h"
#include "inspect/kconfig.h"
#include "inspect/limits.h"
#include "inspect/listeners.h"
#include "inspect/matrix.h"
#include "inspect/selftest.h"
#include "inspect/stuck.h"
#include "output/jsonfield.h"
#include "proc/procfs.h"

enum {
	OPT_MATRIX = CLI_OPTION_OWN,
	OPT_SELFTEST,
	OPT_STUCK,
	OPT_FORMAT,
	PATIENCE_MSEC = 5000,
};

enum doctor_format {
	DOCTOR_TEXT,
	DOCTOR_CSV,
	DOCTOR_JSON,
};

struct doctor;

/* What is done, and what it is called on the command line; NULL: without an option. */
struct mode {
	const char *option;
	int (*run)(struct doctor *d);
	size_t max_paths;
	bool has_csv;
};

struct doctor {
	const struct mode *mode;
	enum doctor_format format;
	const char **paths; /* borrowed from argv */
	size_t paths_count;
	struct ft_bytes out;
	size_t object; /* where the JSON object begins */
};

static const struct cli_option doctor_list[] = {
	{.name = "matrix",
	 .help = "every group and mark, tried on PATH or a private tmpfs",
	 .group = CLI_GROUP_RUN,
	 .id = OPT_MATRIX},
	{.name = "selftest",
	 .help = "a file through each filesystem, required back",
	 .group = CLI_GROUP_RUN,
	 .id = OPT_SELFTEST},
	{.name = "stuck",
	 .help = "who waits for which listener's answer",
	 .group = CLI_GROUP_RUN,
	 .id = OPT_STUCK},
	{.name = "format",
	 .metavar = "FORMAT",
	 .help = "text or json; csv with --matrix",
	 .group = CLI_GROUP_OUTPUT,
	 .id = OPT_FORMAT},
	{.name = "help",
	 .letter = 'h',
	 .help = "this help",
	 .group = CLI_GROUP_RUN,
	 .id = CLI_OPTION_HELP},
};

static const struct cli_options doctor_options = {.list = doctor_list,
						  .count = FT_ARRAY_SIZE(doctor_list)};

/* ---- output ---- */

static void begin_object(struct doctor *d)
{
	struct utsname name;

	d->object = ft_json_begin(&d->out);
	ft_json_put_time(&d->out, FT_SPAN("time"), ft_now_ns());
	ft_json_put_text(&d->out, FT_SPAN("fantail"), FT_SPAN(FT_VERSION));
	uname(&name);
	ft_json_put_string(&d->out, FT_SPAN("kernel"), ft_span_of(name.release));
}

static void end_object(struct doctor *d)
{
	ft_json_end(&d->out, d->object);
	ft_bytes_put_char(&d->out, '\n');
}

/* What was put together goes out; status, or that it could not. */
static int print(struct doctor *d, int status)
{
	int r = d->out.failed ? d->out.failed
			      : ft_file_write(STDOUT_FILENO, d->out.data, d->out.len);

	if (r == 0)
		return status;
	cli_error(r == -EPIPE ? "output: the reader has gone" : "output: %s",
		  strerror(-r));
	return CLI_FAILED;
}

/* ---- the report ---- */

static int fail_at(const char *what, int r)
{
	const char *why = "";

	if (r == -EXDEV)
		why = " (it is on no mount of this mount namespace)";
	else if (r == -ENOENT && strncmp(what, "/proc", 5) == 0)
		why = " (nothing can be found out without /proc: mount -t proc proc "
		      "/proc)";
	else if (r == -ETIMEDOUT)
		why = " (its filesystem does not answer: fantail doctor --stuck)";
	cli_error("%s: %s%s", what, strerror(-r), why);
	return CLI_FAILED;
}

static int inspect_groups(struct ft_findings *f)
{
	_cleanup_(ft_groups_fini) struct ft_groups groups = {0};
	_cleanup_close_ int proc = -1;
	int r = ft_procfs_open(&proc);

	if (r == 0)
		r = ft_groups_read(proc, FT_GROUPS_WHOLE, &groups);
	if (r < 0)
		return r;
	ft_limits_inspect(&groups, f);
	ft_listeners_inspect(&groups, proc, f);
	return 0;
}

static int inspect_privileges(struct ft_findings *f)
{
	_cleanup_(ft_privileges_fini) struct ft_privileges p = {0};
	int r = ft_privileges_read(&p);

	if (r == 0)
		ft_privileges_judge(&p, f);
	return r;
}

static int run_report(struct doctor *d)
{
	static const int statuses[] = {
		[FT_JUDGEMENT_WORKS] = CLI_DONE,
		[FT_JUDGEMENT_LOSES] = CLI_INCOMPLETE,
		[FT_JUDGEMENT_BLIND] = CLI_FAILED,
	};
	_cleanup_(ft_findings_fini) struct ft_findings f = {0};
	const char *bad = "/proc/self/status";
	int r = inspect_privileges(&f);

	if (r == 0) {
		ft_kconfig_inspect(&f);
		ft_features_inspect(&f);
		r = ft_coverage_inspect(d->paths, d->paths_count, &f, &bad);
	}
	if (r == 0) {
		ft_tracking_inspect(&f);
		bad = "/proc";
		r = inspect_groups(&f);
	}
	if (r == 0)
		r = f.failed;
	if (r < 0)
		return fail_at(bad, r);
	if (d->format == DOCTOR_JSON) {
		begin_object(d);
		ft_findings_format_json(&d->out, &f);
		end_object(d);
	} else {
		ft_findings_format_text(&d->out, &f);
	}
	return print(d, statuses[ft_findings_judge(&f)]);
}

/* ---- --matrix ---- */

/* Where no filesystem can be made; permission events are not tried on one that others
 * see. */
static int try_on_directory(struct ft_matrix *m, int why)
{
	const char *tmp = getenv("TMPDIR");
	_cleanup_(ft_bytes_fini) struct ft_bytes dir = {0};
	_cleanup_close_ int fd = -1;
	int r;

	ft_bytes_printf(&dir, "%s/fantail-doctor-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	ft_bytes_cstr(&dir);
	if (dir.failed)
		return dir.failed;
	if (!mkdtemp(dir.data))
		return -errno;
	cli_error("a private tmpfs cannot be made (%s): tried on %s, and permission "
		  "events are not",
		  strerror(-why), dir.data);
	fd = ft_file_open_path(AT_FDCWD, dir.data);
	r = fd < 0 ? fd : ft_matrix_try(fd, false, m);
	(void)rmdir(dir.data);
	return r;
}

/* In a child: a server that is gone holds who asks for a mark, too. */
static void ask_filesystem(void *data, struct ft_bytes *out)
{
	_cleanup_close_ int fd = ft_file_open_path(AT_FDCWD, data);
	struct statfs st;

	(void)out;
	if (fd >= 0)
		(void)fstatfs(fd, &st);
}

static int try_on_path(struct ft_matrix *m, const char *path)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes none = {0};
	_cleanup_close_ int fd = -1;
	int r = ft_bounded_run(ask_filesystem, (void *)path, PATIENCE_MSEC, &none);

	if (r < 0)
		return r;
	fd = ft_file_open_path(AT_FDCWD, path);
	return fd < 0 ? fd : ft_matrix_try(fd, true, m);
}

static int try_matrix(const struct doctor *d, struct ft_matrix *m)
{
	_cleanup_close_ int fd = -1;

	if (d->paths_count > 0)
		return try_on_path(m, d->paths[0]);
	fd = ft_mounts_open_private();
	return fd < 0 ? try_on_directory(m, fd) : ft_matrix_try(fd, true, m);
}

static int run_matrix(struct doctor *d)
{
	_cleanup_(ft_matrix_fini) struct ft_matrix m = {0};
	int r = try_matrix(d, &m);

	if (r < 0)
		return fail_at(d->paths_count > 0 ? d->paths[0] : "--matrix", r);
	switch (d->format) {
	case DOCTOR_TEXT:
		ft_matrix_format_text(&d->out, &m);
		break;
	case DOCTOR_CSV:
		ft_matrix_format_csv(&d->out, &m);
		break;
	case DOCTOR_JSON:
		begin_object(d);
		ft_matrix_format_json(&d->out, &m);
		end_object(d);
		break;
	}
	return print(d, CLI_DONE);
}

/* ---- --selftest ---- */

/* All that failed: 1; some: 3. */
static int judge_selftests(const struct ft_selftests *s)
{
	size_t ok = 0, failed = 0;

	for (size_t i = 0; i < s->count; i++) {
		ok += s->list[i].result == FT_SELFTEST_OK;
		failed += s->list[i].result == FT_SELFTEST_FAILED;
	}
	if (ok == 0)
		return CLI_FAILED;
	return failed > 0 ? CLI_INCOMPLETE : CLI_DONE;
}

static int run_selftest(struct doctor *d)
{
	_cleanup_(ft_selftests_fini) struct ft_selftests s = {0};
	const char *bad;
	int r = ft_selftest_run(d->paths, d->paths_count, &s, &bad);

	if (r < 0)
		return fail_at(bad, r);
	if (d->format == DOCTOR_JSON) {
		begin_object(d);
		ft_selftest_format_json(&d->out, &s);
		end_object(d);
	} else {
		ft_selftest_format_text(&d->out, &s);
	}
	return print(d, judge_selftests(&s));
}

/* ---- --stuck ---- */

static int run_stuck(struct doctor *d)
{
	_cleanup_(ft_stuck_fini) struct ft_stuck s = {.proc = -1};
	int r = ft_stuck_read(&s);

	if (r < 0)
		return fail_at("/proc", r);
	if (d->format == DOCTOR_JSON) {
		begin_object(d);
		ft_stuck_format_json(&d->out, &s);
		end_object(d);
	} else {
		ft_stuck_format_text(&d->out, &s);
	}
	return print(d, ft_stuck_is_whole(&s) ? CLI_DONE : CLI_INCOMPLETE);
}

/* ---- options ---- */

static const struct mode report = {NULL, run_report, SIZE_MAX, false};
static const struct mode matrix = {"matrix", run_matrix, 1, true};
static const struct mode selftest = {"selftest", run_selftest, SIZE_MAX, false};
static const struct mode stuck = {"stuck", run_stuck, 0, false};

static int take_format(struct doctor *d, const char *value)
{
	static const char *const names[] = {
		[DOCTOR_TEXT] = "text", [DOCTOR_CSV] = "csv", [DOCTOR_JSON] = "json"};

	for (size_t i = 0; i < FT_ARRAY_SIZE(names); i++)
		if (strcmp(names[i], value) == 0) {
			d->format = (enum doctor_format)i;
			return 0;
		}
	cli_error("--format %s: text, json, or with --matrix csv", value);
	return -EINVAL;
}

static int take_mode(struct doctor *d, const struct mode *mode)
{
	if (d->mode != &report && d->mode != mode) {
		cli_error("--%s and --%s do not go together", d->mode->option,
			  mode->option);
		return -EINVAL;
	}
	d->mode = mode;
	return 0;
}

static int take(struct doctor *d, const struct cli_word *word)
{
	if (!word->option) {
		d->paths[d->paths_count++] = word->value;
		return 0;
	}
	switch (word->option->id) {
	case OPT_MATRIX:
		return take_mode(d, &matrix);
	case OPT_SELFTEST:
		return take_mode(d, &selftest);
	case OPT_STUCK:
		return take_mode(d, &stuck);
	default:
		return take_format(d, word->value);
	}
}

static int check(const struct doctor *d)
{
	if (d->paths_count > d->mode->max_paths) {
		cli_error("--%s takes %s", d->mode->option,
			  d->mode->max_paths ? "one PATH" : "no PATH");
		return -EINVAL;
	}
	if (d->format == DOCTOR_CSV && !d->mode->has_csv) {
		cli_error("--format csv is for --matrix");
		return -EINVAL;
	}
	return 0;
}

/* 1: help was printed. */
static int parse(struct doctor *d, const struct cli_command *c, int argc, char **argv)
{
	struct cli_parser p = {.command = c, .argc = argc, .argv = argv};
	struct cli_word word;
	int r;

	while ((r = cli_next(&p, &word)) > 0) {
		if (word.option && word.option->id == CLI_OPTION_HELP) {
			cli_print_help(c, true);
			return 1;
		}
		r = take(d, &word);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : check(d);
}

static int run_doctor(const struct cli_command *c, int argc, char **argv)
{
	struct doctor d = {.mode = &report};
	int r;

	d.paths = calloc((size_t)argc + 1, sizeof(*d.paths));
	if (!d.paths)
		return fail_at("doctor", -ENOMEM);
	signal(SIGPIPE, SIG_IGN);
	r = parse(&d, c, argc, argv);
	if (r == 0)
		r = d.mode->run(&d);
	else
		r = r == 1 ? CLI_DONE : CLI_USAGE;
	free(d.paths);
	ft_bytes_fini(&d.out);
	return r;
}

const struct cli_command cli_doctor_command = {
	.name = "doctor",
	.synopsis = "[OPTIONS] [PATH...]",
	.summary = "what can be seen here, and what cannot",
	.options = &doctor_options,
	.run = run_doctor,
};
