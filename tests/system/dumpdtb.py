#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# The device tree that the machine hands to its guest, against QEMU's for the
# same command line: node for node and value for value, for the devices that
# this machine has. Reads the blobs itself, so that libfdt is not its own judge.
#
# What may differ is in the two tables below, each with its reason. Phandles are
# compared by the node that they name, not by their number.

import os
import re
import struct
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("BUILD", os.path.join(ROOT, "build"))
GUEST = os.environ.get("GUEST", os.path.join(ROOT, "build/guest"))
EMULATOR = os.environ.get("MANYHART", os.path.join(BUILD, "manyhart"))
QEMU = os.path.join(GUEST, "qemu/qemu-system-riscv64")

# Nodes that QEMU has for devices that this machine lacks.
QEMU_ONLY = [
    (r"/soc/pci@\w+", "no PCIe"),
    (r"/(soc/)?flash@\w+", "no flash"),
    (r"/fw-cfg@\w+", "no fw_cfg"),
    (r"/platform-bus@\w+", "no devices to plug into it"),
    (r"/pmu", "performance counters read as zero"),
]

# Properties whose values are compared in a way of their own, or not at all.
ACCEPTED = [
    (r"/chosen", "rng-seed", "random by nature: only its size is compared"),
    (r"/cpus/cpu@\w+", "riscv,isa", "extensions as a set: see check_isa"),
    (r"/cpus/cpu@\w+", "riscv,isa-extensions", "extensions as a set: see check_isa"),
]

# Extensions that the issue asks for; the others that QEMU names may be missing, none may be added.
NEEDED = set("i m a f d c zicbom zicbop zicboz zicntr zicsr zifencei zihpm zba zbb zbc zbs sstc svadu".split())

PHANDLE_LISTS = {"interrupt-parent": (1, 0), "regmap": (1, 0), "cpu": (1, 0), "interrupts-extended": (2, 0)}

SAME_CPU = "rv64,h=off,sv57=off,sv48=off"  # what QEMU's default model has beyond ours


