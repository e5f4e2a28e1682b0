#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Measures manyhart against QEMU, and kernels against the host itself. Each row
# of ROWS is a measurement; both emulators run the same guest files in turns,
# and the medians are compared. Writes report.txt, report.csv and report.svg to
# $BUILD/bench/ and the text to standard output.
#
#   bench.py [--rounds N] [--goal 2|3] [--strict] [PATTERN]...
#
# A ratio is QEMU's time over ours: above 1 we are faster. A row passes if its
# ratio (or, for rows with a limit, its value) reaches the goal; with --strict a
# row that does not makes the exit status 1.

import argparse
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
        self.output = ""
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


def linux(harts, append):
    return ["-M", "virt", "-smp", str(harts), "-m", "1G", "-nographic",
            "-bios", GUEST + "/opensbi/fw_dynamic.bin", "-kernel", GUEST + "/kernel/Image",
            "-initrd", GUEST + "/initramfs.cpio.gz", "-append", "console=ttyS0 " + append]


# --- what rows measure: build(row) once, then measure(row, emulator) -> value, smaller is better ---------------------------

class Kernel:
    """A kernel on the bare machine, by the guest's clock; also compiled for the host. Nanoseconds per round."""
    unit = "ns"

    def __init__(self, file, harts=1, bare_only=False, more=(), **defines):
        self.file, self.harts, self.bare_only, self.more = file, harts, bare_only or harts > 1, list(more)
        self.flags = ["-D%s=%s" % item for item in defines.items()]
        if harts > 1:
            self.flags.append("-DBENCH_HARTS=%d" % harts)
        self.sum = None

    def build(self, row):
        source = os.path.join(HERE, "kernels", self.file)
        self.elf = os.path.join(OUT, row.name + ".elf")
        compile_to(self.elf, [CROSS, *WARN, *BARE, *self.flags, HERE + "/start.S", HERE + "/main-bare.c", source])
        self.host = None
        if not self.bare_only:
            self.host = os.path.join(OUT, row.name)
            compile_to(self.host, ["gcc", *WARN, *NATIVE, *self.flags, HERE + "/main-hosted.c", source])

    def measure(self, emulator):
        run = Run([*emulator, "-M", "virt", "-m", "256M", "-smp", str(self.harts), "-nographic",
                   *self.more, "-bios", self.elf])
        return self.parse(run.output)

    def native(self):
        return self.parse(Run([self.host]).output) if self.host else None

    def parse(self, output):
        match = re.search(r"bench (\d+) (\d+) (\d+)", output)
        if not match:
            raise Broken("no result: %r" % output[-120:])
        if self.sum not in (None, match.group(3)):
            raise Broken("checksum %s is not %s" % (match.group(3), self.sum))
        self.sum = match.group(3)
        return int(match.group(1)) / int(match.group(2))


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

    def __init__(self, name, what, goal2=None, goal3=1.0):
        self.name, self.what, self.goals = name, what, {2: goal2, 3: goal3}
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
                if hasattr(self.what, "native") and self.what.host:
                    self.host.append(self.what.native())
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
        return "pass" if self.ratio() >= goal else "FAIL"

    def goal_text(self, goal):
        goal = self.goals[goal]
        return "" if goal is None else "<=%g" % goal[1] if isinstance(goal, tuple) else ">=%g" % goal


ROWS = [
    Row("boot-1-hart", Boot(1), 1.0, 2.0),
    Row("boot-4-harts", Boot(4), 1.0, 2.0),
    Row("start-to-exit", Exit(), 5.0, 8.0),
    Row("memory-after-boot", Memory(4), None, 1.0),
    Row("idle-guest", Idle(4), ("at most", 2.0), ("at most", 2.0)),
    Row("multi-over-single", Threads("dhry.c"), 0.97, 0.97),
    Row("alu", Kernel("alu.c"), None, 1.1),
    Row("dhrystone-class", Kernel("dhry.c"), 1.0, 2.0),
    Row("coremark-class", Kernel("core.c"), 1.0, 2.0),
    Row("sort", Kernel("sort.c"), None, 2.0),
    Row("hash-map", Kernel("hash.c"), None, 2.0),
    Row("string", Kernel("string.c"), None, 2.0),
    Row("compress", Kernel("compress.c"), None, 2.0),
    Row("call-return", Kernel("call.c"), None, 4.0),
    Row("indirect-call", Kernel("icall.c"), None, 4.0),
    Row("switch-interpreter", Kernel("switch.c"), None, 4.0),
    Row("nbody", Kernel("nbody.c"), None, 6.0),
    Row("matrix", Kernel("matmul.c"), None, 6.0),
    Row("mandelbrot", Kernel("mandel.c"), None, 6.0),
    Row("spectral-norm", Kernel("spectral.c"), None, 6.0),
    Row("memory-copy", Kernel("memcpy.c"), None, 3.0),
    Row("chase-16k", Kernel("chase.c", BENCH_KIB=16), None, 1.0),
    Row("chase-256k", Kernel("chase.c", BENCH_KIB=256), None, 1.0),
    Row("chase-4m", Kernel("chase.c", BENCH_KIB=4096), None, 3.0),
    Row("chase-64m", Kernel("chase.c", BENCH_KIB=65536), None, 3.0),
    Row("lock-2-harts", Kernel("lock.c", harts=2), None, 2.5),
    Row("amo-2-harts", Kernel("amo.c", harts=2), None, 2.5),
    Row("lr-sc-2-harts", Kernel("amo.c", harts=2, BENCH_LRSC=1), None, 2.5),
    Row("csrr", Kernel("priv.c", bare_only=True, BENCH_OP=1), None, 8.0),
    Row("rdtime", Kernel("priv.c", bare_only=True, BENCH_OP=2), None, 8.0),
    Row("ecall", Kernel("priv.c", bare_only=True, BENCH_OP=3), None, 8.0),
    Row("mmio-read", Kernel("priv.c", bare_only=True, BENCH_OP=4), None, 8.0),
    Row("sfence-page", Kernel("priv.c", bare_only=True, BENCH_OP=5), None, 10.0),
    Row("satp-switch", Kernel("priv.c", bare_only=True, BENCH_OP=6), None, 10.0),
    Row("fence-i-after-patch", Kernel("priv.c", bare_only=True, BENCH_OP=7), None, 10.0),
    Row("cold-code", Kernel("cold.c", bare_only=True), None, 5.0),
]


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


