#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What a user can get wrong: each mistake gives one clear line on standard error
# that names the thing, status 1, and nothing on standard output. A row below is
# a test: name, what the line must match (extended regular expression), then the
# arguments.

cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-$PWD/build}
EMULATOR=${MANYHART:-$BUILD/manyhart}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
bad=0

# bad_input NAME PATTERN ARGUMENT...
bad_input()
{
    local name=$1 pattern=$2 status lines why=
    shift 2

    timeout -k 5 "${LIMIT:-20}" "$EMULATOR" "$@" >"$dir/out" 2>"$dir/err" </dev/null
    status=$?
    lines=$(wc -l <"$dir/err")
    if [ $status != 1 ]; then
        why="status $status, not 1: $(head -c 200 "$dir/err" | tr '\n' '|')"
    elif [ "$lines" != 1 ]; then
        why="$lines lines on standard error, not 1: $(head -c 300 "$dir/err" | tr '\n' '|')"
    elif ! grep -qE -- "$pattern" "$dir/err"; then
        why="does not match '$pattern': $(cat "$dir/err")"
    elif [ -s "$dir/out" ]; then
        why="writes on standard output: $(head -c 100 "$dir/out" | tr '\n' '|')"
    fi
    if [ -z "$why" ]; then
        echo "ok $name"
    else
        echo "FAIL $name: $why"
        bad=1
    fi
}

# as bad_input, but run so that file permissions count even for root
bad_input_unprivileged()
{
    local real=$EMULATOR

    if [ "$(id -u)" = 0 ]; then
        command -v setpriv >/dev/null || {
            echo "skip $1: setpriv is not here"
            return
        }
        chmod 755 "$dir"
        printf '#!/bin/sh\nexec setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all %q "$@"\n' \
            "$real" >"$dir/run"
        chmod 755 "$dir/run"
        EMULATOR=$dir/run
        setpriv --reuid=65534 --regid=65534 --clear-groups test -x "$real" || {
            echo "skip $1: another user cannot reach the emulator here"
            EMULATOR=$real
            return
        }
    fi
    bad_input "$@"
    EMULATOR=$real
}

# Files to go wrong with. elf CLASS MACHINE SIZE-OF-SEGMENT makes a small ELF program.
elf()
{
    python3 - "$@" <<'PY'
import struct, sys
out, bits, machine, size, data = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4], 0), int(sys.argv[5], 0)
ident = b"\x7fELF" + bytes([2 if bits == 64 else 1, 1, 1]) + bytes(9)
if bits == 64:
    head = ident + struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, 0x80200000, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    head += struct.pack("<IIQQQQQQ", 1, 7, 0x1000, 0x80200000, 0x80200000, data, size, 0x1000)
else:
    head = ident + struct.pack("<HHIIIIIHHHHHH", 2, machine, 1, 0x80200000, 52, 0, 0, 52, 32, 1, 0, 0, 0)
    head += struct.pack("<IIIIIIII", 1, 0x1000, 0x80200000, 0x80200000, data, size, 7, 0x1000)
body = bytes(0x1000 - len(head)) + struct.pack("<I", 0x0000006f) * (min(data, 4096) // 4)
open(out, "wb").write(head + body)
PY
}

RISCV=243
X86_64=62
AARCH64=183
good=$dir/good.elf
elf "$good" 64 $RISCV 0x1000 0x1000
elf "$dir/x86.elf" 64 $X86_64 0x1000 0x1000
elf "$dir/arm.elf" 64 $AARCH64 0x1000 0x1000
elf "$dir/riscv32.elf" 32 $RISCV 0x1000 0x1000
elf "$dir/big.elf" 64 $RISCV 0x40000000 0x1000
elf "$dir/short.elf" 64 $RISCV 0x100000 0x100000
head -c 40 "$good" >"$dir/header.elf"
head -c 4096 /dev/urandom >"$dir/noise"
: >"$dir/empty"
mkdir "$dir/folder"
truncate -s 1M "$dir/disk.raw"
truncate -s 300M "$dir/huge.bin"
cp "$good" "$dir/secret.elf"
chmod 000 "$dir/secret.elf"
cp "$dir/disk.raw" "$dir/locked.raw"
chmod 444 "$dir/locked.raw"
printf '\037\213\010\000broken' >"$dir/broken.gz"
printf '\320\015\376\355\000\000\000\050' >"$dir/short.dtb"

M=(-M virt -nographic -monitor none -bios none)
K=("${M[@]}" -kernel "$good")

