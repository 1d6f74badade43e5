/* SPDX-License-Identifier: MIT */
/* Privileges. */
#include "inspect/capability.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/number.h"

enum {
	STATUS_MAX = 1 << 16,
	/* The inodes of the first namespaces. */
	INITIAL_USER_NAMESPACE = 0xeffffffdu,
	INITIAL_PID_NAMESPACE = 0xeffffffcu,
};

static const char area[] = "Privileges";

static const struct {
	const char *name;
	const char *gives;
	const char *without;
	unsigned int bit;
	bool loses;
} capabilities[] = {
	{"CAP_SYS_ADMIN", "whole filesystems, who did it, a queue that does not overflow",
	 "directories are marked one by one, and nobody is told who did it",
	 CAP_SYS_ADMIN, true},
	{"CAP_DAC_READ_SEARCH", "directories are found by their handles",
	 "paths of directories that were not listed before are not known",
	 CAP_DAC_READ_SEARCH, true},
	{"CAP_SYS_PTRACE", "what the processes of other users run",
	 "what the processes of other users ran before is not known", CAP_SYS_PTRACE,
	 false},
	{"CAP_NET_ADMIN", "a process that changes its user is told",
	 "a process that changes its user is told without its user", CAP_NET_ADMIN,
	 false},
	{"CAP_AUDIT_WRITE", "denials can be written to the audit log",
	 "denials are not written to the audit log", CAP_AUDIT_WRITE, false},
};

static bool find_field(struct ft_span text, const char *name, struct ft_span *ret)
{
	size_t n = strlen(name);

	while (text.len > 0) {
		const char *end = memchr(text.data, '\n', text.len);
		size_t len = end ? (size_t)(end - text.data) : text.len;

		if (len > n && memcmp(text.data, name, n) == 0 && text.data[n] == ':') {
			*ret = (struct ft_span){text.data + n + 1, len - n - 1};
			while (ret->len > 0 &&
			       (*ret->data == ' ' || *ret->data == '\t')) {
				ret->data++;
				ret->len--;
			}
			return true;
		}
		text.data += len + (end ? 1 : 0);
		text.len -= len + (end ? 1 : 0);
	}
	return false;
}

static int parse_hex(struct ft_span s, uint64_t *ret)
{
	uint64_t v = 0;

	if (s.len == 0 || s.len > 16)
		return -EBADMSG;
	for (size_t i = 0; i < s.len; i++) {
		const char *digits = "0123456789abcdef";
		const char *digit = s.data[i] ? strchr(digits, s.data[i]) : NULL;

		if (!digit)
			return -EBADMSG;
		v = v << 4 | (uint64_t)(digit - digits);
	}
	*ret = v;
	return 0;
}

int ft_privileges_parse_status(struct ft_privileges *p, struct ft_span text)
{
	struct ft_span field;
	uint64_t effective;

	if (!find_field(text, "CapEff", &field) || parse_hex(field, &effective) < 0)
		return -EBADMSG;
	p->effective = effective;
	/* A kernel without seccomp has no such line. */
	p->seccomp = 0;
	if (find_field(text, "Seccomp", &field)) {
		if (field.len != 1 || field.data[0] < '0' || field.data[0] > '9')
			return -EBADMSG;
		p->seccomp = (unsigned int)(field.data[0] - '0');
	}
	return 0;
}

void ft_privileges_parse_lockdown(struct ft_privileges *p, struct ft_span text)
{
	const char *begin = memchr(text.data, '[', text.len);
	const char *end =
		begin ? memchr(begin, ']', text.len - (size_t)(begin - text.data)) : NULL;

	ft_bytes_clear(&p->lockdown);
	if (end)
		ft_bytes_put(&p->lockdown, begin + 1, (size_t)(end - begin - 1));
}

static bool is_namespace(const char *path, unsigned int initial)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_ino != initial;
}

