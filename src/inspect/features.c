/* SPDX-License-Identifier: MIT */
/* Features. */
#include "inspect/features.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/number.h"
#include "kernel/feature.h"
#include "output/jsonfield.h"
#include "proc/tracker.h"

static const char area[] = "Features, by trying";

static const struct {
	const char *name;
	const char *since; /* the first release that has it */
	const char *without;
	enum ft_feature feature;
	bool loses;
	bool is_needed;
} features[] = {
	{"FAN_REPORT_DFID_NAME", "5.9", "nothing can be watched", FT_FEATURE_FID, true,
	 true},
	{"FAN_MARK_FILESYSTEM", "4.20", "directories are marked one by one",
	 FT_FEATURE_FILESYSTEM, true, false},
	{"FAN_UNLIMITED_QUEUE", "2.6.37",
	 "more than max_queued_events at once are lost, which is told",
	 FT_FEATURE_UNLIMITED, true, false},
	{"FAN_UNLIMITED_MARKS", "2.6.37", "no more than max_user_marks directories",
	 FT_FEATURE_UNLIMITED_MARKS, false, false},
	{"open_by_handle_at", "2.6.39", "directories not listed before have no path",
	 FT_FEATURE_HANDLES, true, false},
	{"open_tree", "5.2", "a watched filesystem cannot be unmounted",
	 FT_FEATURE_CLONE_MOUNT, false, false},
	{"FAN_REPORT_TARGET_FID", "5.17",
	 "a new directory is looked up: late, it has no path", FT_FEATURE_TARGET, true,
	 false},
	{"FAN_RENAME", "5.17", "moved_from and moved_to are told instead",
	 FT_FEATURE_RENAME, false, false},
	{"FAN_REPORT_PIDFD", "5.15", "nothing is missed: fantail does not use it",
	 FT_FEATURE_PIDFD, false, false},
	{"FAN_FS_ERROR", "5.16", "errors of filesystems are not told",
	 FT_FEATURE_FS_ERROR, false, false},
	{"FAN_MARK_EVICTABLE", "5.19", "nothing is missed: fantail does not use it",
	 FT_FEATURE_EVICTABLE, false, false},
	{"FAN_MARK_IGNORE", "6.0",
	 "listing a new directory of overlay or FUSE hides its files for a moment",
	 FT_FEATURE_IGNORE, false, false},
	{"AT_HANDLE_FID", "6.5", "overlay and FUSE are watched by open and close alone",
	 FT_FEATURE_HANDLE_FID, false, false},
	{"mount events", "6.14", "mounts are seen by the mount table, a moment later",
	 FT_FEATURE_MOUNT_EVENTS, false, false},
	{"permission events", "2.6.37", "nothing can be asked about or denied",
	 FT_FEATURE_PERMISSION, false, false},
	{"FAN_ENABLE_AUDIT", "4.15", "denials are not in the audit log", FT_FEATURE_AUDIT,
	 false, false},
	{"FAN_REPORT_FD_ERROR", "6.12",
	 "without a free descriptor an event is lost, or denied, unseen",
	 FT_FEATURE_FD_ERROR, false, false},
	{"FAN_PRE_ACCESS", "6.14",
	 "reads and writes inside an open file are not asked about",
	 FT_FEATURE_PRE_ACCESS, false, false},
	{"FAN_DENY_ERRNO", "6.14", "whoever is denied is told EPERM, whatever the reason",
	 FT_FEATURE_DENY_ERRNO, false, false},
};

static enum ft_state state_of(int r, bool is_unused, bool is_needed)
{
	if (r == 0 || is_unused)
		return FT_STATE_FINE;
	/* Out of groups, memory or descriptors: it may be there. Without what is needed
	 * nothing can be watched all the same. */
	if (!is_needed && (r == -EMFILE || r == -ENFILE || r == -ENOMEM))
		return FT_STATE_LIMITED;
	return FT_STATE_MISSING;
}

