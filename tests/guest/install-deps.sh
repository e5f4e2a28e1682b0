#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Installs the Debian packages that a job needs and the machine lacks.
# Instant and silent when all are there; uses sudo when not root.
#
#   install-deps.sh build|run|check|bench|lint      the sets below
#   install-deps.sh packages NAME...                just these

set -euo pipefail

BUILD="gcc make libc6-dev libfdt-dev zlib1g-dev"
RUN="$BUILD ca-certificates debian-archive-keyring cpio kmod xz-utils"
CHECK="$RUN python3 device-tree-compiler e2fsprogs gcc-riscv64-linux-gnu libc6-dev-riscv64-cross"
LINT="$BUILD clang clang-format shellcheck"

usage()
{
    echo "usage: install-deps.sh build|run|check|bench|lint|packages NAME..." >&2
    exit 2
}

case ${1:-} in
    build) wanted=$BUILD ;;
    run) wanted=$RUN ;;
    check | bench) wanted=$CHECK ;;
    lint) wanted=$LINT ;;
    packages) wanted=${*:2} ;;
    *) usage ;;
esac

if ! command -v dpkg-query >/dev/null; then
    echo "guest: not a Debian machine: please see to it that these are there: $wanted" >&2
    exit 0
fi

missing=
for package in $wanted; do
    status=$(dpkg-query -W -f '${db:Status-Status} ' "$package" 2>/dev/null || true)
    case " $status " in
        *" installed "*) ;;
        *) missing="$missing $package" ;;
    esac
done
if [ -z "$missing" ]; then
    exit 0
fi

root=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || {
        echo "guest: error: need root or sudo to install:$missing" >&2
        exit 1
    }
    root=sudo
fi
quiet=
if [ ! -t 2 ]; then
    quiet=-qq
fi

install_missing()
{
    # shellcheck disable=SC2086
    $root env DEBIAN_FRONTEND=noninteractive apt-get $quiet -y \
        -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 --no-install-recommends install $missing
}

echo "guest: installing$missing" >&2
# Package lists may be absent or old.
# shellcheck disable=SC2086
if ! apt-cache show $missing >/dev/null 2>&1 || ! install_missing >&2; then
    $root apt-get $quiet update >&2
    install_missing >&2
fi
