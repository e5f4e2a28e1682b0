#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Fetches guests and tools into build/guest through apt, each once: what is
# already there costs nothing. Packages are verified by apt's signatures.
#
#   fetch.sh THING...        kernel opensbi uboot busybox qemu initramfs rootfs
#
#   kernel      kernel/Image, kernel/modules/        linux-image-riscv64
#   opensbi     opensbi/fw_{dynamic,jump}.{bin,elf}  opensbi
#   uboot       uboot/u-boot.{bin,elf}, S-mode       u-boot-qemu
#   busybox     busybox/busybox, static riscv64      busybox-static
#   qemu        qemu/qemu-system-riscv64             newest qemu-system-riscv for this host
#   initramfs   initramfs.cpio.gz                    made of kernel modules and busybox
#   rootfs      rootfs.ext4, Debian under systemd    made by make-rootfs.sh; takes minutes

# shellcheck source=tests/guest/lib.sh
. "$(dirname "$0")/lib.sh"

HERE=$ROOT/tests/guest

# fresh NAME: an empty folder to build NAME in; finish NAME moves it in place.
fresh()
{
    NEW=$GUEST/.new-$1
    rm -rf "$NEW"
    mkdir -p "$NEW/deb" "$NEW/root" "$NEW/out"
}

finish()
{
    rm -rf "${GUEST:?}/$1"
    mv "$NEW/out" "$GUEST/$1"
    rm -rf "$NEW"
}

