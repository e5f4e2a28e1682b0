#!/bin/bash
# SPDX-License-Identifier: MIT
#
# run.sh [PROGRAM...]: the programs of tests/smp on manyhart with 2 and 8 harts (4 for litmus, too), case by case in the main
# configuration and a line per program in others. Variables: tests/insn/lib.sh; SMP="2 3": other numbers of harts.

cd "$(dirname "$0")/../.." || exit 1
. tests/insn/lib.sh

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
run_all jit
brief=1
run_all lrsc=exclusive -accel tcg,lrsc=exclusive
# Fewer harts where more prove nothing else, but only take their turns.
SMP=${SMP:-2 3} run_all thread=single -accel tcg,thread=single
SMP=${SMP:-2}
for option in backend=interp superblock=off host=-invariant_tsc; do
    run_all "$option" -accel "tcg,$option"
done
finish
