#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Boot tests: whole guests, talked to over their console. A row of TESTS is a
# test; each prints one line, `ok NAME`, `FAIL NAME: why` or `skip NAME: why`.
# Consoles are logged in $BUILD/logs/system/. A hang is a failure.
#
#   run.py [PATTERN]...     only tests whose name matches one of the patterns
#
# MANYHART names the emulator (build/manyhart); QEMU, the reference for which
# kernel messages are normal, is build/guest/qemu/qemu-system-riscv64. TIMES
# stretches all time limits.

import os
import re
import subprocess
import sys

from console import Console, Failure

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("BUILD", os.path.join(ROOT, "build"))
GUEST = os.environ.get("GUEST", os.path.join(ROOT, "build/guest"))
EMULATOR = os.environ.get("MANYHART", os.path.join(BUILD, "manyhart"))
QEMU = os.path.join(GUEST, "qemu/qemu-system-riscv64")
LOGS = os.path.join(BUILD, "logs/system")
TIMES = float(os.environ.get("TIMES", "1"))

BOOT_LIMIT = 180 * TIMES
SHELL = r"[~/] # (\x1b\[6n)?$"
SUSPECT = re.compile(r"WARNING|BUG|Oops|rcu.*stall|soft lockup|hung task|Call Trace|Unable to handle")


class Skip(Exception):
    """The test cannot run here; its text says why."""


def guest(path):
    full = os.path.join(GUEST, path)
    if not os.path.exists(full):
        raise Skip("%s was not fetched" % path)
    return full


def linux(append="", smp=4, memory="1G", more=()):
    """Arguments that boot the fetched kernel with the initramfs."""
    return ["-M", "virt", "-smp", str(smp), "-m", memory, "-nographic",
            "-bios", guest("opensbi/fw_dynamic.bin"), "-kernel", guest("kernel/Image"),
            "-initrd", guest("initramfs.cpio.gz"), "-append", ("console=ttyS0 " + append).strip(), *more]


def console(test, arguments, emulator=EMULATOR, suffix=""):
    if not os.access(emulator, os.X_OK):
        raise Failure("no emulator at %s" % emulator)
    return Console([emulator, *arguments], os.path.join(LOGS, test.name + suffix + ".log"))


def suspects(text):
    """Kernel messages that tell of trouble, without their times and addresses."""
    found = set()
    for line in text.replace("\r", "").split("\n"):
        if SUSPECT.search(line):
            found.add(re.sub(r"\[ *[\d.]+\] |0x[0-9a-f]+|\d+", "", line).strip())
    return found


def check_messages(test, text, arguments):
    """Fails on trouble in the kernel's log that the same boot under QEMU does not report too."""
    found = suspects(text)
    if found and os.access(QEMU, os.X_OK):
        with console(test, arguments, QEMU, "-qemu") as reference:
            reference.expect(SHELL, BOOT_LIMIT)
            found -= suspects(reference.text)
    if found:
        raise Failure("the kernel reports: %s" % "; ".join(sorted(found)))


def expect_equal(what, got, want):
    if got != want:
        raise Failure("%s is %r, not %r" % (what, got, want))


def power_off(con):
    con.send("poweroff\n")
    expect_equal("exit status", con.finish(60 * TIMES), 0)


def boot_to_shell(test, smp=1, more=(), append=""):
    """The kernel comes up on all harts, a shell runs on the console, poweroff ends with status 0."""
    arguments = linux(append, smp=smp, more=more)
    with console(test, arguments) as con:
        con.expect(r"manyhart guest: %d harts" % smp, BOOT_LIMIT)
        con.expect(SHELL, 30 * TIMES)
        expect_equal("nproc", con.command("nproc", 30 * TIMES, SHELL).strip(), str(smp))
        power_off(con)
        check_messages(test, con.text, arguments)


def job_control(test):
    """^C, ^Z and background jobs work in the guest's shell."""
    with console(test, linux("quiet", smp=2)) as con:
        con.expect(SHELL, BOOT_LIMIT)
        con.send("sleep 1000\n")
        con.quiet(1)
        con.send("\x03")
        con.expect(SHELL, 30 * TIMES)
        expect_equal("status after ^C", con.command("echo $?", 30 * TIMES, SHELL).strip(), "130")
        con.send("sleep 1000\n")
        con.quiet(1)
        con.send("\x1a")
        con.expect(r"Stopped", 30 * TIMES)
        con.expect(SHELL, 30 * TIMES)
        if "sleep 1000" not in con.command("jobs", 30 * TIMES, SHELL):
            raise Failure("jobs does not list the stopped job")
        power_off(con)


def long_line(test):
    """A line longer than any FIFO arrives whole, typed at once."""
    line = "".join("%03d." % i for i in range(200))
    with console(test, linux("quiet", smp=1)) as con:
        con.expect(SHELL, BOOT_LIMIT)
        con.send("stty -echo\n")
        con.expect(SHELL, 30 * TIMES)
        con.send("echo -n %s | wc -c\n" % line)
        con.expect(r"(?<!\d)%d\r" % len(line), 30 * TIMES)
        power_off(con)


