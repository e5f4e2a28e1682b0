#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What the text of the sources must be like, without a compiler: where #if may stand, functions that are banned, headers of
# files, guards, tabs, line lengths, words and paths that do not belong in the tree.

here=$(dirname "$0")
set -o pipefail
. "$here/lib.sh"
status=0

# check NAME PROGRAM FILES...: what the awk program prints are the faults.
check()
{
    local name=$1 program=$2
    shift 2

    if [ $# = 0 ]; then
        echo "ok $name"
        return
    fi
    report "$name" awk -f "$here/code.awk" -f <(printf '%s\n' "$program") "$@" || status=1
}

mapfile -t c_files < <(files '*.c' '*.h')
mapfile -t def_files < <(files '*.def')
mapfile -t scripts < <(files '*.sh' '*.py' '*.mk')
mapfile -t all < <(files '*.c' '*.h' '*.def' '*.sh' '*.py' '*.mk' '*.S' '*.md' '*.txt' 'Makefile' | grep -v '^tests/lint/')

# Conditional compilation belongs to hw/host and tcg/<host>; a header has one guard, and nothing else. Programs for the guest
# (in tests/, and no unit test) may use it: they are compiled for several machines.
check conditionals '
    FNR == 1 { guard = ""; held = "" }
    FILENAME ~ /^tests\// && FILENAME !~ /\/test-[^\/]*$/ { next }
    code ~ /^[ \t]*#[ \t]*(if|elif|ifdef|ifndef|else)/ && FILENAME !~ /^(hw\/host|tests\/host|tcg\/[^\/]+)\// {
        if (FILENAME ~ /\.h$/ && guard == "" && code ~ /^#ifndef [A-Z0-9_]+_H$/) {
            guard = $2
        } else {
            print FILENAME ":" FNR ": #if outside hw/host and tcg/<host>"
        }
    }' "${c_files[@]}"

check guards '
    function done() {
        if (last ~ /\.h$/) {
            want = toupper(last); gsub(/[^A-Z0-9]/, "_", want)
            if (guard != want || defined != want) { print last ": the guard must be " want }
        }
    }
    FNR == 1 { done(); last = FILENAME; guard = defined = "" }
    guard == "" && $1 == "#ifndef" { guard = $2 }
    defined == "" && $1 == "#define" { defined = $2 }
    END { done() }' "${c_files[@]}"

check banned-functions '
    {
        rest = code
        while (match(rest, /(^|[^A-Za-z0-9_>.])(strcpy|strcat|sprintf|vsprintf|gets|alloca|atoi|atol|atof|tmpnam|mktemp)[ ]*\(/)) {
            print FILENAME ":" FNR ": banned: " substr(rest, RSTART, RLENGTH)
            rest = substr(rest, RSTART + RLENGTH)
        }
    }' "${c_files[@]}"

check comments '
    code ~ /\/\// { print FILENAME ":" FNR ": // comment" }' "${c_files[@]}"

check file-headers '
    function done() { if (last != "" && !spdx) { print last ": no SPDX line at its top" } }
    FNR == 1 { done(); last = FILENAME; spdx = 0 }
    FNR == 1 && $0 !~ /^\/\*/ { print FILENAME ": does not open with a comment" }
    FNR <= 2 && /SPDX-License-Identifier: MIT/ { spdx = 1 }
    FNR == 2 && $0 !~ /^(\/\*| \*)/ { print FILENAME ": line 2 does not begin to say what the file is for" }
    END { done() }' "${c_files[@]}"

check def-headers 'FNR == 1 && $0 !~ /^\/\*/ { print FILENAME ": does not open with a comment about its rows" }' \
    "${def_files[@]}"

check tabs '
    /\t/ { print FILENAME ":" FNR ": tab" }
    /[ \t]$/ { print FILENAME ":" FNR ": blanks at the end" }' "${c_files[@]}" "${def_files[@]}"

# Code keeps to 110 columns (100 is the aim, .clang-format has it). Comments may be wider: prose is not nested. Rows of
# tables in .def files and in C are laid out by hand.
check line-length '
    {
        text = code; sub(/[ \t]+$/, "", text)
        if (length(text) > 110 && FILENAME !~ /\.def$/ && text !~ /^ *(\{|\[|[A-Z][A-Z0-9_]*\()/) {
            print FILENAME ":" FNR ": " length(text) " columns of code"
        } else if (length($0) > 160) {
            print FILENAME ":" FNR ": " length($0) " columns"
        }
    }' "${c_files[@]}" "${def_files[@]}"

check words '
    $0 ~ /(^|[^A-Za-z0-9_])(TODO|FIXME|XXX|HACK)([^A-Za-z0-9_]|$)/ { print FILENAME ":" FNR ": a note to oneself" }
    $0 ~ /(^|[ "\047=:(])\/(work|home)\// { print FILENAME ":" FNR ": a path of one machine" }' "${all[@]}"

check script-headers '
    FNR <= 3 && /SPDX-License-Identifier: MIT/ { seen[FILENAME] = 1 }
    FNR == 1 && FILENAME ~ /\.(sh|py)$/ { first[FILENAME] = 1 }
    END { for (f in first) { if (!(f in seen)) { print f ": no SPDX line at its top" } } }' "${scripts[@]}"

# A screen of README.md in every folder, for who comes to it first. Folders inside tcg/ are in its own.
readmes()
{
    local folder

    for folder in $(folders); do
        if [ ! -f "$folder/README.md" ]; then
            case $folder in
                tcg/* | hw) ;; # the program itself is in the README.md of the root
                *) echo "$folder has no README.md" ;;
            esac
        elif [ "$(wc -l <"$folder/README.md")" -gt 80 ]; then
            echo "$folder/README.md is longer than one screen"
        fi
    done
}
report readmes readmes || status=1

exit $status
