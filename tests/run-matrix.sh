#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Everything in every configuration of matrix.txt: N random programs of tests/torture (SEED), which the configurations share; the
# programs of tests/insn; those of tests/smp on 2 harts; and a boot of Linux. A line per configuration and part; the last line is
# the sum. PARTS="torture insn smp boot" chooses.

cd "$(dirname "$0")/.." || exit 1
. tests/matrix.sh
export BUILD=${BUILD:-$PWD/build}
export MANYHART=${MANYHART:-$BUILD/manyhart}
export GUEST=${GUEST:-$PWD/build/guest}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

torture()
{
    local emulators=jit,qemu row

    for row in $(matrix_rows); do
        emulators+=,jit+$row
    done
    "$BUILD/tests/torture/torture" --manyhart "$MANYHART" --qemu "$GUEST/qemu/qemu-system-riscv64" --seed "${SEED:-1}" \
        --count "${N:-20000}" --jobs "$(nproc)" --emulators "$emulators" --rotate 5 --lines
}

# brief SUITE RUNNER: a line per configuration, and what fails.
brief()
{
    local suite=$1 runner=$2 row out=$log.part

    for row in default $(matrix_rows "$suite"); do
        if CONFIGURATIONS=$row SMP=2 "$runner" >"$out" 2>&1; then
            echo "ok $suite/$row: $(grep -c '^ok ' "$out") programs"
        else
            grep '^FAIL ' "$out" || echo "FAIL $suite/$row: $(tail -n1 "$out")"
        fi
        rm -f "$out"
    done
}

for part in ${PARTS:-torture insn smp boot}; do
    case $part in
        torture) torture ;;
        insn) brief insn tests/insn/run.sh ;;
        smp) brief smp tests/smp/run.sh ;;
        boot) tests/system/run.py --matrix ;;
        *) echo "FAIL $part: no such part" ;;
    esac
done | tee "$log"

failed=$(grep -c '^FAIL ' "$log")
echo "$(grep -c '^ok ' "$log") passed, $failed failed, $(grep -c '^skip ' "$log") skipped"
[ "$failed" = 0 ]
