# Measuring against QEMU: report in $(BUILD)/bench/. ROWS="pattern..." picks rows, ROUNDS the number of turns,
# GOAL=2 the goals of the issue before.

ROUNDS ?= 5
GOAL   ?= 3

bench:
	@tests/guest/install-deps.sh bench
	@+$(MAKE) --no-print-directory -s all
	@tests/guest/fetch.sh kernel opensbi initramfs qemu
	@BUILD=$(abspath $(BUILD)) tests/bench/bench.py --rounds $(ROUNDS) --goal $(GOAL) $(ROWS)

.PHONY: bench
