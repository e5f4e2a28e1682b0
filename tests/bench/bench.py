#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Measures manyhart against QEMU, and kernels against the host itself. Each row
# of ROWS is a measurement; both emulators run the same guest files in turns,
# and the medians are compared. Writes report.txt, report.csv and report.svg to
# $BUILD/bench/ and the text to standard output.
#
#   bench.py [--rounds N] [--goal 2|3] [--strict] [--list] [PATTERN]...
#
# Rows that share a program share its runs: the micro suite is one program on
# the bare machine, the Linux rows one boot of the guest. Programs time
# themselves by the guest's clock; that clock is checked against the host's by
# when "begin NAME" and "bench NAME ..." arrive.
#
# A ratio is QEMU's time over ours: above 1 we are faster. A row passes if its
# ratio (or, for rows with a limit, its value) reaches the goal; with --strict a
# row that does not makes the exit status 1.

import argparse
import concurrent.futures
import csv
import glob
import math
import os
import platform
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = os.path.join(ROOT, "tests/bench")
BUILD = os.environ.get("BUILD", os.path.join(ROOT, "build"))
GUEST = os.environ.get("GUEST", os.path.join(ROOT, "build/guest"))
OUT = os.path.join(BUILD, "bench")
LIMIT = 300

MANYHART = [os.environ.get("MANYHART", os.path.join(BUILD, "manyhart"))]

EVEN = 0.03  # below 1 by no more than this is "even": what two runs of one emulator differ by
SLACK = 0.15, 0.05  # by which the guest's clock may differ from the host's: a part, and seconds

WARN = "-O2 -Wall -Wextra -Werror -fno-math-errno -fno-tree-loop-distribute-patterns".split()
BARE = ("-march=rv64gc -mabi=lp64d -mcmodel=medany -ffreestanding -nostdlib -static -fno-pic "
        "-Wl,--build-id=none -Wl,-T," + os.path.join(HERE, "link.ld")).split()
NATIVE = ["-mfma"]  # RISC-V code has fused multiply-add: so has the host's
CROSS = "riscv64-linux-gnu-gcc"


def qemu_command():
    """QEMU itself, without the wrapper script, whose start would count as QEMU's."""
    root = os.path.join(GUEST, "qemu/root")
    found = glob.glob(root + "/usr/lib/*/ld-linux*.so.*")
    if not found:
        return [os.path.join(GUEST, "qemu/qemu-system-riscv64")]
    library = os.path.dirname(found[0])
    os.environ["QEMU_MODULE_DIR"] = os.path.join(library, "qemu")
    return [found[0], "--library-path", library, root + "/usr/bin/qemu-system-riscv64",
            "-L", root + "/usr/share/qemu"]


class Broken(Exception):
    """A measurement that could not be made; its text says why."""


class Run:
    """What one run of a program gave: output, wall clock, resident size, processor time."""

    def __init__(self, argv, until=None):
        self.at = None  # seconds until UNTIL was first seen on standard output
        self.seen = {}  # seconds until each first line "begin NAME" and "bench NAME" was seen
        self.output, self.scanned = "", 0
        begin = time.monotonic()
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors)
            killer = subprocess.Popen(["sh", "-c", "sleep %d; kill -9 %d" % (LIMIT, process.pid)],
                                      start_new_session=True)
            while True:
                chunk = os.read(process.stdout.fileno(), 65536)
                if not chunk:
                    break
                self.output += chunk.decode("utf-8", "replace")
                now = time.monotonic() - begin
                for match in re.finditer(r"\b(begin|bench) (\S+)[^\n]*\n", self.output[self.scanned:]):
                    self.seen.setdefault(match.groups(), now)
                self.scanned = self.output.rfind("\n") + 1
                if until and self.at is None and until in self.output:
                    self.at = time.monotonic() - begin
            _, status, usage = os.wait4(process.pid, 0)
            self.wall = time.monotonic() - begin
            process.returncode = os.waitstatus_to_exitcode(status)
            os.killpg(killer.pid, 9)
            killer.wait()
            errors.seek(0)
            self.errors = errors.read().decode("utf-8", "replace")
        self.rss_kib = usage.ru_maxrss
        if process.returncode != 0:
            raise Broken("status %d: %s" % (process.returncode, (self.errors or self.output).strip()[-160:]))
        if until and self.at is None:
            raise Broken("%r never came" % until)


