#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The short torture of `make check`: SHARDS seeds of EACH random programs on the
# translator, the interpreter and QEMU. SEED chooses others; `make torture` runs
# at length.

cd "$(dirname "$0")/.." || exit 1
BUILD=${BUILD:-build}
EMULATOR=${MANYHART:-$BUILD/manyhart}
GUEST=${GUEST:-build/guest}
status=0

for ((i = 0; i < ${SHARDS:-8}; i++)); do
    seed=$((${SEED:-1} + i))
    name=torture-seed-$seed-${EACH:-2500}-programs
    if "$BUILD/tests/torture/torture" --manyhart "$EMULATOR" --qemu "$GUEST/qemu/qemu-system-riscv64" \
        --seed $seed --count "${EACH:-2500}" --jobs "$(nproc)" --max-failures 3; then
        echo "ok $name"
    else
        echo "FAIL $name: programs differ (above; torture --seed $seed --case I explains one)"
        status=1
    fi
done
exit $status
