#!/bin/bash
# SPDX-License-Identifier: MIT
#
# run.sh [N]: N random operands for each instruction (SEED), in the configurations of tests/matrix.txt. Without N the short run of
# `make check`: hard operands, some random ones, and that the tool finds injected faults.

cd "$(dirname "$0")/../.." || exit 1
. tests/matrix.sh
status=0
emulators=jit
for row in $(matrix_rows fp); do
    emulators+=,jit+$row
done

tests/fp/run.py --random "${1:-20000}" --seed "${SEED:-1}" --jobs "$(nproc)" --emulators "$emulators" || status=1
if [ $# = 0 ]; then
    tests/fp/run.py --self-test --emulators jit --random 20000 || status=1
fi
exit $status
