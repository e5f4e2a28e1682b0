#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Makes build/guest/rootfs.ext4: Debian for riscv64 with systemd, in which root
# logs in on the serial console with the password "manyhart". Nothing of it runs
# on this machine: packages are fetched and unpacked here, and the guest
# configures them at its first boot, under EMULATOR (the fetched QEMU). Takes
# some minutes once.

# shellcheck source=tests/guest/lib.sh
. "$(dirname "$0")/lib.sh"

EMULATOR=${EMULATOR:-$GUEST/qemu/qemu-system-riscv64}
IMAGE=$GUEST/rootfs.ext4
SIZE=1200M
PACKAGES="?essential ?priority(required) systemd-sysv udev dbus login kmod iproute2 less libpam-systemd"

work=$GUEST/.new-rootfs
tree=$work/tree
log=$GUEST/rootfs.log

fetch_packages()
{
    local debs deb

    apt_setup "$GUEST_SUITE" riscv64
    say "fetching the packages of the root file system"
    # shellcheck disable=SC2086
    debs=$(apt_fetch_closure $PACKAGES)
    mkdir -p "$tree/var/cache/manyhart"
    for deb in "$debs"/*.deb; do
        dpkg-deb -x "$deb" "$tree"
        cp "$deb" "$tree/var/cache/manyhart/"
    done
    rm -f "$debs"/*.deb
    say "unpacked $(find "$tree/var/cache/manyhart" -name '*.deb' | wc -l) packages"
}

# What must be there before dpkg can run at all.
prepare_tree()
{
    mkdir -p "$tree"/{proc,sys,dev,run,tmp} "$tree"/var/lib/dpkg/{info,updates,triggers}
    : >"$tree/var/lib/dpkg/status"
    : >"$tree/var/lib/dpkg/available"
    cp "$tree/usr/share/base-passwd/passwd.master" "$tree/etc/passwd"
    cp "$tree/usr/share/base-passwd/group.master" "$tree/etc/group"
    install -m 755 "$ROOT/tests/guest/second-stage" "$tree/second-stage"
}

make_image()
{
    PATH=$PATH:/sbin:/usr/sbin
    truncate -s "$SIZE" "$work/rootfs.ext4"
    mke2fs -q -F -t ext4 -L manyhart-root -E root_owner=0:0 -d "$tree" "$work/rootfs.ext4"
}

configure_in_guest()
{
    say "the guest configures its packages (some minutes, once; log in $log)"
    if ! timeout 3600 "$EMULATOR" -M virt -smp 2 -m 1G -nographic \
        -bios "$GUEST/opensbi/fw_dynamic.bin" \
        -kernel "$GUEST/kernel/Image" -initrd "$GUEST/initramfs.cpio.gz" \
        -append "console=ttyS0 mh.root=/dev/vda mh.init=/second-stage" \
        -drive "file=$work/rootfs.ext4,if=none,format=raw,id=root" \
        -device virtio-blk-device,drive=root </dev/null >"$log" 2>&1; then
        die "the guest's configuration did not finish; see $log"
    fi
    grep -q 'second stage: done' "$log" || die "the guest's configuration failed; see $log"
}

need_packages e2fsprogs
rm -rf "$work"
mkdir -p "$tree"
fetch_packages
prepare_tree
make_image
configure_in_guest
PATH=$PATH:/sbin:/usr/sbin e2fsck -fn "$work/rootfs.ext4" >>"$log" 2>&1 ||
    die "the new root file system is not clean; see $log"
mv "$work/rootfs.ext4" "$IMAGE"
rm -rf "$work"
say "made $IMAGE"
