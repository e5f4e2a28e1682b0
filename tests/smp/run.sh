#!/bin/bash
# SPDX-License-Identifier: MIT
#
# run.sh [PROGRAM...]: the programs of tests/smp on manyhart with 2 and 8 harts (4 for litmus, too), case by case in the main
# configuration and a line per program in two others; and with 2 harts in those of tests/matrix.txt. Variables:
# tests/insn/lib.sh; SMP="2 3": other numbers of harts.

cd "$(dirname "$0")/../.." || exit 1
. tests/insn/lib.sh
. tests/matrix.sh

programs=("$@")
build smp-bins
if [ ${#programs[@]} = 0 ]; then
    for elf in "$BUILD"/tests/smp/*.elf; do
        programs+=("$(basename "$elf" .elf)")
    done
fi

# run_all LABEL OPTION...
run_all()
{
    local label=$1 program n
    shift

    for program in "${programs[@]}"; do
        for n in ${SMP:-2 8}; do
            # Litmus shapes have four parts at most.
            [ "$program" = litmus ] && [ "$n" -gt 4 ] && n=4
            run_program "$label-$n" "$BUILD/tests/smp/$program.elf" 600 -smp "$n" "$@"
        done
    done
}

if [ -n "${QEMU:-}" ]; then
    run_all qemu
    finish
fi
if [ -z "${CONFIGURATIONS:-}" ]; then
    run_all jit
    CONFIGURATIONS="lrsc=exclusive" run_configurations smp
    # Fewer harts where more prove nothing else, but only take their turns.
    SMP=${SMP:-2 3} CONFIGURATIONS="thread=single" run_configurations smp
fi
SMP=${SMP:-2}
run_configurations smp
finish
