/* SPDX-License-Identifier: MIT */
/* Whether the x86-64 backend's code can run here. */
#ifndef TCG_X86_64_HOST_H
#define TCG_X86_64_HOST_H

#include <stdbool.h>

bool x86_64_is_host(void);

#endif
