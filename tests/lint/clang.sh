#!/bin/bash
# SPDX-License-Identifier: MIT
#
# clang's opinion of every source of the program: its own warnings as errors, and the lock annotations (-Wthread-safety).

set -o pipefail
. "$(dirname "$0")/lib.sh"

if ! command -v clang >/dev/null; then
    echo "skip thread-safety: clang is not installed"
    exit 0
fi

check()
{
    local flags why

    mapfile -t flags < <(cflags)
    if ! why=$(clang "${flags[@]}" -Wthread-safety -fsyntax-only "$1" 2>&1); then
        printf '%s\n' "$why" | grep -E 'error:' | head -5
    fi
    return 0
}
export -f check cflags

check_all()
{
    host_sources | xargs -P "$(nproc)" -I{} bash -c "check {}" | LC_ALL=C sort -u
}

report thread-safety check_all
