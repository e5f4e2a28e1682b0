# Booting a guest and installing what that needs. Fetched things stay in build/guest, whatever BUILD is.

GUEST ?= build/guest
export GUEST := $(abspath $(GUEST))
RUN_SMP ?= 4
RUN_MEM ?= 1G

# Programs of suites that `make check` builds besides the unit tests; suites add theirs.
CHECK_BINS += insn-bins smp-bins

# Builds what is missing, fetches a guest, and boots it to a shell on this terminal.
run:
	@tests/guest/install-deps.sh run
	@+$(MAKE) --no-print-directory -s all
	@tests/guest/fetch.sh kernel opensbi initramfs
	@echo "Booting Linux on $(RUN_SMP) harts. Ctrl-A X leaves, Ctrl-A H helps; poweroff in the guest ends it."
	@exec $(BIN) -M virt -smp $(RUN_SMP) -m $(RUN_MEM) -nographic -bios $(GUEST)/opensbi/fw_dynamic.bin \
		-kernel $(GUEST)/kernel/Image -initrd $(GUEST)/initramfs.cpio.gz -append "console=ttyS0 quiet" $(ARGS)

# Everything that is tested; closes with "N passed, N failed, N skipped".
check:
	@tests/guest/install-deps.sh check
	$(if $(filter lint,$(SUITES) $(ALSO)),@tests/guest/install-deps.sh lint)
	@+$(MAKE) --no-print-directory -s all unit-bins $(CHECK_BINS) $(TORTURE)
	@tests/guest/fetch.sh kernel opensbi uboot initramfs qemu rootfs
	@BUILD=$(abspath $(BUILD)) ALSO="$(ALSO)" tests/run-suites.sh $(SUITES)

# The same, but only suites that boot guests.
check-system:
	@$(MAKE) --no-print-directory check SUITES="system bad-input dumpdtb"

.PHONY: run check check-system
