#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Tests of the torture test's runner: two QEMUs agree with each other on every kind, and a QEMU with an injected fault
# (every xor of the programs is an or) is caught, shrunk to the xor and reproducible. Prints ok/FAIL/skip lines.

cd "$(dirname "$0")/../.." || exit 1
torture=${BUILD:-build}/tests/torture/torture
qemu=${GUEST:-build/guest}/qemu/qemu-system-riscv64
out=$(mktemp)
trap 'rm -f "$out"' EXIT
failed=0

check() { # name, condition's status
    if [ "$2" -eq 0 ]; then
        echo "ok $1"
    else
        echo "FAIL $1: see the output above"
        sed 's/^/    /' "$out"
        failed=1
    fi
}

if [ ! -x "$qemu" ]; then
    echo "skip torture-self-test: no QEMU at $qemu"
    exit 0
fi

"$torture" --qemu "$qemu" --emulators qemu,qemu2 --seed 3 --count 1024 >"$out" 2>&1
check equal-emulators-agree-on-all-kinds $?

"$torture" --qemu "$qemu" --emulators qemu,fault --seed 3 --count 256 --kinds int --max-failures 1 --jobs 1 >"$out" 2>&1
[ $? -eq 1 ] && grep -q '^FAIL case' "$out"
check injected-fault-is-found $?

[ "$(grep -c '^    [0-9a-f]*:' "$out")" -le 8 ] && grep -q 'xor' "$out"
check failure-shrinks-to-the-faulty-instruction $?

grep -q '^  qemu     x ' "$out" && grep -q '^  fault    x ' "$out"
check report-names-the-register-that-differs $?

command=$(sed -n 's/^  reproduce: torture //p' "$out" | head -1)
# shellcheck disable=SC2086
"$torture" --qemu "$qemu" $command >"$out" 2>&1
[ $? -eq 1 ] && grep -q 'differs$' "$out"
check printed-command-reproduces-the-failure $?

"$torture" --qemu "$qemu" --emulators qemu,qemu2,fault --seed 3 --count 256 --kinds int --max-failures 1 --no-shrink --lines >"$out" 2>&1
[ $? -eq 1 ] && grep -q '^ok torture/qemu2: ' "$out" && grep -q '^FAIL torture/fault: .*, 1 differ' "$out"
check verdicts-are-for-the-emulator-that-differs $?

"$torture" --manyhart "${MANYHART:-${BUILD:-build}/manyhart}" --emulators jit,jit+pin=off,jit+chain=off,jit+superblock=off --rotate 2 \
    --seed 3 --count 96 --batch 16 --kinds int --lines >"$out" 2>&1
[ $? -eq 0 ] && grep -q '^ok torture/jit: 96 programs' "$out" && [ "$(grep -c '^ok torture/jit+.*: 64 programs' "$out")" -eq 3 ]
check configurations-take-turns-evenly $?

exit $failed
