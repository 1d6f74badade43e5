/* SPDX-License-Identifier: MIT */
/* What the kernel's fanotify can do, by trying, and what fantail does without. */
#pragma once

#include "inspect/finding.h"

void ft_features_inspect(struct ft_findings *f);
/* BPF, and what is told by it. */
void ft_tracking_inspect(struct ft_findings *f);
