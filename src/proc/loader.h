/* SPDX-License-Identifier: MIT */
/* What loads programs (ld.so): the kernel opens it with each program that needs it. */
#pragma once

#include "proc/procfs.h"

/* What has loaded this one; ino 0: nothing. */
struct ft_proc_object ft_loader_find(void);