# unpack_all: unpacks $NEW/deb/*.deb over each other into $NEW/root.
unpack_all()
{
    local deb

    for deb in "$NEW"/deb/*.deb; do
        dpkg-deb -x "$deb" "$NEW/root"
    done
}

fetch_kernel()
{
    local meta image

    [ -e "$GUEST/kernel/Image" ] && return
    fresh kernel
    apt_setup "$GUEST_SUITE" riscv64
    meta=linux-image-riscv64
    image=$(apt-cache -c "$APT_CONF" depends "$meta" | awk '/Depends:/ { print $2; exit }')
    [ -n "$image" ] || die "$meta names no kernel"
    say "fetching $image"
    apt_fetch "$NEW/deb" "$image"
    say "unpacking it"
    unpack_all
    cp "$NEW"/root/boot/vmlinu[xz]-* "$NEW/out/Image"
    cp "$NEW"/root/boot/config-* "$NEW/out/config"
    mkdir -p "$NEW/out/modules"
    cp -r "$NEW"/root/lib/modules "$NEW/out/modules/" 2>/dev/null ||
        cp -r "$NEW"/root/usr/lib/modules "$NEW/out/modules/"
    need_packages kmod
    PATH=$PATH:/sbin:/usr/sbin depmod -b "$NEW/out/modules" -m /modules \
        "$(ls "$NEW/out/modules/modules")" 2>/dev/null || index_modules "$NEW/out/modules"
    finish kernel
}

# depmod of older kmod knows no -m: it looks below lib/modules.
index_modules()
{
    mkdir "$1/lib"
    mv "$1/modules" "$1/lib/modules"
    PATH=$PATH:/sbin:/usr/sbin depmod -b "$1" "$(ls "$1/lib/modules")"
    mv "$1/lib/modules" "$1/modules"
    rmdir "$1/lib"
}

fetch_opensbi()
{
    [ -e "$GUEST/opensbi/fw_dynamic.bin" ] && return
    fresh opensbi
    apt_setup "$GUEST_SUITE" riscv64
    apt_fetch "$NEW/deb" opensbi
    unpack_all
    cp "$NEW"/root/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_* "$NEW/out"
    finish opensbi
}

fetch_uboot()
{
    [ -e "$GUEST/uboot/u-boot.bin" ] && return
    fresh uboot
    apt_setup "$GUEST_SUITE" riscv64
    apt_fetch "$NEW/deb" u-boot-qemu
    unpack_all
    cp "$NEW/root/usr/lib/u-boot/qemu-riscv64_smode/u-boot.bin" "$NEW/out"
    cp "$NEW/root/usr/lib/u-boot/qemu-riscv64_smode/uboot.elf" "$NEW/out/u-boot.elf"
    finish uboot
}

fetch_busybox()
{
    [ -e "$GUEST/busybox/busybox" ] && return
    fresh busybox
    apt_setup "$GUEST_SUITE" riscv64
    apt_fetch "$NEW/deb" busybox-static
    unpack_all
    cp "$NEW/root/usr/bin/busybox" "$NEW/out/busybox"
    finish busybox
}

fetch_initramfs()
{
    local out=$GUEST/initramfs.cpio.gz

    fetch_kernel
    fetch_busybox
    [ "$out" -nt "$HERE/init" ] && [ "$out" -nt "$HERE/make-initramfs.sh" ] &&
        [ "$out" -nt "$GUEST/kernel/Image" ] && return
    "$HERE/make-initramfs.sh" -o "$out"
}

# QEMU of the newest suite that has one for this host, run through the dynamic
# linker and the libraries that it was built with.
fetch_qemu()
{
    local suite arch dir version

    [ -x "$GUEST/qemu/qemu-system-riscv64" ] && return
    arch=$(dpkg --print-architecture)
    for suite in sid trixie; do
        fresh qemu
        if (qemu_from "$suite" "$arch"); then
            finish qemu
            version=$("$GUEST/qemu/qemu-system-riscv64" --version | head -n 1)
            say "$version, of Debian $suite"
            return
        fi
        say "no QEMU to be had from $suite"
    done
    need_packages qemu-system-misc
    fresh qemu
    dir=$(command -v qemu-system-riscv64)
    printf '#!/bin/sh\nexec %s "$@"\n' "$dir" >"$NEW/out/qemu-system-riscv64"
    chmod +x "$NEW/out/qemu-system-riscv64"
    finish qemu
}

qemu_from()
{
    local debs deb ld lib

    apt_setup "$1" "$2" || return 1
    say "fetching QEMU of $1 with its libraries"
    debs=$(apt_fetch_closure qemu-system-riscv) || return 1
    for deb in "$debs"/*.deb; do
        dpkg-deb -x "$deb" "$NEW/root" || return 1
    done
    ld=$(cd "$NEW/root" && find usr lib lib64 -name 'ld-linux*.so.*' 2>/dev/null | head -n 1)
    lib=$(cd "$NEW/root" && dirname "$(find usr lib -name 'libc.so.6' 2>/dev/null | head -n 1)")
    [ -n "$ld" ] || return 1
    rm -rf "$NEW"/root/usr/share/{doc,man,locale,icons}
    mv "$NEW/root" "$NEW/out/root"
    cat >"$NEW/out/qemu-system-riscv64" <<WRAPPER
#!/bin/bash
here=\$(cd "\$(dirname "\${BASH_SOURCE[0]}")" && pwd)
lib=\$here/root/$lib
QEMU_MODULE_DIR="\$lib/qemu" exec "\$here/root/$ld" --library-path "\$lib" \\
    "\$here/root/usr/bin/qemu-system-riscv64" -L "\$here/root/usr/share/qemu" "\$@"
WRAPPER
    chmod +x "$NEW/out/qemu-system-riscv64"
    # apt's archive of the closure is of no further use.
    "$NEW/out/qemu-system-riscv64" --version >/dev/null && rm -f "$debs"/*.deb
}

fetch_rootfs()
{
    [ -e "$GUEST/rootfs.ext4" ] && return
    fetch_initramfs
    fetch_opensbi
    fetch_qemu
    "$HERE/make-rootfs.sh"
}

[ $# -gt 0 ] || die "usage: fetch.sh THING... (kernel opensbi uboot busybox qemu initramfs rootfs)"
mkdir -p "$GUEST"
exec 9>"$GUEST/.lock"
flock 9
for thing in "$@"; do
    case $thing in
        kernel | opensbi | uboot | busybox | qemu | initramfs | rootfs) "fetch_$thing" ;;
        *) die "unknown thing to fetch: $thing" ;;
    esac
done
