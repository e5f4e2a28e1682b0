#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Runs every unit test program of the build, $BUILD/tests/*/test-*, or those of
# the sources that are named. Each prints its cases; one that ends badly without
# a FAIL line of its own gets one here.

cd "$(dirname "$0")/.." || exit 1
BUILD=${BUILD:-build}
status=0

[ $# != 0 ] || set -- tests/*/test-*.c
for source in "$@"; do
    program=$BUILD/${source%.c}
    if [ ! -x "$program" ]; then
        echo "FAIL $source: not built"
        status=1
        continue
    fi
    output=$(timeout "${UNIT_TIMEOUT:-300}" "$program" 2>&1)
    code=$?
    printf '%s\n' "$output"
    if [ $code != 0 ]; then
        status=1
        printf '%s\n' "$output" | grep -q '^FAIL ' || echo "FAIL $source: ended with status $code"
    fi
done
exit $status
