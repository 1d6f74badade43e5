/* SPDX-License-Identifier: MIT */
/* Container ids from the cgroup paths that the engines make. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "proc/container.h"

#define ID    "3f4b1d0c9a8e7f6051423324150697887a6b5c4d3e2f1001f2e3d4c5b6a79880"
#define OTHER "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const struct {
	const char *cgroup;
	const char *id;
} cases[] = {
	/* docker, both drivers */
	{"/docker/" ID, ID},
	{"/system.slice/docker-" ID ".scope", ID},
	{"/docker/" ID "/system.slice/nginx.service", ID},
	/* docker in docker: the innermost */
	{"/docker/" OTHER "/docker/" ID, ID},
	/* podman, for root and for a user; conmon stands outside */
	{"/machine.slice/libpod-" ID ".scope", ID},
	{"/machine.slice/libpod-" ID ".scope/container", ID},
	{"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope",
	 ID},
	{"/libpod_parent/libpod-" ID, ID},
	{"/machine.slice/libpod-conmon-" ID ".scope", ""},
	{"/libpod_parent/conmon-" ID, ""},
	/* kubernetes over containerd, cri-o, docker */
	{"/kubepods/burstable/pod1234abcd-12ab-34cd-56ef-1234567890ab/" ID, ID},
	{"/kubepods.slice/kubepods-pod12ab_34.slice/cri-containerd-" ID ".scope", ID},
	{"/kubepods.slice/kubepods-pod12ab_34.slice/crio-" ID ".scope", ID},
	{"/kubepods.slice/kubepods-pod12ab_34.slice/crio-conmon-" ID ".scope", ""},
	{"/kubepods.slice/kubepods-pod12ab_34.slice", ""},
	{"/system.slice/containerd.service/kubepods-pod12.slice:cri-containerd:" ID, ID},
	{"/k8s.io/" ID, ID},
	{"/system.slice/nerdctl-" ID ".scope", ID},
	/* nspawn: payload and old layout; its supervisor stands outside */
	{"/machine.slice/systemd-nspawn@web.service/payload/system.slice/x.service",
	 "web"},
	{"/machine.slice/systemd-nspawn@web.service", "web"},
	{"/machine.slice/systemd-nspawn@web.service/supervisor", ""},
	{"/machine.slice/machine-my\\x2dbox.scope/payload", "my-box"},
	{"/machine.slice/machine-odd\\xzz.scope", "odd\\xzz"},
	/* a virtual machine of libvirt is not a container */
	{"/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt/emulator", ""},
	/* docker inside a machine */
	{"/machine.slice/systemd-nspawn@web.service/payload/docker/" ID, ID},
	/* lxc, lxd, old and new, Proxmox; its monitor stands outside */
	{"/lxc/web", "web"},
	{"/lxc/101/ns/system.slice/ssh.service", "101"},
	{"/lxc.payload.web", "web"},
	{"/lxc.payload.web/init.scope", "web"},
	{"/lxc.payload/web", "web"},
	{"/lxc.monitor.web", ""},
	{"/lxc.monitor/web", ""},
	{"/lxc/101/ns/docker/" ID, ID},
	/* an lxc name is no systemd name */
	{"/lxc.payload.a\\x2db", "a\\x2db"},
	/* none */
	{"", ""},
	{"/", ""},
	{"///", ""},
	{"/lxc", ""},
	{"/lxc/", ""},
	{"/init.scope", ""},
	{"/user.slice/user-1000.slice/session-1.scope", ""},
	{"/system.slice/docker.service", ""},
	{"/memory/b20836ebb695f0ee12ce5db727ffb983", ""},
	{"/docker/" ID "0", ""},
	{"/docker-3f4b1d0c9a8e7f60514233241506978", ""},
	{"/x" ID, ""},
	{"/docker/3F4B1D0C9A8E7F6051423324150697887A6B5C4D3E2F1001F2E3D4C5B6A79880", ""},
};

static void test_engines(void **state)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes out = {0};

	for (size_t i = 0; i < FT_ARRAY_SIZE(cases); i++) {
		ft_container_parse(ft_span_of(cases[i].cgroup), &out);
		if (strcmp(ft_bytes_cstr(&out), cases[i].id) != 0)
			fail_msg("%s: '%s', not '%s'", cases[i].cgroup,
				 ft_bytes_cstr(&out), cases[i].id);
	}
}

/* The answer depends on the bytes of the span alone: what follows it in memory is not
 * looked at. */
static void test_ends_at_span(void **state)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes out = {0};
	const struct ft_span whole = FT_SPAN("/docker/" ID);

	for (size_t n = 0; n < whole.len; n++) {
		_cleanup_free_ char *copy = malloc(n + 1);
		assert_non_null(copy);
		memcpy(copy, whole.data, n);
		copy[n] = 'f';
		ft_container_parse((struct ft_span){copy, n}, &out);
		assert_int_equal(out.len, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_engines),
		cmocka_unit_test(test_ends_at_span),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