def exit_status_of_command(test):
    """mh.sh= runs a command without any typing; the guest's reboot is obeyed with -no-reboot."""
    with console(test, linux('quiet mh.sh="uname -m; reboot"', more=["-no-reboot"])) as con:
        con.expect(r"riscv64", BOOT_LIMIT)
        expect_equal("exit status", con.finish(60 * TIMES), 0)


def reboot(test):
    """A guest's reboot starts the machine afresh."""
    with console(test, linux("quiet", smp=2)) as con:
        con.expect(SHELL, BOOT_LIMIT)
        con.send("reboot\n")
        con.expect(r"OpenSBI", 60 * TIMES)
        con.expect(SHELL, BOOT_LIMIT)
        power_off(con)


def escape_keys(test):
    """Ctrl-A H helps, Ctrl-A C shows the monitor where there is one, Ctrl-A X leaves with status 0."""
    with console(test, linux("quiet", smp=1)) as con:
        con.expect(SHELL, BOOT_LIMIT)
        con.send("\x01h")
        con.expect(r"(?i)C(trl)?-a x", 10 * TIMES)
        con.send("\x01x")
        expect_equal("exit status", con.finish(10 * TIMES), 0)


def escape_at_once(test):
    """Ctrl-A X leaves even while the guest is still starting."""
    with console(test, linux(smp=4)) as con:
        con.expect(r"Linux version", BOOT_LIMIT)
        con.send("\x01x")
        expect_equal("exit status", con.finish(10 * TIMES), 0)


def perf_tooling(test):
    """A running Linux: `info jit` counts what it did, -perfmap names code of all its modes, -d stats counts calls by name."""
    stats = os.path.join(LOGS, test.name + ".stats")
    with console(test, linux("quiet", smp=2, more=["-perfmap", "-d", "stats", "-D", stats])) as con:
        perf_map = "/tmp/perf-%d.map" % con.process.pid
        con.expect(SHELL, BOOT_LIMIT)
        con.send("\x01c")
        con.expect(r"\(qemu\) ", 10 * TIMES)
        text = con.command("info jit", 10 * TIMES, r"\(qemu\) ")
        for name in ("TBs translated", "TBs alive", "exits chained", "interrupts taken", "host bytes per guest byte",
                     "ns per translated guest instruction", "bytes in use", "fence.i"):
            found = re.search(r"^ +%s +([\d.]+)$" % re.escape(name), text, re.M)
            if not found or float(found[1]) <= 0:
                raise Failure("info jit does not count '%s'" % name)
        con.send("quit\n")
        expect_equal("exit status", con.finish(20 * TIMES), 0)
    with open(perf_map, encoding="ascii") as file:
        names = file.read()
    os.unlink(perf_map)
    for pattern in (r"tb:M:0x8\w+:key=", r"tb:S:0xf\w+:key=", r"tb:U:0x\w+:key=", r"thunk:enter", r"thunk:csr_swap"):
        if not re.search("^[0-9a-f]+ [0-9a-f]+ %s" % pattern, names, re.M):
            raise Failure("no line of %s is %s" % (perf_map, pattern))
    with open(stats, encoding="ascii") as file:
        if not re.search(r"calls of helpers\n(?:  \w+ +\d+\n)*  csr_swap +[1-9]", file.read()):
            raise Failure("-d stats does not count calls of csr_swap")


def uboot_prompt(test, smp=1):
    """OpenSBI starts U-Boot in S-mode; it stops at its prompt and powers off."""
    arguments = ["-M", "virt", "-smp", str(smp), "-m", "512M", "-nographic",
                 "-bios", guest("opensbi/fw_dynamic.bin"), "-kernel", guest("uboot/u-boot.bin")]
    with console(test, arguments) as con:
        con.expect(r"U-Boot 20", BOOT_LIMIT)
        con.expect(r"Hit any key", 60 * TIMES)
        con.send(" ")
        con.expect(r"=> ", 60 * TIMES)
        con.send("echo it-$arch\n")
        con.expect(r"it-riscv", 30 * TIMES)
        con.expect(r"=> ", 30 * TIMES)
        con.send("poweroff\n")
        expect_equal("exit status", con.finish(60 * TIMES), 0)


def disk(image, read_only=False):
    return ["-drive", "file=%s,if=none,format=raw,id=root%s" % (image, ",readonly=on" if read_only else ""),
            "-device", "virtio-blk-device,drive=root"]


def check_file_system(image):
    path = os.environ["PATH"] + ":/sbin:/usr/sbin"
    result = subprocess.run(["e2fsck", "-fn", image], capture_output=True, text=True,
                            env=dict(os.environ, PATH=path), check=False)
    if result.returncode != 0:
        raise Failure("e2fsck: status %d: %s" % (result.returncode, result.stdout.strip()[-300:]))


def log_in(con):
    con.expect(r"manyhart login: ", BOOT_LIMIT * 2)
    con.send("root\n")
    con.expect(r"Password: ", 60 * TIMES)
    con.send("manyhart\n")
    con.expect(r"root@manyhart:~# $", 120 * TIMES)


