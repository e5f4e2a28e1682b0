#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Tests of the torture test's runner: two QEMUs agree with each other on every kind, and a QEMU with an injected fault
# (every xor of the programs is an or) is caught, shrunk to the xor and reproducible. Needs BUILD; prints ok/FAIL/skip lines.
torture=${BUILD:-build}/tests/torture/torture
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

"$torture" --emulators qemu --count 1 --kinds int >"$out" 2>&1 || { echo "skip torture-self-test: no QEMU"; exit 0; }

"$torture" --emulators qemu,qemu2 --seed 3 --count 1024 >"$out" 2>&1
check equal-emulators-agree-on-all-kinds $?

"$torture" --emulators qemu,fault --seed 3 --count 256 --kinds int --max-failures 1 --jobs 1 >"$out" 2>&1
[ $? -eq 1 ] && grep -q '^FAIL case' "$out"
check injected-fault-is-found $?

[ "$(grep -c '^    [0-9a-f]*:' "$out")" -le 8 ] && grep -q 'xor' "$out"
check failure-shrinks-to-the-faulty-instruction $?

grep -q '^  qemu     x ' "$out" && grep -q '^  fault    x ' "$out"
check report-names-the-register-that-differs $?

command=$(sed -n 's/^  reproduce: torture //p' "$out" | head -1)
"$torture" $command >"$out" 2>&1
[ $? -eq 1 ] && grep -q 'differs$' "$out"
check printed-command-reproduces-the-failure $?

exit $failed
