#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The torture suite of `make check`: the runner's own tests, then a few minutes of random programs. COUNT programs of
# a seed that changes with the day, so that runs add up; a failure prints the command that reproduces it.
BUILD=${BUILD:-build}
MANYHART=${MANYHART:-$BUILD/manyhart}
export BUILD MANYHART
torture=$BUILD/tests/torture/torture
make -s BUILD="$BUILD" "$torture" >/dev/null || { echo "FAIL torture: does not build"; exit 1; }
tests/torture/self-test.sh
failed=$?
seed=${SEED:-$(date +%Y%m%d)}
out=$(mktemp)
trap 'rm -f "$out"' EXIT
for lrsc in jit,interp,qemu exclusive,qemu; do
    kinds=all
    count=${COUNT:-20000}
    if [ "$lrsc" = exclusive,qemu ]; then
        kinds=atomic
        count=2048
    fi
    name="torture-seed-$seed-$kinds-on-$lrsc"
    "$torture" --manyhart "$MANYHART" --emulators "$lrsc" --kinds $kinds --seed "$seed" --count "$count" --max-failures 3 >"$out" 2>&1
    if [ $? -eq 0 ]; then
        echo "ok $name: $(tail -1 "$out")"
    else
        cat "$out"
        echo "FAIL $name: $(tail -1 "$out")"
        failed=1
    fi
done
exit $failed
