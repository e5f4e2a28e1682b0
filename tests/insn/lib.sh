# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# What the runners of guest programs share (tests/insn/run.sh, tests/smp/run.sh). They run from the root of the tree.
#
#   MANYHART   the emulator (default: $BUILD/manyhart)
#   QEMU       run on this QEMU instead, in its one configuration: a check of the tests themselves. What QEMU is known to do
#              otherwise than the specification (qemu-deviations.txt) is skipped.
#   BUILD      where the programs are built (default: build)
#   CONFIGURATIONS  rows of tests/matrix.txt (or default) to run instead of all that is usual

BUILD=${BUILD:-build}
MANYHART=${MANYHART:-$BUILD/manyhart}
status=0
output=$(mktemp -d)
trap 'rm -rf "$output"' EXIT

# The machine that the tests want: all modes of satp; of QEMU's machine only what ours has.
CPU=rv64,sv57=on
QEMU_CPU=rv64,h=off,zfa=off,zawrs=off,pmu-mask=0xfffffff8

# build TARGET: quietly, unless it fails.
build()
{
    if ! make --no-print-directory -s BUILD="$BUILD" "$1" >"$output/make" 2>&1; then
        sed 's/^/# /' "$output/make"
        echo "FAIL $1: the guest programs do not build"
        exit 1
    fi
}

# emulate SECONDS ELF OPTION...: with the programs' output on stdout. Any status but 0 and 1 is not the program's own.
emulate()
{
    local limit=$1 elf=$2
    shift 2

    if [ -n "${QEMU:-}" ]; then
        timeout -k 5 "$limit" "$QEMU" -M virt -cpu "$QEMU_CPU" -bios none -nographic -no-reboot -kernel "$elf" "$@" </dev/null
    else
        timeout -k 5 "$limit" "$MANYHART" -M virt -cpu "$CPU" -bios none -nographic -no-reboot -kernel "$elf" "$@" </dev/null
    fi
}

# Turns what QEMU is known to fail into skipped cases.
excuse()
{
    if [ -z "${QEMU:-}" ]; then
        cat
        return
    fi
    awk -v program="$1" '
        NR == FNR { if ($0 !~ /^#/ && $1 == program) { pattern[++n] = $2; $1 = $2 = ""; why[n] = $0 }; next }
        /^FAIL / {
            name = $2; sub(/:$/, "", name)
            for (i = 1; i <= n; i++) {
                if (name ~ "^" pattern[i] "$") { sub(/^ +/, "", why[i]); print "skip " name ": QEMU " why[i]; next }
            }
        }
        { print }' tests/insn/qemu-deviations.txt -
}

# run_program LABEL ELF SECONDS OPTION...: a line for each case, as LABEL/PROGRAM/CASE; with brief=1 only what fails, and one
# line for the program.
run_program()
{
    local label=$1 elf=$2 limit=$3 code lines name
    shift 3

    name=$(basename "$elf" .elf)
    emulate "$limit" "$elf" "$@" >"$output/raw" 2>"$output/err"
    code=$?
    tr -d '\r' <"$output/raw" | excuse "$name" >"$output/out"
    lines=$(grep -cE '^(ok|skip) ' "$output/out")
    if [ "$code" != 0 ] && [ "$code" != 1 ]; then
        echo "FAIL $label/$name: ended with status $code after $lines cases: $(tail -n1 "$output/err")" | tee -a "$output/failed"
    elif [ "$code" = 1 ] && ! grep -qE '^(FAIL|skip) ' "$output/out"; then
        echo "FAIL $label/$name: failed without saying why: $(tail -n1 "$output/err")" | tee -a "$output/failed"
    elif [ "$lines" = 0 ] && ! grep -q '^FAIL ' "$output/out"; then
        echo "FAIL $label/$name: ran no case" | tee -a "$output/failed"
    fi
    if [ "${brief:-0}" = 1 ] && [ "$code" = 0 ]; then
        echo "ok $label/$name"
        return
    fi
    sed -nE "s,^(ok|FAIL|skip) (.*),\\1 $label/$name/\\2,p; s,^# ,# $label/$name: ,p" "$output/out"
    grep -E '^FAIL ' "$output/out" >>"$output/failed"
}

# run_configurations SUITE: run_all, briefly, in each row of the matrix for SUITE, or in CONFIGURATIONS.
run_configurations()
{
    local row
    local -a accel

    brief=1
    for row in ${CONFIGURATIONS:-$(matrix_rows "$1")}; do
        accel=(-accel "tcg,$row")
        [ "$row" = default ] && accel=()
        run_all "$row" "${accel[@]}"
    done
}

# The status of the whole run.
finish()
{
    [ -s "$output/failed" ] && exit 1
    exit "$status"
}
