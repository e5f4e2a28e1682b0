#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Boots Linux N times in a row and counts what goes wrong: a hang, a wrong exit
# status, too few harts, or trouble in the kernel's log.
#
#   stress-boot.sh [N [HARTS]]      50 boots on 4 harts; ARGS adds options
#
# Prints `ok`/`FAIL` per boot; logs of bad boots stay in $BUILD/logs/stress/.

cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-$PWD/build}
GUEST=${GUEST:-$PWD/build/guest}
EMULATOR=${MANYHART:-$BUILD/manyhart}
TROUBLE='WARNING|BUG|Oops|rcu.*stall|soft lockup|hung task|Call Trace|Unable to handle|Kernel panic'
count=${1:-50}
harts=${2:-4}
limit=${LIMIT:-120}
logs=$BUILD/logs/stress
bad=0
mkdir -p "$logs"

for ((i = 1; i <= count; i++)); do
    log=$logs/boot-$i.log
    begin=$(date +%s%N)
    # shellcheck disable=SC2086
    timeout -s QUIT -k 5 "$limit" "$EMULATOR" -M virt -smp "$harts" -m 1G -nographic \
        -bios "$GUEST/opensbi/fw_dynamic.bin" -kernel "$GUEST/kernel/Image" \
        -initrd "$GUEST/initramfs.cpio.gz" -append 'console=ttyS0 mh.sh="nproc; ls -R /sys/bus | wc -l"' \
        ${ARGS:-} </dev/null >"$log" 2>&1
    status=$?
    taken=$((($(date +%s%N) - begin) / 1000000))
    why=
    if [ $status = 124 ] || [ $status = 137 ]; then
        why="hung: not done after $limit s"
    elif [ $status != 0 ]; then
        why="exit status $status"
    elif ! grep -q "manyhart guest: $harts harts" "$log"; then
        why="not $harts harts"
    elif ! grep -q 'manyhart guest: exit 0' "$log"; then
        why="the command in the guest failed"
    elif grep -qE "$TROUBLE" "$log"; then
        why=$(grep -m 1 -E "$TROUBLE" "$log" | tr -d '\r')
    fi
    if [ -z "$why" ]; then
        echo "ok boot-$i ($taken ms)"
        rm -f "$log"
    else
        echo "FAIL boot-$i: $why (see $log)"
        bad=$((bad + 1))
    fi
done
echo "$((count - bad)) of $count boots on $harts harts were good"
[ $bad = 0 ]