def debian_root(test, smp=4, more=()):
    """Debian under systemd from a disk: what the first boot writes the second one finds."""
    prompt = r"root@manyhart:~# (\x1b\[[\d;?]*[a-z])*$"
    image = os.path.join(LOGS, test.name + ".ext4")
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", guest("rootfs.ext4"), image], check=True)
    arguments = linux("mh.root=/dev/vda systemd.show_status=1", smp=smp, more=[*more, *disk(image)])

    with console(test, arguments, suffix="-1") as con:
        log_in(con)
        con.command("bind 'set enable-bracketed-paste off'; dmesg -n 1", 60 * TIMES, prompt)
        con.command("dd if=/dev/urandom of=/root/blob bs=64k count=320 2>/dev/null", 120 * TIMES, prompt)
        written = con.command("md5sum </root/blob", 120 * TIMES, prompt).split()[0]
        con.command("echo written-$((6 * 7)) >/root/mark; sync", 120 * TIMES, prompt)
        con.send("poweroff\n")
        expect_equal("exit status", con.finish(180 * TIMES), 0)
    check_file_system(image)

    with console(test, arguments, suffix="-2") as con:
        log_in(con)
        con.command("bind 'set enable-bracketed-paste off'; dmesg -n 1", 60 * TIMES, prompt)
        expect_equal("mark", con.command("cat /root/mark", 60 * TIMES, prompt).strip(), "written-42")
        read = con.command("md5sum </root/blob", 120 * TIMES, prompt).split()[0]
        expect_equal("checksum", read, written)
        failed = con.command("systemctl --failed --no-legend --plain", 60 * TIMES, prompt).strip()
        expect_equal("failed units", failed, "")
        con.send("poweroff\n")
        expect_equal("exit status", con.finish(180 * TIMES), 0)
    check_file_system(image)
    os.unlink(image)


def read_only_disk(test):
    """A read-only disk is one to the guest, and its file stays as it was."""
    image = os.path.join(LOGS, test.name + ".raw")
    with open(image, "wb") as file:
        file.write(b"manyhart" + bytes(1024 * 1024 - 8))
    text = ("modprobe virtio_mmio; modprobe virtio_blk; sleep 1; cat /sys/block/vda/ro; "
            "head -c 8 /dev/vda; echo; echo over | dd of=/dev/vda conv=notrunc; echo wrote $?")
    with console(test, linux('quiet mh.sh="%s"' % text, smp=1, more=disk(image, True))) as con:
        con.expect(r"^1\r", BOOT_LIMIT)
        con.expect(r"manyhart\r", 30 * TIMES)
        con.expect(r"wrote 1\r", 30 * TIMES)
        expect_equal("exit status", con.finish(60 * TIMES), 0)
    with open(image, "rb") as file:
        expect_equal("first bytes", file.read(8), b"manyhart")
    os.unlink(image)


class Test:
    def __init__(self, name, run, **options):
        self.name, self.function, self.options = name, run, options

    def run(self):
        """Runs the test and prints its line; true unless it failed."""
        try:
            self.function(self, **self.options)
        except Skip as why:
            print("skip %s: %s" % (self.name, why))
        except Failure as why:
            print("FAIL %s: %s" % (self.name, " ".join(str(why).split("\n"))))
            return False
        else:
            print("ok %s" % self.name)
        return True


MODERN = ["-global", "virtio-mmio.force-legacy=false"]
SV48 = ["-cpu", "rv64,sv48=on"]
TESTS = [
    Test("linux-boots-on-1-hart", boot_to_shell, smp=1),
    Test("linux-boots-on-2-harts", boot_to_shell, smp=2),
    Test("linux-boots-on-4-harts", boot_to_shell, smp=4),
    Test("linux-boots-on-8-harts", boot_to_shell, smp=8),
    Test("linux-boots-on-4-harts-in-one-thread", boot_to_shell, smp=4, more=["-accel", "tcg,thread=single"]),
    Test("linux-boots-with-sv48", boot_to_shell, smp=2, more=SV48),
    Test("guest-shell-has-job-control", job_control),
    Test("guest-gets-a-long-line-whole", long_line),
    Test("guest-command-then-no-reboot", exit_status_of_command),
    Test("guest-reboots", reboot),
    Test("ctrl-a-keys-help-and-leave", escape_keys),
    Test("ctrl-a-x-leaves-a-starting-guest", escape_at_once),
    Test("counters-and-names-of-code-for-perf", perf_tooling),
    Test("u-boot-comes-to-its-prompt", uboot_prompt),
    Test("u-boot-comes-to-its-prompt-on-4-harts", uboot_prompt, smp=4),
    Test("read-only-disk-stays-untouched", read_only_disk),
    Test("debian-on-legacy-virtio-blk-keeps-its-files", debian_root),
    Test("debian-on-modern-virtio-blk-keeps-its-files", debian_root, smp=2, more=MODERN),
]


def main():
    os.makedirs(LOGS, exist_ok=True)
    patterns = sys.argv[1:]
    good = True
    for test in TESTS:
        if not patterns or any(re.search(pattern, test.name) for pattern in patterns):
            good = test.run() and good
            sys.stdout.flush()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
