#!/bin/bash
# SPDX-License-Identifier: MIT
#
# run-sanitized.sh asan|tsan: builds the unit tests in that mode under
# $BUILD/MODE and runs them. Case names get the mode as a prefix. Under
# ThreadSanitizer only those run that have threads of their own to watch; it
# sees through the interpreter only. (test-hostile races with a device on
# purpose: that is the guest's right.)

cd "$(dirname "$0")/.." || exit 1
mode=$1
top=${BUILD:-$PWD/build}
export BUILD=$top/$mode
case $mode in
    asan) folders='*' ;;
    tsan) folders='{accel,softmmu,host,core,devices,backend}' ;;
    *)
        echo "FAIL run-sanitized: asan or tsan, not '$mode'"
        exit 1
        ;;
esac
sources=$(eval "ls tests/$folders/test-*.c")
[ "$mode" != tsan ] || sources=$(grep -v test-hostile <<<"$sources")
mkdir -p "$top/logs"
if ! make -j"$(nproc)" MODE="$mode" BUILD="$BUILD" UNITS="${sources//$'\n'/ }" unit-bins >"$top/logs/$mode-build.log" 2>&1; then
    echo "FAIL $mode: the build; see $top/logs/$mode-build.log"
    exit 1
fi
# shellcheck disable=SC2086
UNIT_TIMEOUT=600 tests/run-unit.sh $sources | sed -E "s/^(ok|FAIL|skip) /\1 $mode: /"
exit "${PIPESTATUS[0]}"
