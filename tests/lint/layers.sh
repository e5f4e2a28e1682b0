#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Who may include whom: configs/layers.txt against the #include lines. Also: an internal.h stays in its folder and those below it, what is ours
# is named from the root, and a .c file is not included (a unit test may include the one that it takes apart).

set -o pipefail
. "$(dirname "$0")/lib.sh"

mapfile -t sources < <(files '*.c' '*.h' '*.def')
report layers awk '
function dirname(path)
{
    return path ~ /\// ? substr(path, 1, match(path, /\/[^\/]*$/) - 1) : "."
}
# The folder of the rules that a directory belongs to: the longest known prefix.
function layer(dir)
{
    while (!(dir in known) && dir ~ /\//) {
        dir = dirname(dir)
    }
    return dir
}
FILENAME == "configs/layers.txt" {
    if ($0 !~ /^#/ && split($0, half, ":") == 2) {
        known[half[1]] = 1
        n = split(half[2], list, " ")
        for (i = 1; i <= n; i++) {
            allowed[half[1], list[i]] = 1
        }
    }
    next
}
/^[ \t]*#[ \t]*include[ \t]*"/ {
    split($0, part, "\"")
    name = part[2]
    from = layer(dirname(FILENAME))
    where = FILENAME ":" FNR ": "
    if (FILENAME ~ /^tests\// && FILENAME !~ /\/test-[^\/]*$/ && name !~ /^[a-z].*\//) {
        next # a program for the guest, whose headers are beside it
    }
    if (name !~ /\// || name ~ /^\.\.?\//) {
        print where "\"" name "\" is not named from the root"
        next
    }
    to = layer(dirname(name))
    if (!(from in known)) {
        print where "the folder is not in configs/layers.txt"
    } else if (from != to && !((from, to) in allowed)) {
        print where from " may not include " to
    }
    if (name ~ /\/internal\.h$/ && index(FILENAME, dirname(name) "/") != 1 && FILENAME !~ /^tests\//) {
        print where name " does not leave its folder"
    }
    if (name ~ /\.c$/ && FILENAME !~ /^tests\//) {
        print where "a .c file is included"
    }
}
' configs/layers.txt "${sources[@]}"
