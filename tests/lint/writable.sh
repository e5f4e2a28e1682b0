#!/bin/bash
# SPDX-License-Identifier: MIT
#
# writable.sh BUILD: there are no writable objects at file scope, or static ones in functions, in the objects of a release
# build, but those of writable-allowed.txt.

here=$(dirname "$0")
set -o pipefail
. "$here/lib.sh"
build=${1:?usage: writable.sh BUILD}

# Lines "FOLDER/FILE.o NAME" of all objects in sections that are written to.
writable_objects()
{
    local object

    for object in "$@"; do
        nm -f sysv --defined-only "$object" | awk -F'|' -v object="${object#"$build"/}" '
            NF >= 7 {
                gsub(/ /, "", $1); gsub(/ /, "", $4); gsub(/ /, "", $7)
                data = $7 ~ /^(\.data|\.bss|\.tdata|\.tbss|\*COM\*)/ && $7 !~ /^\.data\.rel\.ro/
                if (data && $4 ~ /^(OBJECT|TLS|COMMON)$/) {
                    sub(/\.[0-9]+$/, "", $1)
                    print object, $1
                }
            }'
    done
}

mapfile -t objects < <(find "$build" -name '*.o' -not -path "$build/tests/*" -not -path "$build/guest/*" -not -path "$build/bench/*" \
    -not -path "$build/asan/*" -not -path "$build/tsan/*" | LC_ALL=C sort)
if [ ${#objects[@]} = 0 ]; then
    echo "FAIL writable: $build has no objects"
    exit 1
fi
not_allowed()
{
    writable_objects "${objects[@]}" | awk '
        FNR == NR { if ($0 !~ /^#/ && NF) { allowed[$1 " " $2] = 1 } next }
        !(($1 " " $2) in allowed) { print $1 ": " $2 " is writable" }
    ' "$here/writable-allowed.txt" -
}

report writable not_allowed
