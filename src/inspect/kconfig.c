/* SPDX-License-Identifier: MIT */
/* The kernel's configuration. */
#include "inspect/kconfig.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "kernel/feature.h"
#include "output/jsonfield.h"

static const char area[] = "Kernel configuration";

static const struct {
	const char *name;
	const char *gives;
	const char *without;
	int feature;	     /* that shows whether it is so; -1: none */
	enum ft_state state; /* where it is not set */
} options[] = {
	{"CONFIG_FANOTIFY", "file events", "nothing can be watched", FT_FEATURE_FID,
	 FT_STATE_MISSING},
	{"CONFIG_FANOTIFY_ACCESS_PERMISSIONS", "permission events",
	 "nothing can be denied", FT_FEATURE_DENY_ERRNO, FT_STATE_LIMITED},
	{"CONFIG_FHANDLE", "directories by handle", "paths are not known",
	 FT_FEATURE_HANDLES, FT_STATE_MISSING},
	{"CONFIG_INOTIFY_USER", "inotify, that others use", "others have no inotify", -1,
	 FT_STATE_FINE},
	{"CONFIG_BPF_SYSCALL", "exact processes", "processes are less often exact", -1,
	 FT_STATE_LIMITED},
	{"CONFIG_BPF_EVENTS", "exact processes", "processes are less often exact", -1,
	 FT_STATE_LIMITED},
	{"CONFIG_DEBUG_INFO_BTF", "BPF programs fit any kernel",
	 "BPF programs are refused: processes are less often exact", -1,
	 FT_STATE_LIMITED},
	{"CONFIG_PROC_EVENTS", "changes of a process's user are told",
	 "a process that changes its user is told without its user", -1,
	 FT_STATE_LIMITED},
	{"CONFIG_AUDITSYSCALL", "denials in the audit log",
	 "denials cannot be written to the audit log", FT_FEATURE_AUDIT, FT_STATE_FINE},
	{"CONFIG_STACKTRACE", "doctor --stuck sees who waits by its stack",
	 "doctor --stuck goes by /proc/PID/wchan alone", -1, FT_STATE_FINE},
};

struct ft_span ft_kconfig_get(struct ft_span text, const char *option)
{
	size_t n = strlen(option);

	while (text.len > 0) {
		const char *end = memchr(text.data, '\n', text.len);
		size_t len = end ? (size_t)(end - text.data) : text.len;

		if (len > n && memcmp(text.data, option, n) == 0 && text.data[n] == '=')
			return (struct ft_span){text.data + n + 1, len - n - 1};
		text.data += len + (end ? 1 : 0);
		text.len -= len + (end ? 1 : 0);
	}
	return (struct ft_span){0};
}

static void judge_option(struct ft_span text, size_t i, struct ft_findings *f)
{
	struct ft_span told = ft_kconfig_get(text, options[i].name);
	bool has = ft_span_equal(told, FT_SPAN("y")) || ft_span_equal(told, FT_SPAN("m"));
	int tried = options[i].feature < 0
			    ? -ENODATA
			    : ft_feature_try((enum ft_feature)options[i].feature);
	/* What was tried counts. */
	bool works = tried == 0 || (tried == -ENODATA && has);
	struct ft_finding *finding;

	/* Refused for want of privileges says nothing of the kernel. */
	if (tried == -EPERM)
		works = has;
	finding = ft_finding_add(f, area, options[i].name,
				 works || has ? FT_STATE_FINE : options[i].state);
	ft_json_put_text(&finding->facts, FT_SPAN("told"),
			 told.len ? told : FT_SPAN("n"));
	if (tried != -ENODATA)
		ft_json_put_text(&finding->facts, FT_SPAN("tried"),
				 ft_span_of(tried == 0 ? "ok" : strerrorname_np(-tried)));
	ft_bytes_printf(&finding->text, "%.*s: %s", told.len ? (int)told.len : 1,
			told.len ? told.data : "n",
			works || has ? options[i].gives : options[i].without);
	if (tried == 0)
		ft_bytes_put_lit(&finding->text, "; tried, and there");
	else if (tried != -ENODATA)
		ft_bytes_printf(&finding->text, "; tried, and refused: %s",
				strerror(-tried));
	if (finding->state != FT_STATE_FINE)
		ft_bytes_put_lit(&finding->advice, "use a kernel that is built with it");
}

void ft_kconfig_judge(struct ft_span text, const char *source, struct ft_findings *f)
{
	struct ft_finding *finding = ft_finding_add(f, area, "told by", FT_STATE_FINE);

	ft_finding_tell(finding, source, NULL);
	for (size_t i = 0; i < FT_ARRAY_SIZE(options); i++)
		judge_option(text, i, f);
}

static void tell_unknown(struct ft_findings *f, int r)
{
	struct ft_finding *finding = ft_finding_add(f, area, "told by", FT_STATE_FINE);

	if (r == -ENOSYS)
		ft_finding_tell(finding,
				"/proc/config.gz is there, but this program was built "
				"without zlib: what was tried counts",
				NULL);
	else
		ft_finding_tell(finding,
				"nobody: no /proc/config.gz, nothing in /boot; what was "
				"tried counts",
				NULL);
}

void ft_kconfig_inspect(struct ft_findings *f)
{
	static const char *const places[] = {"/boot/config-%s", "/lib/modules/%s/config"};
	_cleanup_(ft_bytes_fini) struct ft_bytes text = {0};
	struct utsname name;
	char path[sizeof(name.release) + 32] = "/proc/config.gz";
	int first = ft_kconfig_gunzip(path, FT_KCONFIG_MAX, &text), r = first;

	uname(&name);
	for (size_t i = 0; i < FT_ARRAY_SIZE(places) && r < 0; i++) {
		snprintf(path, sizeof(path), i ? places[1] : places[0], name.release);
		ft_bytes_clear(&text);
		r = ft_file_read(AT_FDCWD, path, FT_KCONFIG_MAX, &text);
	}
	if (r == 0)
		ft_kconfig_judge(ft_bytes_span(&text), path, f);
	else
		tell_unknown(f, first);
}