def cells(value):
    return list(struct.unpack(">%dI" % (len(value) // 4), value))


def parse(path):
    """A blob as {node path: {property: bytes}}, in its own order."""
    blob = open(path, "rb").read()
    magic, size, structure, strings = struct.unpack(">4I", blob[:16])
    assert magic == 0xd00dfeed and size <= len(blob), "not a device tree: %s" % path
    nodes, stack, at = {}, [], structure
    while True:
        token, = struct.unpack(">I", blob[at:at + 4])
        at += 4
        if token == 1:
            end = blob.index(b"\0", at)
            stack.append(blob[at:end].decode())
            nodes["/".join(stack) or "/"] = {}
            at = (end + 4) & ~3
        elif token == 2:
            stack.pop()
        elif token == 3:
            length, name = struct.unpack(">2I", blob[at:at + 8])
            end = blob.index(b"\0", strings + name)
            nodes["/".join(stack) or "/"][blob[strings + name:end].decode()] = blob[at + 8:at + 8 + length]
            at = (at + 8 + length + 3) & ~3
        elif token == 9:
            return nodes


def resolve(nodes):
    """Replaces phandles by the paths that they name, and drops the phandles' own properties."""
    names = {}
    for path, properties in nodes.items():
        for key in ("phandle", "linux,phandle"):
            if key in properties:
                names[cells(properties.pop(key))[0]] = path
    for properties in nodes.values():
        for key, (stride, place) in PHANDLE_LISTS.items():
            if key in properties:
                words = cells(properties[key])
                properties[key] = [names.get(word, word) if i % stride == place else word
                                   for i, word in enumerate(words)]
    return nodes


def extensions(properties):
    """The names in riscv,isa-extensions, or those of riscv,isa."""
    if "riscv,isa-extensions" in properties:
        return set(properties["riscv,isa-extensions"].rstrip(b"\0").decode().split("\0"))
    words = properties["riscv,isa"].rstrip(b"\0").decode().split("_")
    return set(words[0][4:]) | set(words[1:])


def check_isa(path, ours, theirs):
    faults = []
    mine = extensions(ours)
    missing = NEEDED - mine
    added = mine - extensions(theirs)
    if missing:
        faults.append("%s: lacks extensions %s" % (path, " ".join(sorted(missing))))
    if added:
        faults.append("%s: names extensions that QEMU does not: %s" % (path, " ".join(sorted(added))))
    for key in ("riscv,isa", "riscv,isa-extensions"):
        if key not in ours:
            faults.append("%s: no %s" % (path, key))
    return faults


def accepted(path, key):
    return any(re.fullmatch(pattern, path) and key == name for pattern, name, _ in ACCEPTED)


def differences(ours, theirs):
    faults = []
    for path, properties in theirs.items():
        if path not in ours:
            if not any(re.match(pattern, path) for pattern, _ in QEMU_ONLY):
                faults.append("%s is missing" % path)
            continue
        for key, value in properties.items():
            got = ours[path].get(key)
            if got is None:
                faults.append("%s: no %s" % (path, key))
            elif not accepted(path, key) and got != value:
                faults.append("%s: %s is %r, not %r" % (path, key, got, value))
            elif key == "rng-seed" and len(got) != len(value):
                faults.append("%s: rng-seed of %d bytes" % (path, len(got)))
        for key in ours[path]:
            if key not in properties:
                faults.append("%s: %s is extra" % (path, key))
        if re.fullmatch(r"/cpus/cpu@\w+", path):
            faults += check_isa(path, ours[path], properties)
    faults += ["%s is extra" % path for path in ours if path not in theirs]
    return faults


def order_of_virtio(nodes):
    return [path for path in nodes if "virtio_mmio" in path]


def dump(emulator, arguments, cpu, out):
    result = subprocess.run([emulator, "-M", "virt,dumpdtb=" + out, "-nographic", *cpu, *arguments],
                            capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, check=False)
    if result.returncode != 0 or not os.path.exists(out):
        raise RuntimeError("%s: status %d: %s"
                           % (os.path.basename(emulator), result.returncode, result.stderr.strip()[:200]))
    return resolve(parse(out))


def compare(name, arguments):
    with tempfile.TemporaryDirectory() as folder:
        try:
            ours = dump(EMULATOR, arguments, [], folder + "/ours.dtb")
            theirs = dump(QEMU, arguments, ["-cpu", SAME_CPU], folder + "/theirs.dtb")
            faults = differences(ours, theirs)
            if not faults and order_of_virtio(ours) != order_of_virtio(theirs):
                faults.append("virtio slots are listed in another order")
        except (RuntimeError, OSError, AssertionError, subprocess.TimeoutExpired) as why:
            faults = [str(why)]
    if faults:
        more = " (and %d more)" % (len(faults) - 4) if len(faults) > 4 else ""
        print("FAIL %s: %s%s" % (name, "; ".join(faults[:4]), more))
        if os.environ.get("V"):
            print("\n".join("    " + fault for fault in faults))
    else:
        print("ok %s" % name)
    return not faults


def main():
    kernel = ["-kernel", os.path.join(GUEST, "kernel/Image")]
    initrd = ["-initrd", os.path.join(GUEST, "initramfs.cpio.gz")]
    bios = ["-bios", os.path.join(GUEST, "opensbi/fw_dynamic.bin")]
    rows = [
        ("tree-of-1-hart", bios),
        ("tree-of-4-harts", ["-smp", "4", *bios]),
        ("tree-of-8-harts-with-3-gib", ["-smp", "8", "-m", "3G", *bios]),
        ("tree-with-kernel", ["-smp", "2", "-m", "1G", *bios, *kernel]),
        ("tree-with-kernel-initrd-and-append",
         ["-smp", "4", "-m", "1G", *bios, *kernel, *initrd, "-append", "console=ttyS0 a=\"b c\""]),
        ("tree-with-initrd-in-little-memory",
         ["-m", "256M", *bios, *kernel, *initrd, "-append", "x"]),
        ("tree-without-firmware", ["-bios", "none"]),
    ]
    if not os.access(QEMU, os.X_OK):
        for name, _ in rows:
            print("skip %s: no QEMU to compare with" % name)
        return 0
    return 0 if all([compare(name, arguments) for name, arguments in rows]) else 1


if __name__ == "__main__":
    sys.exit(main())
