/* SPDX-License-Identifier: MIT */
/* Users and groups, from what people call them to their numbers. */
#pragma once

#include <stdint.h>

/* Digits are an id, also where a user is called so. 0; -ERANGE: an id that nobody has;
 * -ENOENT: no such name; -errno of a look-up that failed. */
int ft_account_user(const char *name, uint32_t *ret_uid);
int ft_account_group(const char *name, uint32_t *ret_gid);