HEAD = "%-22s %12s %12s %5s %8s %8s %7s  %s" % (
    "row", "manyhart", "QEMU", "", "ratio", "/native", "goal", "verdict")


def line_of(row, goal):
    if row.why:
        return "%-22s broken: %s" % (row.name, row.why)
    native = row.native()
    return "%-22s %12s %12s %-5s %7.2fx %8s %7s  %s" % (
        row.name, number(statistics.median(row.ours)), number(statistics.median(row.theirs)), row.what.unit,
        row.ratio(), "%.2f" % native if native else "", row.goal_text(goal), row.verdict(goal))


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
    height, left, width = 18, 170, 640
    top = max([16.0] + [row.ratio() for row in rows])
    scale = (width - left - 70) / math.log2(top * 4)
    one = left + scale * 2
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="11">'
           % (width, height * len(rows) + 50),
           '<rect width="100%" height="100%" fill="white"/>',
           '<text x="8" y="16" font-size="13">Speed against QEMU (1 = as fast; longer is better)</text>',
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
        colour = {"pass": "#2a7", "FAIL": "#c43"}.get(row.verdict(goal), "#888")
        out.append('<text x="%d" y="%d" text-anchor="end">%s</text>' % (left - 6, y + 12, row.name))
        out.append('<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/>'
                   % (min(x, one), y + 2, max(1.0, abs(x - one)), height - 5, colour))
        out.append('<text x="%.1f" y="%d">%.2fx</text>' % (max(x, one) + 4, y + 12, row.ratio()))
    out.append("</svg>")
    with open(os.path.join(OUT, "report.svg"), "w", encoding="ascii", errors="replace") as file:
        file.write("\n".join(out) + "\n")


def main():
    parser = argparse.ArgumentParser(description="manyhart against QEMU")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--goal", type=int, choices=(2, 3), default=2)
    parser.add_argument("--strict", action="store_true")
    parser.add_argument("patterns", nargs="*")
    options = parser.parse_args()
    os.makedirs(OUT, exist_ok=True)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    qemu = qemu_command()
    version = subprocess.run([*qemu, "--version"], capture_output=True, text=True, check=False).stdout.split("\n")[0]
    title = "%s; %s" % (version or "no QEMU", machine())
    lines = [title, "medians of %d, in turns; ratio = QEMU's time / ours" % options.rounds, "", HEAD]
    print("\n".join(lines), flush=True)
    rows = [row for row in ROWS if not options.patterns or any(re.search(p, row.name) for p in options.patterns)]
    for row in rows:
        row.run(options.rounds, (MANYHART, qemu))
        lines.append(line_of(row, options.goal))
        print(lines[-1], flush=True)
    verdicts = [row.verdict(options.goal) for row in rows]
    native = geometric_mean([row.native() for row in rows if not row.why and row.host])
    if native:
        lines.append("geometric mean against native: %.2f times slower" % native)
        print(lines[-1])
    lines.append("%d rows: %d pass, %d fail, %d broken, %d without a goal" % (
        len(rows), verdicts.count("pass"), verdicts.count("FAIL"), verdicts.count("broken"), verdicts.count("-")))
    print(lines[-1])
    with open(os.path.join(OUT, "report.txt"), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    write_csv(rows, options.goal)
    write_svg(rows, options.goal, title)
    if "broken" in verdicts or (options.strict and "FAIL" in verdicts):
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
