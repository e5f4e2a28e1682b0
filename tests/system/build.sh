#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What make itself promises: a second build does nothing, clean keeps fetched guests, distclean keeps nothing.

cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
status=0

# check NAME CONDITION...: a command that must succeed.
check()
{
    local name=$1
    shift

    if "$@"; then
        echo "ok $name"
    else
        echo "FAIL $name: not so: $*"
        status=1
    fi
}

fill()
{
    mkdir -p "$scratch/b/guest" "$scratch/b/hw"
    touch "$scratch/b/guest/kernel" "$scratch/b/hw/main.o" "$scratch/b/.tools"
}

check a_second_build_does_nothing make -q BUILD="$BUILD" all
fill
make -s clean BUILD="$scratch/b"
check clean_keeps_guests test -e "$scratch/b/guest/kernel"
check clean_keeps_nothing_else test "$(ls -A "$scratch/b")" = guest
rm -r "$scratch/b/guest"
make -s clean BUILD="$scratch/b"
check clean_leaves_no_empty_folder test ! -e "$scratch/b"
check clean_of_nothing_is_fine make -s clean BUILD="$scratch/b"
fill
make -s distclean BUILD="$scratch/b" >/dev/null
check distclean_keeps_nothing test ! -e "$scratch/b"
exit $status