def linux(harts, append, initrd=None):
    return ["-M", "virt", "-smp", str(harts), "-m", "1G", "-nographic",
            "-bios", GUEST + "/opensbi/fw_dynamic.bin", "-kernel", GUEST + "/kernel/Image",
            "-initrd", initrd or GUEST + "/initramfs.cpio.gz", "-append", "console=ttyS0 " + append]


# --- what rows measure: build(row) once, then measure(row, emulator) -> value, smaller is better ---------------------------

class Clock:
    """How far guests' clocks were from the host's: (name, guest's seconds, host's seconds) beyond SLACK."""

    def __init__(self):
        self.checked, self.off = 0, []

    def check(self, run, name, seconds):
        begin, end = run.seen.get(("begin", name)), run.seen.get(("bench", name))
        if begin is not None and end is not None:
            self.checked += 1
            if abs(end - begin - seconds) > SLACK[0] * seconds + SLACK[1]:
                self.off.append((name, seconds, end - begin))


CLOCK = Clock()


def parse_results(run):
    """{NAME: [number, ...]} of the lines "bench NAME NUMBER...", of those that were whole."""
    return {match.group(1): [int(word) for word in match.group(2).split()]
            for match in re.finditer(r"^bench (\S+)((?: \d+)+)\r?$", run.output, re.M)}


def per_round(run, name, sums):
    """Nanoseconds per round of a kernel; SUMS[name] remembers the checksum that all must have."""
    result = parse_results(run).get(name)
    if not result or len(result) != 4:
        raise Broken("no result: %r" % run.output[-120:])
    nanoseconds, rounds, checksum, in_all = result
    CLOCK.check(run, name, in_all / 1e9)
    if sums.setdefault(name, checksum) != checksum:
        raise Broken("checksum %s is not %s" % (checksum, sums[name]))
    return nanoseconds / rounds


class Suite:
    """Kernels and Linux rows as one program: for the guest, and for the host as "native"."""

    def __init__(self, kernels):
        self.kernels = kernels
        self.sums = {}
        self.made = False

    def build(self):
        if self.made:
            return
        self.made = True
        rows = " ".join('KERNEL("%s",%s)' % (name, c_name(name)) for name in self.kernels)
        jobs = []
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for tag, compiler in (("host", ["gcc", *NATIVE]), ("guest", [CROSS, "-march=rv64gc", "-static"])):
                folder = os.path.join(OUT, tag)
                os.makedirs(folder, exist_ok=True)
                for name, (file, defines) in self.kernels.items():
                    jobs.append(pool.submit(compile_to, "%s/%s.o" % (folder, name), [
                        *compiler, *WARN, "-c", *defines, "-Dbench_run=bench_run_" + c_name(name),
                        "-Dbench_rounds=bench_rounds_" + c_name(name), os.path.join(HERE, "kernels", file)]))
            for job in jobs:
                job.result()
        for tag, compiler in (("host", ["gcc", *NATIVE]), ("guest", [CROSS, "-march=rv64gc", "-static"])):
            objects = ["%s/%s/%s.o" % (OUT, tag, name) for name in self.kernels]
            compile_to(os.path.join(OUT, tag, "suite"), [
                *compiler, *WARN, "-pthread", "-DBENCH_ROWS=" + rows, HERE + "/main-hosted.c", HERE + "/linux.c",
                *objects])

    def native(self, name):
        self.build()
        return per_round(Run([OUT + "/host/suite", "--one", name]), name, self.sums)


class Kernel:
    """A kernel on the bare machine, by the guest's clock; also compiled for the host. Nanoseconds per round."""
    unit = "ns"

    def __init__(self, file, harts=1, **defines):
        self.file, self.harts, self.name = file, harts, None
        self.flags = ["-D%s=%s" % item for item in defines.items()]
        if harts > 1:
            self.flags.append("-DBENCH_HARTS=%d" % harts)
        self.sums = {}

    def build(self, row):
        self.name = row.name if row.name in SUITE.kernels else None
        self.elf = os.path.join(OUT, row.name + ".elf")
        compile_to(self.elf, [CROSS, *WARN, *BARE, *self.flags, HERE + "/start.S", HERE + "/bare.c",
                              HERE + "/main-bare.c", os.path.join(HERE, "kernels", self.file)])

    def measure(self, emulator):
        run = Run([*emulator, "-M", "virt", "-m", "256M", "-smp", str(self.harts), "-nographic", "-bios", self.elf])
        return per_round(run, "kernel", self.sums)

    def native(self):
        return SUITE.native(self.name) if self.name else None


