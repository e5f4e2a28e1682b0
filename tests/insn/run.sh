#!/bin/bash
# SPDX-License-Identifier: MIT
#
# run.sh [PROGRAM...]: the programs of tests/insn on manyhart, case by case in its main configuration and on the interpreter, and a
# line per program in those of tests/matrix.txt; also whether every row of the decode tables was executed. Variables: lib.sh.

cd "$(dirname "$0")/../.." || exit 1
. tests/insn/lib.sh
. tests/matrix.sh

programs=("$@")
build insn-bins
if [ ${#programs[@]} = 0 ]; then
    for elf in "$BUILD"/tests/insn/*.elf; do
        programs+=("$(basename "$elf" .elf)")
    done
fi

# run_all LABEL OPTION...
run_all()
{
    local label=$1 program
    shift

    for program in "${programs[@]}"; do
        run_program "$label" "$BUILD/tests/insn/$program.elf" 60 "$@"
    done
}

# run_counted: the main configuration, with the rows that each program made the decoder see.
run_counted()
{
    local program

    for program in "${programs[@]}"; do
        run_program jit "$BUILD/tests/insn/$program.elf" 60 -d stats -D "$output/stats-$program"
    done
}

# check_rows: the rows of the .def files against those of all programs.
check_rows()
{
    local missing

    missing=$(sed -nE 's/^(INSN|ALIAS)\(([a-z0-9_]+),.*/\2/p' target-riscv/insn32.def target-riscv/insn16.def | LC_ALL=C sort |
        LC_ALL=C comm -23 - <(sed -n 's/^decode rows translated: //p' "$output"/stats-* | tr ' ' '\n' | LC_ALL=C sort -u) | xargs)
    if [ -n "$missing" ]; then
        echo "FAIL every_decode_row_is_executed: not $missing"
        status=1
    else
        echo "ok every_decode_row_is_executed"
    fi
}

if [ -n "${QEMU:-}" ]; then
    run_all qemu
    finish
fi
if [ -z "${CONFIGURATIONS:-}" ]; then
    run_counted
    if [ $# = 0 ]; then
        check_rows
    fi
    run_all interp -accel tcg,backend=interp
fi
run_configurations insn
finish