bad_input missing-kernel "$dir/nothing.*(No such file|could not|cannot)|(could not (load|open) kernel|error loading|failed to load).*$dir/nothing" "${M[@]}" -kernel "$dir/nothing"
bad_input missing-kernel-is-said-as-test-suites-expect "could not (load|open) kernel|error loading|failed to load" "${M[@]}" -kernel "$dir/nothing"
bad_input_unprivileged unreadable-kernel "secret.elf" "${M[@]}" -kernel "$dir/secret.elf"
bad_input kernel-is-a-directory "folder" "${M[@]}" -kernel "$dir/folder"
bad_input empty-kernel "empty" "${M[@]}" -kernel "$dir/empty"
bad_input truncated-elf-header "header.elf" "${M[@]}" -kernel "$dir/header.elf"
bad_input truncated-elf-segment "short.elf" "${M[@]}" -kernel "$dir/short.elf"
bad_input x86-elf "x86.elf" "${M[@]}" -kernel "$dir/x86.elf"
bad_input arm-elf "arm.elf" "${M[@]}" -kernel "$dir/arm.elf"
bad_input riscv32-elf "riscv32.elf" "${M[@]}" -kernel "$dir/riscv32.elf"
bad_input elf-larger-than-ram "big.elf" "${M[@]}" -m 256M -kernel "$dir/big.elf"
bad_input raw-kernel-larger-than-ram "huge.bin" "${M[@]}" -m 128M -kernel "$dir/huge.bin"
bad_input broken-gzip-kernel "broken.gz" "${M[@]}" -kernel "$dir/broken.gz"
bad_input missing-firmware "nothing" -M virt -nographic -bios "$dir/nothing"
bad_input firmware-is-a-directory "folder" -M virt -nographic -bios "$dir/folder"
bad_input missing-initrd "nothing" "${K[@]}" -initrd "$dir/nothing"
bad_input initrd-larger-than-ram "huge.bin" "${K[@]}" -m 128M -initrd "$dir/huge.bin"
bad_input missing-dtb "nothing" "${K[@]}" -dtb "$dir/nothing"
bad_input dtb-is-noise "noise" "${K[@]}" -dtb "$dir/noise"
bad_input dtb-is-cut-off "short.dtb" "${K[@]}" -dtb "$dir/short.dtb"
bad_input no-harts "smp|SMP|CPU" "${K[@]}" -smp 0
bad_input too-many-harts "SMP CPUs.*\([0-9]+\)" "${K[@]}" -smp 100000
bad_input harts-are-nonsense "smp|many" "${K[@]}" -smp many
bad_input negative-harts "smp|SMP|CPU" "${K[@]}" -smp -1
bad_input memory-is-nonsense "lots" "${K[@]}" -m lots
bad_input memory-of-zero "-m|memory|RAM|ram" "${K[@]}" -m 0
bad_input memory-with-bad-unit "12Q" "${K[@]}" -m 12Q
bad_input memory-beyond-all-bounds "memory|RAM|ram|-m" "${K[@]}" -m 9999999999999999999G
bad_input unknown-option "-frobnicate" "${K[@]}" -frobnicate
bad_input option-without-its-argument "-kernel" "${M[@]}" -kernel
bad_input stray-argument "stray" "${K[@]}" stray
bad_input unknown-machine "frob" -M frob -nographic
bad_input unknown-machine-property "frob" -M virt,frob=on -nographic
bad_input machine-property-is-nonsense "aclint|maybe" -M virt,aclint=maybe -nographic
bad_input unknown-cpu "frob" "${K[@]}" -cpu frob
bad_input unknown-cpu-property "frob" "${K[@]}" -cpu rv64,frob=on
bad_input cpu-property-is-nonsense "zba|perhaps" "${K[@]}" -cpu rv64,zba=perhaps
bad_input unknown-accelerator "frob" "${K[@]}" -accel frob
bad_input unknown-accelerator-property "frob" "${K[@]}" -accel tcg,frob=on
bad_input accelerator-property-is-nonsense "thread|several" "${K[@]}" -accel tcg,thread=several
bad_input unknown-device "frob" "${K[@]}" -device frob
bad_input unknown-device-property "frob" "${K[@]}" -drive "file=$dir/disk.raw,if=none,format=raw,id=d" -device virtio-blk-device,drive=d,frob=on
bad_input device-without-its-drive "nodrive" "${K[@]}" -device virtio-blk-device,drive=nodrive
bad_input unknown-drive-property "frob" "${K[@]}" -drive "file=$dir/disk.raw,if=none,format=raw,id=d,frob=on"
bad_input unknown-image-format "frob" "${K[@]}" -drive "file=$dir/disk.raw,if=none,format=frob,id=d" -device virtio-blk-device,drive=d
bad_input missing-image "nothing" "${K[@]}" -drive "file=$dir/nothing,if=none,format=raw,id=d" -device virtio-blk-device,drive=d
bad_input image-is-a-directory "folder" "${K[@]}" -drive "file=$dir/folder,if=none,format=raw,id=d" -device virtio-blk-device,drive=d
bad_input_unprivileged read-only-image-opened-for-writing "locked.raw" "${K[@]}" -drive "file=$dir/locked.raw,if=none,format=raw,id=d" -device virtio-blk-device,drive=d
bad_input same-drive-id-twice "id|d" "${K[@]}" -drive "file=$dir/disk.raw,if=none,format=raw,id=d" -drive "file=$dir/disk.raw,if=none,format=raw,id=d"
bad_input unknown-serial "frob" "${K[@]}" -serial frob
bad_input serial-file-that-cannot-be-made "nodir" "${K[@]}" -serial "file:$dir/nodir/out"
bad_input unknown-log-item "frob" "${K[@]}" -d frob
bad_input log-file-that-cannot-be-made "nodir" "${K[@]}" -d int -D "$dir/nodir/log"
bad_input dumpdtb-that-cannot-be-made "nodir" -M "virt,dumpdtb=$dir/nodir/dtb" -nographic

exit $bad
