#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Runs the suites of tests/suites.txt (or those named as arguments), one after
# the other; ALSO names some that do not run by themselves. Shows a line per suite and every failed or skipped case; all output
# is kept in $BUILD/logs/SUITE.log. The last line is the sum:
#
#   N passed, N failed, N skipped
#
# Exit status 0 if nothing failed. V=1 shows all output as it comes.

cd "$(dirname "$0")/.." || exit 1
export BUILD=${BUILD:-$PWD/build}
export MANYHART=${MANYHART:-$BUILD/manyhart}
logs=$BUILD/logs
mkdir -p "$logs"
passed=0
failed=0
skipped=0

# count PATTERN FILE
count()
{
    grep -c "$1" "$2"
}

# run_suite NAME LIMIT COMMAND...
run_suite()
{
    local name=$1 limit=$2 log=$logs/$1.log begin=$SECONDS code ok bad skip
    shift 2

    printf '%-12s ' "$name"
    if [ "${V:-0}" != 0 ]; then
        echo
        timeout -k 10 "$limit" bash -c "$*" 2>&1 </dev/null | tee "$log"
        code=${PIPESTATUS[0]}
    else
        timeout -k 10 "$limit" bash -c "$*" >"$log" 2>&1 </dev/null
        code=$?
    fi
    if [ "$code" = 124 ] || [ "$code" = 137 ]; then
        echo "FAIL $name: the suite was not done after $limit s" >>"$log"
    elif [ "$code" != 0 ] && ! grep -q '^FAIL ' "$log"; then
        echo "FAIL $name: the suite ended with status $code" >>"$log"
    elif ! grep -qE '^(ok|FAIL|skip) ' "$log"; then
        echo "FAIL $name: the suite ran no case" >>"$log"
    fi
    ok=$(count '^ok ' "$log")
    bad=$(count '^FAIL ' "$log")
    skip=$(count '^skip ' "$log")
    printf '%5d passed %3d failed %3d skipped  %4d s\n' "$ok" "$bad" "$skip" $((SECONDS - begin))
    grep -E '^(FAIL|skip) ' "$log"
    passed=$((passed + ok))
    failed=$((failed + bad))
    skipped=$((skipped + skip))
}

# in_list NAME WORD...
in_list()
{
    local name=$1 word
    shift

    for word in "$@"; do
        [ "$word" = "$name" ] && return 0
    done
    return 1
}

while read -r name limit command <&3; do
    case $name in
        '' | '#'*) continue ;;
    esac
    # shellcheck disable=SC2086
    if [ $# -gt 0 ]; then
        in_list "${name#-}" "$@" || continue
    elif [ "${name#-}" != "$name" ]; then
        in_list "${name#-}" ${ALSO:-} || continue
    fi
    run_suite "${name#-}" "$limit" "$command"
done 3<tests/suites.txt

[ $failed = 0 ] || echo "logs: $logs"
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
