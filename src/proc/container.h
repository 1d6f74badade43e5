/* SPDX-License-Identifier: MIT */
/* The container that a control group belongs to. */
#pragma once

#include "base/bytes.h"

/*
 * Puts the id (cleared first; empty: no container) of the innermost container whose
 * processes live in a cgroup of this path: the 64 hex digits of docker, podman,
 * containerd, cri-o and what is built on them, or the name of an nspawn or lxc machine.
 * What stands beside a container to watch it (conmon, lxc.monitor, nspawn's supervisor)
 * is not in it.
 */
void ft_container_parse(struct ft_span cgroup, struct ft_bytes *out);
