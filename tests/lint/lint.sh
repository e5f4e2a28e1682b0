#!/bin/bash
# SPDX-License-Identifier: MIT
#
# lint.sh [BUILD [CHECK...]]: all of the lint checks, or those named (layers headers clang writable text), on the tree; the
# objects of a release build are in BUILD (default: build). Prints `ok NAME` and `FAIL NAME: why` lines.

cd "$(dirname "$0")/../.." || exit 1
build=${1:-build}
shift $(($# > 0))
status=0

for name in ${*:-layers headers clang writable text}; do
    "tests/lint/$name.sh" "$build" || status=1
done
exit $status
