# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# What the lint scripts share. They run from the root of the tree, print `ok NAME` or `FAIL NAME: why` lines, and end with
# status 1 if anything failed.

# files PATTERN...: all files of the tree whose names match, without build folders.
files()
{
    local expression=() pattern

    for pattern in "$@"; do
        expression+=(-o -name "$pattern")
    done
    find . \( -name '.git' -o -name 'build*' -type d \) -prune -o -type f \( "${expression[@]:1}" \) -print |
        sed 's,^\./,,' | LC_ALL=C sort
}

# folders: those that configs/layers.txt knows, without tests.
folders()
{
    sed -n 's/^\([a-z0-9_/-]*\):.*/\1/p' configs/layers.txt | grep -v '^tests$'
}

# host_sources: every .c that is part of the program or a unit test (tests/ also holds guest programs).
host_sources()
{
    local folder

    for folder in $(folders); do
        files_in "$folder" '*.c'
    done
    files 'test-*.c' | sed -n '/^tests\//p'
}

# files_in FOLDER PATTERN: those right in it.
files_in()
{
    if [ -d "$1" ]; then
        find "$1" -maxdepth 1 -type f -name "$2" | LC_ALL=C sort
    fi
}

# report NAME COMMAND...: the command prints a line per fault. `ok NAME` if there is none, else a FAIL line for each and
# status 1. A command that itself fails is a fault: a check that did not run has not passed.
report()
{
    local name=$1 lines
    shift

    if ! lines=$("$@"); then
        echo "FAIL $name: the check itself failed"
        return 1
    fi
    if [ -n "$lines" ]; then
        printf '%s\n' "$lines" | sed "s,^,FAIL $name: ,"
        return 1
    fi
    echo "ok $name"
}

# cflags: how the compilers are called, one option a line. The Makefile has the same warnings.
cflags()
{
    printf '%s\n' -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
        -I. -fno-strict-aliasing '-DMH_VERSION="lint"'
}