int ft_privileges_read(struct ft_privileges *ret)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes text = {0};
	struct ft_privileges p = {0};
	int r;

	r = ft_file_read(AT_FDCWD, "/proc/self/status", STATUS_MAX, &text);
	if (r == 0)
		r = ft_privileges_parse_status(&p, ft_bytes_span(&text));
	if (r < 0)
		return r;
	p.in_user_namespace = is_namespace("/proc/self/ns/user", INITIAL_USER_NAMESPACE);
	p.in_pid_namespace = is_namespace("/proc/self/ns/pid", INITIAL_PID_NAMESPACE);
	ft_bytes_clear(&text);
	if (ft_file_read(AT_FDCWD, "/sys/kernel/security/lockdown", STATUS_MAX, &text) ==
	    0)
		ft_privileges_parse_lockdown(&p, ft_bytes_span(&text));
	*ret = p;
	return 0;
}

void ft_privileges_fini(struct ft_privileges *p)
{
	ft_bytes_fini(&p->lockdown);
}

static void judge_capabilities(const struct ft_privileges *p, struct ft_findings *f)
{
	for (size_t i = 0; i < FT_ARRAY_SIZE(capabilities); i++) {
		bool has = p->effective & UINT64_C(1) << capabilities[i].bit;
		enum ft_state state = !has		     ? FT_STATE_MISSING
				      : p->in_user_namespace ? FT_STATE_LIMITED
							     : FT_STATE_FINE;
		struct ft_finding *finding =
			ft_finding_add(f, area, capabilities[i].name, state);

		finding->loses = capabilities[i].loses;
		if (state == FT_STATE_LIMITED)
			ft_finding_tell(finding, "in this user namespace alone",
					"run it on the host");
		else
			ft_finding_tell(
				finding,
				has ? capabilities[i].gives : capabilities[i].without,
				has ? NULL
				    : "run it as root, or give it the capabilities that "
				      "fantail(1) names");
	}
}

static void judge_namespaces(const struct ft_privileges *p, struct ft_findings *f)
{
	struct ft_finding *finding =
		ft_finding_add(f, area, "user namespace",
			       p->in_user_namespace ? FT_STATE_LIMITED : FT_STATE_FINE);

	if (p->in_user_namespace)
		ft_finding_tell(finding,
				"not the first one: its root has no privilege over "
				"filesystems that were mounted outside of it",
				"run it on the host");
	else
		ft_finding_tell(finding, "the first one", NULL);
	finding = ft_finding_add(f, area, "PID namespace",
				 p->in_pid_namespace ? FT_STATE_LIMITED : FT_STATE_FINE);
	if (p->in_pid_namespace)
		ft_finding_tell(finding,
				"not the first one: processes outside of it have no "
				"number here, and BPF is not used",
				"run it on the host, or with the host's PID namespace");
	else
		ft_finding_tell(finding, "the first one", NULL);
}

static void judge_lockdown(struct ft_span mode, struct ft_findings *f)
{
	bool is_strict = ft_span_equal(mode, FT_SPAN("confidentiality"));
	enum ft_state state = mode.len == 0 ? FT_STATE_UNKNOWN
			      : is_strict   ? FT_STATE_LIMITED
					    : FT_STATE_FINE;
	struct ft_finding *finding = ft_finding_add(f, area, "lockdown", state);

	if (state == FT_STATE_UNKNOWN)
		ft_finding_tell(finding,
				"not told: the kernel has none, or securityfs is not "
				"mounted",
				"mount -t securityfs securityfs /sys/kernel/security");
	else if (is_strict)
		ft_finding_tell(finding,
				"confidentiality: BPF may not read the kernel's memory",
				"boot with lockdown=integrity for exact processes");
	else
		ft_bytes_put_span(&finding->text, mode);
}

void ft_privileges_judge(const struct ft_privileges *p, struct ft_findings *f)
{
	struct ft_finding *finding;

	judge_capabilities(p, f);
	judge_namespaces(p, f);
	finding = ft_finding_add(f, area, "seccomp",
				 p->seccomp ? FT_STATE_LIMITED : FT_STATE_FINE);
	if (p->seccomp)
		ft_finding_tell(finding,
				"system calls are filtered: what is refused below may be "
				"refused by the filter",
				"in a container: allow fanotify_init, fanotify_mark, "
				"open_by_handle_at and bpf");
	else
		ft_finding_tell(finding, "no filter", NULL);
	judge_lockdown(ft_bytes_span(&p->lockdown), f);
}
