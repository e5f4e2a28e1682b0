/* SPDX-License-Identifier: MIT */
/* The only thing in tcg/ that depends on what it is compiled for. */
#include "tcg/x86_64/host.h"

bool x86_64_is_host(void)
{
#if defined(__x86_64__)
    return true;
#else
    return false;
#endif
}
