#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Each lint check can fail: a small tree without faults passes, and with one fault at a time the check that is about it
# says so.

here=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
cd "$tree" || exit 1
status=0

# A tree without faults.
clean_tree()
{
    local folder

    rm -rf "${tree:?}"/*
    mkdir -p configs hw/host tcg devices objects/devices
    for folder in configs hw/host tcg devices; do
        echo "A screen." >$folder/README.md
    done
    printf 'configs:\nhw/host: configs\ntcg: configs hw/host\ndevices: configs hw/host\n' >configs/layers.txt
    cat >hw/host/lock.h <<'END'
/* SPDX-License-Identifier: MIT */
/* A lock, as clang sees it. */
#ifndef HW_HOST_LOCK_H
#define HW_HOST_LOCK_H

#if defined(__clang__)
#define ANNOTATION(x) __attribute__((x))
#else
#define ANNOTATION(x)
#endif

struct ANNOTATION(capability("mutex")) lock {
    int word;
};

void lock_take(struct lock *l) ANNOTATION(acquire_capability(l));
void lock_drop(struct lock *l) ANNOTATION(release_capability(l));

#endif
END
    cat >devices/toy.c <<'END'
/* SPDX-License-Identifier: MIT */
/* A toy; "strcpy(x)" and // and TO" "DO in strings and comments are nobody's business: gets(). */
#include "hw/host/lock.h"

int toy(struct lock *l);

int toy(struct lock *l)
{
    static const char *const names[] = {"strcpy(", "//", "\"gets("};

    lock_take(l);
    lock_drop(l);
    return names[0][0];
}
END
}

# expect NAME SCRIPT PATTERN: the script must print a line that matches, and fail if that is a FAIL line.
expect()
{
    local name=$1 output code
    output=$("$here/$2.sh" objects 2>&1)
    code=$?
    if ! printf '%s\n' "$output" | grep -qE "$3"; then
        echo "FAIL $name: no '$3' in: $(printf '%s' "$output" | tr '\n' '|')"
        status=1
    elif [ "${3#^FAIL}" != "$3" ] && [ $code = 0 ]; then
        echo "FAIL $name: the status is 0"
        status=1
    else
        echo "ok $name"
    fi
}

# fault NAME SCRIPT PATTERN FILE [LINE]: the clean tree with LINE (default: stdin) at the end of FILE.
fault()
{
    clean_tree
    printf '%b\n' "$5" >>"$4"
    expect "$1" "$2" "$3"
}

# object_fault NAME PATTERN CODE: the same for an object that is compiled from CODE.
object_fault()
{
    clean_tree
    printf '%s\n' "$3" | gcc -fPIE -c -x c -o objects/devices/toy.o -
    expect "$1" writable "$2"
}

clean_tree
for script in layers headers clang text; do
    "$here/$script.sh" objects >output 2>&1
    if grep -q '^FAIL' output || ! grep -q '^\(ok\|skip\)' output; then
        echo "FAIL clean_tree_passes_$script: $(tr '\n' '|' <output)"
        status=1
    else
        echo "ok clean_tree_passes_$script"
    fi
done

fault upward_include_is_found layers '^FAIL layers: hw/host/lock.h:.* hw/host may not include devices' \
    hw/host/lock.h '#include "devices/toy.h"'
fault relative_include_is_found layers '^FAIL layers: .*not named from the root' devices/toy.c '#include "toy.h"'
fault foreign_internal_header_is_found layers '^FAIL layers: .*does not leave its folder' \
    devices/toy.c '#include "hw/host/internal.h"'
fault unknown_folder_is_found layers '^FAIL layers: .*not in configs/layers.txt' \
    configs/../stray.c '#include "hw/host/lock.h"'
fault header_that_needs_another_is_found headers '^FAIL headers-gcc: tcg/a.h' tcg/a.h 'static inline uint32_t a(void);'
fault unbalanced_lock_is_found clang '^(FAIL thread-safety: .*still held|skip)' \
    devices/toy.c 'void leak(struct lock *l);\nvoid leak(struct lock *l)\n{\n    lock_take(l);\n}'
fault foreign_conditional_is_found text '^FAIL conditionals: devices/toy.c' devices/toy.c '#ifdef A\n#endif'
fault wrong_guard_is_found text '^FAIL guards: tcg/b.h' tcg/b.h '#ifndef B_H\n#define B_H\n#endif'
fault banned_function_is_found text '^FAIL banned-functions: devices/toy.c.*sprintf' devices/toy.c 'int x = sprintf(a, b);'
fault line_comment_is_found text '^FAIL comments: ' devices/toy.c 'int x; // why'
fault missing_spdx_is_found text '^FAIL file-headers: devices/bare.c' devices/bare.c 'int x;'
fault bare_def_file_is_found text '^FAIL def-headers: configs/a.def' configs/a.def 'ROW(1)'
fault tab_is_found text '^FAIL tabs: ' devices/toy.c '\tint x;'
fault blank_at_the_end_is_found text '^FAIL tabs: ' devices/toy.c 'int x; '
fault long_line_is_found text '^FAIL line-length: ' devices/toy.c "int $(printf 'x%.0s' {1..120});"
fault note_to_oneself_is_found text '^FAIL words: ' devices/toy.c '/* FIX''ME */'
fault path_of_a_machine_is_found text '^FAIL words: ' devices/toy.c 'char *p = "/home/me";'
fault missing_readme_is_found text '^FAIL readmes: ' configs/layers.txt 'accel: configs'

object_fault writable_global_is_found '^FAIL writable: devices/toy.o: counter' 'int counter;'
object_fault writable_static_local_is_found '^FAIL writable: devices/toy.o: calls' \
    'int f(void); int f(void) { static int calls; return calls++; }'
object_fault thread_local_is_found '^FAIL writable: devices/toy.o: mine' '__thread int mine;'
object_fault const_table_of_pointers_is_not_writable '^ok writable' \
    'extern int a; int *const table[] = {&a}; const char *const names[] = {"a"};'

exit $status
