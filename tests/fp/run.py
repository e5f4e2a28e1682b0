#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Floating point, bit for bit: the guest program of this folder runs every instruction of F and D in every rounding mode over
# hard and random operands, here on the emulators of --emulators and on QEMU; digests of results and flags must be equal.
# Where they differ the blocks are bisected and the first operands that differ are printed. Prints ok/FAIL/skip lines.
#
#   run.py [--random N] [--seed S] [--emulators LIST] [--jobs J] [--self-test]
#
# N is the number of random operands for each instruction, spread over its rounding modes.

import argparse
import concurrent.futures
import os
import struct
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("BUILD", os.path.join(ROOT, "build"))
GUEST = os.environ.get("GUEST", os.path.join(ROOT, "build/guest"))
MANYHART = os.environ.get("MANYHART", os.path.join(BUILD, "manyhart"))
QEMU = os.path.join(GUEST, "qemu/qemu-system-riscv64")
ELF = os.path.join(BUILD, "tests/fp/fp.elf")

# As in guest.h.
PARAMS_AT = 0x84000000
BLOCK = 512
DIGEST, LIST = 0, 1
HARD, RANDOM = 0, 1
NONE = 0xFFFFFFFF

HARD_MAX = 1 << 20  # more blocks than any kind of operands has: the guest knows where to stop
CHUNK = 1024        # random blocks of one run
LIMIT_S = 1800
FLAGS = "NX UF OF DZ NV".split()


class Failure(Exception):
    """An emulator did not do its work; the text says what it did."""


class Task:
    """A range of blocks, of one row or all; and a fault that is injected."""

    def __init__(self, space, first, count, row=NONE, fault=NONE, seed=1):
        self.space, self.first, self.count, self.row, self.fault, self.seed = space, first, count, row, fault, seed

    def part(self, first, count, row):
        return Task(self.space, first, count, row, self.fault, self.seed)

    def params(self, mode):
        return struct.pack("<QQQIIII", self.seed, self.first, self.count, mode, self.space, self.row, self.fault)


class Run:
    """What the guest printed."""

    def __init__(self, text):
        lines = [line.split() for line in text.replace("\r", "").split("\n") if line]
        self.digests = {line[2]: (int(line[1]), line[3]) for line in lines if line[0] == "D"}
        self.triples = [line[1:] for line in lines if line[0] == "L"]
        self.faults = {line[2]: (int(line[1]), line[3]) for line in lines if line[0] == "F"}


def command(emulator):
    """qemu, interp, jit, or jit+PROP=VALUE+...: properties of the accelerator, as torture has them."""
    if emulator == "qemu":
        return [QEMU, "-cpu", "rv64"]
    accel = "tcg,backend=interp" if emulator == "interp" else "tcg" + emulator[len("jit"):].replace("+", ",")
    return [MANYHART, "-cpu", "rv64", "-accel", accel]


def run(emulator, task, mode=DIGEST):
    with tempfile.NamedTemporaryFile(suffix=".params") as params:
        params.write(task.params(mode))
        params.flush()
        loader = "loader,file=%s,addr=0x%x,force-raw=on" % (params.name, PARAMS_AT)
        arguments = [*command(emulator), "-M", "virt", "-m", "128M", "-bios", "none", "-nographic", "-no-reboot",
                     "-kernel", ELF, "-device", loader]
        try:
            result = subprocess.run(arguments, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                    timeout=LIMIT_S, check=False)
        except subprocess.TimeoutExpired:
            raise Failure("%s hangs" % emulator) from None
    if result.returncode != 0 or not result.stdout.rstrip().endswith("E"):
        raise Failure("%s: status %d: %s" % (emulator, result.returncode, (result.stdout + result.stderr)[-200:]))
    return Run(result.stdout)


def flag_names(number):
    return "+".join(name for bit, name in enumerate(FLAGS) if number >> bit & 1) or "none"


def bisect(one, other, task, row):
    """The first block in which two (emulator, fault) differ on a row."""
    first, count = task.first, task.count
    while count > 1:
        half = count // 2
        if digest_of(one, task.part(first, half, row)) != digest_of(other, task.part(first, half, row)):
            count = half
        else:
            first, count = first + half, count - half
    return task.part(first, 1, row)


def with_fault(side, task):
    return Task(task.space, task.first, task.count, task.row, side[1], task.seed)


def digest_of(side, task):
    return run(side[0], with_fault(side, task)).digests


