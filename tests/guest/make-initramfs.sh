#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Makes an initramfs of busybox, tests/guest/init and the modules that a root
# file system on virtio-blk needs. Nothing of the guest runs on this machine.
#
#   make-initramfs.sh -o OUT [-p "PACKER"] [FILE:PATH]...
#
# FILE:PATH adds a file of this machine at PATH in the guest, executable.
# PACKER compresses standard input (gzip -9 -n).

# shellcheck source=tests/guest/lib.sh
. "$(dirname "$0")/lib.sh"

MODULES="virtio_mmio virtio_blk crc32c_generic ext4"

# add_modules TREE: copies MODULES, what they depend on, and the index.
add_modules()
{
    local from=$GUEST/kernel/modules/modules version to module file

    version=$(ls "$from")
    to=$1/lib/modules/$version
    mkdir -p "$to"
    for module in $MODULES; do
        awk -v name="/$module.ko" 'index($1, name) { gsub(":", ""); print }' \
            "$from/$version/modules.dep"
    done | tr ' ' '\n' | sort -u | while read -r file; do
        mkdir -p "$to/$(dirname "$file")"
        case $file in
            *.xz) xz -dc "$from/$version/$file" >"$to/${file%.xz}" ;;
            *.zst) zstd -qdc "$from/$version/$file" >"$to/${file%.zst}" ;;
            *) cp "$from/$version/$file" "$to/$file" ;;
        esac
    done
    PATH=$PATH:/sbin:/usr/sbin depmod -b "$1" "$version" 2>/dev/null
    rm -f "$to"/modules.*.bin
}

out=
packer="gzip -9 -n"
while getopts o:p: option; do
    case $option in
        o) out=$OPTARG ;;
        p) packer=$OPTARG ;;
        *) die "usage: make-initramfs.sh -o OUT [-p PACKER] [FILE:PATH]..." ;;
    esac
done
shift $((OPTIND - 1))
[ -n "$out" ] || die "make-initramfs.sh needs -o OUT"
need_packages cpio kmod xz-utils

tree=$(mktemp -d)
trap 'rm -rf "$tree" "$out.new"' EXIT
mkdir -p "$tree/bin"
cp "$GUEST/busybox/busybox" "$tree/bin/busybox"
ln -s busybox "$tree/bin/sh"
cp "$ROOT/tests/guest/init" "$tree/init"
chmod 755 "$tree/init" "$tree/bin/busybox"
add_modules "$tree"
for pair in "$@"; do
    mkdir -p "$tree/$(dirname "${pair#*:}")"
    cp "${pair%%:*}" "$tree/${pair#*:}"
    chmod 755 "$tree/${pair#*:}"
done
(cd "$tree" && find . | LC_ALL=C sort | cpio -o -H newc -R 0:0 --quiet --reproducible) |
    $packer >"$out.new"
mv "$out.new" "$out"
