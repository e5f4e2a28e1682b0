# Measuring against QEMU: report in $(BUILD)/bench/. ROWS="pattern..." picks rows, ROUNDS the number of turns.

ROUNDS ?= 5

bench:
	@tests/guest/install-deps.sh bench
	@+$(MAKE) --no-print-directory -s all
	@tests/guest/fetch.sh kernel opensbi initramfs qemu
	@BUILD=$(abspath $(BUILD)) tests/bench/bench.py --rounds $(ROUNDS) $(ROWS)

.PHONY: bench