class Shared:
    """Runs that several rows share: each run gives a value to each row that was asked for."""

    def __init__(self):
        self.names, self.runs = [], {}

    def values(self, emulator, i):
        """Of the i-th run with this emulator."""
        runs = self.runs.setdefault(tuple(emulator), [])
        while len(runs) <= i:
            runs.append(self.run(emulator))
        return runs[i]


class MicroProgram(Shared):
    """The micro suite, with only the rows asked for."""

    def __init__(self, harts):
        super().__init__()
        self.harts, self.elf = harts, None

    def build(self):
        if not self.elf:
            self.elf = os.path.join(OUT, "micro-%d.elf" % self.harts)
            compile_to(self.elf, [CROSS, *WARN, *BARE, '-DMICRO_ONLY=" %s "' % " ".join(self.names),
                                  "-DBENCH_HARTS=%d" % self.harts, HERE + "/start.S", HERE + "/bare.c",
                                  HERE + "/micro.c"])

    def run(self, emulator):
        run = Run([*emulator, "-M", "virt", "-m", "256M", "-smp", str(self.harts), "-nographic", "-bios", self.elf])
        values = {}
        for name, (picoseconds, nanoseconds) in parse_results(run).items():
            CLOCK.check(run, name, nanoseconds / 1e9)
            values[name] = max(picoseconds, 1) / 1e3
        return values

    def native(self, name):
        return None


class LinuxProgram(Shared):
    """The suite in a booted guest, with only the rows asked for."""

    def __init__(self, harts):
        super().__init__()
        self.harts, self.initrd = harts, None

    def build(self):
        """An archive of its own behind the initramfs: Linux unpacks both."""
        if self.initrd:
            return
        need_guest()
        SUITE.build()
        with tempfile.TemporaryDirectory() as tree:
            os.mkdir(tree + "/bench")
            subprocess.run(["cp", OUT + "/guest/suite", tree + "/bench/suite"], check=True)
            with open(tree + "/bench/rows", "w", encoding="ascii") as file:
                file.write("".join(name + "\n" for name in self.names))
            more = subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=tree, check=True, stdout=subprocess.PIPE,
                                  input=b"bench\nbench/suite\nbench/rows\n").stdout
        with open(GUEST + "/initramfs.cpio.gz", "rb") as file:
            first = file.read()
        self.initrd = os.path.join(OUT, "linux-%d.cpio" % self.harts)
        with open(self.initrd, "wb") as file:
            file.write(first + bytes(-len(first) % 4) + more)

    def run(self, emulator):
        run = Run([*emulator, *linux(self.harts, 'quiet mh.sh="/bench/suite -f /bench/rows"', self.initrd)])
        values = {}
        for name in parse_results(run):
            try:
                values[name] = per_round(run, name, SUITE.sums)
            except Broken as why:
                values[name] = why
        return values

    def native(self, name):
        return SUITE.native(name) if not name.startswith("shell") else None


class Part:
    """A row's share of a Shared. Nanoseconds per operation or round."""
    unit = "ns"

    def __init__(self, shared, name):
        self.shared, self.name, self.turns = shared, name, {}

    def select(self):
        self.shared.names.append(self.name)

    def build(self, row):
        self.shared.build()

    def measure(self, emulator):
        turn = self.turns.get(tuple(emulator), 0)
        self.turns[tuple(emulator)] = turn + 1
        value = self.shared.values(emulator, turn).get(self.name)
        if value is None:
            raise Broken("%s gave no result" % os.path.basename(emulator[-1] if len(emulator) == 1 else "QEMU"))
        if isinstance(value, Broken):
            raise value
        return value

    def native(self):
        return self.shared.native(self.name)


class Boot:
    """Linux from the emulator's start to the first line of the guest's init. Milliseconds."""
    unit = "ms"

    def __init__(self, harts):
        self.harts = harts

    def build(self, row):
        need_guest()

    def measure(self, emulator):
        return Run([*emulator, *linux(self.harts, 'mh.sh="true"')], until="manyhart guest:").at * 1000