static void inspect(size_t i, struct ft_findings *f)
{
	int r = ft_feature_try(features[i].feature);
	bool is_unused = features[i].feature == FT_FEATURE_PIDFD ||
			 features[i].feature == FT_FEATURE_EVICTABLE;
	struct ft_finding *finding = ft_finding_add(
		f, area, features[i].name, state_of(r, is_unused, features[i].is_needed));

	finding->loses = features[i].loses;
	finding->is_needed = features[i].is_needed;
	ft_json_put_text(&finding->facts, FT_SPAN("since"),
			 ft_span_of(features[i].since));
	ft_json_put_text(&finding->facts, FT_SPAN("tried"),
			 ft_span_of(r == 0 ? "ok" : strerrorname_np(-r)));
	if (r == 0) {
		ft_bytes_printf(&finding->text, "there (Linux %s)", features[i].since);
		return;
	}
	ft_bytes_printf(&finding->text, "%s: %s", strerrorname_np(-r),
			features[i].without);
	if (is_unused)
		return;
	if (r == -EPERM)
		ft_bytes_put_lit(&finding->advice, "see privileges");
	else if (r == -EMFILE)
		ft_bytes_put_lit(&finding->advice,
				 "raise fs.fanotify.max_user_groups, "
				 "user.max_fanotify_groups, or ulimit -n");
	else
		ft_bytes_printf(&finding->advice,
				"Linux %s or newer, or a kernel built with it",
				features[i].since);
}

void ft_features_inspect(struct ft_findings *f)
{
	for (size_t i = 0; i < FT_ARRAY_SIZE(features); i++)
		inspect(i, f);
}

/* ---- process tracking ---- */

static const char tracking_area[] = "Process tracking";

static const char *advice_for(int r)
{
	switch (-r) {
	case ENOSYS:
		return "build with libbpf, clang and bpftool";
	case EXDEV:
		return "run it in the host's PID namespace";
	case EPERM:
	case EACCES:
		return "see privileges: CAP_SYS_ADMIN, or CAP_BPF and CAP_PERFMON";
	default:
		return "see the kernel's configuration: CONFIG_DEBUG_INFO_BTF";
	}
}

static void tell_refused(struct ft_findings *f, int r)
{
	struct ft_finding *finding =
		ft_finding_add(f, tracking_area, "BPF", FT_STATE_LIMITED);

	finding->loses = true;
	ft_bytes_printf(&finding->text,
			"%s: what a process was is looked up in /proc, and is not known "
			"when it has ended",
			r == -ENOSYS ? "built without" : strerror(-r));
	ft_bytes_put_str(&finding->advice, advice_for(r));
}

static void tell_counters(struct ft_findings *f, const struct ft_tracker_health *h)
{
	bool lost = h->dropped + h->missed > 0;
	struct ft_finding *finding = ft_finding_add(
		f, tracking_area, "counters", lost ? FT_STATE_LIMITED : FT_STATE_FINE);

	ft_json_put_u64(&finding->facts, FT_SPAN("dropped"), h->dropped);
	ft_json_put_u64(&finding->facts, FT_SPAN("missed"), h->missed);
	ft_bytes_printf(&finding->text,
			"in this moment %" PRIu64 " dropped for want of room, %" PRIu64
			" not run by the kernel",
			h->dropped, h->missed);
	if (lost)
		ft_bytes_put_lit(&finding->advice, "such processes are told as lost; the "
						   "machine is very busy now");
}

/* As a session does. */
static int try_tracker(struct ft_tracker_health *ret, int64_t *ret_took_ns)
{
	static const struct ft_tracker_host host = {0};
	int64_t began_ns = ft_boot_ns();
	struct ft_tracker *t;
	int r = ft_tracker_bpf.open(&t, &host);

	if (r < 0)
		return r;
	*ret_took_ns = ft_boot_ns() - began_ns;
	ft_tracker_bpf.get_health(t, ret);
	ft_tracker_bpf.close(t);
	return 0;
}

void ft_tracking_inspect(struct ft_findings *f)
{
	struct ft_tracker_health h;
	struct ft_finding *finding;
	int64_t took_ns;
	int r = try_tracker(&h, &took_ns);

	if (r < 0) {
		tell_refused(f, r);
		return;
	}
	finding = ft_finding_add(f, tracking_area, "BPF", FT_STATE_FINE);
	ft_bytes_printf(&finding->text,
			"loads: every fork and execution is told, by a ring of %zu KiB; "
			"ready in %" PRId64 " ms",
			h.ring_size >> 10, (int64_t)(took_ns / FT_NSEC_PER_MSEC));
	ft_json_put_u64(&finding->facts, FT_SPAN("ring"), h.ring_size);
	finding = ft_finding_add(f, tracking_area, "process connector",
				 h.connector < 0 ? FT_STATE_LIMITED : FT_STATE_FINE);
	if (h.connector < 0) {
		ft_bytes_printf(&finding->text,
				"%s: the user of a process that changed it is not told",
				strerror(-h.connector));
		ft_bytes_put_lit(&finding->advice, "CAP_NET_ADMIN, the first network and "
						   "PID namespaces, CONFIG_PROC_EVENTS");
	} else {
		ft_bytes_put_lit(&finding->text,
				 "a process that changes its user is told");
	}
	tell_counters(f, &h);
}
