#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The short run of `make check`: hard operands, some random ones, and that the tool finds injected faults. `make fp` runs at length.

cd "$(dirname "$0")/../.." || exit 1
status=0
tests/fp/run.py --random "${RANDOM_OPERANDS:-50000}" --jobs "$(nproc)" || status=1
tests/fp/run.py --self-test --emulators jit --random 20000 || status=1
exit $status
