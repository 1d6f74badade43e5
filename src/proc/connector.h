/* SPDX-License-Identifier: MIT */
/* The kernel's process connector, listened to by a BPF program alone. */
#pragma once

/* A socket behind this filter, which lets nothing pass but the answer to the request to
 * listen; or -errno: not permitted, or not from this namespace. */
int ft_connector_open(int filter);
void ft_connector_close(int fd);