class Memory:
    """Largest resident size of the emulator over a boot to the shell. MiB."""
    unit = "MiB"

    def __init__(self, harts):
        self.harts = harts

    def build(self, row):
        need_guest()

    def measure(self, emulator):
        return Run([*emulator, *linux(self.harts, 'mh.sh="true"')]).rss_kib / 1024


class Exit:
    """Start to exit of a program of five instructions. Milliseconds, median of 9 runs."""
    unit = "ms"

    def build(self, row):
        self.elf = os.path.join(OUT, row.name + ".elf")
        compile_to(self.elf, [CROSS, *BARE, HERE + "/exit5.S"])

    def measure(self, emulator):
        argv = [*emulator, "-M", "virt", "-nographic", "-bios", self.elf]
        return statistics.median(Run(argv).wall for _ in range(9)) * 1000


class Idle:
    """Processor time that the emulator takes while the guest waits at its shell. Percent of a core."""
    unit = "%"

    def __init__(self, harts):
        self.harts = harts

    def build(self, row):
        need_guest()

    def measure(self, emulator):
        process = subprocess.Popen([*emulator, *linux(self.harts, 'quiet mh.sh="sleep 1; echo idle; sleep 3600"')],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            output = b""
            while b"idle\r" not in output:
                chunk = os.read(process.stdout.fileno(), 65536)
                if not chunk:
                    raise Broken("ended before it was idle")
                output += chunk
            time.sleep(1)
            before, begin = cpu_seconds(process.pid), time.monotonic()
            time.sleep(4)
            return max(0.01, (cpu_seconds(process.pid) - before) / (time.monotonic() - begin) * 100)
        finally:
            process.kill()
            process.wait()


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid, encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Threads(Kernel):
    """A kernel with a thread per hart against all harts in one thread, ours only. The ratio is single's time over multi's."""

    def pair(self):
        return [*MANYHART, "-accel", "tcg,thread=multi"], [*MANYHART, "-accel", "tcg,thread=single"]


class Row:
    """name; what it measures; the goals of each stage: a ratio to reach, or ("at most", value) for our own value."""

    def __init__(self, name, what, goal2=None, goal3=1.0, group=None):
        self.name, self.what, self.goals, self.group = name, what, {2: goal2, 3: goal3}, group
        self.ours, self.theirs, self.host, self.why = [], [], [], None

    def run(self, rounds, emulators):
        """Measures in turns; the one that goes first changes."""
        try:
            self.what.build(self)
            first, second = self.what.pair() if hasattr(self.what, "pair") else emulators
            for i in range(rounds):
                turns = [(first, self.ours), (second, self.theirs)]
                for emulator, values in turns if i % 2 == 0 else reversed(turns):
                    values.append(self.what.measure(emulator))
                native = self.what.native() if hasattr(self.what, "native") else None
                if native:
                    self.host.append(native)
        except (Broken, OSError, subprocess.SubprocessError) as why:
            self.why = " ".join(str(why).split())

    def ratio(self):
        return statistics.median(self.theirs) / statistics.median(self.ours)

    def native(self):
        return statistics.median(self.ours) / statistics.median(self.host) if self.host else None

    def verdict(self, goal):
        goal = self.goals[goal]
        if self.why:
            return "broken"
        if goal is None:
            return "-"
        if isinstance(goal, tuple):
            return "pass" if statistics.median(self.ours) <= goal[1] else "FAIL"
        if self.ratio() >= goal:
            return "pass"
        return "even" if goal == 1.0 and self.ratio() >= 1 - EVEN else "FAIL"

    def part_of_goal(self, goal):
        """How much of its goal a row reaches: 1 or more is enough."""
        goal = self.goals[goal]
        if isinstance(goal, tuple):
            return goal[1] / statistics.median(self.ours)
        return self.ratio() / goal

    def goal_text(self, goal):
        goal = self.goals[goal]
        return "" if goal is None else "<=%g" % goal[1] if isinstance(goal, tuple) else ">=%g" % goal


# name: (file, goal of issue 2 and of issue 3 on the bare machine, goal under Linux, group, what is defined)
KERNELS = {
    "dhrystone-class": ("dhry.c", 1.0, 2.0, 2.5, "integer", {}),
    "coremark-class": ("core.c", 1.0, 2.0, 2.5, "integer", {}),
    "sort": ("sort.c", None, 2.0, 2.5, "integer", {}),
    "hash-map": ("hash.c", None, 2.0, 2.5, "integer", {}),
    "string": ("string.c", None, 2.0, 2.5, "integer", {}),
    "compress": ("compress.c", None, 2.0, 2.5, "integer", {}),
    "nbody": ("nbody.c", None, 6.0, 6.0, "floating point", {}),
    "matrix": ("matmul.c", None, 6.0, 6.0, "floating point", {}),
    "mandelbrot": ("mandel.c", None, 6.0, 6.0, "floating point", {}),
    "libm": ("libm.c", None, 6.0, 6.0, "floating point", {}),
    "spectral-norm": ("spectral.c", None, 6.0, 6.0, "floating point", {}),
    "call-return": ("call.c", None, 4.0, 4.0, "calls", {}),
    "indirect-call": ("icall.c", None, 4.0, 4.0, "calls", {}),
    "switch-interpreter": ("switch.c", None, 4.0, 4.0, "calls", {}),
    "lua-interpreter": ("lua.c", None, 4.0, 4.0, "calls", {}),
    "alu": ("alu.c", None, 1.1, 1.1, "memory and loops", {}),
    "memory-copy": ("memcpy.c", None, 3.0, 3.0, "memory and loops", {}),
    "chase-16k": ("chase.c", None, 1.0, 1.0, "memory and loops", {"BENCH_KIB": 16}),
    "chase-256k": ("chase.c", None, 1.0, 1.0, "memory and loops", {"BENCH_KIB": 256}),
    "chase-4m": ("chase.c", None, 3.0, 3.0, "memory and loops", {"BENCH_KIB": 4096}),
    "chase-16m": ("chase.c", None, 3.0, 3.0, "memory and loops", {"BENCH_KIB": 16384}),
    "chase-64m": ("chase.c", None, 3.0, 3.0, "memory and loops", {"BENCH_KIB": 65536}),
}

# Rows of the micro suite: the names of micro.c, by the goal of issue 3.
MICRO = {
    1.1: "alu-loop",
    3.0: "random-pages-4m random-pages-16m random-pages-64m copy-words",
    4.0: "call-near call-far call-fibonacci indirect-1 indirect-16 bytecode",
    8.0: "csrr csrw csr-sie rdtime ecall self-ipi mmio-uart mmio-clint mmio-plic",
    10.0: "sfence-page satp-switch-32 patch-fence.i-run",
    5.0: "cold-code",
    1.0: "alu-dependent mul divu load store load-misaligned load-cross-page chase-in-page random-pages-1m copy-bytes "
         "fadd.d fmul.d fmadd.d fdiv.d fsqrt.d fadd.s fmadd.s fmin.d fsgnjx.d fadd.d-rtz flt.d fcvt.l.d fcvt.l.d-chain "
         "fcvt.d.l fcvt.s.d-chain fmv.x.d fclass.d fadd.d-clean-flags daxpy rdcycle rdinstret fence-rw-rw fence-r-rw "
         "amoadd.d amoswap.w amomax.w lr-sc sfence-all satp-switch tlb-fill pmp-split-load fence.i store-code-page",
}
MICRO_2 = {2.5: "2-harts-amo-shared 2-harts-amo-own 2-harts-lr-sc-shared 2-harts-lr-sc-own", 1.0: "2-harts-sfence"}

# Rows of linux.c, by the goal of issue 3.
LINUX = {
    4.0: "syscall pipe signal",
    5.0: "context-switch mmap mprotect",
    2.0: "fork exec",
    1.0: "page-fault thread-create shell-loop shell-programs",
}
LINUX_2 = {2.5: "mutex spinlock atomic", 1.0: "wake"}

SUITE = Suite({name: (kernel[0], ["-D%s=%s" % item for item in kernel[5].items()]) for name, kernel in KERNELS.items()})


def c_name(name):
    return name.replace("-", "_")


def parts(group, prefix, shared, names_by_goal):
    return [Row(prefix + name, Part(shared, name), None, goal, group)
            for goal, names in names_by_goal.items() for name in names.split()]


def all_rows():
    """Every row, in the order of the report."""
    one, two = LinuxProgram(1), LinuxProgram(2)
    rows = [
        Row("boot-1-hart", Boot(1), 1.0, 2.0, "machine"),
        Row("boot-4-harts", Boot(4), 1.0, 2.0, "machine"),
        Row("start-to-exit", Exit(), 5.0, 8.0, "machine"),
        Row("memory-after-boot", Memory(4), None, 1.0, "machine"),
        Row("idle-guest", Idle(4), ("at most", 2.0), ("at most", 2.0)),
        Row("multi-over-single", Threads("dhry.c"), 0.97, 0.97),
    ]
    rows += parts("micro", "micro-", MicroProgram(1), MICRO)
    rows += parts("micro", "micro-", MicroProgram(2), MICRO_2)
    rows += [Row(name, Kernel(file, **defines), goal2, goal3, group)
             for name, (file, goal2, goal3, _, group, defines) in KERNELS.items()]
    rows += [
        Row("lock-2-harts", Kernel("lock.c", harts=2), None, 2.5, "two harts"),
        Row("amo-2-harts", Kernel("amo.c", harts=2), None, 2.5, "two harts"),
        Row("lr-sc-2-harts", Kernel("amo.c", harts=2, BENCH_LRSC=1), None, 2.5, "two harts"),
    ]
    rows += parts("Linux", "linux-", one, LINUX) + parts("Linux", "linux-", two, LINUX_2)
    rows += [Row("linux-" + name, Part(one, name), None, kernel[3], kernel[4] + " under Linux")
             for name, kernel in KERNELS.items()]
    return rows


def compile_to(out, command):
    result = subprocess.run([*command, "-o", out], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise Broken("does not compile: " + result.stderr[:300])


def need_guest():
    for path in ("kernel/Image", "initramfs.cpio.gz", "opensbi/fw_dynamic.bin"):
        if not os.path.exists(os.path.join(GUEST, path)):
            raise Broken("%s was not fetched" % path)


def number(value):
    return "%.0f" % value if value >= 1000 else "%.3g" % value


def machine():
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return "%s, %d cores, Linux %s, %s" % (model, os.cpu_count(), platform.release(), time.strftime("%Y-%m-%d"))


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


HEAD = "%-28s %12s %12s %5s %8s %8s %7s  %s" % (
    "row", "manyhart", "QEMU", "", "ratio", "/native", "goal", "verdict")


def line_of(row, goal):
    if row.why:
        return "%-28s broken: %s" % (row.name, row.why)
    native = row.native()
    return "%-28s %12s %12s %-5s %7.2fx %8s %7s  %s" % (
        row.name, number(statistics.median(row.ours)), number(statistics.median(row.theirs)), row.what.unit,
        row.ratio(), "%.2f" % native if native else "", row.goal_text(goal), row.verdict(goal))


# Slower than native by at most this, as geometric mean.
NATIVE_GOALS = {"integer": 2.0, "floating point": 2.5, "integer under Linux": 2.0, "floating point under Linux": 2.5}


def summary(rows, goal):
    """The lines below the table: means of groups, what misses its goal, clocks."""
    lines, whole = [""], [row for row in rows if not row.why]
    for group in dict.fromkeys(row.group for row in whole if row.group):
        ratio = geometric_mean([row.ratio() for row in whole if row.group == group])
        native = geometric_mean([row.native() for row in whole if row.group == group and row.host])
        line = "geometric mean, %-28s %6.2fx QEMU's speed" % (group + ":", ratio)
        if native:
            line += ", %5.2f times native's time" % native
            if group in NATIVE_GOALS:
                line += " (goal <=%g: %s)" % (NATIVE_GOALS[group], "pass" if native <= NATIVE_GOALS[group] else "FAIL")
        lines.append(line)
    missing = sorted((row for row in whole if row.verdict(goal) == "FAIL"), key=lambda row: row.part_of_goal(goal))
    if missing:
        lines += ["", "furthest from their goals:"]
        lines += ["%-28s reaches %3.0f %% of %s" % (row.name, row.part_of_goal(goal) * 100, row.goal_text(goal))
                  for row in missing]
    lines += ["", "guests' clocks: %d times compared with the host's, %d beyond %d %% + %d ms" % (
        CLOCK.checked, len(CLOCK.off), SLACK[0] * 100, SLACK[1] * 1000)]
    lines += ["  %s: guest %.3f s, host %.3f s" % item for item in CLOCK.off[:12]]
    verdicts = [row.verdict(goal) for row in rows]
    lines.append("%d rows: %d pass, %d even, %d fail, %d broken, %d without a goal" % (
        len(rows), verdicts.count("pass"), verdicts.count("even"), verdicts.count("FAIL"), verdicts.count("broken"), verdicts.count("-")))
    return lines


def write_csv(rows, goal):
    with open(os.path.join(OUT, "report.csv"), "w", newline="", encoding="ascii") as file:
        out = csv.writer(file)
        out.writerow(["row", "unit", "manyhart", "qemu", "native", "ratio_to_qemu", "times_native", "goal", "verdict"])
        for row in rows:
            if row.why:
                out.writerow([row.name, row.what.unit, "", "", "", "", "", row.goal_text(goal), "broken"])
                continue
            native = row.native()
            out.writerow([row.name, row.what.unit, "%.6g" % statistics.median(row.ours),
                          "%.6g" % statistics.median(row.theirs),
                          "%.6g" % statistics.median(row.host) if row.host else "", "%.4f" % row.ratio(),
                          "%.4f" % native if native else "", row.goal_text(goal), row.verdict(goal)])


def write_svg(rows, goal, title):
    """A bar per row on a logarithmic scale, from QEMU's speed (1) outwards."""
    rows = [row for row in rows if not row.why]
    height, left, width = 15, 180, 720
    top = max([16.0] + [row.ratio() for row in rows])
    scale = (width - left - 70) / math.log2(top * 4)
    one = left + scale * 2
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="11">'
           % (width, height * len(rows) + 50),
           '<rect width="100%" height="100%" fill="white"/>',
           '<text x="8" y="16" font-size="13">Speed against QEMU (1 = as fast, longer is better; the black line is the goal)</text>',
           '<text x="8" y="32" fill="#666">%s</text>' % title.replace("&", "and").replace("<", "")]
    power = 1
    while power <= top:
        x = one + scale * math.log2(power)
        out.append('<line x1="%.1f" y1="38" x2="%.1f" y2="%d" stroke="#ccc"/>'
                   % (x, x, height * len(rows) + 44))
        power *= 2
    for i, row in enumerate(rows):
        y = 42 + i * height
        x = one + scale * max(-2.0, math.log2(row.ratio()))
        colour = {"pass": "#2a7", "even": "#9b3", "FAIL": "#c43"}.get(row.verdict(goal), "#888")
        out.append('<text x="%d" y="%d" text-anchor="end">%s</text>' % (left - 6, y + 12, row.name))
        out.append('<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/>'
                   % (min(x, one), y + 2, max(1.0, abs(x - one)), height - 5, colour))
        if isinstance(row.goals[goal], float):
            mark = one + scale * math.log2(row.goals[goal])
            out.append('<path d="M%.1f %dv%d" stroke="#000"/>' % (mark, y, height - 1))
        out.append('<text x="%.1f" y="%d">%.2fx</text>' % (max(x, one) + 4, y + 12, row.ratio()))
    out.append("</svg>")
    with open(os.path.join(OUT, "report.svg"), "w", encoding="ascii", errors="replace") as file:
        file.write("\n".join(out) + "\n")


def main():
    parser = argparse.ArgumentParser(description="manyhart against QEMU")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--goal", type=int, choices=(2, 3), default=3)
    parser.add_argument("--strict", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("patterns", nargs="*")
    options = parser.parse_args()
    rows = [row for row in all_rows() if not options.patterns or any(re.search(p, row.name) for p in options.patterns)]
    if options.list:
        print("\n".join(row.name for row in rows))
        return 0
    for row in rows:
        if hasattr(row.what, "select"):
            row.what.select()
    os.makedirs(OUT, exist_ok=True)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    qemu = qemu_command()
    version = subprocess.run([*qemu, "--version"], capture_output=True, text=True, check=False).stdout.split("\n")[0]
    title = "%s; %s" % (version or "no QEMU", machine())
    lines = [title, "medians of %d runs (of the least of 3 within a run), in turns; ratio = QEMU's time / ours" % options.rounds, "", HEAD]
    print("\n".join(lines), flush=True)
    for row in rows:
        row.run(options.rounds, (MANYHART, qemu))
        lines.append(line_of(row, options.goal))
        print(lines[-1], flush=True)
    more = summary(rows, options.goal)
    print("\n".join(more))
    lines += more
    verdicts = [row.verdict(options.goal) for row in rows]
    with open(os.path.join(OUT, "report.txt"), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    write_csv(rows, options.goal)
    write_svg(rows, options.goal, title)
    if "broken" in verdicts or (options.strict and "FAIL" in verdicts):
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