def explain(name, row, one, other, task):
    """Text about the first operands for which two sides differ on a row."""
    block = bisect(one, other, task, row)
    lists = [run(side[0], with_fault(side, block), LIST).triples for side in (one, other)]
    different = [(a, b) for a, b in zip(*lists) if a != b]
    if not different:
        return "%s differs, but not again in block %d" % (name, block.first)
    a, b = different[0]
    text = "%s on %s: " % (name, " ".join(a[:3]))
    if a[:3] != b[:3]:
        return text + "the operands themselves differ: " + " ".join(b[:3])
    sides = ["%s gives %s flags %s" % (side[0] + ("+fault" if side[1] != NONE else ""), line[3], flag_names(int(line[4])))
             for side, line in ((one, a), (other, b))]
    return text + ", ".join(sides) + " (%d of %d in %s block %d)" % (
        len(different), len(lists[0]), ("hard", "random")[task.space], block.first)


def compare(emulators, task):
    """Runs a task on all emulators; returns what differs from the last one, which is the reference."""
    runs = [run(emulator, task) for emulator in emulators]
    wrong = []
    for emulator, result in zip(emulators[:-1], runs):
        for name, (row, digest) in runs[-1].digests.items():
            if result.digests.get(name) != (row, digest):
                wrong.append((emulator, name, row))
    return wrong, len(runs[-1].digests)


def tasks(options):
    blocks = -(-options.random // BLOCK)
    yield Task(HARD, 0, HARD_MAX)
    for first in range(0, blocks, CHUNK):
        yield Task(RANDOM, first, min(CHUNK, blocks - first), seed=options.seed)


def check(options):
    """All tasks on all emulators: true if they agree."""
    emulators = [*options.emulators.split(","), "qemu"]
    good = {emulator: True for emulator in emulators}
    explained = set()
    rows = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        todo = list(tasks(options))
        for task, (wrong, rows) in zip(todo, pool.map(lambda task: compare(emulators, task), todo)):
            for emulator, name, row in wrong:
                good[emulator] = False
                if (emulator, name) not in explained and len(explained) < options.max_failures:
                    explained.add((emulator, name))
                    print("FAIL %s/%s: %s" % (emulator, name, explain(name, row, (emulator, NONE), ("qemu", NONE), task)))
                    sys.stdout.flush()
    for emulator in emulators[:-1]:
        what = "%s/%d-rows-agree-on-hard-and-%d-random-operands" % (emulator, rows, options.random)
        print("ok " + what if good[emulator] else "FAIL %s: see above" % what)
    return all(good.values())


def find_fault(emulator, fault, before, task):
    """Text about the first operands of a task that tell an injected fault from the truth, or None."""
    index, name = before.faults[fault]
    row = before.digests[name][0]
    if run(emulator, Task(task.space, task.first, task.count, row, index, task.seed)).digests[name] == before.digests[name]:
        return None
    return explain(name, row, (emulator, NONE), (emulator, index), task)


def self_test(options):
    """Every fault of ops.def is found among the hard operands, and again among random ones, and named by its operands."""
    emulator = options.emulators.split(",")[0]
    good = True
    for task in tasks(options):
        before = run(emulator, task)
        for fault, (_, name) in before.faults.items():
            text = find_fault(emulator, fault, before, task)
            found = text and text.startswith(name + " on 0x") and "%s+fault gives" % emulator in text
            print("%s fault-%s-is-found-by-%s-operands: %s" % ("ok" if found else "FAIL", fault, ("hard", "random")[task.space],
                                                              text or "%s has the same results with it" % name))
            good = good and bool(found)
    return good


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--random", type=int, default=100000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--emulators", default="jit,jit+fpu=helper,jit+host=-avx:-fma:-sse4_1")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--max-failures", type=int, default=20)
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()

    if subprocess.run(["make", "--no-print-directory", "-s", "BUILD=" + BUILD, "fp-bins"], cwd=ROOT, check=False).returncode:
        print("FAIL fp: the guest program does not build")
        return 1
    if not options.self_test and not os.access(QEMU, os.X_OK):
        print("skip fp: no QEMU at %s" % QEMU)
        return 0
    try:
        return 0 if (self_test if options.self_test else check)(options) else 1
    except Failure as why:
        print("FAIL fp: %s" % " ".join(str(why).split("\n")))
        return 1


if __name__ == "__main__":
    sys.exit(main())
