#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Every header of the program compiles alone, with gcc and with clang.

set -o pipefail
. "$(dirname "$0")/lib.sh"

# check COMPILER HEADER: prints what is wrong, in one line.
check()
{
    local flags why

    mapfile -t flags < <(cflags)
    if ! why=$(printf '#include "%s"\n' "$2" | "$1" "${flags[@]}" -Wno-unused -fsyntax-only -x c - 2>&1); then
        echo "$2: $(printf '%s\n' "$why" | grep -m1 error)"
    fi
    return 0
}
export -f check cflags

headers()
{
    local folder

    for folder in $(folders); do
        files_in "$folder" '*.h'
    done
    files_in tests '*.h'
}

check_all()
{
    headers | xargs -P "$(nproc)" -I{} bash -c "check $1 {}"
}

status=0
for compiler in gcc clang; do
    if ! command -v "$compiler" >/dev/null; then
        echo "skip headers-$compiler: it is not installed"
        continue
    fi
    report "headers-$compiler" check_all "$compiler" || status=1
done
exit $status
